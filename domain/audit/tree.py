"""A log's Merkle tree: hashes, and the frontier that stands for a whole tree while it grows.

RFC 6962 section 2.1 (RFC 9162 section 2.1.1, the same): a leaf is SHA-256(0x00 || entry), a node
SHA-256(0x01 || left || right), the root of an empty tree SHA-256 of nothing. A tree of n leaves has at its left the
largest complete tree of fewer than n. Leaves are counted from 0; node (level, index) is the root of the complete
subtree over the leaves from index << level on, 1 << level of them, so level 0 holds the leaves' hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple, Self

from domain.audit.errors import MalformedFrontier, MalformedHash, OutsideTheTree

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
MOST_LEAVES: Final = 2**63 - 1
"""Sizes are told as 64-bit integers; no log comes near."""

_SIZE_BYTES: Final = 8

Node = tuple[int, int]
"""The level and the index of a complete subtree."""

ReadNode = Callable[[int, int], bytes]
"""Gives the hash of node (level, index), from tiles or a table."""


class Run(NamedTuple):
    """Nodes of one level, side by side: the first one's index, and their hashes."""

    first: int
    hashes: Sequence[bytes]


def entry_of(envelope: bytes) -> bytes:
    """What the log holds of an event: its envelope's SHA-256, 32 bytes (docs/adr/ledger-entries.md)."""
    return sha256(envelope).digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def leaves_of(envelopes: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash(entry_of(...))` of many envelopes."""
    return [sha256(b"\x00" + sha256(envelope).digest()).digest() for envelope in envelopes]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children (RFC 6962 section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def complete_subtrees(first: int, end: int) -> Iterator[Node]:
    """The complete subtrees, largest first, of the tree over leaves `first` to `end` - 1.

    `first` is where such a tree may begin within a larger one: a multiple of a power of two not below its size.
    """
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def joined(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first (RFC 6962 section 2.1: the left one is the largest)."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree's complete subtrees, largest first, one for each bit of its size: all that growing it takes."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no tree has."""
        if not 0 <= self.size <= MOST_LEAVES:
            raise MalformedFrontier(f"A tree has 0 to {MOST_LEAVES:,} leaves; this one says {self.size}.")
        if len(self.nodes) != self.size.bit_count():
            raise MalformedFrontier(
                f"A tree of {self.size} leaves has {self.size.bit_count()} complete subtrees;"
                f" {len(self.nodes)} are given."
            )
        _check(self.nodes)

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return joined(self.nodes) if self.nodes else EMPTY_ROOT

    def adding(self, leaves: Sequence[bytes]) -> Growth:
        """The tree with these leaves' hashes added at its end, and every node that this completed."""
        _check(leaves)
        ours = {
            level: node for (level, _), node in zip(complete_subtrees(0, self.size), self.nodes, strict=True)
        }
        runs: list[Run] = []
        first, row = self.size, list(leaves)
        while row:
            level = len(runs)
            runs.append(Run(first, row))
            pairs = [ours.pop(level), *row] if first & 1 else row
            if len(pairs) & 1:
                ours[level] = pairs[-1]
            one_by_one = iter(pairs)
            row = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(one_by_one, one_by_one, strict=False)
            ]
            first >>= 1
        grown = Frontier(self.size + len(leaves), tuple(ours[level] for level in sorted(ours, reverse=True)))
        return Growth(grown, tuple(runs))

    def to_bytes(self) -> bytes:
        """The size as eight bytes, big-endian, then the hashes."""
        return self.size.to_bytes(_SIZE_BYTES) + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` wrote."""
        size, rest = data[:_SIZE_BYTES], data[_SIZE_BYTES:]
        if len(size) < _SIZE_BYTES:
            raise MalformedFrontier(f"A frontier begins with eight bytes of size; there are {len(size)}.")
        nodes = tuple(rest[at : at + HASH_BYTES] for at in range(0, len(rest), HASH_BYTES))
        if nodes and len(nodes[-1]) != HASH_BYTES:
            raise MalformedFrontier(f"The last hash breaks off after {len(nodes[-1])} of {HASH_BYTES} bytes.")
        return cls(int.from_bytes(size), nodes)

    @classmethod
    def read(cls, size: int, read: ReadNode) -> Self:
        """The frontier of the first `size` leaves, from nodes that are kept."""
        if size < 0:
            raise OutsideTheTree(f"A tree has no {size} leaves.")
        return cls(size, tuple(read(level, index) for level, index in complete_subtrees(0, size)))


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree after leaves were added. `runs[level]` are the nodes of that level that were completed by it."""

    frontier: Frontier
    runs: tuple[Run, ...]


def _check(hashes: Sequence[bytes]) -> None:
    if not set(map(len, hashes)) <= {HASH_BYTES}:
        raise MalformedHash
