"""What is read of the audit ledger: of one tenant's logs at a time, and the keys that checkpoints are signed by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from domain.audit.origins import LogId


class SignedTree(NamedTuple):
    """A tree as it was signed: `note` is the checkpoint, byte for byte. `refused`: why nothing newer is signed."""

    epoch: int
    size: int
    note: bytes
    signed_at: datetime
    refused: str | None = None


class KeyTold(NamedTuple):
    """A key that checkpoints are signed by, and since when and until when."""

    number: int
    name: str
    public_key: bytes
    signs_from: datetime
    signs_until: datetime | None


class Ledger(Protocol):
    """Reads trees, tiles and checkpoints. Every method may raise `LogUnavailable`."""

    async def tree(self, log: LogId) -> SignedTree | None:
        """The latest of a log; None where nothing was signed yet."""

    async def kept(
        self, log: LogId, *, after: tuple[int, int] = (0, -1), limit: int = 100
    ) -> Sequence[SignedTree]:
        """Those that are kept for ever, by epoch and size, after this epoch and size; the latest is not among them."""

    async def tiles(self, log: LogId, wanted: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], bytes]:
        """Tiles by level and number, each as wide as it is by now; those that are not there are left out."""

    async def envelopes(self, log: LogId, first: int, last: int) -> Sequence[bytes]:
        """The envelopes of positions `first` to `last`, as far as they are there."""

    async def epochs(self, log: LogId) -> Mapping[int, int]:
        """With how many events each epoch began that a restore opened."""

    async def keys(self) -> Sequence[KeyTold]:
        """Every key there was, by number."""
