"""Permissions that end are announced by themselves: ahead, when they end, once each, and for however many at a time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.importing.service import Interrupted
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.consent_events import ConsentRecorded
from domain.audience.lapse import MOST_LAPSES
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.kernel.permissions import TenantRole
from projections.jobs import sweeps
from projections.jobs.runs import counts, due_job, settle, take_due
from projections.jobs.runs import lease as take
from projections.jobs.sweeps import SWEEPS, take_sweeps
from projections.runtime import builds
from projections.runtime.compare import compare
from projections.runtime.projector import Projector
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.projecting import World, fresh
from tests.support.working import MovedClock, Worker

PATIENCE = timedelta(seconds=60)
NAMES = ("audience.permission_lapsing", "audience.permission_lapsed")


class Lapsing:
    """French people of an American tenant, whose consents were entered some months ago and end by now, or soon."""

    def __init__(self, api: Api, tenant: TestTenant, clock: MovedClock) -> None:
        self.api, self.tenant, self.clock = api, tenant, clock
        self.world = World(api.database, [])
        self.worker = Worker(api)

    async def people(self, count: int, ends_in: int, months: int = 3) -> list[UUID]:
        """So many people whose consent ends in so many days, and was entered months ago."""
        return await asyncio.to_thread(self._people, count, ends_in, months)

    def _people(self, count: int, ends_in: int, months: int) -> list[UUID]:
        found = [fresh() for _ in range(count)]
        ends = datetime.now(UTC).date() + timedelta(days=ends_in)
        for start in range(0, count, 100):
            events: list[tuple[str, Event]] = []
            for person in found[start : start + 100]:
                events += entered(AddresseeId(person), ends.replace(year=ends.year - 3))
            self.world.append(self.tenant.id, *events)
        with psycopg.connect(self.api.database.admin) as connection:
            connection.execute(
                "UPDATE log.events SET recorded_at = recorded_at - %s WHERE tenant_id = %s "
                "AND stream = ANY(%s)",
                (
                    timedelta(days=30 * months),
                    self.tenant.id,
                    [f"addressee:{person}" for person in found],
                ),
            )
        return found

    async def told(self) -> list[tuple[str, UUID]]:
        """What was announced, of whom."""
        return [(name, UUID(payload["addressee_id"])) for name, payload in await self.events()]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        log, codec = self.api.parts.log, self.api.parts.codec
        recorded = await log.read_log(self.tenant.id, after=0, limit=100_000)
        wanted = [row for row in recorded if row.name in NAMES]
        return [(row.name, payload) for row, payload in zip(wanted, codec.payloads(wanted), strict=True)]


def entered(person: AddresseeId, on: date) -> Sequence[tuple[str, Event]]:
    registered = AddresseeRegistered(addressee_id=person, email="a@x.example", country="FR")
    consent = ConsentRecorded(
        addressee_id=person, occurred_on=on, source="event", recorded_by="api", documented=True
    )
    return [(f"addressee:{person}", registered), (f"addressee:{person}", consent)]


@pytest.fixture
async def lapsing(database: Database, tmp_path: Path) -> AsyncIterator[Lapsing]:
    clock = MovedClock()
    async with serving(database, tmp_path, clock) as api:
        yield Lapsing(api, await api.tenant(country="US"), clock)


async def standing(lapsing: Lapsing, person: UUID) -> dict[str, Any]:
    path = f"/v1/audience/standings?addressee_id={person}"
    answer = await lapsing.api.send("GET", path, lapsing.tenant.key)
    (row,) = answer.json()["data"]
    found: dict[str, Any] = row
    return found


async def test_it_is_announced_ahead_and_then_when_it_ends(lapsing: Lapsing) -> None:
    (ann,) = await lapsing.people(1, ends_in=-10)
    lapsing.clock.behind = timedelta(days=35)
    assert await lapsing.worker.work_off() == ["permission.announce"]
    assert await lapsing.told() == [("audience.permission_lapsing", ann)]
    ((_, ahead),) = await lapsing.events()
    assert (ahead["law"], ahead["rule"], ahead["entries"]) == ("fr", "fr.consent", [2])
    lapsing.clock.behind = timedelta(0)
    assert await lapsing.worker.work_off() == ["permission.announce"]
    (_, (_, over)) = await lapsing.events()
    assert (over["lapsed_at"], over["verdict"], over["rule_since"]) == (
        ahead["lapses_at"],
        "deny",
        "otherwise",
    )
    assert await lapsing.worker.work_off() == [], "each is said once"
    row = await standing(lapsing, ann)
    assert (row["verdict"], row["law"], row["until"]) == ("deny", "fr", None)
    actor = (await lapsing.api.send("GET", f"/v1/history?name={NAMES[1]}", lapsing.tenant.key)).json()[
        "data"
    ][0]["actor"]
    assert actor["kind"] == "workflow"


async def test_what_is_entered_with_less_than_thirty_days_to_go_is_announced_at_once(
    lapsing: Lapsing,
) -> None:
    (ann,) = await lapsing.people(1, ends_in=12, months=0)
    (_far,) = await lapsing.people(1, ends_in=90, months=0)
    assert await lapsing.worker.work_off() == ["permission.announce"]
    assert await lapsing.told() == [("audience.permission_lapsing", ann)]
    assert await lapsing.worker.work_off() == []
    row = await standing(lapsing, ann)
    assert (row["verdict"], row["basis"]) == ("allow", "consent")
    assert row["days_left"] in (10, 11, 12)


async def test_who_had_renewed_before_the_end_is_not_announced(lapsing: Lapsing) -> None:
    (ann, ben) = await lapsing.people(2, ends_in=-10)
    await lapsing.api.project()
    renewed = datetime.now(UTC).date() - timedelta(days=20)
    body = {"occurred_on": str(renewed), "source": "event", "wording": "Yes."}
    path = f"/v1/audience/{ann}/record-consent"
    assert (await lapsing.api.post(path, lapsing.tenant.key, body)).status_code == 200
    with psycopg.connect(lapsing.api.database.projector, autocommit=True) as connection:
        assert len(take_sweeps(connection, PATIENCE)) == 1, "the view has not heard of it"
        connection.execute("DELETE FROM ops.job_runs")
    lapses = [one async for page in lapsing.api.parts.lapses.due(lapsing.tenant.id, 10) for one in page]
    assert {one.addressee_id for one in lapses} == {ann, ben}
    await lapsing.worker.work_off()
    assert await lapsing.told() == [("audience.permission_lapsed", ben)]


async def test_the_log_decides_and_not_the_view(lapsing: Lapsing) -> None:
    """A view that is behind, as far as it may be: every row is due, and the log has nothing to say about most."""
    ann, ben = await lapsing.people(2, ends_in=-10)
    await lapsing.api.project()
    for person, word in ((ann, "record-opt-out"), (ben, "describe-addressee")):
        body = {"channel": "page"} if person is ann else {"country": "DE"}
        answer = await lapsing.api.post(f"/v1/audience/{person}/{word}", lapsing.tenant.key, body)
        assert answer.status_code == 200, answer.text
    await lapsing.worker.work_off()
    # Ann's had ended before she said stop; Ben turned out to be German, where a consent does not end.
    assert await lapsing.told() == [(NAMES[1], ann)]


async def test_hundreds_at_one_moment_are_one_job_and_a_few_appends(lapsing: Lapsing) -> None:
    people = await lapsing.people(2 * MOST_LAPSES + 50, ends_in=-10)
    assert await lapsing.worker.work_off() == ["permission.announce"]
    assert Counter(await lapsing.told()) == Counter((NAMES[1], person) for person in people)
    commands = {
        row.metadata
        for row in await lapsing.api.parts.log.read_log(lapsing.tenant.id, after=0, limit=10_000)
        if row.name in NAMES
    }
    assert len(commands) == 3
    with Projector(lapsing.worker.settings()).connect() as connection:
        found = compare(lapsing.worker.settings(), connection, "standings")
    assert (found.equal, found.rows) == (True, len(people) + 1)


async def test_a_run_that_is_cut_off_goes_on_where_it_was(lapsing: Lapsing) -> None:
    people = await lapsing.people(2 * MOST_LAPSES, ends_in=-10)
    await lapsing.api.project()
    pages = lapsing.api.parts.lapses.due(lapsing.tenant.id, MOST_LAPSES)
    first = await anext(pages)
    assert isinstance(pages, AsyncGenerator)
    await pages.aclose()
    assert [one.addressee_id for one in first] == sorted(people)[:MOST_LAPSES]
    stops = iter([False, True])
    with pytest.raises(Interrupted):
        await lapsing.worker.work_off(stopping=lambda: next(stops, True))
    assert len(await lapsing.told()) == MOST_LAPSES
    with psycopg.connect(lapsing.api.database.admin, autocommit=True) as connection:
        connection.execute("UPDATE ops.job_runs SET until = now()")
    again = Worker(lapsing.api)
    assert await again.work_off() == ["permission.announce"]
    assert Counter(await lapsing.told()) == Counter((NAMES[1], person) for person in people)


async def test_a_rebuild_makes_nothing_due_again(lapsing: Lapsing) -> None:
    await lapsing.people(3, ends_in=-10)
    await lapsing.people(2, ends_in=12)
    assert await lapsing.worker.work_off() == ["permission.announce"]
    before = await lapsing.told()
    assert len(before) == 5
    with psycopg.connect(lapsing.api.database.admin, autocommit=True) as connection:
        connection.execute("DELETE FROM ops.job_runs")
        for _, schema in [builds.live_schema(connection, "standings") or (0, "")]:
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
        connection.execute("DELETE FROM ops.projection_versions WHERE name = 'standings'")
        connection.execute("DELETE FROM ops.projection_positions WHERE projection = 'standings'")
    assert await Worker(lapsing.api).work_off() == []
    assert await lapsing.told() == before


async def test_tenants_have_runs_of_their_own_one_at_a_time(lapsing: Lapsing) -> None:
    other = Lapsing(lapsing.api, await lapsing.api.tenant("Other", country="US"), lapsing.clock)
    for one in (lapsing, other):
        await one.people(1, ends_in=-10)
    await lapsing.api.project()
    with psycopg.connect(lapsing.api.database.projector, autocommit=True) as connection:
        first = take_sweeps(connection, PATIENCE)
        assert len(first) == 2
        assert take_sweeps(connection, PATIENCE) == [], "they are on their way"
        assert take_due(connection, PATIENCE) == []
        worker = fresh()
        leased = take(connection, first[0], worker, PATIENCE)
        assert leased is not None
        assert take_sweeps(connection, PATIENCE) == []
        settle(connection, leased, worker, "done", pause=timedelta(0))
        assert take_sweeps(connection, PATIENCE) == [], "the view may be behind"
        (anew,) = take_sweeps(connection, PATIENCE, again_after=timedelta(0))
        assert anew not in first
        connection.execute("UPDATE ops.job_runs SET until = now() WHERE job_id = %s", (anew,))
        assert take_sweeps(connection, PATIENCE) == [anew], "its message got lost"


async def test_a_run_is_its_own_cause_and_nobody_elses_doing(lapsing: Lapsing) -> None:
    """Whoever touched the first of the people last has nothing to do with what is announced of all of them."""
    people = await lapsing.people(3, ends_in=-10)
    author = await lapsing.api.key(lapsing.tenant, TenantRole.OWNER, member_id=lapsing.tenant.owner_id)
    for person in people:
        path = f"/v1/audience/{person}/describe-addressee"
        answer = await lapsing.api.post(path, author, {"generic_address": False})
        assert answer.status_code == 200, answer.text
    assert await lapsing.worker.work_off() == ["permission.announce"]
    log = await lapsing.api.parts.log.read_log(lapsing.tenant.id, after=0, limit=1_000)
    touched = [json.loads(row.metadata) for row in log if row.name == "audience.addressee_described"]
    assert {one["actor"]["member"] for one in touched} == {str(lapsing.tenant.owner_id)}, "the control"
    told = [json.loads(row.metadata) for row in log if row.name in NAMES]
    assert len(told) == 3
    for one in told:
        assert one["correlation"] == one["actor"]["id"], "the run"
        assert (one["causation"], one["actor"]["member"]) == (None, None)


async def test_a_tenant_that_closed_is_not_swept(lapsing: Lapsing) -> None:
    other = Lapsing(lapsing.api, await lapsing.api.tenant("Other", country="US"), lapsing.clock)
    for one in (lapsing, other):
        await one.people(1, ends_in=-10)
    await lapsing.api.project()
    with psycopg.connect(lapsing.api.database.projector, autocommit=True) as connection:
        runs = take_sweeps(connection, PATIENCE)
        assert len(runs) == 2, "the control"
        leased = [take(connection, run, fresh(), PATIENCE) for run in runs]
        path = f"/v1/tenancy/{lapsing.tenant.id}/close-tenant"
        closed = await lapsing.api.post(
            path, lapsing.tenant.key, {"tenant_slug": f"acme-{lapsing.tenant.id.hex[-12:]}"}
        )
        assert closed.status_code == 200, closed.text
        await lapsing.api.project()
        due = {one.tenant_id: due_job(connection, one) for one in leased if one is not None}
        assert due[lapsing.tenant.id] is None, "a run that is under way is over"
        assert due[other.tenant.id] is not None
        connection.execute("DELETE FROM ops.job_runs")
        assert len(take_sweeps(connection, PATIENCE)) == 1
        ((swept,),) = connection.execute("SELECT tenant_id FROM ops.job_runs").fetchall()
        assert swept == other.tenant.id


async def test_a_look_reads_no_runs_of_those_who_have_nothing_due(lapsing: Lapsing) -> None:
    await lapsing.people(1, ends_in=-10)
    await lapsing.api.project()
    with psycopg.connect(lapsing.api.database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ops.job_runs (job_id, tenant_id, workflow, state, until) SELECT gen_random_uuid(), "
            "gen_random_uuid(), 'permission.announce', 'done', now() FROM generate_series(1, 20000)"
        )
        connection.execute("ANALYZE ops.job_runs")
        (live,) = [builds.live_schema(connection, "standings")]
        assert live is not None
        text = sweeps._taking(connection, SWEEPS[0], live[1])
        values = {"workflow": SWEEPS[0].name, "patience": PATIENCE, "again_after": PATIENCE, "limit": 100}
        plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}".encode(), values).fetchone()
    assert plan is not None
    read = list(nodes(plan[0][0]["Plan"]))
    assert read, "it looks for them"
    assert sum(read) < 10, plan


def nodes(plan: dict[str, Any]) -> Iterator[float]:
    """How many rows each scan of the runs looked at."""
    if plan.get("Relation Name") == "job_runs" and "Scan" in plan["Node Type"]:
        yield plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    for one in plan.get("Plans", ()):
        yield from nodes(one)


async def test_two_dispatchers_begin_one_run(lapsing: Lapsing) -> None:
    await lapsing.people(1, ends_in=-10)
    await lapsing.api.project()

    def look() -> list[UUID]:
        with psycopg.connect(lapsing.api.database.projector, autocommit=True) as connection:
            return take_sweeps(connection, PATIENCE)

    found = await asyncio.gather(*(asyncio.to_thread(look) for _ in range(6)))
    assert sum(map(len, found)) == 1


def jobs_too(lapsing: Lapsing) -> None:
    projector = Projector(lapsing.worker.settings())
    with projector.connect() as connection:
        while projector.step(connection):
            projector.refresh_soon()


async def test_a_run_that_was_given_up_shows_and_another_begins(lapsing: Lapsing) -> None:
    await lapsing.people(1, ends_in=-10)
    await lapsing.api.project()
    await asyncio.to_thread(jobs_too, lapsing)
    with psycopg.connect(lapsing.api.database.projector, autocommit=True) as connection:
        (job,) = take_sweeps(connection, PATIENCE)
        worker = fresh()
        leased = take(connection, job, worker, PATIENCE)
        assert leased is not None
        assert counts(connection).running == 1
        settle(connection, leased, worker, "failed", pause=timedelta(0), error="Broken")
        assert counts(connection).failed == 1
        assert len(take_sweeps(connection, PATIENCE, again_after=timedelta(0))) == 1


async def test_the_ends_of_two_clients_are_announced_apart(lapsing: Lapsing) -> None:
    """One came and one is near; a run with a page for each end takes both, and the next has nothing to say."""
    ends = datetime.now(UTC).date()
    ann, here, there = AddresseeId(fresh()), WorkspaceId(fresh()), WorkspaceId(fresh())
    registered, _ = entered(ann, ends)
    events = [registered]
    for client, days in ((here, -10), (there, 12), (None, -10)):
        on = ends + timedelta(days=days)
        _, (name, consent) = entered(ann, on.replace(year=on.year - 3))
        events.append((name, consent.model_copy(update={"workspace_id": client})))
    lapsing.world.append(lapsing.tenant.id, *events)
    with psycopg.connect(lapsing.api.database.admin) as connection:
        connection.execute("UPDATE log.events SET recorded_at = recorded_at - interval '90 days'")
    await lapsing.api.project()
    pages = [page async for page in lapsing.api.parts.lapses.due(lapsing.tenant.id, 1)]
    assert {one.workspace_id for page in pages for one in page} == {None, here, there}
    assert await lapsing.worker.work_off() == ["permission.announce"]
    told = {(name, payload["workspace_id"]) for name, payload in await lapsing.events()}
    over, ahead = "audience.permission_lapsed", "audience.permission_lapsing"
    assert told == {(over, None), (over, str(here)), (ahead, str(there))}
    assert len(await lapsing.events()) == len(told)
    assert await lapsing.worker.work_off() == []
    path = f"/v1/audience/standings?addressee_id={ann}"
    rows = (await lapsing.api.send("GET", path, lapsing.tenant.key)).json()["data"]
    assert {(row["workspace_id"], row["verdict"]) for row in rows} == {
        (None, "deny"),
        (str(here), "deny"),
        (str(there), "allow"),
    }
