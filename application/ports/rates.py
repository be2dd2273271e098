"""Where the count of a minute is kept: one for all processes of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Lease:
    """A block of a tenant's minute. `granted` 0: the minute is used up. `left` is what others may still lease."""

    granted: int
    left: int
    seconds: float
    """How long the minute still lasts."""


class RateCounter(Protocol):
    """Counts what is leased of each tenant's minute."""

    async def lease(self, tenant_id: UUID, bucket: str, wanted: int, limit: int) -> Lease:
        """Lease up to `wanted` of this minute, of which `limit` may be leased in all. Raises `LogUnavailable`."""
