"""The supervisor of the embedded Postgres: what it starts, who gets in, where it may live."""

import json
import os
import shutil
import signal
import stat
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres import processes
from adapters.postgres.binaries import NoPostgres, find
from adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresFailed, State
from tests.support.clusters import SMALL, eventually, gone, query, running_pid, server
from tests.support.database import POSTGRES_15, needs_postgres_15
from tests.support.needs import requires

as_root = requires(os.geteuid() == 0, "to be run by root")


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
