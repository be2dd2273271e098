"""The owner's folder: its lock, and which file is the live one.

`current` names the live file and is replaced in one step, so that a crash during a swap leaves the old file or the new
one live, never none. Files that it does not name are leftovers of a rebuild that did not finish.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Self


class AlreadyOwned(RuntimeError):
    """Another process owns the analytics file. Stop it, or ask it for reports over its socket."""


class Folder:
    """The owner's folder, locked while the object is open. Made with mode 0700."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises `AlreadyOwned`."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self.path = path
        self._lock = os.open(path / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            raise AlreadyOwned(f"{AlreadyOwned.__doc__} Its process id is {holder}.") from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    @property
    def current(self) -> Path:
        """The live file."""
        pointer = self.path / "current"
        return self.path / (pointer.read_text("ascii").strip() if pointer.exists() else "facts-1.duckdb")

    def tidy(self) -> None:
        """Remove what a rebuild that did not finish has left."""
        name = self.current.name
        for leftover in self.path.glob("facts-*.duckdb*"):
            if leftover.name in {name, f"{name}.wal"}:
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()

    def successor(self, current: Path) -> Path:
        """A fresh path for the file that will replace the live one."""
        path = self.path / f"facts-{int(current.stem.rpartition('-')[2]) + 1}.duckdb"
        self.remove(path)
        return path

    def make_current(self, path: Path) -> None:
        """Let `path` be the live file from now on, also after a crash."""
        draft = self.path / "current.new"
        with draft.open("w", encoding="ascii") as file:
            file.write(path.name)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path / "current")
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, path: Path) -> None:
        """Remove a file and its write-ahead log."""
        for name in (path.name, f"{path.name}.wal"):
            (self.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
