"""Mirrors wherever they are: a place with a bucket in that, one without in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.ports.mirrors import PlaceTrouble, PlaceUnusable

if TYPE_CHECKING:
    from application.ports.mirrors import Mirrors, Place


class PlacedMirrors:
    """Implements `Mirrors` by two others."""

    def __init__(self, folders: Mirrors, buckets: Mirrors | None) -> None:
        """Hand each place to whom it is of; no `buckets`: none is set up."""
        self._folders = folders
        self._buckets = buckets

    def read(self, place: Place, path: str) -> bytes | None:
        """See `Mirrors.read`."""
        return self._of(place).read(place, path)

    def create(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.create`."""
        self._of(place).create(place, path, content)

    def replace(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.replace`."""
        self._of(place).replace(place, path, content)

    def _of(self, place: Place) -> Mirrors:
        if place.bucket is None:
            return self._folders
        if self._buckets is None:
            raise PlaceUnusable(PlaceTrouble.NOT_SET_UP)
        return self._buckets
