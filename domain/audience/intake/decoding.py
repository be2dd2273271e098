"""Bytes to text to physical lines, in bounded memory and with the place of every byte that does not fit."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from domain.audience.intake.errors import (
    MAX_ROW_CHARACTERS,
    EncodingBroken,
    EncodingContradicted,
    EncodingUnknown,
    FileEmpty,
    FileNotText,
    FileRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SLICE: Final = 65_536

_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp1252": "windows-1252",
    "iso8859-1": "windows-1252",
    "iso8859-15": "iso-8859-15",
    "cp1250": "windows-1250",
    "iso8859-2": "iso-8859-2",
    "cp1251": "windows-1251",
    "mac-roman": "macintosh",
    "shift_jis": "shift_jis",
    "cp932": "cp932",
    "gb18030": "gb18030",
}
"""Python's name -> the name we show. Latin-1 is read as Windows-1252, as browsers do (WHATWG Encoding, 4.2):
the bytes that differ are control characters in the one and the typographer's quotes in the other."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"PAR1", b"SQLite format 3")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes are read, and how that was known."""

    name: str
    found: Literal["declared", "byte-order mark", "assumed"]


class Undecodable(Exception):
    """The bytes from `offset` on are not in the file's encoding; everything before has been handed out."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(f"byte {offset}")

    def refusal(self, encoding: Encoding, line: int, row: int | None) -> FileRefused:
        """The refusal of the file, by whether the encoding was anybody's word or our assumption."""
        unknown = encoding.found == "assumed"
        kind = EncodingUnknown if unknown else EncodingBroken
        place = f"line {line:,}" if row is None else f"row {row:,} (line {line:,})"
        return kind(
            f"Byte {self.offset:,}, in {place}, is not valid {encoding.name.upper()}.",
            byte_offset=self.offset,
            line=line,
            row=row,
        )


def known_encoding(name: str) -> str:
    """Our name for an encoding that files may be declared in. Raises ValueError naming those that there are."""
    try:
        return _ENCODINGS[codecs.lookup(name.strip()).name]
    except (LookupError, ValueError):
        offered = ", ".join(dict.fromkeys(_ENCODINGS.values()))
        raise ValueError(f"unknown encoding; use one of {offered}") from None


def open_text(chunks: Iterable[bytes], declared: str | None) -> tuple[Encoding, Iterator[str]]:
    """How a file is encoded, and its text in pieces with every line break as a line feed.

    `declared` is one of `known_encoding`'s names. Iterating raises `Undecodable`.
    """
    slices = _slices(chunks)
    head = next(slices, b"")
    if not head:
        raise FileEmpty
    if head.startswith(_BINARY):
        raise FileNotText(byte_offset=0)
    encoding, mark = _detect(head, declared)
    if len(head) == mark:
        raise FileEmpty
    pieces = _decode(chain([head[mark:]], slices), encoding.name, mark)
    return encoding, _universal_newlines(pieces)


def physical_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines with their a line feed. One longer than a row may be is cut just above the limit: its length tells."""
    rest = ""
    for piece in pieces:
        head, *lines = piece.split("\n")
        rest += head
        if lines:
            yield rest[: MAX_ROW_CHARACTERS + 1] + "\n"
            rest = lines.pop()
            for line in lines:
                yield line + "\n"
        elif len(rest) > MAX_ROW_CHARACTERS:
            rest = rest[: MAX_ROW_CHARACTERS + 1]
    if rest:
        yield rest[: MAX_ROW_CHARACTERS + 1]


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, however small or large they come."""
    buffer = bytearray()
    for chunk in chunks:
        for start in range(0, len(chunk), _SLICE):
            buffer += chunk[start : start + _SLICE]
            while len(buffer) >= _SLICE:
                yield bytes(buffer[:_SLICE])
                del buffer[:_SLICE]
    if buffer:
        yield bytes(buffer)


def _detect(head: bytes, declared: str | None) -> tuple[Encoding, int]:
    """The encoding, and how many bytes its mark takes."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            if declared not in {None, name}:
                raise EncodingContradicted(
                    f"The file begins with the mark of {name.upper()}, but `encoding` says {declared}.",
                    byte_offset=0,
                )
            return Encoding(name, "byte-order mark"), len(mark)
    if declared is not None:
        return Encoding(declared, "declared"), 0
    nuls = head.count(0)
    if nuls * 4 >= len(head):
        order = "utf-16-be" if head[0] == 0 else "utf-16-le"
        raise EncodingUnknown(
            f"Every second byte is NUL: this looks like {order.upper()} without its mark. Use `encoding={order}`.",
            byte_offset=head.index(0),
        )
    return Encoding("utf-8", "assumed"), 0


def _decode(slices: Iterable[bytes], name: str, offset: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(name)("strict")
    for data in slices:
        yield from _step(decoder, data, name, offset, final=False)
        offset += len(data)
    yield from _step(decoder, b"", name, offset, final=True)


def _step(
    decoder: codecs.IncrementalDecoder, data: bytes, name: str, offset: int, *, final: bool
) -> Iterator[str]:
    waiting = decoder.getstate()[0]
    try:
        text = decoder.decode(data, final)
    except UnicodeDecodeError as broken:
        yield (waiting + data)[: broken.start].decode(name, "ignore")
        raise Undecodable(offset - len(waiting) + broken.start) from None
    if text:
        yield text


def _universal_newlines(pieces: Iterable[str]) -> Iterator[str]:
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        yield newlines.decode(piece)
    yield newlines.decode("", final=True)
