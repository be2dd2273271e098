"""Witnesses as the notary asks them: elsewhere, by other people, and not always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from domain.audit.witnessing import Found


class Answered(NamedTuple):
    """What a witness answered: what it found, or, where that is None, what kept it from answering, in a word.

    `body`: its signature lines, where it found the checkpoint consistent. `size`: what it cosigned last, where it told.
    `wait`: the seconds for which it wants not to be asked.
    """

    found: Found | None
    trouble: str = ""
    body: bytes = b""
    size: int | None = None
    wait: float | None = None


class Witness(Protocol):
    """One witness."""

    async def add_checkpoint(self, request: bytes) -> Answered:
        """Send a request (`AddCheckpoint.to_bytes`). Never raises because of the witness, and ends in bounded time."""
