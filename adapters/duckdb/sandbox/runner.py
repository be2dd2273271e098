"""The parent: starts a child for each question, gives it the facts that it needs, and ends it, whatever it does.

A child is spawned, never forked from this process's memory, answers once and is killed. What it may see lies in a
folder of its own, below one that is emptied when the owner starts: so nothing is left, however the owner ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from adapters.duckdb.sandbox.frames import (
    ARROW,
    HEAD,
    JSON,
    MOST_JSON,
    Hostile,
    frame,
    least_size,
    read_table,
)
from adapters.duckdb.settings import SqlLimits
from application.ports.analytics import AnalyticsUnavailable
from application.ports.positions import Position
from application.ports.sql import (
    REFUSALS,
    SqlAnswer,
    SqlQuestion,
    SqlRefused,
    SqlStopped,
    SqlTooManyAtOnce,
    SqlTooSlow,
)
from application.sql import must_hold_for

Extract = Callable[[tuple[str, ...], Path], tuple[Position, datetime | None]]
"""Writes the named facts into a folder, and says of which position they are."""

_ROOT: Final = Path(__file__).parents[3]
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from adapters.duckdb.sandbox.child import main; main()"
)
ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    # No library may start a thread before the fences are up.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
}
"""All that a child's environment holds."""
_BESIDES: Final = 192 * 1024 * 1024
"""Bytes of addresses beyond DuckDB's own limit: what Arrow and Python take, and lists that DuckDB does not count."""
_FIRST_UID: Final = 64_100
_START_SECONDS: Final = 5.0
_GRACE: Final = 0.5
_LOOKS_UP: Final = 0.1
_PIECE: Final = 1 << 20
_LONGEST_DETAIL: Final = 500
_log: Final = logging.getLogger(__name__)


class Sandbox:
    """Answers questions, each in a child of its own. Any thread may ask."""

    def __init__(self, folder: Path, settings: SqlLimits) -> None:
        """Empty `folder`, which is this object's alone."""
        self._folder = folder
        self._settings = settings
        self._free = threading.Condition()
        self._running: Counter[UUID] = Counter()
        self._uids = set(range(_FIRST_UID, _FIRST_UID + settings.at_once))
        self._closed = threading.Event()
        self.fences: frozenset[str] = frozenset()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)

    def ask(
        self, question: SqlQuestion, extract: Extract, gone: Callable[[], bool] = lambda: False
    ) -> SqlAnswer:
        """Answer one question. `gone`: nobody waits for it any more.

        Raises `SqlRefused`, `MissingPermission`, `SqlTooManyAtOnce`, `AnalyticsUnavailable`, and what `extract` raises.
        """
        with self._turn(question.tenant_id, gone) as uid, self._place() as folder:
            child = _Child(folder, gone, self._closed)
            try:
                return self._answer(child, question, extract, folder, uid)
            except Hostile as error:
                _log.warning("a child of the sandbox was ended", extra={"error": str(error)})
                raise SqlStopped from error
            finally:
                child.end()

    def close(self) -> None:
        """End what runs."""
        self._closed.set()
        with self._free:
            self._free.notify_all()

    def remove(self) -> None:
        """Leave nothing behind, once nobody asks any more."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def _turn(self, tenant_id: UUID, gone: Callable[[], bool]) -> Iterator[int]:
        """A turn, and the user to be in it. A tenant that has its share is told at once; others wait a little."""
        with self._free:
            if self._running[tenant_id] >= self._settings.per_tenant:
                raise SqlTooManyAtOnce(limit=self._settings.per_tenant)
            self._running[tenant_id] += 1  # those that wait count too
            until = time.monotonic() + self._settings.wait_seconds
            while not (self._uids or self._closed.is_set() or gone()) and time.monotonic() < until:
                self._free.wait(_LOOKS_UP)
            if not self._uids or self._closed.is_set() or gone():
                self._forget(tenant_id)
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__)
            uid = self._uids.pop()
        try:
            yield uid
        finally:
            with self._free:
                self._uids.add(uid)
                self._forget(tenant_id)
                self._free.notify()

    def _forget(self, tenant_id: UUID) -> None:
        self._running[tenant_id] -= 1
        if not self._running[tenant_id]:
            del self._running[tenant_id]

    @contextlib.contextmanager
    def _place(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        folder.chmod(0o755)  # for the child's user; nobody else gets as far as here
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _answer(
        self, child: _Child, question: SqlQuestion, extract: Extract, folder: Path, uid: int
    ) -> SqlAnswer:
        limits = self._settings
        child.until(_START_SECONDS)
        child.tell(
            {
                "sql": question.sql,
                "parameters": dict(question.parameters),
                "facts": list(_facts()),
                "uid": uid,
                "seconds": limits.seconds,
                "memory_mb": limits.memory_mb,
                "address_space": limits.memory_mb * 1024 * 1024 + _BESIDES,
                "rows": limits.rows,
                "bytes": limits.megabytes * 1024 * 1024,
            }
        )
        self._must_be_confined(child)
        child.until(limits.seconds)
        needed = _needed(_said(child.hear(MOST_JSON)))
        _must_be_allowed(needed, question)
        position, as_of = extract(needed, folder)
        for file in folder.iterdir():
            file.chmod(0o644)
        child.until(limits.seconds + _GRACE)
        child.tell({})
        most = 2 * limits.megabytes * 1024 * 1024
        stream, told = _stream(child, most)
        table = read_table(stream, limits.rows)
        if sum(least_size(batch.columns) for batch in table.to_batches()) > most:
            raise Hostile("more values than an answer holds")
        return SqlAnswer(table, position, as_of, needed, truncated=told.get("truncated") is True)

    def _must_be_confined(self, child: _Child) -> None:
        """Hear that it is ready, and by which fences. That it is not is no fault of the question."""
        try:
            fences = _said(child.hear(MOST_JSON)).get("ready")
        except SqlRefused as error:
            _log.warning("a child of the sandbox did not start", extra={"error": type(error).__name__})
            raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error
        if not isinstance(fences, list):
            raise Hostile("not what was to come")
        if self.fences != (found := frozenset(map(str, fences))):
            self.fences = found
            _log.info("sandbox", extra={"fences": ", ".join(sorted(found)) or "none"})


class _Child:
    """A child with its deadline. Every way of waiting for it ends there."""

    def __init__(self, folder: Path, gone: Callable[[], bool], closed: threading.Event) -> None:
        self._gone = gone
        self._closed = closed
        self._deadline = 0.0
        self._process = subprocess.Popen(  # noqa: S603 - this Python, our own program
            [sys.executable, "-I", "-c", _PROGRAM, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=ENVIRONMENT,
            close_fds=True,
            start_new_session=True,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("a child with pipes has both of them")
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)

    def until(self, seconds: float) -> None:
        """From now on it has so long."""
        self._deadline = time.monotonic() + seconds

    def tell(self, message: dict[str, Any]) -> None:
        """Send it a message."""
        content = memoryview(frame(JSON, json.dumps(message).encode()))
        while content:
            self._wait(writing=True)
            try:
                content = content[os.write(self._in.fileno(), content) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise SqlStopped from None

    def hear(self, most: int) -> tuple[bytes, bytes]:
        """A frame of it, of `most` bytes. Raises `SqlStopped`, `SqlTooSlow`, `Hostile`."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if length > most:
            raise Hostile("a frame longer than any")
        return kind, self._read(length)

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._wait(writing=False)
            try:
                piece = os.read(self._out.fileno(), min(_PIECE, size - len(found)))
            except BlockingIOError:
                continue
            if not piece:
                raise self._ended()
            found += piece
        return bytes(found)

    def _wait(self, *, writing: bool) -> None:
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise SqlTooSlow
            if self._gone() or self._closed.is_set():
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__)
            ready = select.poll()  # it takes descriptors of any height
            ready.register(self._in if writing else self._out, select.POLLOUT if writing else select.POLLIN)
            if ready.poll(1000 * min(left, _LOOKS_UP)):
                return

    def _ended(self) -> SqlRefused:
        """Why it said no more."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        if self._process.returncode in (-signal.SIGXCPU, -signal.SIGALRM):
            return SqlTooSlow()
        return SqlStopped()

    def end(self) -> None:
        """Kill it, and whatever it may have started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()


def _facts() -> tuple[str, ...]:
    # Loaded with the first question, as DuckDB is where it is not there yet.
    from projections.olap.extract import TABLES  # noqa: PLC0415 - loaded with the first question

    return TABLES


def _must_be_allowed(needed: tuple[str, ...], question: SqlQuestion) -> None:
    # Loaded then, too.
    from projections.olap.extract import NEEDS  # noqa: PLC0415 - loaded with the first question

    must_hold_for(needed, NEEDS, question.permissions)


def _said(heard: tuple[bytes, bytes]) -> dict[str, Any]:
    """What it says in JSON. Raises the refusal that it tells, if it is one of ours, and `Hostile`."""
    kind, content = heard
    try:
        told = json.loads(content) if kind == JSON else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Hostile("not what was to come")
    if "refused" in told:
        refusal = REFUSALS.get(str(told["refused"]))
        if refusal is None:
            raise Hostile("a refusal of its own")
        raise refusal(_text(told.get("detail")), **_besides(told.get("told")))
    return told


def _needed(told: dict[str, Any]) -> tuple[str, ...]:
    needed = told.get("needs")
    if not isinstance(needed, list) or any(name not in _facts() for name in needed):
        raise Hostile("it asks for what is no fact")
    return tuple(dict.fromkeys(needed))


def _stream(child: _Child, most: int) -> tuple[bytes, dict[str, Any]]:
    """The Arrow stream, and how it ended."""
    parts: list[bytes] = []
    size = 0
    while True:
        kind, content = child.hear(max(MOST_JSON, most - size))
        if kind != ARROW:
            return b"".join(parts), _said((kind, content))
        size += len(content)
        if size > most:
            raise Hostile("a stream longer than any")
        parts.append(content)


def _text(found: object) -> str | None:
    """Words of its, as far as they are ours to repeat."""
    if not isinstance(found, str) or not found.isprintable():
        return None
    return found[:_LONGEST_DETAIL]


def _besides(found: object) -> dict[str, Any]:
    """Where the fault is, and what comes near: numbers and names of ours."""
    told = found if isinstance(found, dict) else {}
    place = {
        name: told[name]
        for name in ("line", "column")
        if type(told.get(name)) is int and 0 < told[name] <= _PIECE
    }
    near = told.get("suggestions")
    return place | (
        {"suggestions": [one for one in near if one in _facts()]} if isinstance(near, list) else {}
    )
