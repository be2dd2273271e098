"""Looks whether the ledger is what the logs make of it: every root is made anew from the events and held against it.

Nothing is changed. What was signed is taken from the checkpoints, whose signatures are verified, and from the notary's
memory, which whoever may write to the database does not reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from application.ports.notary import Signed
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedFrontier
from domain.audit.notes import Note, SignatureType, VerifierKey, Verify, opened
from domain.audit.origins import LogId, LogKind, Origin
from domain.audit.tiles import WIDTH
from domain.audit.tree import HASH_BYTES, Frontier
from domain.kernel.errors import Refusal
from projections.audit.logs import Gap, Span, kept_of, leaves
from projections.audit.trees import Filled, Grower, notes_of

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

Progress = Callable[[int], object]
"""Told how many more events were looked at."""


_MOST_SAID: Final = 20


@dataclass(slots=True)
class Looked:
    """What was found of a log. `wrong`: words, the first of them about the earliest position; empty where all holds.

    `position`: the first position that is not what was signed, where that can be told; `signed`: how far it was signed.
    """

    log: LogId
    epoch: int
    events: int
    signed: int = 0
    checkpoints: int = 0
    position: int | None = None
    wrong: list[str] = field(default_factory=list)

    def say(self, words: str, position: int | None = None) -> None:
        """Enter a finding; the earliest position is kept, and some of the rest."""
        if position is not None and (self.position is None or position < self.position):
            self.position = position
            self.wrong.insert(0, words)
        elif len(self.wrong) < _MOST_SAID:
            self.wrong.append(words)


def logs_of(connection: Connection[Any], tenant_id: UUID | None = None) -> list[tuple[LogId, int, int]]:
    """Every log there is, or those of a tenant, also where the ledger alone knows of it: log, epoch, position."""
    rows = connection.execute(_LOGS, {"tenant": tenant_id}).fetchall()
    return [(LogId(tenant, LogKind(log)), epoch, position) for tenant, log, epoch, position in rows]


def look(
    connection: Connection[Any],
    of: tuple[LogId, int, int],
    remembered: Sequence[Signed],
    verify: Verify,
    told: Progress = lambda _: None,
) -> Looked:
    """Look at one log. `remembered`: what the notary signed of it."""
    log, epoch, position = of
    found = Looked(log, epoch, position)
    marks = _marks(connection, found, remembered, verify)
    tree = Grower(Frontier(), {})
    held = 0
    try:
        for _, added in leaves(connection, [Span(log, 0, position)]):
            held = _hold(found, tree, added, marks, held)
            _hold_tiles(connection, found, tree.add(added))
            told(len(added))
    except Gap as gap:
        found.say(f"Position {gap.position} is not in the log.", gap.position)
    else:
        _hold_tree(connection, found, tree)
    return found


def _marks(
    connection: Connection[Any], found: Looked, remembered: Iterable[Signed], verify: Verify
) -> list[tuple[int, bytes]]:
    """Which roots are to be found at which sizes; what cannot be, is said."""
    keys = [bytes(key) for (key,) in connection.execute("SELECT public_key FROM ledger.keys").fetchall()]
    past = [*remembered]
    for data in notes_of(connection, found.log):
        signed = _signed(found, data, keys, verify)
        if signed is not None:
            found.checkpoints += 1
            past.append(signed)
    kept, marks = kept_of(connection, found.log), dict[int, bytes]()
    for one in past:
        left = min((n for epoch, n in kept.items() if one.epoch < epoch <= found.epoch), default=one.size)
        if one.size > left:
            continue  # lost by a restore that says so
        if one.size > found.events:
            found.say(
                f"{one.size} events were signed in epoch {one.epoch}, and the log ends at {found.events}.",
                found.events + 1,
            )
        elif marks.setdefault(one.size, one.root) != one.root:
            found.say(f"Of {one.size} events two roots were signed.")
    found.signed = max(marks, default=0)
    return sorted(marks.items())


def _signed(found: Looked, data: bytes, keys: Iterable[bytes], verify: Verify) -> Signed | None:
    """The tree that a checkpoint of the database says was signed, where a key of ours did sign it."""
    try:
        note = Note.read(data)
        checkpoint = Checkpoint.read(note.text)
        origin = Origin.read(checkpoint.origin)
        trusted = [VerifierKey(checkpoint.origin, SignatureType.ED25519, key) for key in keys]
        opened(note, trusted, verify)
    except Refusal as refusal:
        found.say(f"A checkpoint is not one that this installation signed: {refusal.detail}")
        return None
    if LogId(origin.tenant_id, origin.log) != found.log:
        found.say(f"A checkpoint of {checkpoint.origin} stands among those of this log.")
        return None
    return Signed(found.log, origin.epoch, checkpoint.size, checkpoint.root)


def _hold(
    found: Looked, tree: Grower, added: Sequence[bytes], marks: Sequence[tuple[int, bytes]], held: int
) -> int:
    """Hold the tree at each size that was signed against its root; up to which size all did hold."""
    before = tree.frontier.size
    for size, root in marks:
        if before < size <= before + len(added):
            if tree.frontier.adding(added[: size - before]).frontier.root != root:
                found.say(
                    f"Of the events from position {held + 1} to {size} at least one is not the one that was signed."
                )
            else:
                held = size
    return held


def _hold_tiles(connection: Connection[Any], found: Looked, filled: Sequence[Filled]) -> None:
    """Hold tiles that the events make against those that are kept, each as wide as the events make it so far."""
    rows = connection.execute(
        _TILES,
        (*found.log, [tile.level for tile, _ in filled], [tile.index for tile, _ in filled]),
        binary=True,
    ).fetchall()
    there = {(level, index): hashes for level, index, hashes in rows}
    for tile, hashes in filled:
        kept = there.get((tile.level, tile.index), b"")
        first = _first_other(kept, hashes)
        if first is None:
            continue
        leaf = (tile.index * WIDTH + first) * WIDTH**tile.level + 1
        if leaf > found.signed:
            continue  # the notary comes to it
        if (first + 1) * HASH_BYTES > len(kept):
            found.say(f"{tile.path} is not there whole.")
        elif tile.level:
            found.say(f"{tile.path} is not what the events make.")
        elif found.position is None or leaf < found.position:
            found.say(f"The event of position {leaf} is not the one whose hash is kept.", leaf)


def _first_other(kept: bytes, hashes: bytes) -> int | None:
    """Which hash of a tile is the first that is not kept so."""
    if kept[: len(hashes)] == hashes:
        return None
    places = range(0, len(hashes), HASH_BYTES)
    return (
        next(at for at in places if kept[at : at + HASH_BYTES] != hashes[at : at + HASH_BYTES]) // HASH_BYTES
    )


def _hold_tree(connection: Connection[Any], found: Looked, tree: Grower) -> None:
    """Hold what the notary goes on from against the events."""
    row = connection.execute(
        "SELECT epoch, size, frontier FROM ledger.trees WHERE tenant_id = %s AND log = %s", (*found.log,)
    ).fetchone()
    if row is None:
        if found.signed:
            found.say("Its tree is not in the database; the notary makes it anew.")
        return
    epoch, size, data = row
    try:
        frontier = Frontier.from_bytes(bytes(data))
    except MalformedFrontier as fault:
        found.say(f"Its tree cannot be read: {fault.detail}")
        return
    if (epoch, size, size) == (found.epoch, frontier.size, tree.frontier.size) and frontier != tree.frontier:
        found.say("Its tree is not what the events make.")


_LOGS: Final = """
    SELECT tenant_id, log, epoch, position FROM (
        SELECT tenant_id, 'events' AS log, epoch, position FROM log.heads
        UNION ALL SELECT tenant_id, 'access', epoch, position FROM log.access_heads
        UNION ALL SELECT t.tenant_id, t.log, t.epoch, 0 FROM ledger.trees t
            WHERE NOT EXISTS (SELECT FROM log.heads h WHERE h.tenant_id = t.tenant_id AND t.log = 'events')
            AND NOT EXISTS (SELECT FROM log.access_heads h WHERE h.tenant_id = t.tenant_id AND t.log = 'access')
    ) l
    WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s
    ORDER BY tenant_id, log
"""
_TILES: Final = """
    SELECT level, tile, hashes FROM ledger.tiles
    WHERE tenant_id = %s AND log = %s AND (level, tile) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))
"""
