"""Roots of a log out of some of its leaves: complete subtrees stand for the positions left out.

Who is given some events of a log, the hash of each complete subtree between them (RFC 6962 section 2.1) and the sizes
of checkpoints can make the root of every one of these, in one walk from the first leaf to the last, with a frontier in
memory and nothing else. It is no proof of another kind: inclusion and consistency follow from the roots themselves.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Self

from domain.audit.errors import MalformedCover, OutsideTheTree
from domain.audit.tree import EMPTY_ROOT, HASH_BYTES, MOST_LEAVES, Frontier, Node, joined, node_hash


class Span(NamedTuple):
    """The leaves from `first` on, up to but without `end`."""

    first: int
    end: int


class Spans:
    """Leaves that were chosen, in order, as few spans as can be; sixteen bytes a span."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        """Take spans in order; what touches becomes one. Raises `OutsideTheTree` where they are not in order."""
        self._ends: Final = array("q")
        self.count = 0
        for first, end in spans:
            self._take(first, end)

    @classmethod
    def of(cls, leaves: Iterable[int]) -> Self:
        """Of single leaves, in order."""
        return cls((leaf, leaf + 1) for leaf in leaves)

    def __iter__(self) -> Iterator[Span]:
        ends = iter(self._ends)
        return (Span(first, end) for first, end in zip(ends, ends, strict=True))

    def __len__(self) -> int:
        return len(self._ends) // 2

    def batches(self, most: int) -> Iterator[list[Span]]:
        """The same spans in lists of `most` leaves at most, cut where need be: how a reader may ask for them."""
        batch, room = list[Span](), most
        for first, end in self:
            at = first
            while at < end:
                cut = min(end, at + room)
                batch.append(Span(at, cut))
                room -= cut - at
                at = cut
                if not room:
                    yield batch
                    batch, room = [], most
        if batch:
            yield batch

    def _take(self, first: int, end: int) -> None:
        last = self._ends[-1] if self._ends else 0
        if not last <= first <= end <= MOST_LEAVES:
            raise OutsideTheTree(f"Leaves are chosen in order and once: {first} to {end} after {last}.")
        if first == end:
            return
        if self._ends and first == last:
            self._ends[-1] = end
        else:
            self._ends.extend((first, end))
        self.count += end - first


def subtrees(first: int, end: int) -> Iterator[Node]:
    """The largest complete subtrees that make up the leaves from `first` to `end` - 1, in order."""
    while first < end:
        fits = (end - first).bit_length() - 1
        level = min(fits, (first & -first).bit_length() - 1) if first else fits
        yield level, first >> level
        first += 1 << level


def left_out(included: Iterable[tuple[int, int]], size: int, splits: Iterable[int] = ()) -> Iterator[Node]:
    """The complete subtrees that stand for all leaves of a tree of this size but the included ones, in order.

    None reaches over a size in `splits`, so that the root of a tree of each of these sizes can be made.
    """
    cuts = iter(sorted({split for split in splits if 0 < split < size} | {size}))
    cut, at = next(cuts), 0
    for first, end in itertools.chain(included, [(size, size)]):
        if not at <= first <= end <= size:
            raise OutsideTheTree(f"A tree of {size} leaves has not, in order, {first} to {end} after {at}.")
        while at < first:
            while cut <= at:
                cut = next(cuts)
            stop = min(cut, first)
            yield from subtrees(at, stop)
            at = stop
        at = end


def subtree_of(first: int, end: int) -> Node:
    """The complete subtree over these leaves. Raises `MalformedCover` where there is none."""
    count = end - first
    if not 0 <= first < end <= MOST_LEAVES or count & (count - 1) or first % count:
        raise MalformedCover(f"No complete subtree is over the leaves {first} to {end - 1}.")
    level = count.bit_length() - 1
    return level, first >> level


class Walk:
    """A tree made from leaves and subtrees, each where the last one ended; `roots` of the named sizes on the way.

    A size that lies within a subtree has no root here: its leaves were not given apart.
    """

    def __init__(self, end: int, sizes: Iterable[int] = ()) -> None:
        """Begin the tree of `end` leaves at its first one."""
        self.end: Final = end
        self.size = 0
        self.roots: dict[int, bytes] = {}
        self._nodes: list[bytes] = []
        self._sizes = sorted({size for size in sizes if 0 <= size <= end}, reverse=True)
        self._tell()

    def copy(self) -> Walk:
        """Another walk that goes on from here."""
        other = Walk(self.end)
        other.size, other.roots = self.size, dict(self.roots)
        other._nodes, other._sizes = list(self._nodes), list(self._sizes)
        return other

    def leaves(self, hashes: Sequence[bytes]) -> None:
        """Add leaves, by their hashes."""
        at = 0
        while at < len(hashes):
            self._room(len(hashes) - at)
            until = self._sizes[-1] - self.size if self._sizes else len(hashes)
            run = hashes[at : at + until]
            grown = Frontier(self.size, tuple(self._nodes)).adding(run).frontier
            self.size, self._nodes = grown.size, list(grown.nodes)
            at += len(run)
            self._tell()

    def subtree(self, node: Node, hashed: bytes) -> None:
        """Add the complete subtree `node`, by its hash. Raises `MalformedCover` where it does not follow."""
        level, index = node
        first, end = index << level, (index + 1) << level
        if len(hashed) != HASH_BYTES:
            raise MalformedCover(f"A hash has {HASH_BYTES} bytes, not {len(hashed)}.")
        if first != self.size:
            what = "lies over others before it" if first < self.size else "leaves a hole before it"
            raise MalformedCover(
                f"The subtree of leaves {first} to {end - 1} {what}: leaf {self.size} is next."
            )
        self._room(end - first)
        while self.size >> level & 1:
            hashed, level = node_hash(self._nodes.pop(), hashed), level + 1
        self._nodes.append(hashed)
        self.size = end
        while self._sizes and self._sizes[-1] < end:
            self._sizes.pop()
        self._tell()

    def _room(self, count: int) -> None:
        if count > self.end - self.size:
            raise MalformedCover(f"The tree has {self.end} leaves; {self.size + count} are given.")

    def _tell(self) -> None:
        if self._sizes and self._sizes[-1] == self.size:
            self.roots[self._sizes.pop()] = joined(self._nodes) if self._nodes else EMPTY_ROOT
