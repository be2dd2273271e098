"""One log posted to one place: first the tiles that it lacks, then the checkpoint that they are of.

What the place holds is read there, so a posting that was broken off is gone on with, and a place tells of itself when
the database was put back: it then holds more, or another past.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from application.importing.service import Interrupted
from application.ports.mirrors import HoldsAnother
from domain.audit.errors import MalformedTile
from domain.audit.mirroring import (
    CHECKPOINT,
    MirrorContradicts,
    folder_of,
    held_by,
    refuse_another_past,
    tiles_missing,
)
from domain.audit.origins import Origin
from domain.audit.tiles import Tile, nodes_from, tile_of
from domain.audit.tree import HASH_BYTES, Frontier, complete_subtrees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from application.ports.ledger import Ledger
    from application.ports.mirrors import Mirrors, Place
    from domain.audit.checkpoints import Checkpoint
    from domain.audit.origins import LogId

_AT_ONCE: Final = 16
"""Tiles that are on their way to a place together: a store far away takes its time for each."""


class PlaceContradicts(Exception):
    """A place holds another past than the log has now, or something else at `path`; it was left as it is."""

    def __init__(self, log: LogId, path: str, words: str) -> None:
        """Say where, and what."""
        super().__init__(words)
        self.log = log
        self.path = path


class Mirroring:
    """Posts logs."""

    def __init__(self, ledger: Ledger, mirrors: Mirrors) -> None:
        """From `ledger` to `mirrors`."""
        self._ledger = ledger
        self._mirrors = mirrors

    async def post(
        self,
        of: LogId,
        checkpoint: Checkpoint,
        note: bytes,
        place: Place,
        prefix: str,
        stopping: Callable[[], bool],
    ) -> int:
        """Post a log as of its signed checkpoint, below `prefix` in a place; how many files were written.

        Raises `PlaceContradicts`, `PlaceUnusable`, `Interrupted`, and where the trees are away.
        """
        folder = prefix + folder_of(Origin.read(checkpoint.origin))
        path = f"{folder}/{CHECKPOINT}"
        held = await self._do(self._mirrors.read, place, path)
        try:
            there = held_by(held, checkpoint)
            if there is not None:
                refuse_another_past(there, await self._root(of, there.size))
        except MirrorContradicts as error:
            raise PlaceContradicts(of, path, str(error)) from error
        if there is not None and there.size == checkpoint.size and held == note:
            return 0
        written = 0
        missing = list(tiles_missing(there, checkpoint))
        for start in range(0, len(missing), _AT_ONCE):
            tiles = missing[start : start + _AT_ONCE]
            if stopping():
                raise Interrupted
            contents = await self._tiles(of, tiles)
            putting = [
                self._do(self._mirrors.create, place, f"{folder}/{tile.path}", content)
                for tile, content in zip(tiles, contents, strict=True)
            ]
            for result in await asyncio.gather(*putting, return_exceptions=True):
                if isinstance(result, HoldsAnother):
                    words = "A tile is there with other hashes than the log has now."
                    raise PlaceContradicts(of, result.path, words) from result
                if isinstance(result, BaseException):
                    raise result
            written += len(tiles)
        await self._do(self._mirrors.replace, place, path, note)
        return written + 1

    async def _root(self, of: LogId, size: int) -> bytes:
        """The root that a log had at a size, from its tiles as they are now."""
        numbers = {tile_of(level, index)[:2] for level, index in complete_subtrees(0, size)}
        found = await self._ledger.tiles(of, numbers)
        return Frontier.read(size, nodes_from(lambda tile: _cut(tile, found), size)).root

    async def _tiles(self, of: LogId, tiles: Sequence[Tile]) -> list[bytes]:
        found = await self._ledger.tiles(of, [(tile.level, tile.index) for tile in tiles])
        return [_cut(tile, found) for tile in tiles]

    async def _do(self, work: Callable[..., Any], *given: object) -> Any:
        return await asyncio.to_thread(work, *given)


def _cut(tile: Tile, found: Mapping[tuple[int, int], bytes]) -> bytes:
    """A tile as wide as it was, from what it is. Raises `MalformedTile`."""
    hashes = found.get((tile.level, tile.index), b"")[: tile.width * HASH_BYTES]
    if len(hashes) < tile.width * HASH_BYTES:
        raise MalformedTile(f"{tile.path} is not there whole. See `penguinmails audit fsck`.")
    return hashes
