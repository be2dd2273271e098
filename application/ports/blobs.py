"""Sealed files: uploads, previews and error files, each under the key of the object it belongs to.

Destroying the key makes the files unreadable everywhere, copies included; removing them is tidying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Iterator
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID


class BlobMissing(LookupError):
    """There is no such file here: it expired, was destroyed, or never was."""


class BlobDamaged(Exception):
    """The file is not what was written: cut off, or altered."""


class BlobTooLarge(ValueError):
    """The file is larger than this installation takes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its plain size in bytes and the SHA-256 (hex) of its plain content."""

    size: int
    sha256: str


class Staged(Protocol):
    """A file on its way in; until it is kept, nobody can read it."""

    async def receive(self, chunks: AsyncIterable[bytes], *, limit: int) -> Stored:
        """Take the whole file in, durably. Raises `BlobTooLarge`."""

    async def keep(self) -> None:
        """Put it in place, over an older one of the same name."""


class Sealed(Protocol):
    """A kept file, to be read as often as need be; it can be pickled for another process, its key included."""

    def __iter__(self) -> Iterator[bytes]:
        """The file's bytes in pieces. Raises `BlobMissing`, or `BlobDamaged` when the piece in question is reached."""


class BlobStore(Protocol):
    """Keep sealed files by tenant, object and name."""

    def staged(self, tenant_id: UUID, owner: UUID, name: str) -> AbstractAsyncContextManager[Staged]:
        """A file to be received, judged, and kept or dropped: leaving the context without `keep` leaves nothing."""

    def write(self, tenant_id: UUID, owner: UUID, name: str, chunks: Iterable[bytes]) -> Stored:
        """Write a file, over an older one of the same name."""

    def read(self, tenant_id: UUID, owner: UUID, name: str) -> Sealed:
        """The file. Raises `BlobMissing`."""

    def names(self, tenant_id: UUID, owner: UUID) -> list[str]:
        """The names of an object's files, in order."""

    def destroy(self, tenant_id: UUID, owner: UUID) -> None:
        """Destroy the object's key and remove its files."""

    def destroy_tenant(self, tenant_id: UUID) -> None:
        """Remove every file of a tenant whose keys are destroyed."""

    def sweep(self, killed_before: float, abandoned_before: float) -> int:
        """Tidy up after uploads that were killed; how many files and objects went. Moments in seconds since 1970.

        Removes what uploads left that wrote nothing since `killed_before`, and destroys the keys of objects that have
        had no file since `abandoned_before`: nobody else does where the object was never registered.
        """
