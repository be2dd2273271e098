"""A zip archive as it is handed in: by anybody, so nothing in it is believed, and no more of it is read than asked for.

Read by its directory (APPNOTE 6.3.10, 4.3.12 to 4.3.16), stored or deflated, with or without Zip64. Nothing is ever
written to a disk. What is no archive, or one of a kind that nobody needs for a bundle, is refused in words.
"""

from __future__ import annotations

import itertools
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from adapters.evidence.packing import DATE, FLAGS, FULL, MADE_BY, ZIP64

MOST_MEMBERS: Final = 200_000
MOST_TIMES: Final = 50
"""Envelopes are full of ids, moments and ciphertext: deflated they come to a tenth, never to a fiftieth."""

_LARGEST_DIRECTORY: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_END: Final = struct.Struct("<4s4H2IH")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 0x2041
_LONGEST_SHOWN: Final = 100


class Unreadable(Exception):
    """What was handed in is not to be read, for the reason that the message gives."""


class TooLong(Unreadable):
    """A file goes on beyond what it may have; so much of it was read."""


class Damaged(Unreadable):
    """All of a file was read, and it is not what it was when the archive was made."""


class Entry(NamedTuple):
    """A member, as the directory tells of it."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    at: int
    as_made: bool


class Unpacking:
    """An archive in a file that can be sought. `entries` are its files, in the order in which they lie in it."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory. Raises `Unreadable`."""
        self._file = file
        self.length: Final = file.seek(0, 2)
        count, size, start, self._plain = self._end()
        if count > MOST_MEMBERS or size > _LARGEST_DIRECTORY:
            raise Unreadable(f"The archive names {count:,} files; a bundle has {MOST_MEMBERS:,} at most.")
        if start + size > self.length:
            raise Unreadable("The archive's directory lies beyond its end: the file is cut off or altered.")
        found = sorted(self._directory(self._bytes(start, size), count), key=lambda entry: entry.at)
        self.entries: Final = {entry.name: entry for entry in found}
        if len(self.entries) < len(found):
            twice = next(one.name for one in found if self.entries[one.name] is not one)
            raise Unreadable(f"The archive holds two files of one name: {_shown(twice)}.")
        for one, following in itertools.pairwise([*found, None]):
            end = start if following is None else following.at
            if one is not None and one.at + _LOCAL.size + one.packed > end:
                raise Unreadable(f"Files lie over one another in the archive: {_shown(one.name)}.")

    @property
    def as_made(self) -> bool:
        """Whether files are stored in it as the product stores them; else somebody packed it again."""
        return self._plain and all(entry.as_made for entry in self.entries.values())

    def chunks(self, name: str, most: int) -> Iterator[bytes]:
        """A file's content. Raises `Unreadable` where it is not whole or goes on beyond `most` bytes."""
        entry = self.entries.get(name)
        if entry is None:
            raise Unreadable(f"The bundle lacks {_shown(name)}.")
        local = self._bytes(entry.at, _LOCAL.size)
        signature, *_, named, extra = _LOCAL.unpack(local)
        if signature != b"PK\3\4":
            raise Unreadable(f"Where {_shown(name)} should lie in the archive there is something else.")
        start = entry.at + _LOCAL.size + named + extra
        if self._bytes(entry.at + _LOCAL.size, named) != name.encode():
            raise Unreadable(f"The archive's directory and the file itself differ in a name: {_shown(name)}.")
        crc, size = 0, 0
        packed = self._packed(start, entry.packed)
        for chunk in packed if entry.method == _STORED else _inflated(packed, name):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            if size > most:
                raise TooLong(f"{_shown(name)} goes on beyond the {most:,} bytes that it may have.")
            yield chunk
        if size != entry.size or crc != entry.crc:
            raise Damaged(f"{_shown(name)} is not as the archive's own checksum says: bytes of it changed.")

    def read(self, name: str, most: int) -> bytes:
        """A whole file."""
        return b"".join(self.chunks(name, most))

    def _packed(self, start: int, size: int) -> Iterator[bytes]:
        for at in range(start, start + size, _CHUNK):
            yield self._bytes(at, min(_CHUNK, start + size - at))

    def _bytes(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        data = self._file.read(size)
        if len(data) < size:
            raise Unreadable("The archive ends before its files do: it is cut off or altered.")
        return data

    def _end(self) -> tuple[int, int, int, bool]:
        """How many files the directory names, its size, where it begins, and whether the end is as we make it."""
        tail_at = max(0, self.length - _END.size - 0xFFFF - _LOCATOR.size)
        tail = self._bytes(tail_at, self.length - tail_at)
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _END.size:
            raise Unreadable("This is no zip archive, or the end of one is missing: it is cut off.")
        _, _, _, _, count, size, start, comment = _END.unpack_from(tail, at)
        if at + _END.size + comment != len(tail):
            raise Unreadable("Something follows the end of the archive, or a part of it is missing.")
        located = at - _LOCATOR.size
        if located < 0 or tail[located : located + 4] != b"PK\6\7":
            return count, size, start, False
        _, _, place, _ = _LOCATOR.unpack_from(tail, located)
        if place + _END64.size > self.length:
            raise Unreadable("The archive's end points beyond itself: it is altered.")
        signature, *_, count, size, start = _END64.unpack(self._bytes(place, _END64.size))
        if signature != b"PK\6\6":
            raise Unreadable("The archive's end is altered.")
        return count, size, start, not comment

    def _directory(self, data: bytes, count: int) -> Iterator[Entry]:
        at = 0
        for _ in range(count):
            if len(data) - at < _ENTRY.size or data[at : at + 4] != b"PK\1\2":
                raise Unreadable("The archive's directory is altered, or a part of it is missing.")
            fields = _ENTRY.unpack_from(data, at)
            _, made_by, _, flags, method, time, date, crc, packed, size = fields[:10]
            named, extra, comment, _, _, attributes, start = fields[10:]
            at += _ENTRY.size
            name = _name(data[at : at + named], attributes >> 16)
            extras = data[at + named : at + named + extra]
            at += named + extra + comment
            size, packed, start = _large(extras, size, packed, start)
            if method not in {_STORED, _DEFLATED} or flags & _ENCRYPTED:
                raise Unreadable(
                    f"{_shown(name)} is encrypted, or compressed in a way that is not read here."
                )
            if method == _STORED and size != packed:
                raise Unreadable(f"The archive tells two sizes of {_shown(name)}.")
            if name.endswith("/") and not size:
                continue  # a folder of its own, as other programs add them
            plain = (made_by, flags, method, time, date, comment) == (MADE_BY, FLAGS, _STORED, 0, DATE, 0)
            yield Entry(name, method, crc, packed, size, start, plain)


def _inflated(packed: Iterator[bytes], name: str) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in packed:
            rest = chunk
            while rest and not inflate.eof:
                yield inflate.decompress(rest, _CHUNK)
                rest = inflate.unconsumed_tail
    except zlib.error:
        raise Unreadable(f"{_shown(name)} is compressed, and its bytes were altered.") from None
    if not inflate.eof:
        raise Unreadable(f"{_shown(name)} breaks off.")


def _name(raw: bytes, mode: int) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise Unreadable("A file's name in the archive is not UTF-8.") from None
    parts = name.removesuffix("/").split("/")
    if (
        not name.isprintable()
        or name.startswith("/")
        or "\\" in name
        or ":" in name
        or {"", ".", ".."} & set(parts)
    ):
        raise Unreadable(f"A file's name in the archive leads out of it, or hides: {_shown(name)}.")
    if stat.S_ISLNK(mode):
        raise Unreadable(f"{_shown(name)} is a link in the archive, and a bundle has none.")
    return name


def _large(extras: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """The sizes and the place, from the Zip64 field where they are too large for theirs (4.5.3)."""
    at = 0
    while at + 4 <= len(extras):
        kind, length = struct.unpack_from("<HH", extras, at)
        if kind == ZIP64:
            wanted = [size, packed, start].count(FULL)
            if length < 8 * wanted or at + 4 + length > len(extras):
                break
            values = iter(struct.unpack_from(f"<{wanted}Q", extras, at + 4))
            return tuple(next(values) if one == FULL else one for one in (size, packed, start))  # type: ignore[return-value] # three in, three out
        at += 4 + length
    return size, packed, start


def _shown(name: str) -> str:
    """A name that somebody chose, as it may stand in a sentence on a terminal."""
    return ascii(name if len(name) <= _LONGEST_SHOWN else f"{name[: _LONGEST_SHOWN - 1]}…")
