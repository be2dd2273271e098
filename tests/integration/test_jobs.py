import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.postgres.policies import policies_for_view
from application.importing.service import Interrupted
from application.jobs import Job
from domain.audience.erasure_events import ErasureCertified, ProfileKeyDestroyed
from domain.audience.import_events import ImportCancelled, ImportFilesDestroyed, ImportStarted, SettledMapping
from domain.audience.intake.mapping import Mapping
from domain.kernel.ids import AddresseeId, ImportId, WorkspaceId
from projections.jobs.due import JOBS, job_id
from projections.jobs.runner import Terms
from projections.jobs.runs import counts, failed_jobs, forget, lease, retry_job, take_due
from projections.runtime import builds
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.due_jobs import erase, runner
from tests.support.projecting import World, fresh


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [JOBS])


@pytest.fixture
def connection(world: World) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(world.database.projector, autocommit=True) as made:
        yield made


def shredded(world: World, tenant: UUID, addressee: UUID) -> None:
    """The key is destroyed, and what comes of that is over too."""
    who, at = AddresseeId(addressee), datetime.now(UTC)
    certified = ErasureCertified(
        addressee_id=who,
        certified_at=at,
        erased_at=at,
        erased_position=1,
        key_destroyed_position=2,
        positions={},
        stores=(),
        kept=(),
        complete_by=at,
    )
    stream = f"addressee:{addressee}"
    world.append(tenant, (stream, ProfileKeyDestroyed(addressee_id=who)), (stream, certified))


MAPPING = SettledMapping.model_validate(Mapping().model_dump(mode="json"))


def due(world: World) -> set[tuple[str, UUID]]:
    return {(row["workflow"], row["subject_id"]) for row in world.rows("jobs", "jobs")}


def sent(world: World, connection: psycopg.Connection[Any]) -> list[UUID]:
    world.project()
    return take_due(connection, timedelta(seconds=60))


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_events_make_jobs_due_and_end_them(world: World, connection: psycopg.Connection[Any]) -> None:
    tenant, imported = fresh(), ImportId(fresh())
    workspace = WorkspaceId(fresh())
    stream = f"import:{imported}"
    until = datetime.now(UTC) + timedelta(days=7)
    who = erase(world, tenant)
    started = ImportStarted(import_id=imported, workspace_id=workspace, mapping=MAPPING)
    world.append(tenant, (stream, started))
    world.project()
    assert due(world) == {("subject.shred", who), ("import.run", imported)}
    (row,) = (row for row in world.rows("jobs", "jobs") if row["subject_id"] == who)
    assert row["job_id"] == job_id(tenant, 1, "subject.shred")
    cancelled = ImportCancelled(import_id=imported, workspace_id=workspace, files_until=until)
    world.append(tenant, (stream, cancelled))
    world.project()
    assert due(world) == {("subject.shred", who), ("import.destroy_files", imported)}
    assert take_due(connection, timedelta(seconds=60)) == [job_id(tenant, 1, "subject.shred")]
    assert counts(connection).later == 1
    shredded(world, tenant, who)
    world.append(tenant, (stream, ImportFilesDestroyed(import_id=imported, workspace_id=workspace)))
    world.project()
    assert due(world) == set()


def test_a_rebuild_yields_only_the_jobs_that_are_not_over(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    tenant = fresh()
    over, open_ = erase(world, tenant), erase(world, tenant)
    shredded(world, tenant, over)
    world.project()
    before = world.rows("jobs", "jobs")
    builds.rebuild(connection, JOBS, policies_for_view)
    world.project()
    assert builds.live_schema(connection, "jobs") == (2, f"views_jobs_v{JOBS.version}_2")
    assert world.rows("jobs", "jobs") == before
    assert due(world) == {("subject.shred", open_)}
    assert compare(world.settings(), connection, "jobs").equal


def test_a_job_done_is_not_sent_again_before_its_event_is_seen(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    tenant = fresh()
    who = erase(world, tenant)
    (job,) = sent(world, connection)
    seen: list[Job] = []
    assert runner(world, lambda one, _: seen.append(one)).run(job)
    assert seen == [Job(job, tenant, 1, "subject.shred", who)]
    connection.execute("UPDATE ops.job_runs SET until = now() - interval '1 day'")
    assert take_due(connection, timedelta(seconds=60)) == []
    assert not runner(world, lambda one, _: seen.append(one)).run(job)
    assert len(seen) == 1
    shredded(world, tenant, who)
    world.project()
    assert forget(connection, timedelta(0)) == 1


def test_a_job_that_an_event_ended_meanwhile_is_left_alone(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    tenant = fresh()
    who = erase(world, tenant)
    (job,) = sent(world, connection)
    shredded(world, tenant, who)
    world.project()
    ran: list[Job] = []
    assert not runner(world, lambda one, _: ran.append(one)).run(job)
    assert ran == []


def test_two_workers_never_run_one_job_at_the_same_time(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    erase(world, fresh())
    (job,) = sent(world, connection)
    began, go_on, ran = threading.Event(), threading.Event(), []

    def slow(one: Job, _: Callable[[], bool]) -> None:
        ran.append(one)
        began.set()
        assert go_on.wait(10)

    terms = Terms(lease=timedelta(seconds=3))  # long enough for what is asked between two renewals
    first = threading.Thread(target=runner(world, slow, terms).run, args=(job,))
    first.start()
    assert began.wait(10)
    connection.execute("UPDATE ops.job_runs SET until = until - %s", (terms.lease,))  # the term is over
    soon(
        lambda: connection.execute("SELECT until > clock_timestamp() FROM ops.job_runs").fetchone() == (True,)
    )
    assert take_due(connection, timedelta(seconds=60)) == []
    assert not runner(world, slow).run(job)
    assert counts(connection).running == 1
    go_on.set()
    first.join()
    assert len(ran) == 1


def test_a_worker_that_lost_its_lease_is_told_and_enters_nothing(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    erase(world, fresh())
    (job,) = sent(world, connection)
    other = uuid4()

    def robbed(_: Job, stopping: Callable[[], bool]) -> None:
        connection.execute("UPDATE ops.job_runs SET until = now() - interval '1 second'")
        assert lease(connection, job, other, timedelta(seconds=60)) is not None
        deadline = time.monotonic() + 5
        while not stopping():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert not runner(world, robbed).run(job)
    row = connection.execute("SELECT state, worker FROM ops.job_runs").fetchone()
    assert row == ("running", other)


def test_what_fails_is_tried_again_and_given_up_in_the_end(
    world: World, connection: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    tenant = fresh()
    erase(world, tenant)
    world.project()
    attempts: list[Job] = []

    def fails(one: Job, _: Callable[[], bool]) -> None:
        attempts.append(one)
        raise ConnectionRefusedError("anna@example.org")

    for _ in range(5):
        for job in take_due(connection, timedelta(seconds=60)):
            runner(world, fails).run(job)
    (failed,) = failed_jobs(connection)
    assert (len(attempts), failed.attempts, failed.error) == (3, 3, "ConnectionRefusedError")
    assert (failed.tenant_id, failed.workflow, counts(connection).failed) == (tenant, "subject.shred", 1)
    assert "given up" in caplog.text
    assert "anna" not in caplog.text
    assert retry_job(connection, failed.job_id)
    assert not retry_job(connection, failed.job_id)
    (job,) = take_due(connection, timedelta(seconds=60))
    assert runner(world, lambda one, _: attempts.append(one)).run(job)


def test_pauses_grow_and_a_message_that_comes_early_waits(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    terms = Terms(pause=timedelta(seconds=2))
    pauses = [terms.pause_after(attempt).total_seconds() for attempt in (1, 2, 3, 8)]
    for pause, usual in zip(pauses, (2, 8, 32, 3600), strict=True):
        assert usual * 0.74 < pause < usual * 1.26
    erase(world, fresh())
    (job,) = sent(world, connection)

    def fails(*_: object) -> None:
        raise ValueError

    assert not runner(world, fails, terms).run(job)
    ran: list[Job] = []
    assert not runner(world, lambda one, _: ran.append(one), terms).run(job)
    assert take_due(connection, timedelta(seconds=60)) == []
    assert ran == []


def test_an_interrupted_job_goes_on_at_once_and_its_attempt_does_not_count(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    erase(world, fresh())
    (job,) = sent(world, connection)
    began = threading.Event()

    def stops(_: Job, stopping: Callable[[], bool]) -> None:
        began.set()
        while not stopping():
            time.sleep(0.005)
        raise Interrupted

    worker = runner(world, stops)
    running = threading.Thread(target=worker.run, args=(job,))
    running.start()
    assert began.wait(10)
    worker.stop()
    running.join(10)
    assert connection.execute("SELECT state, attempts FROM ops.job_runs").fetchone() == ("waiting", 0)
    assert take_due(connection, timedelta(seconds=60)) == [job]
