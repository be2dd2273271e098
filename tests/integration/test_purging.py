"""Tables written anew: what was deleted is in none of their bytes, whoever was looking and whatever was built."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.policies import policies_for_view
from application.ports.purging import NotPurgedYet, UploadsLeft
from domain.audience.contact import ContactCreated, ContactErased, Segment
from domain.audience.import_events import ImportCompleted, ImportFilesDestroyed, ImportRegistered
from domain.kernel.ids import AddresseeId, ContactId, ImportId, WorkspaceId
from projections.operational.contacts.handler import CONTACTS
from projections.operational.imports.handler import IMPORTS
from projections.runtime.builds import rebuild, refresh, swap
from projections.runtime.positions import Step, park
from projections.runtime.purging import SMALL, TablePurge
from tests.support.database import Database
from tests.support.projecting import World, fresh

MARK = b"zyqcanary"
WEEK = timedelta(days=7)


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database, (CONTACTS, IMPORTS))


def purge(world: World, small: int = SMALL, pace: float = inf) -> TablePurge:
    return TablePurge(world.database.projector, world.projections, files_kept=WEEK, small=small, pace=pace)


def entered(world: World, tenant: UUID) -> tuple[AddresseeId, ContactId]:
    who, contact = AddresseeId(fresh()), ContactId(fresh())
    created = ContactCreated(
        contact_id=contact,
        workspace_id=WorkspaceId(fresh()),
        addressee_id=who,
        email=f"{MARK.decode()}@people.example",
        first_name=MARK.decode(),
        segment=Segment(),
    )
    world.append(tenant, (f"contact:{contact}", created))
    return who, contact


def erased(world: World, tenant: UUID, who: AddresseeId, contact: ContactId) -> int:
    gone = ContactErased(
        contact_id=contact, workspace_id=WorkspaceId(fresh()), addressee_id=who, segment=Segment()
    )
    position = world.append(tenant, (f"contact:{contact}", gone))
    world.project()
    return position


def in_the_files(world: World, server: EmbeddedPostgres) -> bool:
    """Whether the mark stands in any file of the database."""
    with psycopg.connect(world.database.admin, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert row is not None
    folder: Path = server.place.cluster / "base" / str(row[0])
    return any(MARK in file.read_bytes() for file in folder.iterdir() if file.is_file())


def file_of(world: World) -> str:
    """The file that holds the table: another one when it was written anew."""
    with psycopg.connect(world.database.admin) as connection:
        row = connection.execute("SELECT pg_relation_filepath('views_contacts_v4_1.contacts')").fetchone()
    assert row is not None
    path: str = row[0]
    return path


def now(world: World) -> datetime:
    with psycopg.connect(world.database.admin) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


async def test_a_deleted_row_outlives_vacuum_and_goes_when_its_table_is_written_anew(
    world: World, any_server: EmbeddedPostgres
) -> None:
    tenant = fresh()
    people = [entered(world, tenant) for _ in range(3)]
    world.project()
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        connection.execute(
            "ANALYZE views_contacts_v4_1.contacts"
        )  # samples of columns would be kept by value
    for who in people:
        erased(world, tenant, *who)
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        connection.execute("VACUUM views_contacts_v4_1.contacts")
    assert in_the_files(world, any_server), "the control: this is why"
    done = await purge(world).rewrite(now(world))
    assert list(done) == ["views_contacts_v4_1.contacts"]
    assert not in_the_files(world, any_server)


async def test_it_is_put_off_while_somebody_still_sees_the_old_row(
    world: World, any_server: EmbeddedPostgres
) -> None:
    tenant = fresh()
    who = entered(world, tenant)
    world.project()
    since = now(world)
    with psycopg.connect(world.database.admin) as looking:
        looking.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        looking.execute("SELECT count(*) FROM log.heads")
        erased(world, tenant, *who)
        with pytest.raises(NotPurgedYet, match="still looks"):
            await purge(world).rewrite(since)
        looking.execute("SELECT count(*) FROM views_contacts_v4_1.contacts")
        with pytest.raises(NotPurgedYet, match="is being read"):
            await purge(world).rewrite(since)
    await purge(world).rewrite(since)
    assert not in_the_files(world, any_server)


async def test_what_was_written_in_vain_counts_against_the_pace(
    world: World, any_server: EmbeddedPostgres
) -> None:
    """Else somebody with an old snapshot has the whole table locked and written again at every look."""
    tenant = fresh()
    who = entered(world, tenant)
    world.project()
    done = (await purge(world).rewrite(now(world)))["views_contacts_v4_1.contacts"]
    since = now(world)
    with psycopg.connect(world.database.admin) as looking:
        looking.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        looking.execute("SELECT count(*) FROM log.heads")
        erased(world, tenant, *who)
        before = file_of(world)
        with pytest.raises(NotPurgedYet, match="still looks"):
            await purge(world).rewrite(since)
        tried = file_of(world)
        assert tried != before, "it was written anew, in vain"
        for asked in (purge(world, pace=1), purge(world, small=0)):
            with pytest.raises(NotPurgedYet, match="or tried, less than"):
                await asked.rewrite(since)
        assert file_of(world) == tried
        assert [*(await purge(world, small=0).rewrite(done - WEEK)).values()] == [done], (
            "served by the one before"
        )
    assert min((await purge(world).rewrite(since)).values()) > since
    assert not in_the_files(world, any_server)


async def test_one_writing_serves_all_who_were_erased_before_and_a_large_table_waits_for_its_day(
    world: World,
) -> None:
    entered(world, fresh())
    world.project()
    before = now(world)
    first = await purge(world).rewrite(before)
    assert await purge(world).rewrite(before) == first, "done since"
    later = now(world)
    assert await purge(world).rewrite(later) != first
    with pytest.raises(NotPurgedYet, match="less than 1 day"):
        await purge(world, small=0).rewrite(now(world))
    with pytest.raises(NotPurgedYet, match="less than"):
        await purge(world, pace=1).rewrite(now(world))
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        past = (later - timedelta(days=1, minutes=1)).isoformat()
        connection.execute(f"COMMENT ON TABLE views_contacts_v4_1.contacts IS 'written anew {past}'".encode())
    assert await purge(world, small=0).rewrite(now(world))


async def test_every_view_has_to_be_past_the_position_and_no_older_build_left(world: World) -> None:
    tenant = fresh()
    who = entered(world, tenant)
    world.project()
    asked = purge(world)
    with pytest.raises(NotPurgedYet, match="not read so far"):
        await asked.reached(tenant, 2)
    position = erased(world, tenant, *who)
    reached = await asked.reached(tenant, position)
    assert (reached.positions, reached.builds) == ({"contacts": 2, "imports": 2}, {"contacts": 1})
    with pytest.raises(NotPurgedYet):
        await asked.reached(fresh(), 1)
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        build = rebuild(connection, CONTACTS, policies_for_view)
        with pytest.raises(NotPurgedYet, match="filling"):
            await asked.reached(tenant, position)
        world.project()
        swap(connection, build)
        with pytest.raises(NotPurgedYet, match="retired"):
            await asked.reached(tenant, position)


async def test_a_view_that_stopped_for_the_tenant_is_waited_for(world: World) -> None:
    tenant = fresh()
    who = entered(world, tenant)
    world.project()
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        builds = refresh(connection, world.projections, policies_for_view)
        (build,) = (one for one in builds if one.projection is CONTACTS)
        park(connection, Step(build, tenant, known=True, epoch=1, old=1, new=2), "Poison")
    position = erased(world, tenant, *who)
    with pytest.raises(NotPurgedYet, match="has stopped"):
        await purge(world).reached(tenant, position)


async def test_uploads_of_before_are_told_until_their_files_are_destroyed(world: World) -> None:
    tenant, workspace, ended, waiting = fresh(), WorkspaceId(fresh()), ImportId(fresh()), ImportId(fresh())
    until = datetime.now(UTC) + WEEK

    def upload(import_id: ImportId) -> tuple[str, ImportRegistered]:
        told = ImportRegistered(
            import_id=import_id,
            workspace_id=workspace,
            uploaded_by=fresh(),
            file_name="people.csv",
            size=1,
            sha256="0" * 64,
        )
        return f"import:{import_id}", told

    completed = ImportCompleted(
        import_id=ended,
        workspace_id=workspace,
        rows=1,
        imported=1,
        updated=0,
        skipped=0,
        rejected=0,
        files_until=until,
    )
    world.append(tenant, upload(ended), (f"import:{ended}", completed))
    world.project()
    asked = purge(world)
    assert await asked.uploads_left(tenant, now(world)) == UploadsLeft(1, until)
    assert await asked.uploads_left(tenant, now(world) - WEEK) == UploadsLeft(0, None)
    assert await asked.uploads_left(fresh(), now(world)) == UploadsLeft(0, None)
    world.append(tenant, upload(waiting))
    world.project()
    left = await asked.uploads_left(tenant, now(world))
    assert left.count == 2
    assert left.gone_by is not None
    assert left.gone_by > until + WEEK, "one that nobody started may still be started"
    for import_id in (ended, waiting):
        gone = ImportFilesDestroyed(import_id=import_id, workspace_id=workspace)
        world.append(tenant, (f"import:{import_id}", gone))
    world.project()
    assert await asked.uploads_left(tenant, now(world)) == UploadsLeft(0, None)
