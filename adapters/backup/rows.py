"""Rows out of Postgres's binary COPY (its documentation: COPY, "Binary Format"), and whether logs are whole in them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.backup.errors import FileAltered, LogNotWhole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_HEADER: Final = struct.Struct(f">{len(_SIGNATURE)}sii")
_SHORT, _INT, _LONG = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")
_END: Final = -1


def rows(pieces: Iterable[bytes], name: str, first: int) -> Iterator[tuple[bytes, ...]]:
    """The first `first` columns of each row, none of them null. Raises `FileAltered`, and what reading raises."""
    buffer, at, begun, ended = b"", 0, False, False
    for piece in pieces:
        buffer = buffer[at:] + piece
        at = 0
        if not begun:
            if len(buffer) < _HEADER.size:
                continue
            signature, _, extension = _HEADER.unpack_from(buffer)
            if signature != _SIGNATURE or extension != 0:
                raise FileAltered(f"{name} does not begin as a table of ours.")
            at, begun = _HEADER.size, True
        while not ended and (found := _row(buffer, at, first)) is not None:
            row, at = found
            if row is None:
                ended = True
            elif len(row) != first:
                raise FileAltered(f"{name} has a row with too few columns.")
            else:
                yield row
    if not ended or at != len(buffer):
        raise FileAltered(f"{name} does not end as a table of ours.")


def _row(buffer: bytes, at: int, first: int) -> tuple[tuple[bytes, ...] | None, int] | None:
    """The row at a place and where the next one begins; None for the row behind the last; None where it is cut off."""
    end = len(buffer)
    if at + 2 > end:
        return None
    (count,) = _SHORT.unpack_from(buffer, at)
    at += 2
    if count == _END:
        return None, at
    columns: list[bytes] = []
    for number in range(count):
        if at + 4 > end:
            return None
        (length,) = _INT.unpack_from(buffer, at)
        at += 4
        length = max(length, 0)
        if at + length > end:
            return None
        if number < first:
            columns.append(buffer[at : at + length])
        at += length
    return tuple(columns), at


def number(column: bytes) -> int:
    """A bigint or an int."""
    return int.from_bytes(column, "big", signed=True)


class Positions:
    """Which positions of each tenant's log were seen; rows come in about any order, and few are held in memory.

    A table that only grows is read about in the order of its positions, whoever wrote at the same moment.
    """

    def __init__(self, log: str) -> None:
        """Nothing was seen. `log` names it in messages."""
        self._log = log
        self._reached: dict[bytes, int] = {}
        self._ahead: dict[bytes, set[int]] = {}

    def see(self, tenant: bytes, position: int) -> None:
        """One event. Raises `LogNotWhole` where its position was seen before."""
        reached = self._reached.get(tenant, 0)
        ahead = self._ahead.get(tenant)
        if position <= reached or (ahead is not None and position in ahead):
            raise LogNotWhole(f"{self._name(tenant)} has position {position} twice.")
        if position > reached + 1:
            self._ahead.setdefault(tenant, set()).add(position)
            return
        while ahead and position + 1 in ahead:
            position += 1
            ahead.remove(position)
        self._reached[tenant] = position

    def compare(self, heads: Mapping[bytes, int]) -> None:
        """Raises `LogNotWhole` where a log lacks a position up to its head's, or has one after it."""
        for tenant in self._reached.keys() | self._ahead.keys() | heads.keys():
            reached, head = self._reached.get(tenant, 0), heads.get(tenant, 0)
            if reached < head:
                raise LogNotWhole(f"{self._name(tenant)} lacks position {reached + 1} of {head}.")
            if reached > head or self._ahead.get(tenant):
                raise LogNotWhole(f"{self._name(tenant)} has positions after its head's, {head}.")

    def _name(self, tenant: bytes) -> str:
        return f"The log {self._log} of tenant {UUID(bytes=tenant)}"
