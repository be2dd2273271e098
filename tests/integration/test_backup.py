"""A backup of one database put back into another: what is in it, what comes of it, and what is refused by name."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters.backup import errors, manifest
from adapters.backup.files import untold
from adapters.backup.tables import KEPT, LEFT_OUT
from adapters.blobs.local import LocalBlobs
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.policies import MATRIX
from adapters.postgres.restored import epoch_of
from adapters.postgres.rights import differences
from api.ops import backups
from api.ops.database import schema_of
from tests.support.api import serving
from tests.support.backed_up import contact, later, restored, settings_for, taken
from tests.support.database import (
    QUICK,
    Database,
    empty_database,
    fresh_database,
    needs_postgres_15,
    reachable_folder,
)

CONTACTS = "/v1/audience/contacts"


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with empty_database(postgres) as made:
        yield made


def content_of(dsn: str) -> dict[str, list[str]]:
    """Every row of every table that a backup has."""
    with psycopg.connect(dsn) as connection:
        return {
            table: [str(row) for row in connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1")]  # noqa: S608 - our own tables
            for table in KEPT
        }


async def test_what_is_put_back_is_what_was_there_and_goes_on_in_a_new_epoch(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        await contact(api, tenant, "Ann")
        await api.send("GET", "/v1/history", tenant.key)
        blobs = LocalBlobs(tmp_path / "blobs", api.parts.keys)
        owner = uuid4()
        blobs.write(tenant.id, owner, "upload", [b"sealed" * 50_000])
        await api.project()
        before = content_of(database.admin)
        taken = backups.take_events(settings_for(database, tmp_path), tmp_path / "backup", untold)
        await contact(api, tenant, "Lost")
    assert {one.name for one in (tmp_path / "backup").iterdir()} == {
        "manifest.json",
        "blobs.tar",
        *(f"{table}.copy.gz" for table in KEPT),
    }
    assert backups.verify(tmp_path / "backup", untold) == taken
    shutil.rmtree(tmp_path / "blobs")

    now = later()
    done = restored(settings_for(empty, tmp_path), tmp_path / "backup", now)
    after = content_of(empty.admin)
    assert done.raised.epoch == epoch_of(now)
    moved = {"log.heads", "log.access_heads", "ledger.epochs"}
    assert {name: rows for name, rows in after.items() if name not in moved} == {
        name: rows for name, rows in before.items() if name not in moved
    }
    with psycopg.connect(empty.admin) as connection:
        assert differences(connection) == []
        told = connection.execute("SELECT tenant_id, log, epoch, kept FROM ledger.epochs").fetchall()
    assert {(tenant_id, log, kept) for tenant_id, log, _, kept in told} == {
        (head.tenant_id, head.log, head.position) for head in taken.logs
    }
    assert {epoch for _, _, epoch, _ in told} == {done.raised.epoch}
    async with serving(empty, tmp_path) as api:
        await api.project()
        (row,) = (await api.send("GET", CONTACTS, tenant.key)).json()["data"]
        assert row["first_name"] == "Ann"
        again = LocalBlobs(tmp_path / "blobs", api.parts.keys)
        assert b"".join(again.read(tenant.id, owner, "upload")) == b"sealed" * 50_000
        await contact(api, tenant, "Ben")
        await api.project()
        assert len((await api.send("GET", CONTACTS, tenant.key)).json()["data"]) == 2


def test_every_table_is_in_a_backup_or_left_out_for_a_reason() -> None:
    assert {*KEPT, *LEFT_OUT} == MATRIX.keys()
    assert not set(KEPT) & LEFT_OUT.keys()


def altered(folder: Path, name: str, change: Any) -> None:
    file = folder / name
    file.write_bytes(change(file.read_bytes()))


def without(text: bytes, at: int) -> bytes:
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]


async def test_what_is_amiss_with_a_backup_is_refused_by_name_and_nothing_is_changed(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    good = await taken(database, tmp_path)

    def edited(old: str, new: str) -> Any:
        return lambda folder: altered(
            folder, "manifest.json", lambda text: text.replace(old.encode(), new.encode())
        )

    def cut(name: str) -> Any:
        return lambda folder: altered(folder, name, lambda text: text[:-1])

    told = manifest.read(good, manifest.Events)
    (events,) = (one for one in told.tables if one.table == "log.events")
    head = max(told.logs, key=lambda one: one.position)
    amiss = [
        (lambda folder: (folder / "manifest.json").unlink(), errors.NoBackup),
        (cut("manifest.json"), None),  # the newline at its end alone
        (lambda folder: altered(folder, "manifest.json", lambda text: text[:-3]), errors.NoBackup),
        (edited('"kind": "events"', '"kind": "keys"'), errors.OtherKind),
        (edited('"format": 1', '"format": 2'), errors.BackupNewer),
        (edited(f'"revision": "{told.revision}"', '"revision": "9999"'), errors.BackupNewer),
        (edited(f'"rows": {events.rows}', f'"rows": {events.rows + 1}'), errors.RowsDiffer),
        (edited(f'"position": {head.position}', f'"position": {head.position + 1}'), errors.FileAltered),
        (edited('"table": "log.receipts"', '"table": "pg_authid"'), errors.NoBackup),
        (edited('"name": "log.receipts', '"name": "../log.receipts'), errors.NoBackup),
        (lambda folder: (folder / "log.receipts.copy.gz").unlink(), errors.FileMissing),
        (cut("log.events.copy.gz"), errors.FileTruncated),
        (cut("blobs.tar"), errors.FileTruncated),
        (
            lambda folder: altered(folder, "log.events.copy.gz", lambda text: text + b"\0"),
            errors.FileAltered,
        ),
        *(
            (
                lambda folder, place=place: altered(
                    folder, "log.events.copy.gz", lambda text: without(text, len(text) * place // 7)
                ),
                errors.FileAltered,
            )
            for place in range(7)
        ),
        (
            lambda folder: altered(folder, "blobs.tar", lambda text: without(text, 600)),
            errors.FileAltered,
        ),
    ]
    for number, (change, refusal) in enumerate(amiss):
        folder = tmp_path / f"amiss{number}"
        shutil.copytree(good, folder)
        change(folder)
        if refusal is None:
            backups.verify(folder, untold)
            continue
        with pytest.raises(errors.BackupRefused) as refused:
            restored(settings_for(empty, tmp_path), folder, later())
        assert type(refused.value) is refusal, (number, refused.value)
    with pytest.raises(errors.ListUnreadable):
        backups.restore(
            settings_for(empty, tmp_path),
            untold,
            now=later(),
            of_events=good,
            destroyed=tmp_path / "missing.list",
        )
    with psycopg.connect(empty.admin) as connection:
        found = connection.execute("SELECT to_regclass('migrations.applied')").fetchone()
    assert found == (None,), "nothing was begun"
    with pytest.raises(errors.DatabaseNotEmpty):
        restored(settings_for(database, tmp_path), good, later())
    with pytest.raises(errors.TooEarly):
        restored(settings_for(empty, tmp_path), good, datetime(1970, 1, 1, tzinfo=UTC))
    with pytest.raises(errors.KeysMissing):
        restored(settings_for(empty, tmp_path / "elsewhere"), good, later())
    with pytest.raises(errors.FolderTaken):
        backups.take_events(settings_for(database, tmp_path), good, untold)


async def test_a_process_that_is_still_there_is_named_and_nothing_is_put_back(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    good = await taken(database, tmp_path)
    with psycopg.connect(empty.admin, autocommit=True) as connection:
        connection.execute(f'GRANT CONNECT ON DATABASE "{empty.name}" TO penguinmails_projector')
    with psycopg.connect(empty.projector), pytest.raises(errors.ProcessesRunning):
        restored(settings_for(empty, tmp_path), good, later())
    assert restored(settings_for(empty, tmp_path), good, later()).events


async def test_an_older_backup_is_brought_to_the_schema_of_today(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    """Before the ledger there were the same tables without it."""
    good = await taken(database, tmp_path)
    told = manifest.read(good, manifest.Events)
    tables = tuple(one for one in told.tables if not one.table.startswith("ledger."))
    (good / "manifest.json").unlink()
    manifest.write(good, told.model_copy(update={"revision": "0005", "tables": tables}))
    done = restored(settings_for(empty, tmp_path), good, later())
    assert done.raised.logs == sum(head.log == "events" for head in told.logs)
    assert schema_of(empty.admin) == "current"
    with psycopg.connect(empty.admin) as connection:
        assert differences(connection) == []
        assert connection.execute("SELECT count(*) FROM ledger.epochs").fetchone() == (len(told.logs),)


async def test_a_log_that_lacks_a_position_or_its_tail_is_named(database: Database, tmp_path: Path) -> None:
    """The check that a backup makes of itself, with events that somebody with every right took away."""
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        for name in ("Ann", "Ben"):
            await contact(api, tenant, name)
    settings = settings_for(database, tmp_path)

    def delete(position: int) -> None:
        with psycopg.connect(database.admin) as connection:
            connection.execute(
                "DELETE FROM log.events WHERE tenant_id = %s AND position = %s", (tenant.id, position)
            )

    last = max(head.position for head in backups.take_events(settings, tmp_path / "good", untold).logs)
    delete(last)
    with pytest.raises(errors.LogNotWhole, match=f"{tenant.id} lacks position {last} of {last}"):
        backups.take_events(settings, tmp_path / "cut", untold)
    delete(3)
    with pytest.raises(errors.LogNotWhole, match=f"{tenant.id} lacks position 3 of {last}"):
        backups.take_events(settings, tmp_path / "gap", untold)
    assert not (tmp_path / "cut").exists()


@needs_postgres_15
async def test_a_backup_of_one_version_of_postgres_is_put_back_on_another(
    request: pytest.FixtureRequest, empty: Database, tmp_path: Path
) -> None:
    server: EmbeddedPostgres = request.getfixturevalue("postgres_15")
    with fresh_database(server) as older:
        good = await taken(older, tmp_path)
    (tmp_path / "secrets" / "postgres.json").unlink()
    shutil.copy(empty.passwords.file, tmp_path / "secrets" / "postgres.json")
    assert manifest.read(good, manifest.Events).server.startswith("15.")
    assert restored(settings_for(empty, tmp_path), good, later()).events


async def test_an_owner_who_is_no_superuser_takes_and_puts_back_a_backup(tmp_path: Path) -> None:
    with reachable_folder() as folder, EmbeddedPostgres(folder / "data", settings=QUICK) as server:
        elsewhere = make_conninfo(server.admin_dsn, dbname="postgres")
        with psycopg.connect(elsewhere, autocommit=True) as administrator:
            administrator.execute("CREATE ROLE penguinmails_dba LOGIN CREATEROLE PASSWORD 'choose one'")
            for name in ("one", "two"):
                administrator.execute(f"CREATE DATABASE {name} OWNER penguinmails_dba")
        one, two = (
            Database(
                name,
                make_conninfo(server.admin_dsn, dbname=name, user="penguinmails_dba", password="choose one"),
                server.passwords,
            )
            for name in ("one", "two")
        )
        migrate(one.admin, one.passwords)
        good = await taken(one, tmp_path)
        done = restored(settings_for(two, tmp_path), good, later())
        assert done.events == sum(head.position for head in manifest.read(good, manifest.Events).logs) > 0
        with psycopg.connect(two.admin) as connection:
            assert differences(connection) == []
