"""Tiles that somebody kept beside an older checkpoint, laid out as they are served (C2SP tlog-tiles)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters.evidence.steps import Gap, Run
from adapters.evidence.unpacking import Unreadable
from adapters.evidence.verdict import Place
from domain.audit.tiles import WIDTH, Tile, width_at
from domain.audit.tree import HASH_BYTES, Frontier


class Mirror:
    """The leaves of a tree of this size and root, read in order from the tiles of level 0."""

    def __init__(self, folder: Path, size: int) -> None:
        """Begin at the first leaf. `folder` is what holds `tile/`."""
        self._folder, self._size = folder, size
        self._index, self._held = 0, list[bytes]()
        self._tree = Frontier()

    def take(self, count: int) -> list[bytes]:
        """The next leaves. Raises `Unreadable` where the tiles lack them."""
        while len(self._held) < count:
            self._held += self._tile()
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def subtree(self, count: int) -> bytes:
        """The root over the next `count` leaves."""
        tree = Frontier()
        while tree.size < count:
            tree = tree.adding(self.take(min(WIDTH, count - tree.size))).frontier
        return tree.root

    def root(self) -> bytes:
        """The root of the whole tree, once the rest of it was read."""
        while self._index * WIDTH < self._size:
            self._tile()
        return self._tree.root

    def _tile(self) -> list[bytes]:
        width = width_at(0, self._index, self._size)
        if not width:
            raise Unreadable("The tiles end before the tree does.")
        data = self._found(width)
        self._index += 1
        leaves = [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]
        self._tree = self._tree.adding(leaves).frontier
        return leaves

    def _found(self, width: int) -> bytes:
        """The tile, or a wider one that came later and begins with the same hashes."""
        for wide in (WIDTH, *range(width, WIDTH)):
            file = self._folder / Tile(0, self._index, wide).path
            if file.is_file():
                with file.open("rb") as tile:
                    data = tile.read(width * HASH_BYTES)
                if len(data) == width * HASH_BYTES:
                    return data
        raise Unreadable(f"{Tile(0, self._index, width).path} is not there, or not whole.")


def first_difference(log: str, steps: Iterable[Run | Gap], mirror: Mirror, limit: int) -> Place | None:
    """Where the log first differs from the mirror among its first `limit` leaves; of a gap, all that it stands for."""
    for step in steps:
        for place in _differing(log, step, mirror, limit):
            return place
        end = step.first + step.count if isinstance(step, Run) else (step.node[1] + 1) << step.node[0]
        if end >= limit:
            break
    return None


def _differing(log: str, step: Run | Gap, mirror: Mirror, limit: int) -> Iterator[Place]:
    if isinstance(step, Gap):
        first, end = step.node[1] << step.node[0], (step.node[1] + 1) << step.node[0]
        if end <= limit and mirror.subtree(end - first) != step.hashed:
            yield Place(log, first + 1, end)
        return
    given = step.made + step.stored[len(step.made) :]
    count = min(step.count, limit - step.first)
    for at, leaf in enumerate(mirror.take(count)):
        if at >= len(given) or given[at] != leaf:
            yield Place(log, step.first + at + 1, step.first + at + 1)
