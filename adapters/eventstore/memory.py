"""The tenant log in memory: for tests of what stands on it. Requests are judged by the same code as on Postgres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from adapters.eventstore.group import Group
from application.ports.log import Head, Recorded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from application.commanding import Clock
    from application.ports.log import Append, Appended, Receipt


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLog:
    """Implements `TenantLog`; every request is a group of its own."""

    def __init__(self, clock: Clock = _now) -> None:
        """Take the moments of events from `clock`."""
        self._clock = clock
        self._heads: dict[UUID, Head] = {}
        self._events: dict[UUID, list[Recorded]] = {}
        self._receipts: dict[tuple[UUID, bytes], Receipt] = {}

    async def append(self, request: Append) -> Appended:
        """See `TenantLog.append`."""
        group = Group([request])
        for tenant_id in group.opens:
            self._heads.setdefault(tenant_id, Head(tenant_id, 1, 0, self._clock(), 1))
        versions = [
            self._version(tenant, stream) for tenant, streams in group.streams() for stream in streams
        ]
        head = self._heads.get(request.tenant_id)
        heads = (
            []
            if head is None
            else [(head.tenant_id, head.epoch, head.position, head.recorded_at, head.auth_epoch)]
        )
        found = [(key, self._receipts[key]) for key in group.receipt_keys if key in self._receipts]
        receipts = [
            (*key, r.command_id, r.command, r.body_hmac, r.first_position, r.last_position, r.recorded_at)
            for key, r in found
        ]
        group.learn(heads, (self._clock(), versions), receipts)
        (outcome,) = group.judge()
        if isinstance(outcome, Exception) or outcome is None:
            raise outcome or RuntimeError("a log in memory is held by nobody")
        if outcome.replayed is None:
            self._keep(request, outcome, group)
        return outcome

    def _keep(self, request: Append, appended: Appended, group: Group) -> None:
        tenant_id = request.tenant_id
        rows = self._events.setdefault(tenant_id, [])
        for offset, event in enumerate(request.events):
            rows.append(
                Recorded(
                    tenant_id,
                    appended.first_position + offset,
                    event.stream,
                    self._version(tenant_id, event.stream) + 1,
                    event.name,
                    event.schema_version,
                    event.payload,
                    event.metadata,
                    appended.recorded_at,
                )
            )
        for tenant, key, receipt in group.receipts_made:
            self._receipts[tenant, key] = receipt
        self._heads[tenant_id] = Head(
            tenant_id, appended.epoch, appended.last_position, appended.recorded_at, appended.auth_epoch
        )

    def _version(self, tenant_id: UUID, stream: str) -> int:
        return max(
            (row.version for row in self._events.get(tenant_id, ()) if row.stream == stream), default=0
        )

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        """See `TenantLog.read_streams`."""
        rows = [
            row
            for row in self._events.get(tenant_id, ())
            if up_to_position is None or row.position <= up_to_position
        ]
        return [
            [row for row in rows if row.stream == name and row.version > after][:limit]
            for name, after in streams
        ]

    async def read_stream(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Recorded]:
        """See `TenantLog.read_stream`."""
        rows = [
            row
            for row in self._events.get(tenant_id, ())
            if row.stream == stream and after < row.version and (up_to is None or row.version <= up_to)
        ]
        return (rows[::-1] if newest_first else rows)[:limit]

    async def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """See `TenantLog.read_log`."""
        rows = self._events.get(tenant_id, [])[after:]
        return [row for row in rows if up_to is None or row.position <= up_to][:limit]

    async def count_streams(self, tenant_id: UUID, category: str, ended: Sequence[str]) -> int:
        """See `TenantLog.count_streams`."""
        rows = [row for row in self._events.get(tenant_id, ()) if row.category == category]
        return sum(row.version == 1 for row in rows) - sum(row.name in ended for row in rows)

    async def count_events(
        self, tenant_id: UUID, name: str, field: str, prefix: str, *, after: int, up_to: int
    ) -> int:
        """See `TenantLog.count_events`."""
        rows = self._events.get(tenant_id, [])[after:up_to]
        told = [orjson.loads(row.payload).get(field) for row in rows if row.name == name]
        return sum(isinstance(value, str) and value.startswith(prefix) for value in told)

    async def read_named(
        self, tenant_id: UUID, names: Sequence[str], *, after: int, up_to: int
    ) -> list[Recorded]:
        """See `TenantLog.read_named`."""
        return [row for row in self._events.get(tenant_id, [])[after:up_to] if row.name in names]

    async def head(self, tenant_id: UUID) -> Head | None:
        """See `TenantLog.head`."""
        return self._heads.get(tenant_id)

    async def receipt(self, tenant_id: UUID, key_hmacs: Sequence[bytes]) -> Receipt | None:
        """See `TenantLog.receipt`."""
        return next(
            (self._receipts[tenant_id, key] for key in key_hmacs if (tenant_id, key) in self._receipts), None
        )
