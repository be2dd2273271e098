"""A process beside the projector, for work that one interpreter is too slow for.

Its body gets what it needs by a picklable `again` and tells what it did over a pipe. The pipe breaks when the projector
dies, however it dies, and the body ends with it; until then it can do no harm, since positions move by compare-and-set.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    Body = Callable[[Callable[[], Any], Connection], None]

log = logging.getLogger(__name__)

_SPAWN: Final = multiprocessing.get_context("spawn")
_NOT_AGAIN_FOR: Final = 10.0
_PATIENCE: Final = 5.0


class Helper:
    """At most one process at a time that runs `body(again, line)`; used by one thread."""

    def __init__(self, body: Body, again: Callable[[], Any]) -> None:
        """Take what the process will run; nothing is started yet."""
        self._body = body
        self._again = again
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._started_at = -math.inf

    def start(self) -> None:
        """Start it, unless it runs or was started a moment ago: one that fails at once must not be started for ever."""
        now = time.monotonic()
        if self._process is not None or now - self._started_at < _NOT_AGAIN_FOR:
            return
        self._started_at = now
        self._line, theirs = _SPAWN.Pipe(duplex=False)
        self._process = _SPAWN.Process(target=self._body, args=(self._again, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def heard(self) -> list[Any]:
        """What it told since the last call. Tells the log when it ended otherwise than in order."""
        told: list[Any] = []
        try:
            while self._line is not None and self._line.poll():
                told.append(self._line.recv())
        except (EOFError, OSError):
            self._over()
        return told

    def end(self) -> None:
        """Stop it in the middle of what it does: the database drops what was not committed."""
        if self._process is not None:
            self._process.terminate()
            self._over()

    def _over(self) -> None:
        process, line = self._process, self._line
        self._process = self._line = None
        if line is not None:
            line.close()
        if process is not None:
            process.join(_PATIENCE)
            if process.exitcode is None:
                process.kill()
                process.join()
            if process.exitcode:
                log.warning("projector: its helper ended with code %d", process.exitcode)
            process.close()
