"""Delivered files below one root: `<root>/<tenant>/<folder>/<name>`, folders 0750, files 0640.

Each part of a path is opened from the one before and never through a link, so that no name and nothing that somebody
put there leads out. A file is written beside its place, made durable, and moved there: it is whole, or not there.
"""

from __future__ import annotations

import errno
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
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WITHOUT_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_UNFIT: Final = frozenset({"", ".", ".."})


class _NotThere(Exception):
    """A folder or a file that is only looked for is not there."""


class LocalFolders:
    """Implements `DeliveryFolders`."""

    def __init__(self, root: Path) -> None:
        """Write below `root`, which is made by the first file."""
        self._root = root

    def write(self, tenant_id: UUID, folder: str, name: str, content: bytes) -> None:
        """See `DeliveryFolders.write`."""
        with self._place(tenant_id, folder, name) as place:
            _put(place, name, content)

    def create(self, tenant_id: UUID, folder: str, name: str, content: bytes) -> bool:
        """Put a file in place where there is none of its name, and tell whether; as `write` else."""
        with self._place(tenant_id, folder, name) as place:
            return _put(place, name, content, over=False)

    def read(self, tenant_id: UUID, folder: str, name: str) -> bytes | None:
        """A file's content; None where it is not there. Raises `FolderUnwritable` for what is no file of ours."""
        with (
            suppress(_NotThere),
            self._place(tenant_id, folder, name, make=False) as place,
            os.fdopen(os.open(name, _OLD, dir_fd=place), "rb") as file,
        ):
            return file.read()
        return None

    @contextmanager
    def _place(self, tenant_id: UUID, folder: str, name: str, *, make: bool = True) -> Iterator[int]:
        """The folder that a file is in; its parts are made where they are not there, unless `make` says no."""
        parts = [str(tenant_id), *folder.split("/")]
        if any(part in _UNFIT or "/" in part or "\0" in part for part in (*parts, name)):
            raise FolderUnwritable("a part of the path is no name")
        try:
            if make:
                self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
            with _opened(str(self._root.resolve()), parts, make=make) as place:
                yield place
        except FileNotFoundError as error:
            if not make:
                raise _NotThere from None
            raise FolderUnwritable(error.errno, os.strerror(error.errno or 0)) from None
        except OSError as error:
            raise FolderUnwritable(error.errno, os.strerror(error.errno or 0)) from None

    def remove(self, tenant_id: UUID) -> None:
        """Remove everything that was delivered for a tenant."""
        shutil.rmtree(self._root / str(tenant_id), ignore_errors=True)


@contextmanager
def _opened(root: str, parts: list[str], *, make: bool) -> Iterator[int]:
    """The last folder, each made where it is not there and `make` says so."""
    place = os.open(root, _FOLDER)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, mode=0o750, dir_fd=place)
                    os.fsync(place)
            below = os.open(part, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        yield place
    finally:
        os.close(place)


def _put(place: int, name: str, content: bytes, *, over: bool = True) -> bool:
    """Put a file in place; `over` an older one, or only where there is none. Whether it was."""
    part = f".{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(part, _NEW, 0o640, dir_fd=place), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if over:
            os.replace(part, name, src_dir_fd=place, dst_dir_fd=place)
        else:
            _name_it(place, part, name)
    except FileExistsError:
        os.unlink(part, dir_fd=place)
        return False
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=place)
        raise
    os.fsync(place)
    return True


def _name_it(place: int, part: str, name: str) -> None:
    """Give a written file its name. Raises `FileExistsError` where that is taken."""
    try:
        os.link(part, name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # A file system without links, as shares of other machines may be: looked at, and then moved.
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=place, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, name) from None
        os.replace(part, name, src_dir_fd=place, dst_dir_fd=place)
    else:
        os.unlink(part, dir_fd=place)
