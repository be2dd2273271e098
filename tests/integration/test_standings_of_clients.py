"""Towards each client of a tenant that has something of them, a person stands apart; and each client sees its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from application.queries import Scope
from domain.audience.addressee_events import AddresseeDescribed, EntryRetracted
from domain.audience.consent_events import OptedOut
from domain.audience.erasure_events import AddresseeErased
from domain.audience.lapse import announced
from domain.audience.standing import standing_of
from domain.kernel.ids import AddresseeId, WorkspaceId
from projections.operational.contacts.handler import CONTACTS
from projections.operational.standings.handler import STANDINGS
from projections.runtime.compare import compare
from tests.support.projecting import World, fresh
from tests.support.standing_people import consented, contact, opened, registered, state_of, stream

if TYPE_CHECKING:
    from uuid import UUID

    from domain.audience.consent_events import ConsentRecorded
    from tests.support.database import Database

TODAY = datetime.now(UTC).date()


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [STANDINGS, CONTACTS])


def until(days: int) -> date:
    """The day of a French consent that ends in so many days."""
    ends = TODAY + timedelta(days=days)
    return ends.replace(year=ends.year - 3, day=min(ends.day, 28))


class Agency:
    """A tenant with two clients, and Ann, who is a contact of both and gave each a consent that ends."""

    def __init__(self, world: World) -> None:
        self.world, self.tenant = world, opened(world)
        self.north, self.south = WorkspaceId(fresh()), WorkspaceId(fresh())
        self.ann = AddresseeId(fresh())
        self.told: list[Any] = [registered(self.ann, "FR")]
        world.append(
            self.tenant,
            contact(self.ann, self.north)[1],
            contact(self.ann, self.south)[1],
            *stream(self.ann, *self.told),
        )

    def given(self, client: WorkspaceId | None, on: date) -> ConsentRecorded:
        return consented(self.ann, on, workspace_id=client)

    def tell(self, *events: Any) -> None:
        self.told += events
        self.world.append(self.tenant, *stream(self.ann, *events))
        self.world.project()

    async def rows(self, *within: UUID, **filters: Any) -> list[Any]:
        scope = Scope(self.tenant, workspaces=frozenset(within) if within else None)
        found: list[Any] = (await self.world.ask("audience.standings", scope, **filters)).rows
        return found

    async def verdicts(self, *within: UUID, **filters: Any) -> dict[UUID | None, str]:
        return {row.workspace_id: row.verdict for row in await self.rows(*within, **filters)}

    async def counted(self, *within: UUID, **filters: Any) -> dict[tuple[str, str | None], int]:
        scope = Scope(self.tenant, workspaces=frozenset(within) if within else None)
        rows = (await self.world.ask("audience.standing_coverage", scope, **filters)).rows
        return {(row.verdict, row.basis): row.people for row in rows}

    def due(self) -> dict[UUID, datetime | None]:
        return {row["sender_id"]: row["due_at"] for row in self.world.rows("standings", "standings")}


@pytest.fixture
def agency(world: World) -> Agency:
    return Agency(world)


async def test_two_clients_have_two_rows_with_two_ends(agency: Agency) -> None:
    agency.tell(agency.given(agency.north, until(12)), agency.given(agency.south, until(200)))
    south, north = await agency.rows()
    assert (north.workspace_id, south.workspace_id) == (agency.north, agency.south)
    assert (north.verdict, south.verdict) == ("allow", "allow")
    assert (north.entries, south.entries) == ([2], [3])
    state = state_of(agency.told)
    for row in (north, south):
        ends = standing_of(state.person, "US", datetime.now(UTC), str(row.workspace_id)).lapses_at
        assert row.until == ends
    assert north.until < south.until
    assert await agency.verdicts(expiring_within_days=20) == {agency.north: "allow"}
    assert north.created_position < south.created_position
    assert len(north.contact_ids) == 2


async def test_a_client_sees_its_own_rows_and_the_tenants_and_nobody_elses(agency: Agency) -> None:
    agency.tell(agency.given(agency.north, TODAY), agency.given(agency.south, date(2019, 5, 2)))
    both: dict[UUID | None, str] = {agency.north: "allow", agency.south: "deny"}
    assert await agency.verdicts() == await agency.verdicts(agency.north, agency.south) == both
    for client in (agency.north, agency.south):
        assert await agency.verdicts(client) == {client: both[client]}
        assert await agency.verdicts(workspace_id=client) == {client: both[client]}
        (row,) = await agency.rows(client)
        assert len(row.contact_ids) == 1
        assert list(await agency.counted(client)) == [
            (both[client], "consent" if client == agency.north else None)
        ]
    assert await agency.verdicts(agency.north, workspace_id=agency.south) == {}
    agency.tell(AddresseeDescribed(addressee_id=agency.ann, told=True))
    assert await agency.verdicts(agency.north) == {agency.north: "allow"}, (
        "which counts what the tenant knows, too"
    )
    assert await agency.verdicts() == {None: "deny", **both}
    assert await agency.verdicts(fresh()) == {}


async def test_who_was_given_nothing_sees_how_people_stand_towards_the_rest(agency: Agency) -> None:
    """In the United States they may write: no opt-out holds, whatever another client was given."""
    agency.tell(AddresseeDescribed(addressee_id=agency.ann, country="US"), agency.given(agency.north, TODAY))
    assert await agency.verdicts() == {agency.north: "allow"}, "the whole tenant counts nobody twice"
    assert await agency.verdicts(agency.south) == {None: "allow"}
    assert await agency.verdicts(workspace_id=agency.south) == {None: "allow"}
    assert sum((await agency.counted(agency.south)).values()) == 1
    assert sum((await agency.counted()).values()) == 1
    stop = OptedOut(addressee_id=agency.ann, occurred_at=datetime.now(UTC), channel="reply")
    agency.tell(stop)
    assert await agency.verdicts(agency.south) == {None: "deny"}
    assert list(agency.due().values()) == [None, None]


async def test_a_stop_of_one_clients_mail_is_seen_by_that_client_and_no_other(agency: Agency) -> None:
    """Nothing was given to it: of what allows, a row of the rest alone would tell it."""
    agency.tell(agency.given(None, TODAY))
    assert await agency.verdicts(agency.south) == {None: "allow"}
    stop = OptedOut(
        addressee_id=agency.ann,
        occurred_at=datetime.now(UTC),
        channel="page",
        scope="workspace",
        within=str(agency.south),
    )
    agency.tell(stop)
    assert await agency.verdicts(agency.south) == {agency.south: "deny"}
    assert await agency.verdicts(workspace_id=agency.north) == {None: "allow"}
    assert await agency.counted(agency.south) == {("deny", None): 1}
    assert await agency.counted(agency.north) == {("allow", "consent"): 1}


async def test_coverage_counts_a_person_once_for_each_sender(agency: Agency) -> None:
    ben = AddresseeId(fresh())
    agency.world.append(agency.tenant, *stream(ben, registered(ben, "FR")))
    agency.tell(agency.given(agency.north, until(12)), agency.given(agency.south, until(200)))
    assert await agency.counted() == {("allow", "consent"): 2, ("deny", None): 1}
    assert await agency.counted(in_days=20) == {("allow", "consent"): 1, ("deny", None): 2}
    assert await agency.counted(workspace_id=agency.south, in_days=20) == {("allow", "consent"): 1}
    assert await agency.counted(agency.north, in_days=20) == {("deny", None): 1}


async def test_the_tenants_row_comes_and_goes_with_what_it_has(agency: Agency) -> None:
    agency.tell()
    assert await agency.verdicts() == {None: "deny"}
    (first,) = await agency.rows()
    agency.tell(agency.given(agency.north, TODAY))
    assert await agency.verdicts() == {agency.north: "allow"}
    assert await agency.counted() == {("allow", "consent"): 1}
    agency.tell(agency.given(None, TODAY))
    assert await agency.verdicts() == {None: "allow", agency.north: "allow"}
    (_, again) = await agency.rows()
    assert (again.workspace_id, again.created_position) == (None, first.created_position)


@pytest.mark.parametrize("batch", [1, 3])
async def test_what_is_retracted_takes_the_clients_row_away(agency: Agency, batch: int) -> None:
    """Whether one batch tells it, or each event comes alone."""
    events = [
        agency.given(agency.north, until(12)),
        agency.given(agency.south, until(200)),
        EntryRetracted(addressee_id=agency.ann, entry=2, reason="x"),
    ]
    for start in range(0, len(events), batch):
        agency.tell(*events[start : start + batch])
    assert await agency.verdicts() == {agency.south: "allow"}
    assert set(agency.due()) == {agency.tenant, agency.south}
    retracted = EntryRetracted(addressee_id=agency.ann, entry=3, reason="x")
    anew = agency.given(agency.south, until(200))
    agency.tell(retracted)
    assert await agency.verdicts() == {None: "deny"}
    assert set(agency.due()) == {agency.tenant}
    agency.tell(anew)
    assert await agency.verdicts() == {agency.south: "allow"}
    with agency.world.projector.connect() as connection:
        assert compare(agency.world.settings(), connection, "standings").equal


@pytest.mark.parametrize("batch", [1, 3])
async def test_the_erased_stand_towards_nobody(agency: Agency, batch: int) -> None:
    events = [
        agency.given(agency.north, until(12)),
        agency.given(agency.south, until(200)),
        AddresseeErased(addressee_id=agency.ann),
    ]
    for start in range(0, len(events), batch):
        agency.tell(*events[start : start + batch])
    assert await agency.rows() == []
    assert agency.world.rows("standings", "standings") == []
    agency.tell(OptedOut(addressee_id=agency.ann, occurred_at=datetime.now(UTC), channel="one_click"))
    assert agency.world.rows("standings", "standings") == []


async def test_a_later_consent_to_one_client_lets_that_one_write_again_and_no_other(agency: Agency) -> None:
    then = datetime.now(UTC) - timedelta(days=2)
    agency.tell(
        agency.given(agency.north, until(90)),
        agency.given(agency.south, until(200)),
        OptedOut(addressee_id=agency.ann, occurred_at=then, channel="page"),
    )
    assert await agency.verdicts() == {agency.north: "deny", agency.south: "deny"}
    again = {"explicit": True, "occurred_at": then + timedelta(days=1)}
    agency.tell(consented(agency.ann, TODAY, workspace_id=agency.south, **again))
    assert await agency.verdicts() == {agency.north: "deny", agency.south: "allow"}


async def test_an_announced_end_moves_the_row_of_its_client_alone(agency: Agency) -> None:
    agency.tell(agency.given(agency.north, until(12)), agency.given(agency.south, until(14)))
    now = datetime.now(UTC)
    assert {one for one, at in agency.due().items() if at is not None and at <= now} == {
        agency.north,
        agency.south,
    }
    ends = standing_of(state_of(agency.told).person, "US", now, str(agency.north)).lapses_at
    assert ends is not None
    agency.tell(*announced(state_of(agency.told), ends, "US", now, str(agency.north)))
    after, now = agency.due(), datetime.now(UTC)
    assert after[agency.north] == ends
    assert {one for one, at in after.items() if at is not None and at <= now} == {agency.south}
