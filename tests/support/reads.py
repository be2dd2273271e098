"""An access log in memory: entries as they are reviewed and watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from application.access_entries import AccessEntries
from application.ports.log import Head, TenantLog
from domain.access.entries import Entry
from tests.support.given import NOW, TENANT, uid

READER, OTHER = uid(0xA1), uid(0xA2)


class Reads(AccessEntries):
    """`entries` are all that there is."""

    def __init__(self) -> None:
        super().__init__(cast("TenantLog", None))
        self.entries: list[Entry] = []

    def read(
        self, reader: UUID = READER, *, at: datetime = NOW, kind: str = "personal", **more: Any
    ) -> Entry:
        """One more entry."""
        entry = Entry(len(self.entries) + 1, at, reader, kind, "audience.contacts", **more)
        self.entries.append(entry)
        return entry

    async def head(self, tenant_id: UUID) -> Head | None:
        last = self.entries[-1] if self.entries else None
        return last and Head(tenant_id, 1, last.position, last.at, 1)

    async def between(self, tenant_id: UUID, after: int, to: int) -> AsyncIterator[list[Entry]]:
        assert tenant_id == TENANT
        found = [entry for entry in self.entries if after < entry.position <= to]
        for start in range(0, len(found), 3):
            yield found[start : start + 3]


def minutes(number: float) -> datetime:
    """So many minutes after the moment of tests."""
    return NOW + timedelta(minutes=number)
