"""Places outside that checkpoints and tiles are posted to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class PlaceTrouble(StrEnum):
    """Why nothing could be read from a place or written to it, in a word that repeats nothing of what it said."""

    UNREACHABLE = "unreachable"
    """Nobody answers, or it fails; a disk that is full. Trying again later may help."""
    DENIED = "denied"
    """It does not know the key, or this key may not; the bucket is not there; the folder is none of ours."""
    NOT_SET_UP = "not_set_up"
    """The settings name no such bucket."""


class PlaceUnusable(Exception):
    """A place cannot be read from or written to: `trouble` says why."""

    def __init__(self, trouble: PlaceTrouble) -> None:
        """Say why."""
        super().__init__(trouble.value)
        self.trouble = trouble


class HoldsAnother(Exception):
    """A file that never changes is there with another content; it was left as it is."""

    def __init__(self, path: str) -> None:
        """Name it."""
        super().__init__(path)
        self.path = path


class Place(NamedTuple):
    """A folder of a tenant's, of this installation or in a bucket that the settings name."""

    tenant_id: UUID
    folder: str
    bucket: str | None


class Mirrors(Protocol):
    """Files in places. Everything blocks, and may raise `PlaceUnusable`. `path` has `/` between its parts."""

    def read(self, place: Place, path: str) -> bytes | None:
        """A file's content; None where it is not there."""

    def create(self, place: Place, path: str, content: bytes) -> None:
        """Put a file there that never changes: whole, or not at all. Raises `HoldsAnother` where it is another."""

    def replace(self, place: Place, path: str, content: bytes) -> None:
        """Put a file in place of an older one: whole, or not at all."""
