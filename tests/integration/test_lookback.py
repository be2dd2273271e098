"""Views as of an earlier position equal those of a projector that has come so far, for every view; bounds, erasure."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.eventstore.log import PostgresLog
from adapters.postgres.policies import policies_for_view
from application.ports.codec import EventCodec
from application.ports.log import Recorded
from application.ports.positions import Position
from application.queries import QUERIES, BeingRebuilt, Page, Query, Scope, TooMuchToCompare
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import KeyKind
from projections.operational.views import VIEWS
from projections.runtime import builds, rebuilt
from projections.runtime.batch import take_in
from projections.runtime.lookback import KEPT, LookBack, Span
from projections.runtime.positions import Step
from projections.runtime.reading import RebuiltConnection
from projections.runtime.rebuilt import Rebuilt
from tests.support.database import Database
from tests.support.history import History, events
from tests.support.projecting import World

pytestmark = pytest.mark.xdist_group("lookback")

Tables = dict[str, list[tuple[Any, ...]]]
POSITIONS = 20


@pytest.fixture(scope="module")
def told(module_database: Database) -> tuple[World, History]:
    """Two tenants' histories and the platform's, projected; the key of one person is gone."""
    world = World(module_database, VIEWS)
    mine, other = History(), History()
    for history in (mine, other):
        world.append(history.tenant, *events(history.of_tenant()))
        world.append(PLATFORM, *events(history.of_platform()))
    world.keys.destroy([(mine.tenant, str(mine.subjects[2]), KeyKind.PROFILE)])
    world.project()
    return world, mine


async def _session(dsn: str) -> RebuiltConnection:
    return await RebuiltConnection.connect(dsn, autocommit=True)


@pytest.fixture
async def looking(told: tuple[World, History]) -> AsyncIterator[LookBack]:
    world, _ = told
    database = world.database
    async with (
        PostgresLog(database.appender, database.loader) as log,
        LookBack(lambda: _session(database.request), log, world.codec, world.keys, VIEWS) as lookback,
    ):
        yield lookback


def head(world: World, tenant: UUID) -> int:
    with psycopg.connect(world.database.admin) as connection:
        row = connection.execute("SELECT position FROM log.heads WHERE tenant_id = %s", (tenant,)).fetchone()
    assert row is not None
    return int(row[0])


def projected(world: World, tenant: UUID, positions: list[int]) -> dict[int, Tables]:
    """What a projector has of a tenant when it has come to each of the positions."""
    found: dict[int, Tables] = {}
    with world.projector.connect() as connection:
        scratch = [builds.scratch(connection, one, policies_for_view) for one in VIEWS]
        at = 0
        for position in positions:
            steps = [Step(build, tenant, at > 0, 1, at, position) for build in scratch]
            take_in(connection, world.codec, steps)
            at = position
            found[position] = {
                table: in_order(
                    connection.execute(
                        f"SELECT * FROM {build.schema}.{table} WHERE tenant_id = %s".encode(),  # noqa: S608 - names of our own
                        (tenant,),
                    ).fetchall()
                )
                for build in scratch
                for table in build.projection.tables
            }
        for build in scratch:
            builds.drop(connection, build.projection.name, build.number, build.schema)
    return found


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=str)


async def tables_of(made: Rebuilt) -> Tables:
    found: Tables = {}
    for projection in made.projections:
        for table in projection.tables:
            cursor = await made.connection.execute(f"SELECT * FROM pg_temp.{table}".encode())  # noqa: S608 - names of our own
            found[table] = in_order(await cursor.fetchall())
    return found


@pytest.mark.parametrize("whose", ["tenant", "platform"])
async def test_every_view_is_as_it_was_at_random_positions(
    told: tuple[World, History], looking: LookBack, whose: str
) -> None:
    world, mine = told
    tenant = mine.tenant if whose == "tenant" else PLATFORM
    last = head(world, tenant)
    chosen = random.Random(whose).sample(range(1, last), min(POSITIONS, last - 1))
    positions = sorted({*chosen, last})
    then = projected(world, tenant, positions)
    filled: set[str] = set()
    # Forward a kept session goes on, backward each moment is made from the first event on.
    for position in (*positions, *positions[-2::-6]):
        names = [one.name for one in VIEWS]
        async with looking.as_of(tenant, names, Position(1, position), None) as made:
            found = await tables_of(made)
        assert found == then[position], position
        filled |= {table for table, rows in found.items() if rows}
    for table, rows in then[last].items():
        (name,) = (one.name for one in VIEWS if table in one.tables)
        live = [tuple(row.values()) for row in world.rows(name, table) if row["tenant_id"] == tenant]
        assert in_order(live) == rows, table
    assert len(filled) > (35 if whose == "tenant" else 2)


async def test_a_query_shows_what_it_shows_live_once_the_view_is_where_the_live_one_is(
    told: tuple[World, History], looking: LookBack
) -> None:
    world, mine = told
    last = Position(1, head(world, mine.tenant))
    now = datetime.now(UTC)
    for name, query in QUERIES.items():
        if query.single or query.context in ("platform", "webhooks"):
            continue
        async with looking.as_of(mine.tenant, query.projections, last, now) as made:
            for seen in (Scope(mine.tenant), Scope(mine.tenant, personal=False)):
                then = await query.run(made.connection, seen, query.params())
                live = await world.ask(name, seen, None, 50)
                assert (then.rows, then.position) == (live.rows, live.position), name
            with pytest.raises(RuntimeError):
                await query.run(made.connection, Scope(PLATFORM), query.params())


async def test_its_tables_take_in_no_row_of_another_tenant(
    told: tuple[World, History], looking: LookBack
) -> None:
    _, mine = told
    async with looking.as_of(mine.tenant, ["lists"], Position(1, 300), None) as made:
        for table in made.projections[0].tables:
            with pytest.raises(psycopg.errors.CheckViolation):
                await made.connection.execute(
                    f"INSERT INTO pg_temp.{table} SELECT "  # noqa: S608 - names of our own
                    f"(json_populate_record(t, %s)).* FROM pg_temp.{table} t".encode(),
                    [f'{{"tenant_id": "{PLATFORM}"}}'],
                )


async def test_one_answer_does_so_much_and_the_next_goes_on_there(
    told: tuple[World, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilt, "_FIRST", 20)
    world, mine = told
    database, last = world.database, head(world, mine.tenant)
    async with (
        PostgresLog(database.appender, database.loader) as log,
        LookBack(
            lambda: _session(database.request), log, world.codec, world.keys, VIEWS, longest=-1.0
        ) as look,
    ):
        done = []
        while True:
            try:
                async with look.as_of(mine.tenant, ["contacts"], Position(1, last), None) as found:
                    assert found.position == last
                    break
            except BeingRebuilt as refusal:
                done.append((refusal.extra["done"], refusal.extra["of"]))
        assert done == sorted(set(done))
        assert {of for _, of in done} == {last}
        assert len(done) > 2
        assert look.kept == 1
        span = Span(Position(1, 0), Position(1, last), None, None)
        query = QUERIES["audience.contacts"]
        with pytest.raises(TooMuchToCompare):
            await look.difference(
                lambda connection, cursor: query.run(
                    connection, Scope(mine.tenant), query.params(), cursor, 100
                ),
                *(query.projections, mine.tenant, span, None, 50),
            )


async def test_whoever_goes_away_in_between_leaves_nothing_half_done(
    told: tuple[World, History], looking: LookBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken in when the asker went, before that was noted, is not taken in again: all of it is dropped."""
    world, mine = told
    last, names = head(world, mine.tenant), ["lists", "contacts", "imports"]
    whole = Rebuilt._take_in

    async def goes_away(self: Rebuilt, codec: EventCodec, events: Sequence[Recorded]) -> None:
        await whole(self, codec, events)
        raise asyncio.CancelledError

    async def ask() -> Tables:
        async with looking.as_of(mine.tenant, names, Position(1, last), None) as made:
            return await tables_of(made)

    with monkeypatch.context() as patched:
        patched.setattr(Rebuilt, "_take_in", goes_away)
        with pytest.raises(asyncio.CancelledError):
            await ask()
    then = projected(world, mine.tenant, [last])[last]
    assert await ask() == {table: then[table] for one in VIEWS if one.name in names for table in one.tables}


async def test_few_are_kept_for_minutes_and_none_once_a_key_is_destroyed(told: tuple[World, History]) -> None:
    world, mine = told
    database = world.database
    async with (
        PostgresLog(database.appender, database.loader) as log,
        LookBack(
            lambda: _session(database.request),
            *(log, world.codec, world.keys, VIEWS),
            looked_after_every=0.05,
        ) as look,
    ):

        async def at(name: str, position: int) -> RebuiltConnection:
            async with look.as_of(mine.tenant, [name], Position(1, position), None) as made:
                return made.connection

        first = await at("contacts", 100)
        assert await at("contacts", 120) is first
        assert await at("contacts", 110) is not first
        for name in ("lists", "members", "imports", "tenants"):
            await at(name, 50)
        assert look.kept == KEPT
        kept = await at("tenants", 50)
        gone = [(mine.tenant, str(mine.subjects[2]), KeyKind.PROFILE)]
        world.keys.destroy(gone)
        assert await at("tenants", 50) is not kept or kept.closed
        world.keys.destroy(gone)
        for _ in range(1_000):
            if not look.kept:
                break
            await asyncio.sleep(0.02)
        assert look.kept == 0


async def test_a_field_is_laid_to_the_event_after_which_it_had_its_later_value(
    told: tuple[World, History], looking: LookBack
) -> None:
    """For every view, between two random moments; each event that is named is looked at from both sides."""
    world, mine = told
    last, chance, now = head(world, mine.tenant), random.Random(5), datetime.now(UTC)
    explained, unexplained = 0, set()
    for name, query in QUERIES.items():
        if query.single or query.context == "platform":
            continue

        seen: dict[int, dict[tuple[Any, ...], Any]] = {}

        async def row(
            position: int, place: tuple[Any, ...], query: Query = query, seen: dict[int, Any] = seen
        ) -> dict[str, Any] | None:
            if position not in seen:
                at = Position(1, position)
                async with looking.as_of(mine.tenant, query.projections, at, now) as made:
                    page = await query.run(made.connection, Scope(mine.tenant), query.params(), None, 100)
                rows = [one.model_dump(mode="json") for one in page.rows]
                seen[position] = dict(zip(map(tuple, page.places), rows, strict=True))
            found: dict[str, Any] | None = seen[position].get(place)
            return found

        def run(
            connection: RebuiltConnection, cursor: str | None, query: Query = query
        ) -> Awaitable[Page[Any]]:
            return query.run(connection, Scope(mine.tenant), query.params(), cursor, 100)

        made_at = [
            place[0]
            for place in (await all_of(looking, query, mine.tenant, last))
            if isinstance(place[0], int)
        ]
        starts = made_at and [chance.choice(made_at)]
        for first, then in ((0, chance.randrange(last)), *((start, last) for start in starts)):
            span = Span(Position(1, first), Position(1, then), now, now)
            changes, more = await looking.difference(run, query.projections, mine.tenant, span, None, 100)
            assert not more
            changes.sort(key=lambda one: (not one.fields, -len(one.fields)))
            for change in changes[:2]:
                ends = [
                    None if one is None else one.model_dump(mode="json")
                    for one in (change.before, change.after)
                ]
                assert [await row(at, change.place) for at in (first, then)] == ends, name
                if None in ends:
                    assert change.position is not None, f"{name} {change}"
                    sides = [await row(change.position - back, change.place) for back in (1, 0)]
                    assert [one is None for one in sides] == [one is None for one in ends]
                    continue
                for field in chance.sample(change.fields, min(2, len(change.fields))):
                    if field.position is None:
                        unexplained.add(f"{name}{field.path}")
                        continue
                    assert first < field.position <= then
                    before, after = [await row(field.position - back, change.place) for back in (1, 0)]
                    assert before is not None
                    assert after is not None
                    assert there(after, field.path) == field.after, f"{name} {field}"
                    assert there(before, field.path) != field.after, f"{name} {field}"
                    explained += 1
    assert explained > 30
    assert unexplained == set()


async def all_of(looking: LookBack, query: Query, tenant: UUID, position: int) -> list[tuple[Any, ...]]:
    """The places of a view's rows."""
    async with looking.as_of(tenant, query.projections, Position(1, position), None) as made:
        page = await query.run(made.connection, Scope(tenant), query.params(), None, 100)
    return list(map(tuple, page.places))


def there(row: dict[str, Any], path: str) -> Any:
    found: Any = row
    for one in path.split("/")[1:]:
        found = found.get(one)
    return found
