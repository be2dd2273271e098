"""Trees and tiles in the database: read for growth, written by the notary alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.audit.errors import MalformedTile
from domain.audit.tiles import HEIGHT, WIDTH, Tile, tiles_grown
from domain.audit.tree import HASH_BYTES, Frontier, complete_subtrees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from psycopg import Connection

    from application.ports.notary import Signed
    from domain.audit.origins import LogId
    from projections.audit.logs import Tree

Filled = tuple[Tile, bytes]
"""A tile and its hashes, one after the other."""


class Overtaken(Exception):
    """Somebody else moved a tree meanwhile. Look again."""


@dataclass(slots=True)
class Grower:
    """A tree that leaves are added to. `edges`: the hashes of its rightmost tile of each level where it is not full."""

    frontier: Frontier
    edges: dict[int, bytes]

    def add(self, leaves: Sequence[bytes]) -> list[Filled]:
        """Add leaves; the tiles that this made or widened."""
        old, growth = self.frontier.size, self.frontier.adding(leaves)
        filled = list(tiles_grown(old, growth, lambda tile: self.edges[tile.level]))
        self.frontier = growth.frontier
        for tile, hashes in filled:  # of a level the rightmost comes last
            self.edges[tile.level] = hashes if tile.width < WIDTH else b""
        return filled


class Grown(NamedTuple):
    """A tree that was brought forward: what it was in the database, what it is, and its signed checkpoint."""

    old: Tree | None
    signed: Signed
    frontier: Frontier
    note: bytes


def growers(connection: Connection[Any], trees: Mapping[LogId, Frontier]) -> dict[LogId, Grower]:
    """Trees with their edges, read at once. Raises `MalformedTile`."""
    wanted = [(log, *edge) for log, frontier in trees.items() for edge in _edges(frontier.size)]
    rows = connection.execute(
        _EDGES,
        (
            [log.tenant_id for log, *_ in wanted],
            [log.log.value for log, *_ in wanted],
            [level for _, level, *_ in wanted],
            [index for _, _, index, _ in wanted],
        ),
        binary=True,
    ).fetchall()
    found = {log: Grower(frontier, {}) for log, frontier in trees.items()}
    for place, hashes in rows:
        log, level, index, width = wanted[place - 1]
        if hashes is None or len(hashes) < width * HASH_BYTES:
            raise MalformedTile(f"{Tile(level, index, width).path} is not there, or is too narrow.")
        edge = found[log].edges[level] = hashes[: width * HASH_BYTES]
        if not _ends(trees[log], level, edge):
            raise MalformedTile(f"{Tile(level, index, width).path} is not the end of its tree.")
    return found


def fill(connection: Connection[Any], filled: Iterable[tuple[LogId, Sequence[Filled]]]) -> None:
    """Put tiles in place of the narrower ones; of one that was widened several times the last."""
    rows = {
        (log.tenant_id, log.log.value, tile.level, tile.index): hashes
        for log, tiles in filled
        for tile, hashes in tiles
    }
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(_TILES, [*columns, list(rows.values())])


def empty(connection: Connection[Any], log: LogId) -> None:
    """Take a log's tiles away, to make them anew from its first event on."""
    connection.execute("DELETE FROM ledger.tiles WHERE tenant_id = %s AND log = %s", (*log,))


def move(connection: Connection[Any], grown: Sequence[Grown], at: datetime) -> None:
    """Put the new trees and checkpoints in place. Raises `Overtaken`.

    A checkpoint that is replaced is kept for ever when it was the last of its hour, or of its epoch.
    """
    tenants, logs = [one.signed.log.tenant_id for one in grown], [one.signed.log.log.value for one in grown]
    epochs, sizes = [one.signed.epoch for one in grown], [one.signed.size for one in grown]
    connection.execute(_KEEP, (tenants, logs, epochs, at))
    row = connection.execute(
        _MOVE,
        (
            tenants,
            logs,
            epochs,
            sizes,
            [one.frontier.to_bytes() for one in grown],
            [one.note for one in grown],
            [None if one.old is None else one.old.epoch for one in grown],
            [None if one.old is None else one.old.size for one in grown],
            at,
        ),
    )
    if row.rowcount != len(grown):
        raise Overtaken
    connection.execute(_SIGNED_AGAIN, (tenants, logs))


def notes_of(connection: Connection[Any], log: LogId) -> list[tuple[int, int, bytes]]:
    """Every checkpoint of a log that there is, as it was signed, with the epoch and the size that it is kept under."""
    rows = connection.execute(
        "SELECT epoch, size, note FROM ledger.checkpoints WHERE tenant_id = %(tenant)s AND log = %(log)s"
        " UNION SELECT epoch, size, note FROM ledger.trees WHERE tenant_id = %(tenant)s AND log = %(log)s",
        {"tenant": log.tenant_id, "log": log.log.value},
    )
    return [(epoch, size, bytes(note)) for epoch, size, note in rows]


def refuse(connection: Connection[Any], log: LogId, words: str) -> None:
    """Say why a log is not signed."""
    connection.execute(
        "INSERT INTO ledger.refusals VALUES (%s, %s, clock_timestamp(), %s)"
        " ON CONFLICT (tenant_id, log) DO UPDATE SET words = excluded.words",
        (*log, words),
    )


def _ends(tree: Frontier, level: int, edge: bytes) -> bool:
    """Whether a tile that is not full makes those of the tree's complete subtrees that lie in it."""
    hashes = [edge[at : at + HASH_BYTES] for at in range(0, len(edge), HASH_BYTES)]
    subtrees = zip(complete_subtrees(0, tree.size), tree.nodes, strict=True)
    own = tuple(node for (at, _), node in subtrees if level * HEIGHT <= at < (level + 1) * HEIGHT)
    return Frontier().adding(hashes).frontier.nodes == own


def _edges(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of the rightmost tiles that are not full."""
    level = 0
    while size >> (HEIGHT * level):
        index, width = divmod(size >> (HEIGHT * level), WIDTH)
        if width:
            yield level, index, width
        level += 1


_EDGES: Final = """
    SELECT s.place, t.hashes
    FROM unnest(%s::uuid[], %s::text[], %s::smallint[], %s::bigint[]) WITH ORDINALITY
        AS s(tenant_id, log, level, tile, place)
    LEFT JOIN ledger.tiles t USING (tenant_id, log, level, tile)
"""
_TILES: Final = """
    INSERT INTO ledger.tiles
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::smallint[], %s::bigint[], %s::bytea[])
    ON CONFLICT (tenant_id, log, level, tile) DO UPDATE SET hashes = excluded.hashes
"""
_KEEP: Final = """
    INSERT INTO ledger.checkpoints
    SELECT t.tenant_id, t.log, t.epoch, t.size, t.note, t.signed_at
    FROM ledger.trees t
    JOIN unnest(%s::uuid[], %s::text[], %s::int[]) AS s(tenant_id, log, epoch) USING (tenant_id, log)
    WHERE date_trunc('hour', t.signed_at) <> date_trunc('hour', %s::timestamptz) OR t.epoch <> s.epoch
    ON CONFLICT DO NOTHING
"""
_MOVE: Final = """
    WITH s AS (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::bytea[], %s::int[],
            %s::bigint[]) AS s(tenant_id, log, epoch, size, frontier, note, old_epoch, old_size)
    )
    INSERT INTO ledger.trees AS t (tenant_id, log, epoch, size, frontier, note, signed_at)
    SELECT tenant_id, log, epoch, size, frontier, note, %s FROM s ORDER BY tenant_id, log
    ON CONFLICT (tenant_id, log) DO UPDATE SET
        epoch = excluded.epoch,
        size = excluded.size,
        frontier = excluded.frontier,
        note = excluded.note,
        signed_at = excluded.signed_at
    WHERE (t.epoch, t.size) = (
        SELECT s.old_epoch, s.old_size FROM s WHERE s.tenant_id = t.tenant_id AND s.log = t.log)
"""
_SIGNED_AGAIN: Final = """
    DELETE FROM ledger.refusals r USING unnest(%s::uuid[], %s::text[]) AS s(tenant_id, log)
    WHERE r.tenant_id = s.tenant_id AND r.log = s.log
"""
