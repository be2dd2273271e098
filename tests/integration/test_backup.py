"""A backup of one database put back into another: what is in it, what comes of it, and what is refused by name."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr

from adapters.backup import errors, manifest
from adapters.blobs.local import LocalBlobs
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.policies import MATRIX
from adapters.postgres.restored import epoch_of
from adapters.postgres.rights import differences
from adapters.backup.tables import KEPT, LEFT_OUT
from api.ops import backups
from api.ops.database import HalfRestored, schema_of
from api.settings import Settings
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database, empty_database

CONTACTS = "/v1/audience/contacts"


def quiet(_: str, __: int) -> None:
    """Nobody watches."""


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with empty_database(postgres) as made:
        yield made


def settings_for(database: Database, folder: Path) -> Settings:
    return Settings(data=folder, database_url=SecretStr(database.admin))


def later(minutes: int = 5) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def contact(api: Api, tenant: TestTenant, name: str) -> dict[str, Any]:
    body = {"workspace_id": str(tenant.workspace_id), "email": f"{name}@x.example", "first_name": name}
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def content_of(dsn: str) -> dict[str, list[str]]:
    """Every row of every table that a backup has."""
    with psycopg.connect(dsn) as connection:
        return {
            table: [str(row) for row in connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1")]
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
        taken = backups.take_events(settings_for(database, tmp_path), tmp_path / "backup", quiet)
        await contact(api, tenant, "Lost")
    assert {one.name for one in (tmp_path / "backup").iterdir()} == {
        "manifest.json",
        "blobs.tar",
        *(f"{table}.copy.gz" for table in KEPT),
    }
    assert backups.verify(tmp_path / "backup", quiet) == taken
    shutil.rmtree(tmp_path / "blobs")

    now = later()
    done = backups.restore_events(settings_for(empty, tmp_path), tmp_path / "backup", now, quiet)
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
