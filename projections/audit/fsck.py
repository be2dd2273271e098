"""Looks whether the ledger is what the logs make of it: every root is made anew from the events and held against it.

Nothing is changed. What was signed is taken from the checkpoints, whose signatures are verified, and from the notary's
memory, which whoever may write to the database does not reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from application.ports.notary import Signed
from domain.audit.checkpoints import Checkpoint
from domain.audit.covering import Walk
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

    `place`: the first position that is not what was signed, or the first and the last of those that it is one of, where
    that can be told; `signed`: how far it was signed.
    """

    log: LogId
    epoch: int
    events: int
    signed: int = 0
    checkpoints: int = 0
    place: tuple[int, int] | None = None
    wrong: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """Enter a finding, if there are not too many yet."""
        if len(self.wrong) < _MOST_SAID:
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
    *,
    keys: Iterable[bytes] | None = None,
) -> Looked:
    """Look at one log. `remembered`: what the notary signed of it.

    `keys`: the public ones of this installation, from its key store; those that the database tells where that is away.
    """
    log, epoch, position = of
    found = Looked(log, epoch, position)
    if keys is None:
        rows = connection.execute("SELECT public_key FROM ledger.keys").fetchall()
        keys = [bytes(key) for (key,) in rows]
    marks = _marks(connection, found, remembered, partial(_signed, found, keys=[*keys], verify=verify))
    tree, way = Grower(Frontier(), {}), _Way()
    try:
        for _, added in leaves(connection, [Span(log, 0, position)]):
            _hold(tree, added, marks, way)
            _hold_tiles(connection, found, tree.add(added), way)
            told(len(added))
    except Gap as gap:
        found.say(f"{str(gap).capitalize()}.")
        way.end = min(tree.frontier.size, gap.position - 1)
    else:
        way.end = position
        _hold_tree(connection, found)
    _conclude(connection, found, marks, way)
    return found


@dataclass(slots=True)
class _Way:
    """What was seen on the way through a log: up to where what was signed held, and where it first did not.

    `parted`: the first position whose event is not the one whose hash is kept; `subtree`: the first subtree whose hash
    is not what the events make, by its positions; `end`: how far events go without a gap.
    """

    held: int = 0
    failed: int | None = None
    parted: int | None = None
    subtree: tuple[int, int] | None = None
    end: int = 0


def _marks(
    connection: Connection[Any],
    found: Looked,
    remembered: Sequence[Signed],
    read: Callable[[bytes], Signed | None],
) -> dict[int, bytes]:
    """Which roots are to be found at which sizes, also of events that are not there; what cannot be, is said."""
    past, there = [*remembered], set[Signed]()
    for epoch, size, data in notes_of(connection, found.log):
        signed = read(data)
        if signed is not None:
            found.checkpoints += 1
            past.append(signed)
            there.add(signed._replace(kept=None))
            if (signed.epoch, signed.size) != (epoch, size):
                found.say(
                    f"The checkpoint of {signed.size} events, epoch {signed.epoch}, stands where that of {size} events,"
                    f" epoch {epoch}, belongs."
                )
    for one in remembered[:-1]:
        # A restore may have taken away what was signed between its backup and its loss.
        if one.epoch == found.epoch and one._replace(kept=None) not in there:
            found.say(f"The checkpoint of {one.size} events, epoch {one.epoch}, is not in the database.")
    kept, marks = _kept(connection, found, past[len(remembered) :] or past), dict[int, bytes]()
    for one in past:
        left = min((n for epoch, n in kept.items() if one.epoch < epoch <= found.epoch), default=one.size)
        if one.size > left:
            continue  # lost by a restore that says so
        if marks.setdefault(one.size, one.root) != one.root:
            found.say(f"Of {one.size} events two roots were signed.")
    found.signed = max(marks, default=0)
    return dict(sorted(marks.items()))


def _kept(connection: Connection[Any], found: Looked, past: Sequence[Signed]) -> dict[int, int]:
    """What each restore kept, as the database tells it and as it was signed, which counts."""
    kept = kept_of(connection, found.log)
    for one in past:
        if kept.get(one.epoch) == one.kept:
            continue
        if one.kept is None:
            found.say(f"No restore began epoch {one.epoch}, as was signed; the database says otherwise.")
            del kept[one.epoch]
        else:
            found.say(
                f"Epoch {one.epoch} began with {one.kept} events, as was signed; the database says otherwise."
            )
            kept[one.epoch] = one.kept
    newest = max((one.epoch for one in past), default=found.epoch)
    if newest > found.epoch:
        found.say(f"The log is in epoch {found.epoch}, and {newest} was signed.")
    elif newest < found.epoch and past and found.epoch not in kept:
        found.say(f"No restore was told that opened epoch {found.epoch}.")
    return kept


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
    return Signed(found.log, origin.epoch, checkpoint.size, checkpoint.root, checkpoint.kept)


def _hold(tree: Grower, added: Sequence[bytes], marks: Mapping[int, bytes], way: _Way) -> None:
    """Hold the tree at each size that was signed against its root, up to the first that does not hold."""
    before = tree.frontier.size
    for size, root in marks.items():
        if way.failed is None and before < size <= before + len(added):
            if tree.frontier.adding(added[: size - before]).frontier.root == root:
                way.held = size
            else:
                way.failed = size


def _hold_tiles(connection: Connection[Any], found: Looked, filled: Sequence[Filled], way: _Way) -> None:
    """Hold tiles that the events make against those that are kept, each as wide as the events make it so far."""
    rows = connection.execute(
        _TILES,
        (*found.log, [tile.level for tile, _ in filled], [tile.index for tile, _ in filled]),
        binary=True,
    ).fetchall()
    there = {(level, index): hashes for level, index, hashes in rows}
    for tile, hashes in filled:
        kept = there.get((tile.level, tile.index), b"")
        at = _first_other(kept, hashes)
        if at is None:
            continue
        stands_for = WIDTH**tile.level
        first = (tile.index * WIDTH + at) * stands_for + 1
        if first + stands_for - 1 > found.signed:
            continue  # the notary comes to it
        missing = (at + 1) * HASH_BYTES > len(kept)
        if tile.level:
            way.subtree = way.subtree or (first, first + stands_for - 1)
            fault = "is not there whole" if missing else "is not what the events make"
            found.say(f"{tile.path} {fault}, from the subtree of position {first} on.")
        else:
            way.parted = way.parted or first
            if missing:
                found.say(f"{tile.path} is not there whole: the hash of position {first} is missing.")
            else:
                found.say(f"The event of position {first} is not the one whose hash is kept.")


def _conclude(connection: Connection[Any], found: Looked, marks: Mapping[int, bytes], way: _Way) -> None:
    """Say where the log first is not what was signed; exactly, where its tiles are those that were signed."""
    if way.end < found.signed:
        found.say(f"{found.signed} events were signed, and the log has {way.end} without a gap.")
    if way.failed is None and way.end >= found.signed:
        if way.parted is not None:
            found.place = way.parted, way.parted
        else:
            found.place = way.subtree
        return
    last = min(way.failed or found.signed, way.end + 1)
    first = way.held + 1
    parted = way.parted or way.end + 1
    if parted <= _proven(connection, found.log, marks):
        first = last = parted
    elif first <= parted:
        last = min(last, parted)
    found.place = first, last
    said = (
        f"position {first} is"
        if first == last
        else f"of the events from position {first} to {last} at least one is"
    )
    found.wrong.insert(0, f"{said[0].upper()}{said[1:]} not the one that was signed.")


def _proven(connection: Connection[Any], log: LogId, marks: Mapping[int, bytes]) -> int:
    """Up to which size the hashes of leaves that are kept make a root that was signed."""
    walk = Walk(max(marks, default=0), marks)
    with connection.transaction(), connection.cursor(name="tiles", binary=True) as cursor:
        cursor.execute(
            "SELECT tile, hashes FROM ledger.tiles WHERE tenant_id = %s AND log = %s AND level = 0 ORDER BY tile",
            (*log,),
        )
        for index, hashes in cursor:
            if index * WIDTH != walk.size:
                break
            whole = range(0, min(len(hashes) // HASH_BYTES, walk.end - walk.size) * HASH_BYTES, HASH_BYTES)
            walk.leaves([hashes[at : at + HASH_BYTES] for at in whole])
    return max((size for size, root in walk.roots.items() if marks.get(size) == root), default=0)


def _first_other(kept: bytes, hashes: bytes) -> int | None:
    """Which hash of a tile is the first that is not kept so."""
    if kept[: len(hashes)] == hashes:
        return None
    places = range(0, len(hashes), HASH_BYTES)
    return (
        next(at for at in places if kept[at : at + HASH_BYTES] != hashes[at : at + HASH_BYTES]) // HASH_BYTES
    )


def _hold_tree(connection: Connection[Any], found: Looked) -> None:
    """Hold what the notary goes on from against its own checkpoint, which was held against the events."""
    row = connection.execute(
        "SELECT epoch, size, frontier, note FROM ledger.trees WHERE tenant_id = %s AND log = %s",
        (*found.log,),
    ).fetchone()
    if row is None:
        if found.signed:
            found.say("Its tree is not in the database; the notary makes it anew.")
        return
    epoch, size, data, note = row
    try:
        tree, told = Frontier.from_bytes(bytes(data)), Checkpoint.read(Note.read(bytes(note)).text)
    except MalformedFrontier as fault:
        found.say(f"Its tree cannot be read: {fault.detail}")
    except Refusal:
        return  # said of its checkpoint
    else:
        if (epoch, size, tree.size, tree.root) != (told.epoch, told.size, told.size, told.root):
            found.say("Its tree is not the one of its latest checkpoint.")


def look_at_keys(connection: Connection[Any], ours: Mapping[int, bytes]) -> list[str]:
    """What is wrong with the keys that the database says checkpoints are signed by; `ours`: those of the key store."""
    rows = connection.execute("SELECT number, public_key FROM ledger.keys ORDER BY number").fetchall()
    there = {number: bytes(key) for number, key in rows}
    return [
        *(
            f"Key {number} is not one of this installation."
            for number in there
            if ours.get(number) != there[number]
        ),
        *(f"Key {number} is not in the database." for number in ours if number not in there),
    ]


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
