"""Embedded servers in folders of the tests' own, and processes that really are killed."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from adapters.postgres import processes
from adapters.postgres.embedded import EmbeddedPostgres
from tests.support.database import reachable_folder
from tests.support.serving import ROOT

SMALL = {"shared_buffers": "16MB", "max_connections": "20"}
PATIENCE = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user reaches."""
    with reachable_folder() as made:
        yield made


@pytest.fixture
def data(folder: Path) -> Iterator[Path]:
    """A data folder; whatever still runs in it afterwards is ended."""
    yield folder / "data"
    left = processes.survivors(folder / "data" / "postgres" / "cluster")
    processes.end(left)


def server(data: Path) -> EmbeddedPostgres:
    """A small server over a data folder; not started."""
    return EmbeddedPostgres(data, settings=SMALL)


def query(postgres: EmbeddedPostgres, statement: str) -> object:
    """The first value that a statement gives, if any."""
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        answer = connection.execute(statement)
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def running_pid(postgres: EmbeddedPostgres) -> int:
    """The postmaster's."""
    pid = postgres.status().pid
    assert pid is not None
    return pid


def kill(pid: int) -> None:
    """End a process without a word, and see that it is gone."""
    process = psutil.Process(pid)
    process.kill()
    assert processes.still_there([process], 10) == []


def eventually(true: Callable[[], bool]) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not happen within {PATIENCE:.0f} seconds")
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended; orphans may stay on as zombies."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


SUPERVISOR = """
    import sys
    from pathlib import Path
    from adapters.postgres.embedded import EmbeddedPostgres
    postgres = EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "16MB", "max_connections": "20"})
    postgres.start()
    print(postgres.status().state, postgres.status().pid, flush=True)
    sys.stdin.read()
    postgres.stop()
"""


def supervisor(data: Path) -> subprocess.Popen[str]:
    """Another process that starts the server, says so, and stops it when its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(data)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> list[str]:
    """The state and the process id that a supervisor says."""
    assert process.stdout is not None
    return process.stdout.readline().split()
