"""Decisions: the latest on each message to each person, with reasons in short, found by what is asked of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.queries import CursorMismatch, Scope
from domain.audience.addressee_events import Because, MessageDispatched, PermissionDecided
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from domain.law.facts import Message, Purpose
from projections.operational.decisions.handler import DECISIONS
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.projecting import World, fresh

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE, THERE = WorkspaceId(UUID(int=7)), WorkspaceId(UUID(int=8))
ALLOWED = Because("allow", "de", "de.consent", entries=(2,), until=AT + timedelta(days=900))
DENIED = Because("deny", "de", "otherwise", note="Quetzalcoatl")
UNKNOWN = Because("hold", None, "no-country", missing=("country",))


def decided(
    person: UUID, message_id: UUID, *reasons: Because, workspace: WorkspaceId = HERE, **fields: Any
) -> tuple[str, Event]:
    verdict = reasons[0].verdict if reasons else "hold"
    told: dict[str, Any] = {
        "message": Message(workspace=str(workspace)),
        "sender_country": "DE",
        "decided_at": AT,
        "expires_at": AT + timedelta(minutes=10) if verdict == "allow" else None,
    }
    event = PermissionDecided(
        addressee_id=AddresseeId(person),
        message_id=MessageId(message_id),
        workspace_id=workspace,
        verdict=verdict,
        reasons=reasons,
        packs={"de": "1"},
        **(told | fields),
    )
    return f"addressee:{person}", event


def dispatched(person: UUID, message: UUID, allowed_by: int) -> tuple[str, Event]:
    event = MessageDispatched(
        addressee_id=AddresseeId(person),
        message_id=MessageId(message),
        workspace_id=HERE,
        allowed_by=allowed_by,
        occurred_at=AT + timedelta(minutes=1),
    )
    return f"addressee:{person}", event


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [DECISIONS])


async def test_a_decision_shows_with_its_reasons_in_short(world: World) -> None:
    tenant, person, message = fresh(), fresh(), fresh()
    offers = Message(purpose=Purpose.TRANSACTIONAL, campaign_type="offers")
    world.append(tenant, decided(person, message, UNKNOWN, ALLOWED, message=offers))
    world.project()
    (row,) = (await world.ask("audience.decisions", Scope(tenant))).rows
    assert row.model_dump(exclude={"created_position", "updated_position"}) == {
        "addressee_id": person,
        "message_id": message,
        "workspace_id": HERE,
        "entry": 1,
        "purpose": "transactional",
        "campaign_type": "offers",
        "sender_country": "DE",
        "verdict": "hold",
        "law": None,
        "rule": "no-country",
        "reasons": (
            {"verdict": "hold", "law": None, "rule": "no-country", "missing": ("country",)},
            {"verdict": "allow", "law": "de", "rule": "de.consent", "missing": ()},
        ),
        "decided_at": AT,
        "expires_at": None,
        "dispatched_at": None,
        "superseded": False,
    }


async def test_the_latest_on_each_message_shows_and_the_earlier_ones_where_asked_for(world: World) -> None:
    tenant, person, other, message, second = (fresh() for _ in range(5))
    world.append(
        tenant,
        decided(person, message, UNKNOWN),
        decided(other, message, DENIED),
        decided(person, second, DENIED),
        decided(person, message, ALLOWED),
    )
    world.project()

    async def found(**filters: Any) -> list[tuple[int, str, bool]]:
        rows = (await world.ask("audience.decisions", Scope(tenant), **filters)).rows
        return [(row.created_position, row.verdict, row.superseded) for row in rows]

    assert await found() == [(4, "allow", False), (3, "deny", False), (2, "deny", False)]
    everything = [(4, "allow", False), (3, "deny", False), (2, "deny", False), (1, "hold", True)]
    assert await found(superseded=True) == everything
    assert await found(verdict="hold") == [], "it was decided again"


@pytest.mark.parametrize("together", [True, False])
async def test_a_hand_over_shows_with_its_allow(world: World, *, together: bool) -> None:
    """In one batch with the decision, or in a later one; and where it was decided again just before."""
    tenant, person, message = fresh(), fresh(), fresh()
    world.append(tenant, decided(person, message, ALLOWED), decided(person, message, ALLOWED))
    if not together:
        world.project()
    world.append(tenant, dispatched(person, message, 2))
    world.project()
    rows = (await world.ask("audience.decisions", Scope(tenant), superseded=True)).rows
    later = AT + timedelta(minutes=1)
    assert [(row.entry, row.dispatched_at, row.updated_position) for row in rows] == [
        (2, later, 3),
        (1, None, 1),
    ]
    assert [
        row.entry for row in (await world.ask("audience.decisions", Scope(tenant), dispatched=True)).rows
    ] == [2]
    assert (await world.ask("audience.decisions", Scope(tenant), dispatched=False)).rows == []


async def test_filters_narrow(world: World) -> None:
    tenant, person = fresh(), fresh()
    messages = [fresh() for _ in range(4)]
    offers = Message(campaign_type="offers")
    late = AT + timedelta(hours=1)
    world.append(
        tenant,
        decided(person, messages[0], ALLOWED),
        decided(person, messages[1], DENIED, workspace=THERE),
        decided(fresh(), messages[2], UNKNOWN, message=offers),
        decided(fresh(), messages[3], decided_at=late),
    )
    world.project()

    async def found(**filters: Any) -> list[int]:
        return [
            row.created_position
            for row in (await world.ask("audience.decisions", Scope(tenant), **filters)).rows
        ]

    assert await found(addressee_id=person) == [2, 1]
    assert await found(message_id=messages[2]) == [3]
    assert await found(workspace_id=THERE) == [2]
    assert await found(verdict="hold") == [4, 3]
    assert await found(law="de") == [2, 1]
    assert await found(rule="no-country") == [3]
    assert await found(campaign_type="offers") == [3]
    assert await found(decided_from=late) == [4]
    assert await found(decided_from=AT, decided_to=late) == [3, 2, 1]
    assert await found(decided_to=AT) == []


async def test_a_workspace_sees_its_own_alone(world: World) -> None:
    tenant, person = fresh(), fresh()
    world.append(
        tenant,
        decided(person, fresh(), ALLOWED),
        decided(person, fresh(), DENIED, workspace=THERE),
        decided(fresh(), fresh(), DENIED, workspace=THERE),
    )
    world.project()
    confined = Scope(tenant, workspaces=frozenset({HERE}))
    for filters in ({}, {"superseded": True}, {"addressee_id": person}):
        assert [
            row.workspace_id for row in (await world.ask("audience.decisions", confined, **filters)).rows
        ] == [HERE]
    assert (await world.ask("audience.decisions", confined, workspace_id=THERE)).rows == []


async def test_pages_hold_while_it_is_decided_on(world: World) -> None:
    tenant, person = fresh(), fresh()
    messages = [fresh() for _ in range(5)]
    world.append(tenant, *(decided(person, one, ALLOWED) for one in messages))
    world.project()
    first = await world.ask("audience.decisions", Scope(tenant), None, 2)
    world.append(
        tenant,
        decided(person, messages[0], DENIED),
        dispatched(person, messages[1], 2),
        decided(person, fresh()),
    )
    world.project()
    second = await world.ask("audience.decisions", Scope(tenant), first.cursor, 2)
    shown = [row.message_id for page in (first, second) for row in page.rows]
    assert shown == [messages[n] for n in (4, 3, 2, 1)], (
        "and the first was decided again: it is the newest now"
    )
    with pytest.raises(CursorMismatch):
        await world.ask("audience.decisions", Scope(tenant), first.cursor, 2, superseded=True)


async def test_a_tenant_sees_nothing_of_another_and_a_rebuild_changes_nothing(world: World) -> None:
    mine, other, person, message = fresh(), fresh(), fresh(), fresh()
    world.append(other, decided(person, message, ALLOWED))
    world.project()
    world.append(other, dispatched(person, message, 1), decided(person, fresh(), DENIED))
    world.append(mine, decided(person, message, UNKNOWN))
    world.project()
    assert [
        row.verdict for row in (await world.ask("audience.decisions", Scope(mine), addressee_id=person)).rows
    ] == ["hold"]
    with psycopg.connect(world.database.request) as connection:
        assert connection.execute("SELECT * FROM views_decisions_v1_1.decisions").fetchall() == []
    with world.projector.connect() as connection:
        found = compare(world.settings(), connection, "decisions")
    assert (found.differences, found.skipped, found.rows) == ([], 0, 3)
