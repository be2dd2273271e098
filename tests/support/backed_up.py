"""Backups of a test's own database, and what is put back of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from adapters.backup.files import Tell, untold
from adapters.blobs.local import LocalBlobs
from api.ops import backups
from api.settings import Settings
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database


def settings_for(database: Database, folder: Path) -> Settings:
    return Settings(data=folder, database_url=SecretStr(database.admin))


def later(minutes: int = 5) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def restored(settings: Settings, folder: Path, now: datetime, tell: Tell = untold) -> backups.RestoredEvents:
    done = backups.restore(settings, tell, now=now, of_events=folder).events
    assert done is not None
    return done


async def contact(api: Api, tenant: TestTenant, name: str) -> dict[str, Any]:
    body = {"workspace_id": str(tenant.workspace_id), "email": f"{name}@x.example", "first_name": name}
    answer = await api.post("/v1/audience/new/create-contact", tenant.key, body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def taken(database: Database, tmp_path: Path) -> Path:
    """A backup with a little of everything."""
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant()
        await contact(api, tenant, "Ann")
        LocalBlobs(tmp_path / "blobs", api.parts.keys).write(tenant.id, uuid4(), "upload", [b"x"])
        backups.take_events(settings_for(database, tmp_path), tmp_path / "backup", untold)
    return tmp_path / "backup"
