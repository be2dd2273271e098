"""Whose permissions are due to be announced: told by a view, decided by the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from domain.audience.lapse import OneLapse


class Lapses(Protocol):
    """Who is due."""

    def due(self, tenant_id: UUID, together: int) -> AsyncIterator[list[OneLapse]]:
        """Those whose notice, or whose end, is due now, so many at a time, the longest due first; each once.

        Raises `ViewNotReady`.
        """
