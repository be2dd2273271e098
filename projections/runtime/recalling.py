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
    keys: dict[tuple[UUID, tuple[str, ...]], None] = {}
    for event in events:
        key = wanted.key(event)
        if key is not None:
            keys[event.tenant_id, key] = None
    if not keys:
        return
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
    for n, *values in connection.execute(text.encode(), [orjson.dumps(asked).decode()]):
        tenant, key = places[n]
        rows.remember(wanted.table, tenant, key, dict(zip(wanted.columns, values, strict=True)))
