"""Delivered files below one root: `<root>/<tenant>/<folder>/<name>`, folders 0750, files 0640.

Each part of a path is opened from the one before and never through a link, so that no name and nothing that somebody
put there leads out. A file is written beside its place, made durable, and moved there: it is whole, or not there.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from application.ports.delivering import FolderUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNFIT: Final = frozenset({"", ".", ".."})


class LocalFolders:
    """Implements `DeliveryFolders`."""

    def __init__(self, root: Path) -> None:
        """Write below `root`, which is made by the first file."""
        self._root = root

    def write(self, tenant_id: UUID, folder: str, name: str, content: bytes) -> None:
        """See `DeliveryFolders.write`."""
        parts = [str(tenant_id), *folder.split("/")]
        if any(part in _UNFIT or "/" in part or "\0" in part for part in (*parts, name)):
            raise FolderUnwritable("a part of the path is no name")
        try:
            self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
            with _opened(str(self._root.resolve()), parts) as place:
                _put(place, name, content)
        except OSError as error:
            raise FolderUnwritable(error.errno, os.strerror(error.errno or 0)) from None

    def remove(self, tenant_id: UUID) -> None:
        """Remove everything that was delivered for a tenant."""
        shutil.rmtree(self._root / str(tenant_id), ignore_errors=True)


@contextmanager
def _opened(root: str, parts: list[str]) -> Iterator[int]:
    """The last folder, each made where it is not there."""
    place = os.open(root, _FOLDER)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, mode=0o750, dir_fd=place)
                os.fsync(place)
            below = os.open(part, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        yield place
    finally:
        os.close(place)


def _put(place: int, name: str, content: bytes) -> None:
    part = f".{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(part, _NEW, 0o640, dir_fd=place), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=place)
        raise
    os.fsync(place)
