"""What a running installation leaves on disk about itself, and how the next start makes sense of it after a crash."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

import psutil
import structlog

from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = structlog.get_logger(__name__)

_PATIENCE: Final = 30.0
_CLOCK_GRAIN: Final = 0.1


class AlreadyServed(CannotRun):
    """Another `penguinmails serve` runs on this data folder. Use it, or stop it first."""


class RunState:
    """The file `run/serve.json`: who serves, where, and which processes it started. Locked while it is served."""

    def __init__(self, folder: Path, patience: float = _PATIENCE) -> None:
        """`folder` is the run folder; `patience`: seconds that a killed predecessor's processes have to end."""
        self.folder = folder
        self._patience = patience
        self.file = folder / "serve.json"

    def read(self) -> dict[str, Any] | None:
        """What was last written; None where nothing was, or not whole."""
        try:
            told = json.loads(self.file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def write(self, told: Mapping[str, Any]) -> None:
        """Replace what stands there, in one step."""
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(self.file)

    def address(self) -> str | None:
        """Where the API of a running `serve` listens."""
        told = self.read()
        if told is None or _alive(told.get("serve")) is None:
            return None
        address = told.get("address")
        return address if isinstance(address, str) else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who serves this folder. Raises `AlreadyServed`. Ends what a killed predecessor left running."""
        with (self.folder / "serve.lock").open("a", encoding="ascii") as lock:
            self._lock(lock)
            self._end_leftovers()
            try:
                yield
            finally:
                self.file.unlink(missing_ok=True)

    def _lock(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = self.read() or {}
            where = f" at {told['address']}" if told.get("address") else ""
            pid = (told.get("serve") or {}).get("pid", "unknown")
            raise AlreadyServed(
                f"This data folder is served already{where} (process {pid}). Use it, or stop it first."
            ) from None

    def _end_leftovers(self) -> None:
        """Children of a killed supervisor end by themselves; what is still there after a while is ended.

        A process is only taken for one of them when its id and the moment it began are both those written down.
        """
        told = self.read()
        if told is None:
            return
        left = [process for one in told.get("processes", {}).values() if (process := _alive(one)) is not None]
        if left:
            log.warning("processes of an earlier start are still there; waiting for them", count=len(left))
        _, left = psutil.wait_procs(left, timeout=self._patience)
        for process in left:
            log.warning("ending a process of an earlier start", pid=process.pid)
            process.kill()
        psutil.wait_procs(left, timeout=self._patience)


def identity(pid: int) -> dict[str, float]:
    """A process as it can be told from a later one of the same number."""
    try:
        return {"pid": pid, "began": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "began": time.time()}


def own_identity() -> dict[str, float]:
    """This process."""
    return identity(os.getpid())


def _alive(told: object) -> psutil.Process | None:
    """The process that was written down, if it is still that one."""
    if not isinstance(told, dict):
        return None
    try:
        process = psutil.Process(int(told["pid"]))
        same = abs(process.create_time() - float(told["began"])) < _CLOCK_GRAIN
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None
