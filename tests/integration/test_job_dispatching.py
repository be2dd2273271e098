"""Jobs that are due are sent to the workers: none is lost, whatever dies, and a broker that fails is asked again."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.broker.queue import BrokerUnusable, open_queue
from application.jobs import Job
from projections.jobs.dispatcher import Dispatcher
from projections.jobs.due import JOBS
from projections.jobs.runner import Runner
from projections.jobs.runs import counts
from tests.support.database import Database
from tests.support.due_jobs import QUICK, erase, runner
from tests.support.projecting import World, fresh
from tests.support.starting import LOADED


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [JOBS])


@pytest.fixture
def connection(world: World) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(world.database.projector, autocommit=True) as made:
        yield made


def test_a_lost_message_is_sent_again(world: World, connection: psycopg.Connection[Any]) -> None:
    erase(world, fresh())
    world.project()
    lost: list[UUID] = []
    patience = timedelta(minutes=1)
    dispatcher = Dispatcher(world.database.projector, lost.append, patience=patience)
    assert dispatcher.step(connection) == 1
    assert dispatcher.step(connection) == 0
    connection.execute("UPDATE ops.job_runs SET until = until - %s", (patience,))
    assert dispatcher.step(connection) == 1
    assert lost[0] == lost[1]


def test_a_worker_that_is_quicker_than_the_dispatcher_finds_each_job(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    people = {erase(world, fresh()) for _ in range(13)}
    world.project()
    ran: list[UUID] = []
    worker = runner(world, lambda one, _: ran.append(one.subject))

    def at_once(job: UUID) -> None:
        assert worker.run(job)

    dispatcher = Dispatcher(world.database.projector, at_once)
    assert dispatcher.step(connection) == 13
    assert set(ran) == people
    assert connection.execute("SELECT DISTINCT state FROM ops.job_runs").fetchall() == [("done",)]


def _die(dsn: str, after: int) -> None:
    """A dispatcher that is killed once it has marked its jobs and sent so many of them."""
    left = iter(range(after))

    def send(_: UUID) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    with psycopg.connect(dsn, autocommit=True) as connection:
        Dispatcher(dsn, send).step(connection)


@pytest.mark.parametrize("after", [0, 1])
def test_what_a_killed_dispatcher_marked_and_did_not_send_is_sent_by_another_soon(
    world: World, connection: psycopg.Connection[Any], after: int
) -> None:
    for _ in range(3):
        erase(world, fresh())
    world.project()
    process = LOADED.Process(target=_die, args=(world.database.projector, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    arrived: list[UUID] = []
    another = Dispatcher(world.database.projector, arrived.append)
    assert another.step(connection) == 0, "it may be about to send them"
    connection.execute("UPDATE ops.job_runs SET until = until - interval '10 seconds'")
    assert another.step(connection) == len(set(arrived)) == 3
    connection.execute("UPDATE ops.job_runs SET until = until - interval '59 seconds'")
    assert another.step(connection) == 0, "they are on their way"


def test_a_broker_that_fails_midway_is_asked_again_for_the_rest_alone(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    for _ in range(3):
        erase(world, fresh())
    world.project()
    arrived: list[UUID] = []

    def breaks(job: UUID) -> None:
        if arrived:
            raise ConnectionError
        arrived.append(job)

    with pytest.raises(ConnectionError):
        Dispatcher(world.database.projector, breaks).step(connection)
    assert Dispatcher(world.database.projector, arrived.append).step(connection) == 2
    assert len(set(arrived)) == len(arrived) == 3


def test_a_broker_that_fails_marks_nothing_as_sent(world: World, connection: psycopg.Connection[Any]) -> None:
    erase(world, fresh())
    world.project()

    def broken(_: UUID) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Dispatcher(world.database.projector, broken).step(connection)
    assert counts(connection).due == 1
    arrived: list[UUID] = []
    assert Dispatcher(world.database.projector, arrived.append).step(connection) == 1


def _work(dsn: str, note: str, *, hang: bool) -> None:
    """A worker process: notes each job it begins, then does it, or hangs in it."""

    def work(job: Job, _: Callable[[], bool]) -> None:
        with Path(note).open("a") as file:
            file.write(f"{job.job_id}\n")
        if hang:
            time.sleep(60)

    queue = open_queue(None, dsn, Runner(dsn, work, QUICK).run)
    queue.start(2)
    dispatcher = Dispatcher(dsn, queue.send, patience=timedelta(seconds=2))
    dispatcher.run(threading.Event())


def test_a_worker_killed_in_the_middle_of_a_job_leaves_it_to_another(
    world: World, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    note = tmp_path / "begun"
    note.touch()
    for _ in range(3):
        erase(world, fresh())
    world.project()

    def begun() -> list[str]:
        return note.read_text().split()

    def until(true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.05)

    def start(*, hang: bool) -> Any:
        process = LOADED.Process(
            target=_work, args=(world.database.projector, str(note)), kwargs={"hang": hang}
        )
        process.start()
        return process

    first = start(hang=True)
    until(lambda: len(begun()) == 2)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    second = start(hang=False)
    try:
        until(lambda: counts(connection).due == 0 and counts(connection).running == 0)
        states = connection.execute("SELECT state, attempts FROM ops.job_runs ORDER BY 2").fetchall()
        assert states == [("done", 1), ("done", 2), ("done", 2)]
        assert len(begun()) == 5
    finally:
        os.kill(second.pid, signal.SIGKILL)
        second.join()


@pytest.mark.parametrize(
    ("address", "says"),
    [("kafka://x", "kafka is not known"), ("redis://x", "pip install"), ("amqp://x", "pip install")],
)
def test_a_broker_that_cannot_be_used_says_what_would_help(world: World, address: str, says: str) -> None:
    with pytest.raises(BrokerUnusable, match=says):
        open_queue(address, world.database.projector, print)
