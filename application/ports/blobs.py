"""Sealed files: uploads, previews and error files, each under the key of the object it belongs to.

Destroying the key makes the files unreadable everywhere, copies included; removing them is tidying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Iterator
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


class BlobStore(Protocol):
    """Keep sealed files by tenant, object and name."""

    async def receive(
        self, tenant_id: UUID, owner: UUID, name: str, chunks: AsyncIterable[bytes], *, limit: int
    ) -> Stored:
        """Write a file as it comes in; there is all of it afterwards, or none. Raises `BlobTooLarge`."""

    def write(self, tenant_id: UUID, owner: UUID, name: str, chunks: Iterable[bytes]) -> Stored:
        """Write a file, over an older one of the same name."""

    def read(self, tenant_id: UUID, owner: UUID, name: str) -> Iterator[bytes]:
        """The file's bytes in pieces. Raises `BlobMissing`, or `BlobDamaged` when the piece in question is reached."""

    def names(self, tenant_id: UUID, owner: UUID) -> list[str]:
        """The names of an object's files, in order."""

    def destroy(self, tenant_id: UUID, owner: UUID) -> None:
        """Destroy the object's key and remove its files."""
