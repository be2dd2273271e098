"""A zip archive as it is made: stored, not compressed, without dates, for readers that cannot go back.

The bytes follow from names and contents alone (APPNOTE 6.3.10: local headers 4.3.7, data descriptors 4.3.9, central
directory 4.3.12, and always the Zip64 forms, 4.3.14 and 4.5.3, so that a member's length changes no other byte).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final, NamedTuple

DATE: Final = 0x21
"""1 January 1980, the first day that a zip archive can name."""

VERSION: Final = 45
"""What it takes to read Zip64 (4.4.3.2)."""

FLAGS: Final = 0x0808
"""Sizes follow the content (bit 3), and names are UTF-8 (bit 11)."""

MADE_BY: Final = 3 << 8 | VERSION
MODE: Final = 0o100644 << 16
"""A regular file that all may read, as Unix says it."""

ZIP64: Final = 0x0001
FULL: Final = 0xFFFFFFFF


class Member(NamedTuple):
    """A file that was written: what the manifest tells of it."""

    name: str
    size: int
    sha256: str


class Packing:
    """An archive that grows by one member after the other; whoever takes the chunks writes them in their order."""

    def __init__(self) -> None:
        """Begin an empty archive."""
        self.members: list[Member] = []
        self._at = 0
        self._directory: list[bytes] = []

    def member(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of one more member; it is in `members` once all of them were taken."""
        start, told, size, crc, digest = self._at, name.encode(), 0, 0, sha256()
        extra = struct.pack("<HHQQ", ZIP64, 16, 0, 0)
        header = struct.pack(
            "<4s5H3I2H", b"PK\3\4", VERSION, FLAGS, 0, 0, DATE, 0, FULL, FULL, len(told), len(extra)
        )
        yield header + told + extra
        for chunk in chunks:
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            digest.update(chunk)
            yield chunk
        descriptor = struct.pack("<4sIQQ", b"PK\7\10", crc, size, size)
        yield descriptor
        self._at += len(header) + len(told) + len(extra) + size + len(descriptor)
        self.members.append(Member(name, size, digest.hexdigest()))
        places = struct.pack("<HHQQQ", ZIP64, 24, size, size, start)
        entry = struct.pack(
            "<4s6H3I5H2I",
            *(b"PK\1\2", MADE_BY, VERSION, FLAGS, 0, 0, DATE, crc, FULL, FULL),
            *(len(told), len(places), 0, 0, 0, MODE, FULL),
        )
        self._directory.append(entry + told + places)

    def end(self) -> Iterator[bytes]:
        """The directory, after which nothing follows."""
        directory, count = b"".join(self._directory), len(self._directory)
        yield directory
        after = self._at + len(directory)
        yield struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, MADE_BY, VERSION, 0, 0, count, count, len(directory), self._at
        )
        yield struct.pack("<4sIQI", b"PK\6\7", 0, after, 1)
        yield struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, FULL, FULL, 0)
