"""Addresses met before in a file, in little memory however many rows it has."""

from __future__ import annotations

from array import array
from typing import Final

_FIRST_SLOTS: Final = 1 << 12
_FULL: Final = 0.6
_HALF_KEY: Final = 8


class Repeats:
    """The row in which each address stood first, by the address's pseudonym (16 bytes of a keyed hash, or more).

    An open-addressed table of 24 bytes a slot: 40 to 80 bytes a row, where a dict takes about 250. Plain addresses
    never get in here.
    """

    def __init__(self) -> None:
        self._count = 0
        self._allocate(_FIRST_SLOTS)

    def __len__(self) -> int:
        return self._count

    def first_row(self, pseudonym: bytes, row: int) -> int:
        """The row that had this pseudonym first: an earlier one, or `row` (from 1), which is then remembered."""
        if len(pseudonym) < 2 * _HALF_KEY:
            raise ValueError("a pseudonym has at least 16 bytes; shorter ones would collide")
        high = int.from_bytes(pseudonym[:_HALF_KEY], "little")
        low = int.from_bytes(pseudonym[_HALF_KEY : 2 * _HALF_KEY], "little")
        slot = self._slot(high, low)
        known = self._rows[slot]
        if known:
            return known
        self._highs[slot], self._lows[slot], self._rows[slot] = high, low, row
        self._count += 1
        if self._count > self._slots * _FULL:
            self._grow()
        return row

    def _allocate(self, slots: int) -> None:
        self._slots = slots
        self._highs, self._lows, self._rows = (array("Q", bytes(8 * slots)) for _ in range(3))

    def _slot(self, high: int, low: int) -> int:
        highs, lows, rows, mask = self._highs, self._lows, self._rows, self._slots - 1
        slot = high & mask
        while rows[slot] and (highs[slot] != high or lows[slot] != low):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old = zip(self._highs, self._lows, self._rows, strict=True)
        self._allocate(2 * self._slots)
        for high, low, row in old:
            if row:
                slot = self._slot(high, low)
                self._highs[slot], self._lows[slot], self._rows[slot] = high, low, row
