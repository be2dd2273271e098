"""Sealed files in the data folder: `<tenant>/<object>/<name>`, folders 0700, files 0600.

A file is a header (`PMB1` and 7 random bytes) and segments of 64 KiB, each AES-256-GCM under the object's key. A
segment's nonce is the random prefix, its number (4 bytes) and whether it is the last (1 byte), so that a segment that
was altered, moved, repeated, or a file that was cut off is found out: the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár, 2015).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports.blobs import BlobDamaged, BlobMissing, BlobTooLarge, Stored
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from application.ports.keys import KeyStore, SubjectKey

_MAGIC: Final = b"PMB1"
_PREFIX: Final = 7
_SEGMENT: Final = 64 * 1024
_TAG: Final = 16
_GATHERED: Final = 256 * 1024


class LocalBlobs:
    """Implements `BlobStore` on a folder; keys come from the key store, apart from it."""

    def __init__(self, folder: Path, keys: KeyStore) -> None:
        """Keep files under `folder`, made 0700."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._keys = keys

    @asynccontextmanager
    async def staged(self, tenant_id: UUID, owner: UUID, name: str) -> AsyncIterator[_Staged]:
        """See `BlobStore.staged`."""
        with await asyncio.to_thread(self._writer, tenant_id, owner, name) as writer:
            yield _Staged(writer)

    def write(self, tenant_id: UUID, owner: UUID, name: str, chunks: Iterable[bytes]) -> Stored:
        """See `BlobStore.write`."""
        with self._writer(tenant_id, owner, name) as writer:
            for chunk in chunks:
                writer.add(chunk)
            stored = writer.finish()
            writer.keep()
            return stored

    def read(self, tenant_id: UUID, owner: UUID, name: str) -> SealedFile:
        """See `BlobStore.read`."""
        key = _key(tenant_id, owner)
        material = self._keys.find([key]).get(key)
        path = self._path(tenant_id, owner, name)
        if material is None or not path.is_file():
            raise BlobMissing(BlobMissing.__doc__)
        return SealedFile(path, material, _bound_to(tenant_id, owner, name))

    def names(self, tenant_id: UUID, owner: UUID) -> list[str]:
        """See `BlobStore.names`."""
        folder = self._folder / str(tenant_id) / str(owner)
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if path.suffix != ".part")

    def destroy(self, tenant_id: UUID, owner: UUID) -> None:
        """See `BlobStore.destroy`."""
        self._keys.destroy([_key(tenant_id, owner)])
        shutil.rmtree(self._folder / str(tenant_id) / str(owner), ignore_errors=True)

    def destroy_tenant(self, tenant_id: UUID) -> None:
        """See `BlobStore.destroy_tenant`."""
        shutil.rmtree(self._folder / str(tenant_id), ignore_errors=True)

    def sweep(self, killed_before: float, abandoned_before: float) -> int:
        """See `BlobStore.sweep`."""
        removed = 0
        for part in self._folder.glob("*/*/*.part"):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < killed_before:
                    part.unlink()
                    removed += 1
        abandoned = {
            folder: _key(UUID(folder.parent.name), UUID(folder.name))
            for folder in self._folder.glob("*/*")
            if _is_id(folder.name)
            and _is_id(folder.parent.name)
            and _is_empty_since(folder, abandoned_before)
        }
        if abandoned:
            # First the keys: a folder that is still there after a crash is found again, a key alone never would be.
            self._keys.destroy(abandoned.values())
            for folder in abandoned:
                with suppress(OSError):  # an upload began just now: it ends as one whose files are gone
                    folder.rmdir()
        return removed + len(abandoned)

    def _writer(self, tenant_id: UUID, owner: UUID, name: str) -> _Writer:
        key = _key(tenant_id, owner)
        material = self._keys.obtain([key]).get(key)
        if material is None:
            raise BlobMissing("the object's key was destroyed; nothing can be kept for it any more")
        path = self._path(tenant_id, owner, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Writer(path, AESGCM(material), _bound_to(tenant_id, owner, name))

    def _path(self, tenant_id: UUID, owner: UUID, name: str) -> Path:
        if name != Path(name).name or name.startswith("."):
            raise ValueError("a blob's name is a plain file name")
        return self._folder / str(tenant_id) / str(owner) / name


@dataclass(frozen=True, slots=True)
class SealedFile:
    """Implements `Sealed`."""

    path: Path
    key: bytes = field(repr=False)
    bound_to: bytes = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        """See `Sealed.__iter__`."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            raise BlobMissing(BlobMissing.__doc__) from None
        with file:
            yield from _segments(file, AESGCM(self.key), self.bound_to)


class _Staged:
    """Implements `Staged`; the disk is worked on beside the loop."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer

    async def receive(self, chunks: AsyncIterable[bytes], *, limit: int) -> Stored:
        writer, gathered, size = self._writer, bytearray(), 0
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise BlobTooLarge(f"the file has more than {limit} bytes; split it")
            gathered += chunk
            if len(gathered) >= _GATHERED:
                await asyncio.to_thread(writer.add, bytes(gathered))
                gathered.clear()
        await asyncio.to_thread(writer.add, bytes(gathered))
        return await asyncio.to_thread(writer.finish)

    async def keep(self) -> None:
        await asyncio.to_thread(self._writer.keep)


class _Writer:
    """Seals what it is given into a file beside the final one; `keep` puts it in place."""

    def __init__(self, path: Path, cipher: AESGCM, bound_to: bytes) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._cipher = cipher
        self._bound_to = bound_to
        self._prefix = secrets.token_bytes(_PREFIX)
        self._hash = hashlib.sha256()
        self._rest = bytearray()
        self._number = 0
        self.size = 0
        self._file.write(_MAGIC + self._prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._hash.update(chunk)
        self._rest += chunk
        while len(self._rest) > _SEGMENT:
            self._seal(bytes(self._rest[:_SEGMENT]), last=False)
            del self._rest[:_SEGMENT]

    def finish(self) -> Stored:
        self._seal(bytes(self._rest), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        return Stored(self.size, self._hash.hexdigest())

    def keep(self) -> None:
        self._part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._file.write(self._cipher.encrypt(nonce, plain, self._bound_to))
        self._number += 1


def _segments(file: BinaryIO, cipher: AESGCM, bound_to: bytes) -> Iterator[bytes]:
    header = file.read(len(_MAGIC) + _PREFIX)
    if len(header) != len(_MAGIC) + _PREFIX or not header.startswith(_MAGIC):
        raise BlobDamaged("the file does not begin as one of ours")
    prefix, number = header[len(_MAGIC) :], 0
    sealed = file.read(_SEGMENT + _TAG)
    while True:
        following = file.read(_SEGMENT + _TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=not following), sealed, bound_to)
        except InvalidTag:
            raise BlobDamaged(f"segment {number} is not what was written") from None
        if not following:
            return
        sealed, number = following, number + 1


def _is_empty_since(folder: Path, moment: float) -> bool:
    """Whether nothing is in it and nothing came or went since then; not whether it is gone."""
    try:
        return folder.stat().st_mtime < moment and not any(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _key(tenant_id: UUID, owner: UUID) -> SubjectKey:
    return (tenant_id, str(owner), KeyKind.PROFILE)


def _bound_to(tenant_id: UUID, owner: UUID, name: str) -> bytes:
    return f"{tenant_id}|{owner}|{name}".encode()


def _is_id(name: str) -> bool:
    """Whether a folder's name is one that we give; a backup may have left others."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
