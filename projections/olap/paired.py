"""Which rows of a report differ between two looks at it, and which of the one are which of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """A row that differs: its dimensions as it was and is, and its measures; None: it was not there, or is no more."""

    was: tuple[Any, ...]
    now: tuple[Any, ...]
    old_measures: tuple[Any, ...] | None
    new_measures: tuple[Any, ...] | None


def differing(
    naming: Sequence[int],
    old: Mapping[tuple[Any, ...], tuple[Any, ...]],
    new: Mapping[tuple[Any, ...], tuple[Any, ...]],
) -> list[Row]:
    """The rows that differ, of measures by dimensions. `naming`: which of the dimensions name a row.

    One that goes and one that comes are one row, where they differ in words that name none.
    """

    def named(gone: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
        found = dict[tuple[Any, ...], list[tuple[Any, ...]]]()
        for cell in gone:
            found.setdefault(tuple(cell[at] for at in naming), []).append(cell)
        return found

    came = named(cell for cell in new if cell not in old)
    gone = named(cell for cell in old if cell not in new)
    same = {
        came[key][0]: cells[0] for key, cells in gone.items() if len(cells) == len(came.get(key, ())) == 1
    }
    paired = set(same.values())
    return [
        Row(same.get(cell, cell), cell, old.get(same.get(cell, cell)), new.get(cell))
        for cell in {**old, **new}
        if old.get(cell) != new.get(cell) and cell not in paired
    ]
