"""The supervisor of the embedded Postgres where processes are killed, race, or left something behind."""

import subprocess
from pathlib import Path

import psutil
import psycopg

from adapters.postgres import processes
from adapters.postgres.embedded import State
from tests.support.clusters import eventually, first_line, gone, kill, query, running_pid, server, supervisor


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
