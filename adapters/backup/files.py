"""The files of a backup: written once and hashed on the way, read in pieces and checked; folders that appear whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from adapters.backup.errors import (
    BackupRefused,
    BackupUnderWay,
    FileAltered,
    FileMissing,
    FileTruncated,
    FolderTaken,
    NotWritten,
)
from adapters.backup.manifest import Kept
from adapters.keys.keks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

PIECE: Final = 1 << 20
_LOCK: Final = ".writing"
_GZIP: Final = 31
"""zlib's number for its largest window, with gzip's header and check around it."""


class Tell(Protocol):
    """Told of progress."""

    def __call__(self, name: str, more: int, total: int | None = None, /) -> object:
        """So much more of this is done. `total`: it begins now, and so much is to be done, where that is known."""


def untold(_: str, __: int, ___: int | None = None) -> None:
    """Nobody looks on."""


class Written:
    """One new file: what is written into it is hashed, and compressed where asked for.

    Level 1: more costs more than it gives, for what is sealed does not get smaller.
    """

    def __init__(self, folder: Path, name: str, *, gzip: bool) -> None:
        """Begin `name` in `folder`, for as long as a block lasts that ends with `finish`."""
        self.name = name
        self._file = os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP) if gzip else None
        self._hash = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, piece: bytes) -> int:
        """Add a piece; its length."""
        self._put(piece if self._packer is None else self._packer.compress(piece))
        return len(piece)

    def finish(self) -> Kept:
        """Put it on the disk; what the manifest says of it."""
        if self._packer is not None:
            self._put(self._packer.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        return Kept(name=self.name, bytes=self._size, sha256=self._hash.hexdigest())

    def _put(self, content: bytes) -> None:
        self._hash.update(content)
        self._size += len(content)
        self._file.write(content)


def pieces(folder: Path, kept: Kept, tell: Tell) -> Iterator[bytes]:
    """The bytes of a file, and at its end that they are those that were written.

    Raises `FileMissing`, `FileTruncated`, `FileAltered`.
    """
    found = hashlib.sha256()
    try:
        file = (folder / kept.name).open("rb")
    except FileNotFoundError:
        raise FileMissing(f"{folder / kept.name} is not there.") from None
    with file:
        tell(kept.name, 0, kept.bytes)
        size = os.fstat(file.fileno()).st_size
        if size < kept.bytes:
            raise FileTruncated(f"{folder / kept.name} has {size} bytes of {kept.bytes}.")
        if size > kept.bytes:
            raise FileAltered(f"{folder / kept.name} has {size} bytes, and {kept.bytes} were written.")
        while piece := file.read(PIECE):
            found.update(piece)
            tell(kept.name, len(piece))
            yield piece
    if found.hexdigest() != kept.sha256:
        raise FileAltered(f"{folder / kept.name} has another SHA-256 than the manifest says.")


@contextmanager
def read_whole(content: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """What is refused of a file's content is told only of a file that is what was written: else it is that."""
    try:
        yield content
        for _ in content:
            pass
    except BackupRefused:
        for _ in content:
            pass
        raise


def unpacked(compressed: Iterable[bytes], name: str) -> Iterator[bytes]:
    """What was compressed into a file, in pieces of bounded size. Raises `FileAltered` besides what reading raises."""
    packer = zlib.decompressobj(_GZIP)
    for piece in compressed:
        rest = piece
        while rest:
            try:
                made = packer.decompress(rest, PIECE)
            except zlib.error:
                raise FileAltered(f"{name} cannot be unpacked.") from None
            if packer.unused_data:
                raise FileAltered(f"{name} has something behind its end.")
            rest = packer.unconsumed_tail
            if made:
                yield made
    if not packer.eof:
        raise FileAltered(f"{name} ends too early.")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write a backup into, beside its place; it gets its name when the block has ended well.

    What an interrupted one left is removed first. Raises `FolderTaken`, `BackupUnderWay`, `NotWritten`.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is there already.")
    if not folder.parent.is_dir():
        raise FolderTaken(f"{folder.parent} is no folder.")
    part = folder.with_name(f"{folder.name}.part")
    try:
        with _held(part):
            yield part
            (part / _LOCK).unlink()
            sync_folder(part)
            part.rename(folder)
            sync_folder(folder.parent)
    except OSError as error:
        raise NotWritten(f"{folder}: {error.strerror}.") from error


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Make the folder, empty, as the one who writes it; it is gone when that goes wrong."""
    if part.exists() and not (part / _LOCK).exists() and (not part.is_dir() or any(part.iterdir())):
        raise FolderTaken(f"{part} is there, and no interrupted backup.")
    part.mkdir(mode=0o700, exist_ok=True)
    with (part / _LOCK).open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupUnderWay(f"{part} is locked.") from None
        for left in part.iterdir():
            if left.name != _LOCK:
                left.unlink()
        try:
            yield
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
