"""Proofs over a tenant's logs: that an event is in them, and that an older checkpoint is their beginning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.audit.errors import ForeignTilePath, MalformedTile, OutsideTheTree
from domain.audit.notes import SignatureType, VerifierKey
from domain.audit.origins import Origin
from domain.audit.paths import consistency_parts, consistency_proof, inclusion_parts, inclusion_proof
from domain.audit.proofs import TlogProof
from domain.audit.tiles import Bundle, Tile, bundle_of, nodes_from, read_path, tile_of
from domain.audit.tree import HASH_BYTES, entry_of
from domain.kernel.errors import NotFound, Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from application.ports.ledger import Ledger, SignedTree
    from domain.audit.origins import LogId
    from domain.audit.paths import Part
    from domain.audit.tree import ReadNode


class NothingSigned(NotFound):
    """Nothing was signed of this log yet: it has no events, or the notary has not come to it. Ask again shortly."""

    code = "nothing-signed"


class NotYetSigned(Refusal):
    """The event is newer than the latest checkpoint. Ask again in a few seconds, or see why nothing is signed."""

    code = "not-yet-signed"
    kind = RefusalKind.LIMIT


class NothingDecided(NotFound):
    """No decision on this message is in the log, or none stands at this position. Look for it among the decisions."""

    code = "nothing-decided"


class DecidedForSeveral(Refusal):
    """A certificate is about one person, and this message's id was used for several. Ask by a decision's position."""

    code = "decided-for-several"


@dataclass(frozen=True, slots=True)
class Proof:
    """Hashes that prove something of a signed tree. `index` is the leaf's, or the older tree's size."""

    tree: SignedTree
    size: int
    index: int
    hashes: tuple[bytes, ...]


class Proving:
    """Answers from tiles that are kept."""

    def __init__(self, ledger: Ledger) -> None:
        """Read from `ledger`."""
        self._ledger = ledger

    async def tree(self, log: LogId) -> SignedTree:
        """The latest signed tree. Raises `NothingSigned`."""
        tree = await self._ledger.tree(log)
        if tree is None:
            raise NothingSigned
        return tree

    async def inclusion(self, log: LogId, position: int, size: int | None = None) -> Proof:
        """That the event of a position is in the tree of `size` leaves, or in the latest.

        Raises `NotYetSigned`, `OutsideTheTree`, `NothingSigned`.
        """
        tree = await self.tree(log)
        if position > tree.size or (size or 0) > tree.size:
            raise NotYetSigned(_behind(tree))
        size = tree.size if size is None else size
        parts = inclusion_parts(position - 1, size)
        read = await self._nodes(log, parts, size)
        return Proof(tree, size, position - 1, inclusion_proof(position - 1, size, read))

    async def consistency(self, log: LogId, old: int, new: int | None = None) -> Proof:
        """That the tree of `old` leaves is the beginning of that of `new`, or of the latest. Raises as `inclusion`."""
        tree = await self.tree(log)
        if max(old, new or 0) > tree.size:
            raise NotYetSigned(_behind(tree))
        new = tree.size if new is None else new
        parts = consistency_parts(old, new)
        read = await self._nodes(log, parts, new)
        return Proof(tree, new, old, consistency_proof(old, new, read))

    async def proof_file(self, log: LogId, position: int) -> bytes:
        """The proof of an event with the checkpoint it is checked by (C2SP tlog-proof). Raises as `inclusion`."""
        found = await self.inclusion(log, position)
        return TlogProof(found.index, found.hashes, found.tree.note).to_bytes()

    async def envelope(self, log: LogId, position: int) -> bytes:
        """The bytes that the leaf of a position is made over. Raises `NotFound`."""
        found = await self._ledger.envelopes(log, position, position)
        if not found:
            raise NotFound
        return found[0]

    async def file(self, log: LogId, path: str) -> bytes:
        """A tile or a bundle of entries, by its path (C2SP tlog-tiles). Raises `ForeignTilePath`."""
        wanted, tree = read_path(path), await self.tree(log)
        if not wanted.is_of(tree.size):
            raise ForeignTilePath
        if isinstance(wanted, Bundle):
            first = wanted.index * 256
            envelopes = await self._ledger.envelopes(log, first + 1, first + wanted.width)
            if len(envelopes) != wanted.width:
                raise ForeignTilePath
            return bundle_of([entry_of(one) for one in envelopes])
        found = await self._ledger.tiles(log, [(wanted.level, wanted.index)])
        return _cut(wanted, found.get((wanted.level, wanted.index), b""))

    async def verifier_keys(self, log: LogId, name: str, epoch: int) -> Sequence[VerifierKey]:
        """The keys that checkpoints of a log in an epoch are signed by, by number."""
        origin = str(Origin(name, log.tenant_id, log.log, epoch))
        return [
            VerifierKey(origin, SignatureType.ED25519, key.public_key) for key in await self._ledger.keys()
        ]

    async def _nodes(self, log: LogId, parts: Iterable[Part], size: int) -> ReadNode:
        """The nodes of a proof, whose tiles are read at once."""
        wanted = {tile_of(level, index)[:2] for part in parts for level, index in part}
        found = await self._ledger.tiles(log, wanted)
        return nodes_from(lambda tile: _cut(tile, found.get((tile.level, tile.index), b"")), size)


def _cut(tile: Tile, hashes: bytes) -> bytes:
    """A tile as wide as it was, from what it is. Raises `MalformedTile`."""
    if len(hashes) < tile.width * HASH_BYTES:
        raise MalformedTile(
            f"{tile.path} is not there whole: the ledger was changed. See `penguinmails audit fsck`."
        )
    return hashes[: tile.width * HASH_BYTES]


def _behind(tree: SignedTree) -> str:
    if tree.refused is not None:
        return f"{tree.size} events are signed, and no more of this log are: {tree.refused}"
    return f"{tree.size} events are signed so far. Ask again in a few seconds."


__all__ = ["NotYetSigned", "NothingSigned", "OutsideTheTree", "Proof", "Proving"]
