"""Tiles: a tree's hashes in files that never change once full (C2SP tlog-tiles), and bundles of its entries.

A tile of level l holds up to 256 hashes of the tree's level 8 * l, side by side; the levels between are made from
them. The rightmost tiles of a tree are partial, and are named with their width. Who has the tiles of a size can make
any proof of it: `nodes_from` reads nodes for `domain.audit.paths`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.audit.errors import EntryTooLong, ForeignTilePath, MalformedTile, OutsideTheTree
from domain.audit.tree import HASH_BYTES, Frontier, Growth, ReadNode

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
HIGHEST: Final = 63
"""The highest level that a path may name (tlog-tiles, Merkle Tree)."""

LONGEST_ENTRY: Final = 0xFFFF
"""What two bytes can tell the length of (tlog-tiles, Log entries)."""

_LENGTH_BYTES: Final = 2
_GROUP: Final = 3
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)"
    r"/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The tile number `index` of a level; `width` hashes are in it."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix (tlog-tiles, Merkle Tree)."""
        return _path(str(self.level), self.index, self.width)

    def is_of(self, size: int) -> bool:
        """Whether a tree of this size has these hashes: as this tile, or within a wider one."""
        return 0 < self.width <= width_at(self.level, self.index, size)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries whose hashes are in the tile of level 0 of the same number."""

    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix (tlog-tiles, Log entries)."""
        return _path("entries", self.index, self.width)

    def is_of(self, size: int) -> bool:
        """Whether a tree of this size has these entries."""
        return 0 < self.width <= width_at(0, self.index, size)


ReadTile = Callable[[Tile], bytes]
"""Gives a tile's hashes, one after the other."""


def read_path(path: str) -> Tile | Bundle:
    """The tile or the bundle at a path; raises `ForeignTilePath` for every other text."""
    parts = _PATH.fullmatch(path)
    if parts is None:
        raise ForeignTilePath
    index = int(re.sub("[x/]", "", parts["index"]))
    width = int(parts["width"] or WIDTH)
    level = 0 if parts["level"] == "entries" else int(parts["level"])
    found = Bundle(index, width) if parts["level"] == "entries" else Tile(level, index, width)
    # Its own path is another where a full width is told, or more groups of the index than it takes.
    if level > HIGHEST or width > WIDTH or found.path != path:
        raise ForeignTilePath
    return found


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes the tile has in a tree of this size; 0: there is none (tlog-tiles, Partial Tiles)."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def tiles_changed(old: int, new: int) -> Iterator[Tile]:
    """The tiles that growth from one size to another makes or widens, as wide as they then are, level by level.

    From 0 on these are all tiles of a tree. Those of full width will not change again.
    """
    if not 0 <= old <= new:
        raise OutsideTheTree(f"A tree of {old} leaves does not grow to {new}.")
    for level in itertools.count():
        before, after = old >> (HEIGHT * level), new >> (HEIGHT * level)
        if before == after:
            return
        for index in range(before // WIDTH, -(-after // WIDTH)):
            yield Tile(level, index, width_at(level, index, new))


def bundles_changed(old: int, new: int) -> Iterator[Bundle]:
    """The bundles of the tiles of level 0 that such growth makes or widens."""
    for tile in tiles_changed(old, new):
        if tile.level:
            return
        yield Bundle(tile.index, tile.width)


def tiles_grown(old: int, growth: Growth, read: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """The content of each of `tiles_changed`; `read` is asked for the partial tiles of the old size."""
    for tile in tiles_changed(old, growth.frontier.size):
        run = growth.runs[HEIGHT * tile.level]
        start = tile.index * WIDTH
        kept = max(0, run.first - start)
        before = b"".join(hashes_in(Tile(tile.level, tile.index, kept), read)) if kept else b""
        added = run.hashes[start + kept - run.first : start + tile.width - run.first]
        yield tile, before + b"".join(added)


def hashes_in(tile: Tile, read: ReadTile) -> list[bytes]:
    """A tile's hashes, as many as it is wide."""
    data = read(tile)
    if len(data) != tile.width * HASH_BYTES:
        raise MalformedTile(
            f"{tile.path} has {len(data)} bytes; {tile.width} hashes have {tile.width * HASH_BYTES}."
        )
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def tile_of(level: int, index: int) -> tuple[int, int, int, int]:
    """Where a node is: the level and the number of its tile, the first of its hashes in it, and how many make it."""
    first = index << (level % HEIGHT)
    return level // HEIGHT, first // WIDTH, first % WIDTH, 1 << (level % HEIGHT)


def nodes_from(read: ReadTile, size: int) -> ReadNode:
    """Nodes of a tree of this size, from its tiles. Each tile is asked for as wide as it is at that size."""

    def node(level: int, index: int) -> bytes:
        tile_level, tile_index, first, count = tile_of(level, index)
        tile = Tile(tile_level, tile_index, width_at(tile_level, tile_index, size))
        if first + count > tile.width:
            raise OutsideTheTree(f"A tree of {size} leaves has no node {index} of level {level}.")
        return Frontier().adding(hashes_in(tile, read)[first : first + count]).frontier.root

    return node


def bundle_of(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle: the length of each in two bytes, big-endian, then itself (tlog-tiles, Log entries)."""
    if not 0 < len(entries) <= WIDTH:
        raise MalformedTile(f"A bundle has 1 to {WIDTH} entries, not {len(entries)}.")
    longest = max(map(len, entries))
    if longest > LONGEST_ENTRY:
        raise EntryTooLong(f"An entry has {longest:,} bytes; a bundle holds {LONGEST_ENTRY:,} at most.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES) + entry for entry in entries)


def entries_in(bundle: Bundle, data: bytes) -> list[bytes]:
    """A bundle's entries, as many as it is wide."""
    entries, at = list[bytes](), 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start])
        entries.append(data[start:at])
    if at != len(data) or len(entries) != bundle.width:
        raise MalformedTile(f"{bundle.path} does not hold {bundle.width} whole entries.")
    return entries


def _path(level: str, index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // _GROUP) * _GROUP)
    *groups, last = (digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{''.join(f'x{group}/' for group in groups)}{last}{partial}"
