"""Paths of Unix sockets: short enough for every system served, and in folders that their user alone may enter."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

LONGEST: Final = 103
"""Bytes of a socket's path: the shortest limit of the systems served (macOS 104, Linux 108), less the closing NUL."""


def fits(path: Path | str) -> bool:
    """Whether a socket may have this path."""
    return len(os.fsencode(path)) <= LONGEST


def stand_in(folder: Path) -> Path:
    """The folder below the temporary folder that stands for one whose path is too long; it is not made here."""
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"penguinmails-{mark}"


def assert_private(folder: Path, uid: int) -> None:
    """Raise `PermissionError` unless this is a folder, no link to one, that the user alone may enter."""
    had = folder.lstat()
    if not stat.S_ISDIR(had.st_mode) or had.st_uid != uid or stat.S_IMODE(had.st_mode) & 0o077:
        raise PermissionError(f"{folder} exists and is not a private folder of user {uid}")


def short_socket(folder: Path, name: str) -> Path:
    """A path for a socket in `folder`; in the stand-in, made where it is missing, when that is too long for one."""
    near = folder / name
    if fits(near):
        return near
    elsewhere = stand_in(folder)
    elsewhere.mkdir(mode=0o700, exist_ok=True)
    assert_private(elsewhere, os.geteuid())
    return elsewhere / name
