"""What the notary needs beside the database: keys to sign with, and a memory of what it signed.

Both are apart from the database. Whoever may write there can then neither sign, nor have another past signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.audit.origins import LogId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from domain.audit.notes import Sign


class NotaryMemoryUnusable(Exception):
    """The notary's memory cannot be read or written. Nothing is signed until it can."""


class Signed(NamedTuple):
    """A tree that was signed, or is about to be. `kept`: with how many events a restore began its epoch, if one did."""

    log: LogId
    epoch: int
    size: int
    root: bytes
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key that signs: its number, its public half, and how it signs."""

    number: int
    public_key: bytes
    sign: Sign


class SigningKeys(Protocol):
    """The keys of this installation's checkpoints."""

    def signing(self) -> Sequence[SigningKey]:
        """Those that sign now, the newest last; made on first use. Raises `KeysUnavailable`."""

    def verify(self, key: bytes, message: bytes, signature: bytes, /) -> bool:
        """See `domain.audit.notes.Verify`."""


class NotaryMemory(Protocol):
    """What was signed, durable before a signature is made. Every method may raise `NotaryMemoryUnusable`."""

    @property
    def name(self) -> str:
        """The installation's name, by which origins begin: given once, for ever."""

    def latest(self, logs: Iterable[LogId]) -> Mapping[LogId, Signed]:
        """What was signed last of each; logs of which nothing was are left out."""

    def remember(self, signed: Iterable[Signed], at: datetime) -> None:
        """Enter what is about to be signed, on the disk when this returns.

        What it follows is kept for ever where it was the last of its hour. Raises `ValueError` where of a log and epoch
        more was signed, another root of that size, or that another number of events was kept when it began.
        """

    def history(self, log: LogId) -> Sequence[Signed]:
        """Everything of a log that is kept: what stood, and the latest of each epoch; by epoch and size."""
