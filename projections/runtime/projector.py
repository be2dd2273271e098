"""The projector: a loop over all projections and all tenants, in a process or a thread of its own.

Polling is the truth: once a second at the latest, one statement finds who is behind. A notification from the log only
wakes the loop earlier. Projections and logs that somebody else moved meanwhile are left as they are found.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg

from projections.runtime import builds as of_builds
from projections.runtime.batch import Done, shares, take_in
from projections.runtime.positions import MOST_BEHIND, Overtaken, find_behind, heads_since, start_again

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from psycopg import Connection

    from application.ports.codec import EventCodec
    from projections.runtime.builds import Build, Policies
    from projections.runtime.facts import Projection
    from projections.runtime.positions import Behind, Head

log = logging.getLogger(__name__)

CHANNEL: Final = "penguinmails_log"
_LIVE: Final = 1_000
_CATCH_UP: Final = 5_000
_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 1.0
_EVERYTHING_EVERY: Final = 1.0
_EVERYTHING_SHARE: Final = 50
_RETIRED_FOR: Final = timedelta(minutes=10)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_OVERLAP: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """What a projector needs. `dsn` connects as the role that owns the views; `policies` guard new tables.

    `codec` shows personal values; `retired_for`: how long a replaced build stays for its last readers.
    """

    dsn: str
    codec: EventCodec
    projections: Sequence[Projection]
    policies: Policies
    live_batch: int = _LIVE
    catch_up_batch: int = _CATCH_UP
    retired_for: timedelta = _RETIRED_FOR


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


@dataclass(slots=True)
class _Sight:
    """What was seen of the logs.

    A look at every log is the truth. It costs more the more tenants there are, so it takes a fiftieth of the time at
    most, and after the first one each asks for the next build alone: builds that are well move together. In between,
    quick looks ask for logs written to since shortly before the last look, less those `done` at their heads, and for
    those left `open` by the last batch.
    """

    everything_at: float = -math.inf
    everything_took: float = 0.0
    turn: int | None = None
    since: datetime = _NEVER
    done: dict[UUID, Head] = field(default_factory=dict)
    open: dict[UUID, Head] = field(default_factory=dict)
    builds_at: float = -math.inf
    builds: list[Build] = field(default_factory=list)

    def everything_due(self, now: float) -> bool:
        """Whether the next look should be at everything."""
        return now - self.everything_at >= max(_EVERYTHING_EVERY, _EVERYTHING_SHARE * self.everything_took)

    def everything(self, connection: Connection[Any], builds: Sequence[Build]) -> list[Behind]:
        """A look at every log."""
        now = time.monotonic()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        if self.turn is None:
            behind = find_behind(connection, builds)
        else:
            self.turn += 1
            found = find_behind(connection, [builds[self.turn % len(builds)]])
            behind = find_behind(connection, builds, [one.tenant_id for one in found]) if found else []
        self.everything_at = time.monotonic()
        self.everything_took = self.everything_at - now
        self.done.clear()
        self.since = _NEVER if row is None else row[0] - _OVERLAP
        return behind

    def heads(self, connection: Connection[Any]) -> dict[UUID, Head]:
        """A quick look: logs that may be behind. Moves `since` on."""
        seen = heads_since(connection, self.since)
        self.since = max((self.since, *(head.recorded_at - _OVERLAP for head in seen)))
        fresh = {head.tenant_id: head for head in seen if self.done.get(head.tenant_id) != head}
        return self.open | fresh

    def took(self, heads: dict[UUID, Head], unfinished: set[UUID]) -> None:
        """Remember what a batch did about the logs of a quick look."""
        self.open = {tenant: head for tenant, head in heads.items() if tenant in unfinished}
        self.done.update({tenant: head for tenant, head in heads.items() if tenant not in unfinished})


class Projector:
    """Runs projections on one connection; `step` does one round, `run` goes on until told to stop."""

    def __init__(self, settings: ProjectorSettings) -> None:
        """Take the settings; nothing is opened yet."""
        self.settings = settings
        self.counters = Counters()
        self._sight = _Sight()
        self._trickle = False

    def connect(self) -> Connection[Any]:
        """A connection for `step`. A crash may lose its last commits: rows and positions go together, so it repeats."""
        connection = psycopg.connect(self.settings.dsn, autocommit=True, application_name="projector")
        connection.execute("SET synchronous_commit = off")
        return connection

    def run(self, stop: threading.Event) -> None:
        """Project until `stop` is set; a database that goes away is waited for. Tunes this process's collector."""
        # A batch is many objects that all die together; looking through them again and again took a third of the time.
        gc.freeze()
        gc.set_threshold(200_000, 20, 20)
        pause = _PAUSE
        while not stop.is_set():
            try:
                with self.connect() as connection, _Hint(self.settings.dsn) as hint:
                    pause = _PAUSE
                    self._sight = _Sight()
                    self._work(connection, hint, stop)
            except psycopg.Error as error:
                self.counters.reconnects += 1
                log.warning(
                    "projector: database trouble, trying again in %.2f s: %s", pause, type(error).__name__
                )
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
        self._sight = _Sight()

    def step(self, connection: Connection[Any]) -> bool:
        """One round over live builds, then over filling ones; whether there was anything to do."""
        now = time.monotonic()
        if now - self._sight.builds_at >= _EVERYTHING_EVERY or not self._sight.builds:
            self._sight.builds = self._refresh(connection)
            self._sight.builds_at = now
        live = [build for build in self._sight.builds if build.live]
        filling = [build for build in self._sight.builds if not build.live]
        behind = self._live(connection, live)
        self._trickle = (
            bool(behind) and sum(one.head - one.position for one in behind) < self.settings.live_batch
        )
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
        left = self._take(connection, behind) or len(behind) == MOST_BEHIND
        if everything and left:
            sight.everything_at = -math.inf  # what is left may lie in logs that a quick look passes over
        elif everything and sight.turn is None:
            sight.turn = -1
        sight.took(heads, {one.tenant_id for one in behind} if left else set())
        return behind

    def _fill(self, connection: Connection[Any], filling: Sequence[Build], *, busy: bool) -> bool:
        """One batch for builds that are not shown yet; the live ones wait no longer than for a small one."""
        behind = find_behind(connection, filling)
        if behind:
            self._take(connection, behind, self.settings.live_batch if busy else None)
        waiting = {one.build for one in behind if one.head - one.position > self.settings.live_batch}
        for build in filling:
            if build not in waiting and of_builds.swap(connection, build):
                self._sight.builds_at = -math.inf
        return bool(behind)

    def _take(self, connection: Connection[Any], behind: Sequence[Behind], budget: int | None = None) -> bool:
        """Take in a batch; whether something that was seen to be behind still is."""
        if not behind:
            return False
        try:
            restored = [one for one in behind if one.epoch < one.head_epoch]
            for one in restored:
                log.warning("projection %s: tenant %s starts again", one.build.projection.name, one.tenant_id)
                start_again(connection, one)
            current = [one for one in behind if one.epoch == one.head_epoch]
            steps = shares(current, budget or self._budget(current))
            done = take_in(connection, self.settings.codec, steps)
            self.counters.add(done)
            return bool(restored) or done.positions < sum(one.head - one.position for one in current)
        except Overtaken:
            self.counters.overtaken += 1
            log.info("projector: somebody else moved these positions; looking again")
            return True

    def _budget(self, behind: Sequence[Behind]) -> int:
        """Large batches while everybody behind is far behind; small ones as soon as somebody is almost there."""
        near = any(one.head - one.position < self.settings.live_batch for one in behind)
        return self.settings.live_batch if near else self.settings.catch_up_batch


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


def run_projector(settings: ProjectorSettings, stop: threading.Event) -> None:
    """Run a projector until `stop` is set: the body of its process, or of a thread."""
    Projector(settings).run(stop)
