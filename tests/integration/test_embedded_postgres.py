"""The supervisor of the embedded Postgres, with processes really killed."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres import processes
from adapters.postgres.binaries import NoPostgres, find
from adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresFailed, State
from tests.support.database import POSTGRES_15, needs_postgres_15, reachable_folder
from tests.support.needs import requires

SMALL = {"shared_buffers": "16MB", "max_connections": "20"}
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
as_root = requires(os.geteuid() == 0, "to be run by root")


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as made:
        yield made


@pytest.fixture
def data(folder: Path) -> Iterator[Path]:
    """A data folder; whatever still runs in it afterwards is ended."""
    yield folder / "data"
    left = processes.survivors(folder / "data" / "postgres" / "cluster")
    processes.end(left)


def server(data: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data, settings=SMALL)


def query(postgres: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        answer = connection.execute(statement)
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def running_pid(postgres: EmbeddedPostgres) -> int:
    pid = postgres.status().pid
    assert pid is not None
    return pid


def kill(pid: int) -> None:
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
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_it_starts_stops_and_keeps_what_it_was_told(data: Path) -> None:
    postgres = server(data)
    with postgres:
        assert postgres.status().state is State.SUPERVISING
        query(postgres, "CREATE TABLE kept AS SELECT 42 AS n")
        pid = running_pid(postgres)
    assert postgres.status().state is State.STOPPED
    assert gone(pid)
    assert processes.survivors(postgres.place.cluster) == []
    with server(data) as again:
        assert query(again, "SELECT n FROM kept") == 42


def test_it_is_a_database_fit_for_the_log(data: Path) -> None:
    with server(data) as postgres, psycopg.connect(postgres.admin_dsn) as connection:
        names = ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "TimeZone", "jit"]
        shown: dict[str, str] = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (names,)
            ).fetchall()
        )
        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "jit": "off",
        }
        encoding = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
        )
        assert encoding.fetchone() == ("UTF8", "C")


def test_nobody_else_gets_in(data: Path) -> None:
    with server(data) as postgres:
        address = conninfo_to_dict(postgres.admin_dsn)
        socket_folder = Path(str(address["host"]))
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(postgres.place.cluster.stat().st_mode) == 0o700
        assert stat.S_IMODE(postgres.passwords.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(postgres.passwords.file.parent.stat().st_mode) == 0o700
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(make_conninfo(postgres.admin_dsn, password="guessed"))
        assert psutil.Process(running_pid(postgres)).net_connections("inet") == []


def test_a_killed_postmaster_leaves_nothing_in_the_way(data: Path) -> None:
    postgres = server(data).start()
    query(postgres, "CREATE TABLE kept AS SELECT 42 AS n")
    kill(running_pid(postgres))
    assert postgres.status().pid is None
    postgres.start()
    assert query(postgres, "SELECT n FROM kept") == 42
    postgres.stop()


def test_a_killed_postmaster_comes_back_by_itself_when_watched(data: Path) -> None:
    postgres = server(data).start(watch=True)
    query(postgres, "CREATE TABLE kept AS SELECT 42 AS n")
    before = running_pid(postgres)
    kill(before)
    eventually(lambda: postgres.status().pid not in (None, before) and postgres.status().restarts == 1)
    postgres.start()  # returns once it takes connections
    assert query(postgres, "SELECT n FROM kept") == 42
    postgres.stop()


def test_a_watched_server_lets_go_of_its_old_write_ahead_log_though_nobody_uses_it(data: Path) -> None:
    """Else what was deleted would stay in the last segment for ever."""
    postgres = server(data).start()
    query(postgres, "CREATE TABLE told AS SELECT 'zyqcanary' AS word")
    wal = postgres.place.cluster / "pg_wal"

    def holds() -> bool:
        try:
            return any(b"zyqcanary" in file.read_bytes() for file in wal.iterdir() if file.is_file())
        except FileNotFoundError:  # one went while it was looked for
            return True

    assert holds(), "the control"
    postgres._wal_due = 0.0
    postgres.start(watch=True)
    eventually(lambda: not holds())
    postgres.stop()


def test_one_that_is_killed_while_it_starts_comes_back_all_the_same(data: Path) -> None:
    postgres = server(data).start(watch=True)
    query(postgres, "CREATE TABLE kept AS SELECT 42 AS n")
    before = running_pid(postgres)
    kill(before)
    eventually(lambda: postgres.status().pid not in (None, before))
    starting = running_pid(postgres)
    kill(starting)  # long before it takes a connection: it has to recover first
    eventually(lambda: postgres.status().pid not in (None, before, starting))
    postgres.start()
    assert query(postgres, "SELECT n FROM kept") == 42
    assert postgres.status().state is State.SUPERVISING
    postgres.stop()


def test_one_that_keeps_dying_is_given_up(data: Path) -> None:
    postgres = server(data).start(watch=True)

    def given_up() -> bool:
        pid = postgres.status().pid
        if pid is not None:
            kill(pid)
        return postgres.status().state is State.FAILED

    eventually(given_up)
    postgres.stop()


def test_a_killed_supervisors_server_is_taken_over(data: Path) -> None:
    other = supervisor(data)
    state, pid = first_line(other)
    assert state == "supervising"
    other.kill()
    other.communicate()
    assert psutil.pid_exists(int(pid))
    with server(data) as postgres:
        assert postgres.status().state is State.SUPERVISING
        assert running_pid(postgres) == int(pid)
    assert gone(int(pid))


def test_everything_killed_at_once_with_a_query_running(data: Path) -> None:
    other = supervisor(data)
    _, pid = first_line(other)
    attached = server(data).start()
    busy = psycopg.connect(attached.admin_dsn)
    busy.pgconn.send_query(b"SELECT sum(n) FROM generate_series(1, 1000000000) n")
    backend = busy.info.backend_pid
    other.kill()
    other.communicate()
    kill(int(pid))
    assert backend in {process.pid for process in processes.survivors(attached.place.cluster)}
    with server(data) as postgres:
        assert gone(backend)
        assert query(postgres, "SELECT 1") == 1
    busy.close()


def test_another_process_attaches_and_stops_nothing(data: Path) -> None:
    with server(data) as first:
        second = server(data).start()
        assert second.status().state is State.ATTACHED
        assert second.admin_dsn == first.admin_dsn
        second.stop()
        assert query(first, "SELECT 1") == 1


def test_two_that_start_at_once_agree_on_one(data: Path) -> None:
    both = [supervisor(data), supervisor(data)]
    said = [first_line(process) for process in both]
    assert sorted(state for state, _ in said) == ["attached", "supervising"]
    assert len({pid for _, pid in said}) == 1
    attached, supervising = sorted(both, key=lambda process: said[both.index(process)][0])
    attached.communicate(timeout=60)
    assert psutil.pid_exists(int(said[0][1]))
    supervising.communicate(timeout=60)
    assert gone(int(said[0][1]))


def test_a_watching_client_takes_over_from_a_supervisor_that_is_gone(data: Path) -> None:
    other = supervisor(data)
    first_line(other)
    attached = server(data).start(watch=True)
    assert attached.status().state is State.ATTACHED
    other.kill()
    other.communicate()
    eventually(lambda: attached.status().state is State.SUPERVISING)
    attached.stop()
    assert processes.survivors(attached.place.cluster) == []


def pid_file_naming(data: Path, pid: int) -> None:
    file = data / "postgres" / "cluster" / "postmaster.pid"
    file.write_text(f"{pid}\n{file.parent}\n0\n5432\n{data}\n\n  1 1\nready   \n", encoding="utf-8")


def test_a_pid_file_that_names_a_stranger_is_stale(data: Path) -> None:
    with server(data):
        pass
    stranger = subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE)
    pid_file_naming(data, stranger.pid)
    with server(data) as postgres:
        assert running_pid(postgres) != stranger.pid
    assert stranger.poll() is None
    stranger.communicate()


def test_a_pid_file_that_names_a_zombie_is_stale(data: Path) -> None:
    with server(data):
        pass
    zombie = subprocess.Popen(["/bin/true"])
    eventually(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    pid_file_naming(data, zombie.pid)
    with server(data) as postgres:
        assert running_pid(postgres) != zombie.pid
    zombie.wait()


def test_an_initdb_cut_short_is_begun_anew(data: Path) -> None:
    postgres = server(data)
    making = postgres.place.home / "cluster.making"
    making.mkdir(mode=0o700)
    (making / "PG_VERSION").write_text("18\n", encoding="ascii")
    with postgres:
        assert query(postgres, "SELECT 1") == 1
    assert not making.exists()


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    data = folder / ("long-" * 20) / "data"
    data.parent.mkdir(mode=0o755)
    with server(data) as postgres, server(data) as attached:
        assert not str(conninfo_to_dict(postgres.admin_dsn)["host"]).startswith(str(folder))
        assert query(attached, "SELECT 1") == 1
        left = Path(str(conninfo_to_dict(postgres.admin_dsn)["host"]))
    left.rmdir()


def test_a_path_with_spaces_and_quotes(folder: Path) -> None:
    with server(folder / 'it\'s, a "data" folder') as postgres:
        assert query(postgres, "SELECT 1") == 1
        left = Path(str(conninfo_to_dict(postgres.admin_dsn)["host"]))
    left.rmdir()


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    broken = EmbeddedPostgres(data, settings={**SMALL, "shared_buffers": "a lot"})
    with pytest.raises(EmbeddedPostgresFailed, match=r"(?s)ended with code 1.*shared_buffers"):
        broken.start()
    with server(data) as mended:
        assert query(mended, "SELECT 1") == 1


def test_a_lost_password_is_named(data: Path) -> None:
    with server(data) as postgres:
        kept = postgres.passwords.file
    kept.write_text(json.dumps(dict.fromkeys(json.loads(kept.read_text(encoding="utf-8")), "lost")))
    with pytest.raises(EmbeddedPostgresFailed, match=r"refuses the password in .*postgres\.json"):
        server(data).start()


def test_the_logs_hold_no_values(data: Path) -> None:
    with server(data) as postgres, psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (email text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('someone@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES ('someone@example.org')")

        def logs() -> str:
            return "".join(file.read_text(encoding="utf-8") for file in postgres.place.logs.glob("*.log"))

        eventually(lambda: "duplicate key" in logs())  # another process writes them
        assert "someone" not in logs()


@needs_postgres_15
def test_a_cluster_keeps_to_the_version_that_made_it(data: Path) -> None:
    with EmbeddedPostgres(data, bin_folder=POSTGRES_15, settings=SMALL) as postgres:
        assert postgres.status().version.startswith("15.")
    with server(data) as postgres:
        assert postgres.status().version.startswith("15.")


def test_a_folder_without_postgres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPostgres, match="PENGUINMAILS_PG_BIN"):
        find(tmp_path)


@as_root
def test_root_drops_to_another_user(data: Path) -> None:
    with server(data) as postgres:
        assert psutil.Process(running_pid(postgres)).uids().effective != 0
        assert postgres.place.cluster.stat().st_uid != 0
        assert postgres.passwords.file.stat().st_uid == 0


@as_root
def test_a_data_folder_only_root_reaches_is_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    postgres = server(data)
    try:
        with postgres:
            note = postgres.status().note
            assert note is not None
            assert str(postgres.place.home) in note
            assert query(postgres, "SELECT 1") == 1
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert server(data).place.home == postgres.place.home
    finally:
        shutil.rmtree(postgres.place.home)


@as_root
def test_binaries_only_root_reaches_are_copied(data: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    there = find().relocated(hidden)
    with EmbeddedPostgres(data, bin_folder=there.folder, settings=SMALL) as postgres:
        assert postgres.binaries.folder.is_relative_to(data)
        assert query(postgres, "SELECT 1") == 1
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700


def test_an_interrupt_of_the_terminal_does_not_reach_the_server(data: Path) -> None:
    with server(data) as postgres:
        pid = running_pid(postgres)
        assert os.getpgid(pid) != os.getpgrp()
        assert signal.SIGINT not in signal.sigpending()
