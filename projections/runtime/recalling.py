"""Rows that a handler needs as they were before the batch: read at once for all events of a build.

They are read before the transaction that writes. That is no gap: rows and positions move together, and the position is
compared as it moves, so whoever was overtaken meanwhile writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from projections.runtime.tables import TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from psycopg import Connection

    from application.ports.log import Recorded
    from projections.runtime.rows import Rows
    from projections.runtime.tables import Table


@dataclass(frozen=True, slots=True)
class Recall:
    """`columns` of the row of `table` that an event is about; `key` tells it from the event, None: of no row yet.

    Rows of such a table are written whole, or deleted by their key: what a batch did to them is known without a look.
    """

    table: str
    columns: tuple[str, ...]
    key: Callable[[Recorded], tuple[str, ...] | None]


def recall(
    connection: Connection[Any],
    schema: str,
    wanted: Recall,
    table: Table,
    events: Iterable[Recorded],
    rows: Rows,
) -> None:
    """Let `rows` know those that the events are about."""
    asked = Asked.of(schema, wanted, table, events)
    if asked is not None:
        asked.tell(connection.execute(asked.text.encode(), [asked.keys]), rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """One look at rows: the statement, its one parameter, and whose rows they are."""

    wanted: Recall
    text: str
    keys: str
    places: list[tuple[UUID, tuple[str, ...]]]

    @staticmethod
    def of(schema: str, wanted: Recall, table: Table, events: Iterable[Recorded]) -> Asked | None:
        """The look that these events need; None where they are about no row yet."""
        keys: dict[tuple[UUID, tuple[str, ...]], None] = {}
        for event in events:
            key = wanted.key(event)
            if key is not None:
                keys[event.tenant_id, key] = None
        if not keys:
            return None
        places = list(keys)
        asked = [
            {"n": n, TENANT: tenant, **dict(zip(table.key, key, strict=True))}
            for n, (tenant, key) in enumerate(places)
        ]
        types = ", ".join(f"{name} {table.types[name]}" for name in (TENANT, *table.key))
        same = " AND ".join(f"t.{name} = r.{name}" for name in (TENANT, *table.key))
        text = (
            f"SELECT r.n, {', '.join(f't.{name}' for name in wanted.columns)} "  # noqa: S608 - names are of our own declarations
            f"FROM json_to_recordset(%s::json) AS r(n int, {types}) JOIN {schema}.{table.name} t ON {same}"
        )
        return Asked(wanted, text, orjson.dumps(asked).decode(), places)

    def tell(self, found: Iterable[tuple[Any, ...]], rows: Rows) -> None:
        """Let `rows` know what was found."""
        for n, *values in found:
            tenant, key = self.places[n]
            rows.remember(self.wanted.table, tenant, key, dict(zip(self.wanted.columns, values, strict=True)))
