"""Sealed files as one tar: `<tenant>/<object>/<name>`, none of them opened."""

from __future__ import annotations

import io
import os
import re
import tarfile
from typing import TYPE_CHECKING, Final

from adapters.backup.errors import FileAltered, RowsDiffer
from adapters.backup.files import PIECE, Written, pieces, read_whole
from adapters.backup.manifest import Blobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer

    from adapters.backup.files import Tell

NAME: Final = "blobs.tar"
_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PLACE: Final = re.compile(rf"{_ID}/{_ID}/[^/.][^/]*")
_PART: Final = ".part"


def pack(sealed: Path, folder: Path) -> Blobs:
    """Put the files of a folder of blobs into a new tar. One that is destroyed meanwhile is left out."""
    files = 0
    with Written(folder, NAME, gzip=False) as written:
        with tarfile.open(fileobj=_Into(written), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in _found(sealed):
                try:
                    file = path.open("rb")
                except FileNotFoundError:
                    continue
                with file:
                    told = os.fstat(file.fileno())
                    member = tarfile.TarInfo(str(path.relative_to(sealed)))
                    member.size, member.mtime, member.mode = told.st_size, int(told.st_mtime), 0o600
                    tar.addfile(member, file)
                files += 1
        return Blobs(files=files, **written.finish().model_dump())


def check(folder: Path, kept: Blobs, tell: Tell) -> None:
    """See that the tar is what was written, and holds as many files. Raises `RowsDiffer` and what reading raises."""
    _walk(folder, kept, None, tell)


def unpack(folder: Path, kept: Blobs, sealed: Path, tell: Tell) -> None:
    """Put the files of a backup in place. What is there already of the same name is written over by the same."""
    sealed.mkdir(mode=0o700, parents=True, exist_ok=True)
    _walk(folder, kept, sealed, tell)


def _walk(folder: Path, kept: Blobs, to: Path | None, tell: Tell) -> None:
    files = 0
    with read_whole(pieces(folder, kept, tell)) as content:
        try:
            with tarfile.open(fileobj=_Content(content), mode="r|", bufsize=PIECE) as tar:
                for member in tar:
                    if not member.isreg() or _PLACE.fullmatch(member.name) is None:
                        raise FileAltered(f"{folder / kept.name} holds what is no sealed file of ours.")
                    files += 1
                    if to is not None:
                        _put(tar, member, to / member.name)
        except tarfile.TarError:
            raise FileAltered(f"{folder / kept.name} cannot be read as a tar.") from None
        if files != kept.files:
            raise RowsDiffer(f"{kept.name} has {files} files, the manifest says {kept.files}.")


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.restored{_PART}")
    source = tar.extractfile(member)
    if source is None:
        raise FileAltered(f"{member.name} has no content.")
    with source, os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        while piece := source.read(PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _found(sealed: Path) -> Iterator[Path]:
    for tenant in sorted(sealed.iterdir()) if sealed.is_dir() else ():
        for path in sorted(tenant.glob("*/*")):
            place = str(path.relative_to(sealed))
            if path.suffix != _PART and _PLACE.fullmatch(place) is not None and path.is_file():
                yield path


class _Into(io.RawIOBase):
    """A new file of a backup, as `tarfile` writes one."""

    def __init__(self, written: Written) -> None:
        self._written = written

    def writable(self) -> bool:
        return True

    def write(self, piece: Buffer, /) -> int:
        return self._written.write(bytes(piece))


class _Content(io.RawIOBase):
    """Pieces, as `tarfile` reads a file."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._content, b""))
        room = memoryview(buffer)
        size = min(len(room), len(self._rest))
        room[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
