"""Imports in tests: the door over the API of a test, and the worker's part done on the spot."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

import domain.registered  # noqa: F401 - the deciders register themselves
from application.importing.rollback import Rollback
from application.workflow import Because, Workflow
from domain.audience.addressee_state import Addressee
from domain.audience.contact import Contact
from domain.audience.contact_import import Import
from domain.kernel.commands import DECIDERS, stream_name
from tests.support.api import Api, TestTenant
from tests.support.database import Database

HEADER = ("Email", "First name", "Country", "Opted in at", "Unsubscribed")
CSV = {"content-type": "text/csv"}


def content(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """A CSV file; rows that are shorter than the header are filled up."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([*row, *[""] * (len(header) - len(row))] for row in rows)
    return text.getvalue().encode()


def people(count: int, start: int = 1) -> list[tuple[str, ...]]:
    """Rows of so many people."""
    return [(f"p{n}@people.example", f"P{n}", "DE", "2025-01-31") for n in range(start, start + count)]


@dataclass(slots=True)
class Importing:
    """The doors of imports for one tenant."""

    api: Api
    http: httpx.AsyncClient
    tenant: TestTenant
    database: Database

    async def upload(
        self, file: bytes | AsyncIterator[bytes], key: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send a file."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(
            "/v1/audience/imports",
            params={"workspace_id": str(self.tenant.workspace_id)},
            headers={**CSV, "authorization": f"Bearer {key or self.tenant.key}", **named},
            content=file,
        )

    async def ready(self, file: bytes) -> UUID:
        """An import that can be started."""
        answer = await self.upload(file)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def command(self, import_id: UUID, word: str, body: object = None) -> httpx.Response:
        """`start-import`, `cancel-import` and others."""
        return await self.api.post(f"/v1/audience/{import_id}/{word}", self.tenant.key, body)

    async def get(self, path: str, key: str | None = None) -> httpx.Response:
        """Ask something."""
        return await self.http.get(path, headers={"authorization": f"Bearer {key or self.tenant.key}"})

    async def preview(self, import_id: UUID, mapping: object = None) -> Any:
        """What it would do."""
        answer = await self.http.post(
            f"/v1/audience/imports/{import_id}/preview",
            headers={"authorization": f"Bearer {self.tenant.key}"},
            json={} if mapping is None else mapping,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def workflow(self) -> Workflow:
        """A worker's."""
        return Workflow(self.api.parts.commands, self.tenant.id, uuid4(), Because(uuid4()))

    async def run(
        self, import_id: UUID, mapping: dict[str, Any] | None = None, list_id: UUID | None = None
    ) -> Import:
        """Start it, and do the worker's part to its end."""
        body = {"mapping": mapping or {}, **({"list_id": str(list_id)} if list_id else {})}
        answer = await self.command(import_id, "start-import", body)
        assert answer.status_code == 200, answer.text
        return await self.work(import_id)

    async def work(self, import_id: UUID, stopping: Callable[[], bool] = lambda: False) -> Import:
        """The worker's part, from where it stands."""
        await self.api.parts.imports.run(self.workflow(), import_id, stopping)
        return await self.api.parts.imports.existing(self.tenant.id, import_id)

    async def roll_back(self, import_id: UUID) -> Import:
        """Undo it, to the end."""
        assert (await self.command(import_id, "roll-back-import")).status_code == 200
        await Rollback(self.api.parts.commands).run(self.workflow(), import_id, lambda: False)
        return await self.api.parts.imports.existing(self.tenant.id, import_id)

    async def contacts(self) -> dict[str, Contact]:
        """The contacts that are there, by address: folded from the log. Fails where an address has two."""
        found: dict[str, Contact] = {}
        streams = list(
            {row.stream: None for row in await self.history() if row.stream.startswith("contact:")}
        )
        for start in range(0, len(streams), 1_000):
            wanted = [(DECIDERS["contact"], stream) for stream in streams[start : start + 1_000]]
            loaded = await self.api.parts.commands.streams.load(self.tenant.id, wanted, fresh=True)
            for _, state in loaded:
                if isinstance(state, Contact):
                    assert state.email not in found, "one address, one contact"
                    found[state.email] = state
        return found

    async def history(self) -> list[Any]:
        """Every event of the tenant's log."""
        rows: list[Any] = []
        while some := await self.api.parts.log.read_log(
            self.tenant.id, after=rows[-1].position if rows else 0, limit=1000
        ):
            rows += some
        return rows

    def files(self, folder: Path) -> list[str]:
        """The names of all files that lie in the tenant's folder."""
        return sorted(
            path.name for path in (folder / "blobs" / str(self.tenant.id)).rglob("*") if path.is_file()
        )


@pytest.fixture
async def importing(api: Api, database: Database) -> Importing:
    """A tenant and the doors of its imports."""
    return Importing(api, api.http, await api.tenant(country="US"), database)


async def behind(importing: Importing, email: str) -> Addressee:
    """Who is behind an address, contact or not."""
    parts, tenant_id = importing.api.parts, importing.tenant.id
    key = parts.commands.streams.pseudonyms(tenant_id, "email_claim", email)[0]
    wanted = [(DECIDERS["email_claim"], stream_name("email_claim", key))]
    ((_, claim),) = await parts.commands.streams.load(tenant_id, wanted, fresh=True)
    state = await parts.commands.state(tenant_id, "addressee", claim.addressee_id or claim.former)
    assert isinstance(state, Addressee)
    return state
