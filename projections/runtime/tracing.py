"""Which events touched which things: noted while they are folded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from projections.runtime.rows import Rows

if TYPE_CHECKING:
    from projections.runtime.facts import Projection


class Touched:
    """Positions by the keys and ids of the rows that their events changed."""

    def __init__(self) -> None:
        """Begin with none."""
        self._positions: dict[str, set[int]] = defaultdict(set)
        self._all: set[int] = set()

    def note(self, position: int, values: dict[str, Any], key: tuple[str, ...]) -> None:
        """An event changed a row with these values."""
        self._all.add(position)
        for name, value in values.items():
            if name in key or name.endswith("_id"):
                self._positions[str(value)].add(position)

    def by(self, key: str) -> set[int]:
        """The positions of the events that changed rows which name this thing."""
        return self._positions.get(key, set())

    def latest(self, most: int) -> list[int]:
        """The positions of the last events that changed any row, in order."""
        return sorted(self._all)[-most:]


class TracedRows(Rows):
    """The changes of a projection, and whom they touch."""

    def __init__(self, projection: Projection, touched: Touched) -> None:
        """Note in `touched`."""
        super().__init__(projection)
        self._touched = touched

    def delete_where(self, table: str, **columns: Any) -> None:
        """See `Rows.delete_where`."""
        self._touched.note(self._position, columns, tuple(columns))
        super().delete_where(table, **columns)

    def _prepare(self, table: str, values: dict[str, Any]) -> Any:
        self._touched.note(self._position, values, self._tables[table].key)
        return super()._prepare(table, values)
