"""How far tenants' access logs were looked through by the alert rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class Behind(NamedTuple):
    """A log that has entries after the last position that was looked at: up to `last`, of this epoch."""

    tenant_id: UUID
    epoch: int
    after: int
    last: int


class WatchCursors(Protocol):
    """Where each look ended. A cursor that was lost does no harm: what is found again is not told again."""

    async def behind(self, limit: int) -> list[Behind]:
        """Logs with entries that nobody looked at, those that wait longest first."""

    async def reached(self, tenant_id: UUID, epoch: int, position: int) -> None:
        """Note how far a log was looked through; never back within an epoch."""
