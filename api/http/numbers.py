"""Whole numbers as callers write them."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 18
"""So many always fit what stores have for a position; of very many, Python itself refuses to make a number."""


def whole(text: str) -> int | None:
    """A whole number of at most 18 ASCII digits; None: it is none."""
    return int(text) if len(text) <= _DIGITS and text.isascii() and text.isdigit() else None
