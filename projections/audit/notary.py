"""The notary: brings each log's Merkle tree forward and signs its checkpoints; never two that contradict each other.

What was signed stands in a memory outside the database. Before a signature is made the memory has it on its disk, and a
tree that does not begin with what was signed before is not signed: the log is refused, with an alarm, until the
database tells what was signed, or a restore that was told opens a new epoch.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg

from application.ports.keys import KeysUnavailable
from application.ports.notary import NotaryMemoryUnusable, Signed
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedTile
from domain.audit.notes import Note, SignatureType, VerifierKey, opened, signed
from domain.audit.origins import Origin
from domain.audit.tree import Frontier
from domain.kernel.errors import Refusal
from projections.audit.logs import Gap, Span, find_behind, kept_of, leaves, leaves_ahead
from projections.audit.trees import Grower, Grown, Overtaken, empty, fill, growers, move, notes_of, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg import Connection

    from application.ports.notary import NotaryMemory, SigningKey, SigningKeys
    from domain.audit.origins import LogId
    from projections.audit.logs import Behind

log = logging.getLogger(__name__)

_LOGS_AT_ONCE: Final = 500
_EVENTS_AT_ONCE: Final = 20_000
_PACE: Final = 1.0
"""Seconds between two checkpoints of a log that is written to all the time."""

_LONGEST_PAUSE: Final = 1.0
_REST: Final = timedelta(minutes=1)
"""So long a refused log is left alone before it is looked at again."""


class Contradicted(Exception):
    """What the database tells of a log is not what was signed of it."""


@dataclass(frozen=True, slots=True)
class Share:
    """What is added to a log's tree at once. `check`: the root that it must then have, since that was signed before."""

    one: Behind
    start: Frontier
    up_to: int
    check: bytes | None = None

    @property
    def span(self) -> Span:
        """The events."""
        return Span(self.one.log, self.start.size, self.up_to)


Mark = tuple[int, bytes]
"""A size, and the root that was signed of it."""


@dataclass(slots=True)
class Counters:
    """What a notary did since it began; read from any thread."""

    events: int = 0
    checkpoints: int = 0
    rebuilt: int = 0
    overtaken: int = 0
    reconnects: int = 0


@dataclass(slots=True)
class Notary:
    """Signs for one installation. `connect` gives a connection as the notary's role; `clock` says what hour it is."""

    connect: Callable[[], Connection[Any]]
    memory: NotaryMemory
    keys: SigningKeys
    clock: Callable[[], datetime]
    counters: Counters = field(default_factory=Counters)
    _refused: dict[LogId, datetime] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Sign until `stop` is set; a database, key store or memory that goes away is waited for."""
        while not stop.is_set():
            try:
                with self.connect() as connection:
                    self.tell_keys(connection)
                    while not stop.is_set():
                        begun = time.monotonic()
                        if not self.step(connection):
                            stop.wait(max(0.0, _PACE - (time.monotonic() - begun)))
            except (psycopg.Error, KeysUnavailable, NotaryMemoryUnusable) as error:
                self.counters.reconnects += 1
                log.warning("notary: trouble, trying again: %s", type(error).__name__)
                stop.wait(_LONGEST_PAUSE)

    def tell_keys(self, connection: Connection[Any]) -> None:
        """Enter the public halves of the keys that sign, and say of others that they sign no more."""
        signing = self.keys.signing()
        with connection.transaction():
            for key in signing:
                connection.execute(
                    "INSERT INTO ledger.keys VALUES (%s, %s, %s, %s, NULL) ON CONFLICT DO NOTHING",
                    (key.number, self.memory.name, key.public_key, self.clock()),
                )
            connection.execute(
                "UPDATE ledger.keys SET signs_until = %s WHERE signs_until IS NULL AND number <> ALL (%s::int[])",
                (self.clock(), [key.number for key in signing]),
            )

    def step(self, connection: Connection[Any]) -> bool:
        """Bring forward what is behind; whether there is more to do at once."""
        behind = find_behind(connection, self._resting(), _LOGS_AT_ONCE)
        if not behind:
            return False
        known = self.memory.latest(one.log for one in behind)
        plain = [one for one in behind if _plain(one, known.get(one.log))]
        shares = _shares(plain, known)
        try:
            self._grow(connection, shares)
        except Overtaken:
            self.counters.overtaken += 1
            return True
        except (Gap, MalformedTile, Contradicted):
            # One of many: each alone then, and the one that fails from its first event on.
            for one in (share.one for share in shares):
                self._alone(connection, one, known.get(one.log))
        for one in behind:
            if one not in plain:
                self._anew(connection, one)
        more = any(share.up_to < share.one.position for share in shares) or len(shares) < len(plain)
        return more or len(behind) >= _LOGS_AT_ONCE

    def _resting(self) -> list[LogId]:
        now = self.clock()
        self._refused = {one: since for one, since in self._refused.items() if now - since < _REST}
        return list(self._refused)

    def _alone(self, connection: Connection[Any], one: Behind, known: Signed | None) -> None:
        try:
            self._grow(connection, _shares([one], {} if known is None else {one.log: known}))
        except Overtaken:
            self.counters.overtaken += 1
        except (Gap, MalformedTile, Contradicted):
            self._anew(connection, one)

    def _grow(self, connection: Connection[Any], shares: Sequence[Share]) -> None:
        """Add events to the trees that the database has, sign and publish."""
        if not shares:
            return
        trees = growers(connection, {share.one.log: share.start for share in shares})
        filled = [
            (of, trees[of].add(added))
            for of, added in leaves_ahead(connection, [share.span for share in shares])
            if added
        ]
        for share in shares:
            if share.check is not None and trees[share.one.log].frontier.root != share.check:
                raise Contradicted
        at = self.clock()
        grown = self._signed([(share.one, trees[share.one.log].frontier) for share in shares], at)
        with connection.transaction():
            fill(connection, filled)
            move(connection, grown, at)
        self.counters.events += sum(share.span.up_to - share.span.after for share in shares)

    def _anew(self, connection: Connection[Any], one: Behind) -> None:
        """Make a log's tree from its first event on, against everything that was signed of it; or refuse the log."""
        tree = Grower(Frontier(), {})
        try:
            past = [*self.memory.history(one.log), *self._told(connection, one.log)]
            marks = _marks(one, past, kept_of(connection, one.log))
            with connection.transaction():
                empty(connection, one.log)
                for of, added in leaves(connection, [Span(one.log, 0, one.position)]):
                    _check(tree, added, marks)
                    fill(connection, [(of, tree.add(added))])
                at = self.clock()
                move(connection, self._signed([(one, tree.frontier)], at), at)
        except Overtaken:
            self.counters.overtaken += 1
        except (Gap, Contradicted) as error:
            self._refuse(connection, one, error)
        else:
            self.counters.rebuilt += 1
            self.counters.events += one.position
            log.warning("notary: the tree of a log was made anew", extra={"log": one.log.log.value})

    def _told(self, connection: Connection[Any], of: LogId) -> list[Signed]:
        """What the database's own checkpoints say that our keys did sign: all there is where the memory was lost."""
        found = []
        for _, _, data in notes_of(connection, of):
            try:
                note = Note.read(data)
                checkpoint = Checkpoint.read(note.text)
                opened(note, self._verifiers(checkpoint.origin), self.keys.verify)
            except Refusal:
                continue  # what our keys did not sign binds nobody; `penguinmails audit fsck` names it
            found.append(Signed(of, checkpoint.epoch or 0, checkpoint.size, checkpoint.root, checkpoint.kept))
        return found

    def _verifiers(self, origin: str) -> list[VerifierKey]:
        return [VerifierKey(origin, SignatureType.ED25519, key.public_key) for key in self.keys.signing()]

    def _refuse(self, connection: Connection[Any], one: Behind, error: Exception) -> None:
        words = str(error)
        refuse(connection, one.log, words)
        self._refused[one.log] = self.clock()
        log.error("notary: %s of tenant %s is not signed: %s", one.log.log.value, one.log.tenant_id, words)

    def _signed(self, trees: Sequence[tuple[Behind, Frontier]], at: datetime) -> list[Grown]:
        """Remember trees, then sign them. Raises `Contradicted` where one of them may not be signed."""
        about = [Signed(one.log, one.epoch, tree.size, tree.root, one.kept) for one, tree in trees]
        try:
            self.memory.remember(about, at)
        except ValueError as error:
            raise Contradicted(str(error)) from error
        keys = self.keys.signing()
        self.counters.checkpoints += len(about)
        return [
            Grown(one.tree, signing, tree, self._note(one, signing, keys))
            for (one, tree), signing in zip(trees, about, strict=True)
        ]

    def _note(self, one: Behind, about: Signed, keys: Sequence[SigningKey]) -> bytes:
        origin = str(Origin(self.memory.name, one.log.tenant_id, one.log.log, one.epoch))
        text = Checkpoint.of(origin, about.size, about.root, epoch=one.epoch, kept=one.kept).text
        signatures = (
            signed(text, VerifierKey(origin, SignatureType.ED25519, key.public_key), key.sign) for key in keys
        )
        return Note(text, tuple(signatures)).to_bytes()


def _plain(one: Behind, known: Signed | None) -> bool:
    """Whether a log's tree in the database begins what was signed, or is what was signed: then it only has to grow.

    A log that was refused is looked through from its first event on before it is signed again.
    """
    if one.refused:
        return False
    if known is None:
        return one.tree is None
    if known.epoch != one.epoch or known.size > one.position:
        return False
    if one.tree is None:
        return True
    tree, size = one.tree.frontier, one.tree.size
    if tree is None or one.tree.epoch != one.epoch:
        return False
    return size < known.size or (size == known.size and tree.root == known.root)


def _shares(behind: Sequence[Behind], known: Mapping[LogId, Signed]) -> list[Share]:
    """What comes next, of the logs in their order: those longest unsigned go as far as they can.

    What was about to be signed when a notary was killed is made up first.
    """
    shares, budget = [], _EVENTS_AT_ONCE
    for one in behind:
        start, signed_before = _start(one), known.get(one.log)
        if signed_before is not None and signed_before.size > start.size:
            share = Share(one, start, signed_before.size, signed_before.root)
        else:
            share = Share(one, start, min(one.position, start.size + budget))
        shares.append(share)
        budget -= share.up_to - start.size
        if budget <= 0:
            break
    return shares


def _start(one: Behind) -> Frontier:
    return (one.tree and one.tree.frontier) or Frontier()


def _marks(one: Behind, history: Sequence[Signed], kept: Mapping[int, int]) -> list[Mark]:
    """What was signed of the events that a log has now, by size. Raises `Contradicted`.

    Of an earlier epoch that is what every restore since kept.
    """
    marks: dict[int, bytes] = {}
    newest = max((past.epoch for past in history), default=one.epoch)
    if newest > one.epoch:
        raise Contradicted(
            f"The log is in epoch {one.epoch}, and {newest} was signed: this is a database of before a restore."
        )
    for past in history:
        if past.epoch < one.epoch and one.epoch not in kept:
            raise Contradicted(
                f"No restore was told that opened epoch {one.epoch}: see `penguinmails restored`."
            )
        left = min((n for epoch, n in kept.items() if past.epoch < epoch <= one.epoch), default=past.size)
        if past.epoch == one.epoch and past.size > one.position:
            raise Contradicted(
                f"The log ends at position {one.position}, and {past.size} were signed: events are missing."
            )
        if past.size > left:
            continue  # a restore lost it, and says so
        if marks.setdefault(past.size, past.root) != past.root:
            raise Contradicted(f"Of {past.size} events two roots were signed.")
    return sorted(marks.items())


def _check(tree: Grower, added: Sequence[bytes], marks: Sequence[Mark]) -> None:
    """Hold a tree that these leaves are about to be added to against what was signed. Raises `Contradicted`."""
    held = 0
    for size, root in marks:
        if size <= tree.frontier.size:
            held = size
            continue
        if size > tree.frontier.size + len(added):
            return
        if tree.frontier.adding(added[: size - tree.frontier.size]).frontier.root != root:
            raise Contradicted(
                f"Of the events from position {held + 1} to {size} at least one is not the one that was signed."
            )
        held = size
