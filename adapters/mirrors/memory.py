"""Places in memory, for tests of what posts to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.ports.mirrors import HoldsAnother, PlaceUnusable

if TYPE_CHECKING:
    from application.ports.mirrors import Place, PlaceTrouble


class MemoryMirrors:
    """Implements `Mirrors`. `trouble`: nothing is read and nothing taken."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.files: dict[tuple[Place, str], bytes] = {}
        self.trouble: PlaceTrouble | None = None

    def read(self, place: Place, path: str) -> bytes | None:
        """See `Mirrors.read`."""
        self._usable()
        return self.files.get((place, path))

    def create(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.create`."""
        self._usable()
        if self.files.setdefault((place, path), content) != content:
            raise HoldsAnother(path)

    def replace(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.replace`."""
        self._usable()
        self.files[place, path] = content

    def _usable(self) -> None:
        if self.trouble is not None:
            raise PlaceUnusable(self.trouble)
