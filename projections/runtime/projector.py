"""The projector: a loop over all projections and all tenants, in a process or a thread of its own.

Polling is the truth: once a second at the latest, one statement finds who is behind. A notification from the log only
wakes the loop earlier. Projections and logs that somebody else moved meanwhile are left as they are found.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg

from application.ports.keys import KeysUnavailable
from projections.runtime import builds as of_builds
from projections.runtime.batch import Done, take_in
from projections.runtime.helper import Helper
from projections.runtime.positions import MOST_BEHIND, Overtaken, find_behind, start_again
from projections.runtime.shares import in_turn, shares
from projections.runtime.sight import EVERYTHING_EVERY, Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from multiprocessing.connection import Connection as Line
    from uuid import UUID

    from psycopg import Connection

    from application.ports.codec import EventCodec
    from projections.runtime.builds import Build, Policies
    from projections.runtime.facts import Projection
    from projections.runtime.positions import Behind, Head, Step

log = logging.getLogger(__name__)

CHANNEL: Final = "penguinmails_log"
_LIVE: Final = 1_000
_CATCH_UP: Final = 4_000
# A helper takes a second to begin; it leaves the last batches to the projector, lest both wait for each other's rows.
_ALONE: Final = 10
_LEFT: Final = 2
_YIELDING: Final = 5
_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 1.0
_RETIRED_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """What a projector needs. `dsn` connects as the role that owns the views; `policies` guard new tables.

    `codec` shows personal values; `retired_for`: how long a replaced build stays for its last readers. `again` makes
    the same settings in another process, and so is picklable: with it, a long rebuild gets a helper.
    """

    dsn: str
    codec: EventCodec
    projections: Sequence[Projection]
    policies: Policies
    live_batch: int = _LIVE
    catch_up_batch: int = _CATCH_UP
    retired_for: timedelta = _RETIRED_FOR
    again: Callable[[], ProjectorSettings] | None = None


@dataclass(slots=True)
class Counters:
    """What a projector did since it began; read from any thread."""

    batches: int = 0
    positions: int = 0
    handled: int = 0
    parked: int = 0
    overtaken: int = 0
    reconnects: int = 0

    def add(self, done: Done) -> None:
        """Count a batch."""
        self.batches += 1
        self.positions += done.positions
        self.handled += done.handled
        self.parked += done.parked


class Projector:
    """Runs projections on one connection; `step` does one round, `run` goes on until told to stop."""

    def __init__(self, settings: ProjectorSettings) -> None:
        """Take the settings; nothing is opened yet."""
        self.settings = settings
        self.counters = Counters()
        self._sight = Sight()
        self._trickle = False
        self._helper = None if settings.again is None else Helper(_help, settings.again)

    def connect(self) -> Connection[Any]:
        """A connection for `step`. A crash may lose its last commits: rows and positions go together, so it repeats."""
        connection = psycopg.connect(self.settings.dsn, autocommit=True, application_name="projector")
        connection.execute("SET synchronous_commit = off")
        return connection

    def run(self, stop: threading.Event) -> None:
        """Project until `stop` is set; a database or key store that goes away is waited for. Tunes the collector."""
        _tune_collector()
        for projection in self.settings.projections:
            if projection.warm is not None:
                projection.warm()
        try:
            self._run(stop)
        finally:
            if self._helper is not None:
                self._helper.end()

    def _run(self, stop: threading.Event) -> None:
        pause = _PAUSE
        while not stop.is_set():
            try:
                with self.connect() as connection, _Hint(self.settings.dsn) as hint:
                    pause = _PAUSE
                    self._sight = Sight()
                    self._work(connection, hint, stop)
            except (psycopg.Error, KeysUnavailable) as error:
                self.counters.reconnects += 1
                log.warning("projector: trouble, trying again in %.2f s: %s", pause, type(error).__name__)
                stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _work(self, connection: Connection[Any], hint: _Hint, stop: threading.Event) -> None:
        pause = _PAUSE
        while not stop.is_set():
            if self.step(connection):
                pause = _PAUSE
                # Full batches follow each other at once; the trickle is gathered for a moment.
                if self._trickle:
                    stop.wait(_PAUSE)
                continue
            hint.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def refresh_soon(self) -> None:
        """Look at all builds and all logs in the next step, not up to a second later."""
        self._sight = Sight()

    def step(self, connection: Connection[Any]) -> bool:
        """One round over live builds, then over filling ones; whether there was anything to do."""
        for done in self._helper.heard() if self._helper is not None else ():
            self.counters.add(done)
        now = time.monotonic()
        if now - self._sight.builds_at >= EVERYTHING_EVERY or not self._sight.builds:
            self._sight.builds = self._refresh(connection)
            self._sight.builds_at = now
        live = [build for build in self._sight.builds if build.live]
        filling = [build for build in self._sight.builds if not build.live]
        behind = self._live(connection, live)
        self._trickle = bool(behind) and _events(behind) < self.settings.live_batch
        if filling:
            return self._fill(connection, filling, busy=bool(behind)) or bool(behind)
        return bool(behind)

    def _refresh(self, connection: Connection[Any]) -> list[Build]:
        settings = self.settings
        names = [projection.name for projection in settings.projections]
        of_builds.drop_retired(connection, names, settings.retired_for)
        return of_builds.refresh(connection, settings.projections, settings.policies)

    def _live(self, connection: Connection[Any], builds: Sequence[Build]) -> list[Behind]:
        """One batch for the builds that readers see; who was behind."""
        if not builds:
            return []
        sight = self._sight
        heads: dict[UUID, Head] = {}
        if everything := sight.everything_due(time.monotonic()):
            behind = sight.everything(connection, builds)
        else:
            heads = sight.heads(connection)
            behind = find_behind(connection, builds, list(heads)) if heads else []
        left = self._take(connection, behind, self._shared) or len(behind) == MOST_BEHIND
        if everything and left:
            sight.everything_at = -math.inf  # what is left may lie in logs that a quick look passes over
        elif everything and sight.turn is None:
            sight.turn = -1
        sight.took(heads, {one.tenant_id for one in behind} if left else set())
        return behind

    def _fill(self, connection: Connection[Any], filling: Sequence[Build], *, busy: bool) -> bool:
        """One batch for builds that are not shown yet; the live ones wait no longer than for a small one."""
        settings = self.settings
        behind = find_behind(connection, filling)
        if self._helper is not None and self._worth_helping(behind):
            self._helper.start()
        if behind:
            budget = settings.live_batch if busy else settings.catch_up_batch
            self._take(connection, behind, lambda current: in_turn(current, budget))
        waiting = {one.build for one in behind if one.head - one.position > self.settings.live_batch}
        for build in filling:
            if build not in waiting and of_builds.swap(connection, build):
                self._sight.builds_at = -math.inf
        return bool(behind)

    def _worth_helping(self, behind: Sequence[Behind]) -> bool:
        """Whether there are many batches left, of more than one log: a log goes forward one batch at a time."""
        far = _events(behind) > _ALONE * self.settings.catch_up_batch
        return far and any(one.tenant_id != behind[0].tenant_id for one in behind)

    def help(self, connection: Connection[Any]) -> Done | None:
        """One batch for builds that are not shown yet, from the end that the projector itself comes to last.

        None when it has met the projector there, or has left it the rest.
        """
        settings = self.settings
        behind = find_behind(connection, of_builds.filling(connection, settings.projections))
        behind = [one for one in behind if one.epoch == one.head_epoch]
        if _events(behind) <= _LEFT * settings.catch_up_batch:
            return None
        try:
            steps = in_turn(behind, settings.catch_up_batch, backwards=True)
            return take_in(connection, settings.codec, steps)
        except Overtaken:
            return None

    def _take(
        self,
        connection: Connection[Any],
        behind: Sequence[Behind],
        choose: Callable[[Sequence[Behind]], Sequence[Step]],
    ) -> bool:
        """Take in a batch of what is chosen of those behind; whether something that was seen to be behind still is."""
        if not behind:
            return False
        try:
            restored = [one for one in behind if one.epoch < one.head_epoch]
            for one in restored:
                log.warning("projection %s: tenant %s starts again", one.build.projection.name, one.tenant_id)
                start_again(connection, one)
            current = [one for one in behind if one.epoch == one.head_epoch]
            done = take_in(connection, self.settings.codec, choose(current))
            self.counters.add(done)
            return bool(restored) or done.positions < _events(current)
        except Overtaken:
            self.counters.overtaken += 1
            log.info("projector: somebody else moved these positions; looking again")
            return True

    def _shared(self, behind: Sequence[Behind]) -> Sequence[Step]:
        """Large batches while everybody behind is far behind; small ones as soon as somebody is almost there."""
        near = any(one.head - one.position < self.settings.live_batch for one in behind)
        return shares(behind, self.settings.live_batch if near else self.settings.catch_up_batch)


class _Hint:
    """Waits for the log's notification, on a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True, application_name="projector-hint")
        self._connection.execute(f"LISTEN {CHANNEL}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def wait(self, longest: float) -> None:
        """Return at a notification, or after `longest` seconds."""
        for _ in self._connection.notifies(timeout=longest, stop_after=1):
            return


def _events(behind: Iterable[Behind]) -> int:
    return sum(one.head - one.position for one in behind)


def _tune_collector() -> None:
    # A batch is many objects that all die together; looking through them again and again took a third of the time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _help(again: Callable[[], ProjectorSettings], line: Line) -> None:
    """The body of the helper. What it tells breaks off when the projector is gone, and so does it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the projector says when to stop
    os.nice(_YIELDING)  # what nobody reads yet can wait for those who do
    projector = Projector(again())
    _tune_collector()
    try:
        with projector.connect() as connection:
            while (done := projector.help(connection)) is not None:
                line.send(done)
    except (psycopg.Error, KeysUnavailable) as error:
        log.warning("projector: the helper has trouble: %s", type(error).__name__)
    except BrokenPipeError:
        pass


def run_projector(settings: ProjectorSettings, stop: threading.Event) -> None:
    """Run a projector until `stop` is set: the body of its process, or of a thread."""
    Projector(settings).run(stop)
