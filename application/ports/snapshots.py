"""Snapshots: the folded state of a long stream at one of its versions, so that a load reads only what came after.

A cache beside the logs, and nothing more: it can be emptied at any moment, and nothing is proven over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stream's state after the event of `version`; `state` is JSON."""

    version: int
    state: bytes


class SnapshotStore(Protocol):
    """Keep the newest snapshot of a stream. All methods raise `LogUnavailable`."""

    async def streams(self, limit: int) -> list[tuple[UUID, str]]:
        """Tenant and name of streams that have a snapshot, of whatever schema: these are known to be long."""

    async def load(self, tenant_id: UUID, stream: str, schema: str) -> Snapshot | None:
        """The newest of this schema; None where there is none, or only one of another schema."""

    async def save(self, tenant_id: UUID, stream: str, schema: str, snapshot: Snapshot) -> None:
        """Keep it, unless a later version of the same schema is there already."""
