"""The latest checkpoints of all logs, for whoever tells others of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from application.ports.log import LogUnavailable
from domain.audit.origins import LogId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from domain.audit.checkpoints import Checkpoint


class TreesUnavailable(LogUnavailable):
    """The trees cannot be read just now. Try again later."""


class Shown(NamedTuple):
    """A log's latest checkpoint, and the note that it was signed as; None where the database has none of this log."""

    log: LogId
    checkpoint: Checkpoint | None
    note: bytes
    signed_at: datetime


class ShownTrees(Protocol):
    """The latest checkpoints of all logs."""

    def pages(self, most: int) -> AsyncIterator[Sequence[Shown]]:
        """All that there are, so many at a time. Raises `TreesUnavailable`."""

    async def keep(self, shown: Sequence[Shown]) -> None:
        """Have these checkpoints kept for ever, as they were told outside. Raises `TreesUnavailable`."""
