"""The register says what the domain says: of every person, of each workspace's people, and of nobody else's."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.queries import CursorMismatch, Scope
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeRegistered,
    AddresseeSuppressed,
    EntryRetracted,
    RelationEnded,
    RelationRecorded,
    SuppressionLifted,
)
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import (
    ConfirmationRequested,
    ConsentConfirmed,
    ConsentRecorded,
    ConsentWithdrawn,
    OptedOut,
    OptOutLifted,
    OptOutNarrowed,
)
from domain.audience.contact import ContactCreated, Segment
from domain.audience.erasure_events import AddresseeErased
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from projections.operational.consents.handler import CONSENTS
from projections.operational.contacts.handler import CONTACTS
from tests.support.database import Database
from tests.support.projecting import World, fresh

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = AT.date()
MARK = "Quetzalcoatl"


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [CONSENTS, CONTACTS])


def stream(person: UUID, *events: Event) -> list[tuple[str, Event]]:
    return [(f"addressee:{person}", event) for event in events]


def of_everything(person: AddresseeId) -> list[Event]:
    """One of each, numbered from 1 on."""
    who: dict[str, Any] = {"addressee_id": person}
    single = ConsentRecorded(
        **who,
        occurred_on=DAY,
        source="website_form",
        recorded_by="api",
        wording=MARK,
        ip=MARK,
        documented=True,
    )
    request = ConfirmationRequested(**who, occurred_at=AT, source="event", documented=True, wording=MARK)
    return [
        AddresseeRegistered(**who, email=f"{MARK}@example.org"),
        single,
        request,
        ConsentConfirmed(**who, request=3, occurred_at=AT, ip=MARK, user_agent=MARK),
        ConsentWithdrawn(**who, entry=2, occurred_at=AT, channel="page"),
        ConfirmationRequested(**who, occurred_at=AT, source="website_form", documented=False),
        RelationRecorded(**who, kind="contract", occurred_on=DAY, in_writing=True, note=MARK),
        RelationEnded(**who, entry=7, ended_on=DAY + timedelta(days=9)),
        RelationRecorded(**who, kind="purchase", occurred_on=DAY, refused=None),
        EntryRetracted(**who, entry=9, reason=MARK),
        OptedOut(**who, occurred_at=AT, channel="one_click", reason=MARK),
        OptOutLifted(**who, consented_on=DAY + timedelta(days=2)),
        AddresseeSuppressed(**who, kind="hard_bounce", scope="tenant", occurred_at=AT, reason=MARK),
        SuppressionLifted(**who, entry=13, occurred_at=AT, reason=MARK),
        AddresseeSuppressed(**who, kind="manual", scope="campaign_type", within="offers", occurred_at=AT),
        ConfirmationRequested(**who, occurred_at=AT, source="event", documented=False),
        EntryRetracted(**who, entry=16, reason=MARK),
    ]


async def test_every_entry_shows_with_what_became_of_it(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    world.append(tenant, *stream(person, *of_everything(person)))
    world.project()
    rows = (await world.ask("audience.consents", Scope(tenant), addressee_id=person)).rows
    assert [(row.entry, row.what, row.kind, row.state) for row in rows] == [
        (16, "confirmation_request", "double", "retracted"),
        (15, "suppression", "manual", "standing"),
        (13, "suppression", "hard_bounce", "lifted"),
        (11, "opt_out", "unsubscribe", "lifted"),
        (9, "relation", "purchase", "retracted"),
        (7, "relation", "contract", "ended"),
        (6, "confirmation_request", "double", "pending"),
        (4, "consent", "double", "standing"),
        (3, "confirmation_request", "double", "confirmed"),
        (2, "consent", "single", "withdrawn"),
    ]
    shown = {row.entry: row for row in rows}
    assert (shown[2].occurred_on, shown[2].ended_at, shown[2].documented) == (DAY, AT, True)
    assert (shown[4].about, shown[4].source, shown[4].documented) == (3, "event", True)
    assert (shown[7].occurred_on, shown[7].ended_on) == (DAY, DAY + timedelta(days=9))
    assert (shown[7].in_writing, shown[9].in_writing) == (True, None)
    lifted = datetime(2026, 3, 3, tzinfo=timezone(timedelta(hours=14)))
    assert (shown[11].channel, shown[11].ended_at) == ("one_click", lifted)
    assert (shown[15].scope, shown[15].within) == ("campaign_type", "offers")
    timeline = (await world.ask("audience.consent_timeline", Scope(tenant), addressee_id=person)).rows
    assert [row.entry for row in timeline] == list(range(17, 1, -1))
    changes = [(row.entry, row.what, row.about, row.state) for row in timeline if row.state is None]
    assert changes == [
        (17, "retraction", 16, None),
        (14, "suppression_lifted", 13, None),
        (12, "opt_out_lifted", None, None),
        (10, "retraction", 9, None),
        (8, "relation_ended", 7, None),
        (5, "withdrawal", 2, None),
    ]


async def test_a_consent_shows_its_moment_where_that_is_known(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    consent = ConsentRecorded(
        addressee_id=person, occurred_on=DAY, occurred_at=AT, source="event", recorded_by="api"
    )
    world.append(tenant, *stream(person, consent))
    world.project()
    (row,) = (await world.ask("audience.consents", Scope(tenant), addressee_id=person)).rows
    assert (row.occurred_on, row.occurred_at, row.state) == (None, AT, "standing")


async def test_proof_is_not_in_the_view(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    world.append(tenant, *stream(person, *of_everything(person)))
    world.project()
    rows = world.rows("consents", "entries")
    assert len(rows) == 16
    assert MARK not in repr(rows)


async def test_filters_narrow(world: World) -> None:
    tenant, person, other = fresh(), AddresseeId(fresh()), AddresseeId(fresh())
    world.append(tenant, *stream(person, *of_everything(person)))
    world.append(tenant, *stream(other, *of_everything(other)[:3]))
    world.project()

    async def found(**filters: Any) -> list[int]:
        return [row.entry for row in (await world.ask("audience.consents", Scope(tenant), **filters)).rows]

    assert await found(addressee_id=other) == [3, 2]
    by_state = {
        "standing": [2, 15, 4],
        "pending": [3, 6],
        "confirmed": [3],
        "withdrawn": [2],
        "lifted": [13, 11],
        "ended": [7],
        "retracted": [16, 9],
    }
    assert {state: await found(state=state) for state in by_state} == by_state
    assert await found(what="consent", state="withdrawn") == [2]
    assert await found(kind="double", state="standing") == [4]
    assert await found(scope="campaign_type") == [15]
    assert await found(what="withdrawal") == [], "it is no entry of the register"


async def test_a_consent_lifts_what_was_said_before_it_and_nothing_later(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    who: dict[str, Any] = {"addressee_id": person}
    events: list[Any] = [
        OptedOut(**who, occurred_at=AT, channel="page"),
        OptedOut(
            **who, occurred_at=AT + timedelta(days=5), channel="page", scope="campaign_type", within="offers"
        ),
        OptOutLifted(**who, consented_on=DAY + timedelta(days=2), consented_at=AT + timedelta(days=2)),
    ]
    world.append(tenant, *stream(person, *events))
    world.project()
    rows = (await world.ask("audience.consents", Scope(tenant))).rows
    ends = {row.entry: row.ended_at for row in rows}
    assert ends == {1: AT + timedelta(days=2), 2: None}
    state = ADDRESSEE.fold(events)
    assert isinstance(state, Addressee)
    assert ends == {one.position: one.ended_at for one in state.suppressions}


async def test_what_was_said_of_all_mail_ends_where_the_person_wants_less_stopped(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    who: dict[str, Any] = {"addressee_id": person}
    less: dict[str, Any] = {**who, "scope": "campaign_type", "within": "offers"}
    at = AT + timedelta(days=3)
    events: list[Any] = [
        OptedOut(**who, occurred_at=AT, channel="page"),
        OptedOut(**who, occurred_at=AT + timedelta(days=2), channel="one_click"),
        OptedOut(**less, occurred_at=at, channel="narrowed"),
        OptOutNarrowed(**less, entry=2, occurred_at=at, ip=MARK, user_agent=MARK),
    ]
    world.append(tenant, *stream(person, *events))
    world.project()
    rows = (await world.ask("audience.consents", Scope(tenant))).rows
    told = {row.entry: (row.state, row.ended_at) for row in rows}
    assert told == {1: ("lifted", at), 2: ("lifted", at), 3: ("standing", None)}
    found = await world.ask("audience.consents", Scope(tenant), state="lifted")
    assert [row.entry for row in found.rows] == [2, 1]
    (changed, *_) = (await world.ask("audience.consent_timeline", Scope(tenant))).rows
    assert (changed.what, changed.about, changed.state) == ("opt_out_narrowed", 2, None)
    assert (changed.scope, changed.within, changed.occurred_at) == ("campaign_type", "offers", at)
    assert MARK not in repr(world.rows("consents", "entries"))


async def test_an_erased_persons_entries_stay_and_end_in_the_erasure(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    world.append(tenant, *stream(person, *of_everything(person)[:2], AddresseeErased(addressee_id=person)))
    world.project()
    rows = (await world.ask("audience.consents", Scope(tenant), addressee_id=person)).rows
    assert [(row.entry, row.what, row.kind, row.state) for row in rows] == [
        (3, "suppression", "erasure", "standing"),
        (2, "consent", "single", "standing"),
    ]


async def test_pages_hold_while_entries_come(world: World) -> None:
    tenant, person = fresh(), AddresseeId(fresh())
    world.append(tenant, *stream(person, *of_everything(person)[:11]))
    world.project()
    first = await world.ask("audience.consents", Scope(tenant), None, 3)
    world.append(tenant, *stream(person, *of_everything(person)[11:]))
    world.project()
    second = await world.ask("audience.consents", Scope(tenant), first.cursor, 3)
    third = await world.ask("audience.consents", Scope(tenant), second.cursor, 3)
    assert [row.entry for page in (first, second, third) for row in page.rows] == [11, 9, 7, 6, 4, 3, 2]
    assert third.cursor is None
    for name, filters in (("consents", {"state": "pending"}), ("consent_timeline", {})):
        with pytest.raises(CursorMismatch):
            await world.ask(f"audience.{name}", Scope(tenant), first.cursor, 3, **filters)


async def test_a_workspace_sees_the_people_of_its_contacts_alone(world: World) -> None:
    tenant, here, there = fresh(), fresh(), fresh()
    shared, foreign = AddresseeId(fresh()), AddresseeId(fresh())
    contacts: list[tuple[str, Event]] = []
    ids: dict[tuple[UUID, UUID], UUID] = {}
    for workspace, person in ((here, shared), (there, shared), (there, foreign)):
        ids[workspace, person] = fresh()
        made = {"contact_id": ids[workspace, person], "workspace_id": workspace, "addressee_id": person}
        contact = ContactCreated.model_validate({**made, "email": "a@example.org", "segment": Segment()})
        contacts.append((f"contact:{contact.contact_id}", contact))
    who: dict[str, Any] = {"addressee_id": shared}
    suppressed: dict[str, Any] = {**who, "kind": "manual", "scope": "workspace", "occurred_at": AT}
    world.append(
        tenant,
        *contacts,
        *stream(
            shared,
            ConsentRecorded(**who, occurred_on=DAY, source="website_form", recorded_by="api"),
            AddresseeSuppressed(**suppressed, within=str(here)),
            AddresseeSuppressed(**suppressed, within=str(there)),
            SuppressionLifted(**who, entry=3, occurred_at=AT, reason="x"),
        ),
        *stream(foreign, *of_everything(foreign)),
    )
    world.project()
    confined = Scope(tenant, workspaces=frozenset({here}))
    for name, expected in (("consents", [2, 1]), ("consent_timeline", [2, 1])):
        page = await world.ask(f"audience.{name}", confined)
        assert [(row.addressee_id, row.entry) for row in page.rows] == [(shared, n) for n in expected]
    assert (await world.ask("audience.consents", confined, addressee_id=foreign)).rows == []
    assert [
        row.entry
        for row in (await world.ask("audience.consents", confined, contact_id=ids[here, shared])).rows
    ] == [2, 1]
    assert (await world.ask("audience.consents", confined, contact_id=ids[there, shared])).rows == []
    everything = await world.ask("audience.consent_timeline", Scope(tenant), contact_id=ids[there, shared])
    assert [row.entry for row in everything.rows] == [4, 3, 2, 1]
    assert (await world.ask("audience.consents", Scope(tenant, workspaces=frozenset({fresh()})))).rows == []


async def test_what_was_given_to_one_client_names_it_and_is_shown_to_no_other(world: World) -> None:
    tenant, here, there, person = fresh(), WorkspaceId(fresh()), WorkspaceId(fresh()), AddresseeId(fresh())
    contacts: list[tuple[str, Event]] = []
    for workspace in (here, there):
        made = {"contact_id": fresh(), "workspace_id": workspace, "addressee_id": person}
        contact = ContactCreated.model_validate({**made, "email": "a@example.org", "segment": Segment()})
        contacts.append((f"contact:{contact.contact_id}", contact))
    who: dict[str, Any] = {"addressee_id": person}
    left: dict[str, Any] = {**who, "occurred_at": AT, "source": "event", "documented": True}
    single: dict[str, Any] = {**who, "occurred_on": DAY, "source": "event", "recorded_by": "api"}
    contract: dict[str, Any] = {**who, "kind": "contract", "occurred_on": DAY}
    events: list[Event] = [
        ConsentRecorded(**single, workspace_id=here),
        ConsentRecorded(**single, workspace_id=there),
        ConfirmationRequested(**left, workspace_id=there),
        ConsentConfirmed(**who, request=3, occurred_at=AT, workspace_id=there),
        RelationRecorded(**contract, workspace_id=there),
        RelationEnded(**who, entry=5, ended_on=DAY),
        RelationRecorded(**contract, workspace_id=here),
        EntryRetracted(**who, entry=2, reason="x"),
        ConsentWithdrawn(**who, entry=4, occurred_at=AT, channel="page"),
        ConsentRecorded(**single),
        OptedOut(**who, occurred_at=AT, channel="page"),
    ]
    world.append(tenant, *contacts, *stream(person, *events))
    world.project()

    async def found(name: str, *workspaces: UUID, **filters: Any) -> dict[int, UUID | None]:
        within = frozenset(workspaces) if workspaces else None
        rows = (await world.ask(f"audience.{name}", Scope(tenant, workspaces=within), **filters)).rows
        return {row.entry: row.workspace_id for row in rows}

    given = {1: here, 2: there, 3: there, 4: there, 5: there, 7: here, 10: None, 11: None}
    of_all = await found("consents")
    assert of_all == given
    assert (await found("consent_timeline")).keys() == {*range(1, 12)}
    assert await found("consents", workspace_id=there) == {n: who for n, who in given.items() if who == there}
    assert await found("consents", here) == {1: here, 7: here, 10: None, 11: None}
    assert await found("consent_timeline", here) == {1: here, 7: here, 10: None, 11: None}
    assert await found("consent_timeline", there) == {
        n: given.get(n) for n in range(1, 12) if given.get(n) != here
    }
    assert await found("consents", here, workspace_id=there) == {}
    assert await found("consents", here, there) == given


async def test_a_tenant_sees_nothing_of_another(world: World) -> None:
    mine, other, person = fresh(), fresh(), AddresseeId(fresh())
    world.append(other, *stream(person, *of_everything(person)))
    world.append(mine, *stream(AddresseeId(fresh()), *of_everything(person)[:1]))
    world.project()
    for name in ("consents", "consent_timeline"):
        assert (await world.ask(f"audience.{name}", Scope(mine), addressee_id=person)).rows == []
        assert (await world.ask(f"audience.{name}", Scope(other), addressee_id=person)).rows
    with psycopg.connect(world.database.request) as connection:
        assert connection.execute("SELECT * FROM views_consents_v3_1.entries").fetchall() == []
