"""Cosignatures in the database: what is due at a witness, how it goes on from what it saw, and what it signed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedTile
from domain.audit.notes import Note
from domain.audit.origins import LogId, LogKind
from domain.audit.paths import consistency_parts, consistency_proof, verify_consistency
from domain.audit.tiles import Tile, nodes_from, tile_of
from domain.audit.tree import HASH_BYTES, Frontier, complete_subtrees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Connection

STOOD: Final = timedelta(minutes=1)
"""A checkpoint that nothing replaced for so long is taken to the witnesses, and each that is kept for ever."""

PACE: Final = timedelta(minutes=15)
"""So long is a log left alone after a witness cosigned it."""

_RECENT: Final = timedelta(hours=2)


class Due(NamedTuple):
    """A checkpoint that a witness is to be asked about. `since`: what it cosigned last of this log in this epoch."""

    log: LogId
    epoch: int
    size: int
    note: bytes
    signed_at: datetime
    since: int

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says. Raises `MalformedNote` or `MalformedCheckpoint` where a stranger wrote it."""
        return Checkpoint.read(Note.read(self.note).text)


def find_due(
    connection: Connection[Any], witness: str, resting: Sequence[LogId], now: datetime, most: int
) -> list[Due]:
    """Of each log that is due at a witness the newest checkpoint it may be asked about; unseen logs come first."""
    rows = connection.execute(
        _DUE,
        {
            "witness": witness,
            "stood": now - STOOD,
            "paced": now - PACE,
            "tenants": [log.tenant_id for log in resting],
            "logs": [log.log.value for log in resting],
            "most": most,
        },
        binary=True,
    ).fetchall()
    return [Due(LogId(tenant, LogKind(log)), *rest) for tenant, log, *rest in rows]


def hold(connection: Connection[Any], due: Due) -> None:
    """Keep a checkpoint for ever, before anybody is asked about it: what a witness has seen must not be gone here."""
    connection.execute(_HOLD, (*due.log, due.epoch, due.size, due.note, due.signed_at))


def proven(connection: Connection[Any], due: Due, old: int) -> tuple[bytes, ...]:
    """The proof that the tree of `old` leaves is the beginning of this checkpoint's.

    Raises a `Refusal` where the tiles are not those of the checkpoint: a restore came between, or a stranger.
    """
    checkpoint = due.checkpoint
    nodes = [node for part in consistency_parts(old, due.size) for node in part]
    nodes += [*complete_subtrees(0, old), *complete_subtrees(0, due.size)]
    wanted = sorted({tile_of(*node)[:2] for node in nodes})
    rows = connection.execute(
        _TILES,
        (*due.log, due.epoch, [level for level, _ in wanted], [index for _, index in wanted]),
        binary=True,
    ).fetchall()
    found: dict[tuple[int, int], bytes] = {(level, index): hashes for level, index, hashes in rows}

    def read(tile: Tile) -> bytes:
        return found.get((tile.level, tile.index), b"")[: tile.width * HASH_BYTES]

    node = nodes_from(read, due.size)
    proof, root = consistency_proof(old, due.size, node), Frontier.read(due.size, node).root
    shown = verify_consistency(old, Frontier.read(old, node).root, due.size, root, proof)
    if not shown.holds or (due.size, root) != (checkpoint.size, checkpoint.root):
        raise MalformedTile("The tiles of the log are not those of its checkpoint.")
    return proof


def keep(connection: Connection[Any], due: Due, witness: str, line: bytes, now: datetime) -> None:
    """Enter what a witness signed: its line, with the newline that ends it."""
    connection.execute(_KEEP, (*due.log, due.epoch, due.size, witness, line, now))


def count_unwitnessed(
    connection: Connection[Any], witnesses: Sequence[str], least: int, now: datetime
) -> int:
    """How many logs there are whose present checkpoint, or one of the last two hours, too few witnesses cosigned."""
    if not least:
        return 0
    row = connection.execute(
        _UNWITNESSED, {"witnesses": list(witnesses), "least": least, "recent": now - _RECENT}
    ).fetchone()
    return 0 if row is None else int(row[0])


_DUE: Final = """
    SELECT t.tenant_id, t.log, t.epoch, c.size, c.note, c.signed_at, coalesce(w.size, 0)
    FROM ledger.trees t
    LEFT JOIN LATERAL (
        SELECT size, taken_at FROM ledger.cosignatures
        WHERE tenant_id = t.tenant_id AND log = t.log AND epoch = t.epoch AND witness = %(witness)s
        ORDER BY size DESC LIMIT 1) w ON true
    CROSS JOIN LATERAL (
        SELECT t.size, t.note, t.signed_at WHERE t.signed_at <= %(stood)s
        UNION ALL (
            SELECT size, note, signed_at FROM ledger.checkpoints
            WHERE tenant_id = t.tenant_id AND log = t.log AND epoch = t.epoch AND size <= t.size
            ORDER BY size DESC LIMIT 1)
        ORDER BY 1 DESC LIMIT 1) c
    WHERE c.size > coalesce(w.size, 0) AND (w.taken_at IS NULL OR w.taken_at <= %(paced)s)
        AND NOT EXISTS (
            SELECT FROM unnest(%(tenants)s::uuid[], %(logs)s::text[]) AS r(tenant_id, log)
            WHERE r.tenant_id = t.tenant_id AND r.log = t.log)
    ORDER BY w.taken_at NULLS FIRST, t.tenant_id, t.log
    LIMIT %(most)s
"""
_HOLD: Final = "INSERT INTO ledger.checkpoints VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_KEEP: Final = "INSERT INTO ledger.cosignatures VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_TILES: Final = """
    SELECT s.level, s.tile, s.hashes
    FROM ledger.trees t JOIN ledger.tiles s USING (tenant_id, log)
    WHERE t.tenant_id = %s AND t.log = %s AND t.epoch = %s
        AND (s.level, s.tile) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))
"""
_UNWITNESSED: Final = """
    SELECT count(*) FROM ledger.trees t
    WHERE t.size > 0 AND NOT EXISTS (
        SELECT FROM ledger.cosignatures c
        WHERE c.tenant_id = t.tenant_id AND c.log = t.log AND c.epoch = t.epoch
            AND c.witness = ANY(%(witnesses)s::text[]) AND (c.size = t.size OR c.taken_at >= %(recent)s)
        GROUP BY c.size HAVING count(*) >= %(least)s)
"""
