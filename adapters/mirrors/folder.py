"""Mirrors in folders of this installation, beside deliveries: `<root>/<tenant>/<folder>/<path>`."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from application.ports.delivering import FolderUnwritable
from application.ports.mirrors import HoldsAnother, PlaceTrouble, PlaceUnusable

if TYPE_CHECKING:
    from adapters.folders.local import LocalFolders
    from application.ports.mirrors import Place

_PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE})


class FolderMirrors:
    """Implements `Mirrors`, for places without a bucket."""

    def __init__(self, folders: LocalFolders) -> None:
        """Read and write in `folders`."""
        self._folders = folders

    def read(self, place: Place, path: str) -> bytes | None:
        """See `Mirrors.read`."""
        folder, name = _split(place, path)
        try:
            return self._folders.read(place.tenant_id, folder, name)
        except FolderUnwritable as error:
            raise _unusable(error) from error

    def create(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.create`."""
        folder, name = _split(place, path)
        try:
            made = self._folders.create(place.tenant_id, folder, name, content)
            there = content if made else self._folders.read(place.tenant_id, folder, name)
        except FolderUnwritable as error:
            raise _unusable(error) from error
        if there != content:
            raise HoldsAnother(path)

    def replace(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.replace`."""
        folder, name = _split(place, path)
        try:
            self._folders.write(place.tenant_id, folder, name, content)
        except FolderUnwritable as error:
            raise _unusable(error) from error


def _split(place: Place, path: str) -> tuple[str, str]:
    folder, _, name = f"{place.folder}/{path}".rpartition("/")
    return folder, name


def _unusable(error: FolderUnwritable) -> PlaceUnusable:
    """What stands in the way of a folder does not go by itself; room on a disk may come."""
    passing = error.errno in _PASSING
    return PlaceUnusable(PlaceTrouble.UNREACHABLE if passing else PlaceTrouble.DENIED)
