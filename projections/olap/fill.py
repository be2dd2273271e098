"""Fills an empty file from all logs at once: events in the order in which they lie on disk, sorted at the end.

Reading tenant by tenant would fetch most pages of the log once for every tenant that has an event in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import duckdb

from projections.olap.ingest import BATCH, BatchMismatch, in_utc, verify
from projections.olap.source import Everything
from projections.olap.sql import MODELS, NEWER, insert, names
from projections.olap.tracking import Tracked, enrol, transaction

_LOADED: Final = [model for model in MODELS if "rows" in model.sections and "fill" not in model.sections]
_ROWS: Final = {
    model.name: f"WITH batch AS ({BATCH}) SELECT * FROM ({model.sections['rows']})"  # noqa: S608 - our own models
    for model in _LOADED
}
_NEWER: Final = f"WITH batch AS ({BATCH}) SELECT 1 FROM batch WHERE {NEWER} IS NOT NULL LIMIT 1"  # noqa: S608 - our own models


class Unfit(Exception):
    """There is an event that this build cannot take in. Reading tenant by tenant says which, and stops there."""


def take_in_everything(
    con: duckdb.DuckDBPyConnection, everything: Everything, taken: Callable[[int], None]
) -> None:
    """Fill an empty file in one transaction, so that a crash leaves it empty; `taken` counts events.

    Raises `Unfit` and `BatchMismatch`; nothing is written then.
    """
    tenants = [
        Tracked(head.tenant_id, key, head.position.epoch, head.position.n, "live")
        for key, head in enumerate(everything.heads, start=1)
    ]
    with transaction(con):
        enrol(con, tenants)
        loaded = False
        for table in everything.tables:
            _load(con, table, first=not loaded)
            loaded = True
            taken(table.num_rows)
        if loaded:
            _sort(con)
        for model in MODELS:
            if "fill" in model.sections:
                con.execute(insert(model.name, model.sections["fill"]))
        verify(
            con,
            "fact_event",
            {tenant.tenant_key: (0, tenant.position) for tenant in tenants if tenant.position},
        )
        _reconcile(con)
        con.execute("""
            UPDATE positions SET position = read.upto, recorded_at = read.recorded_at
            FROM (
                SELECT tenant_key, max(position) AS upto, max(recorded_at) AS recorded_at
                FROM fact_event GROUP BY tenant_key
            ) AS read
            WHERE positions.tenant_key = read.tenant_key;
            UPDATE positions SET state = 'live';
        """)


def _load(con: duckdb.DuckDBPyConnection, table: Any, *, first: bool) -> None:
    """Keep the rows of a table aside, uncompressed and spilled to disk past the memory limit, until they are sorted."""
    # DuckDB finds `incoming` by its name in this frame. A registered table would be held until the transaction ends,
    # and with it all of the log.
    incoming = in_utc(table)  # noqa: F841 - see above
    if con.execute(_NEWER).fetchone() is not None:
        raise Unfit(Unfit.__doc__)
    for name, rows in _ROWS.items():
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE loaded_{name} AS {rows}"
            if first
            else insert(f"loaded_{name}", rows)
        )


def _sort(con: duckdb.DuckDBPyConnection) -> None:
    """By tenant and position, and so by day: a tenant's slice and its days are then read from few blocks."""
    for model in _LOADED:
        rows = f"SELECT * FROM loaded_{model.name} ORDER BY tenant_key, position"  # noqa: S608 - our own table names
        try:
            con.execute(insert(model.name, rows))
        except duckdb.ConstraintException as error:
            # A model gives NULL for what an event should have had.
            raise Unfit(Unfit.__doc__) from error
        con.execute(f"DROP TABLE loaded_{model.name}")


def _reconcile(con: duckdb.DuckDBPyConnection) -> None:
    """Check that each table's rows stand for exactly the events that are its business: DuckDB 2.0.0 can lose some."""
    for model in MODELS:
        if "events" in model.sections:
            held = con.execute(model.sections["events"]).fetchone()
            business = f"WHERE name IN ({names(model.handles)})" if model.handles else ""
            due = con.execute(f"SELECT count(*) FROM fact_event {business}").fetchone()  # noqa: S608 - our own models
            if held != due:
                raise BatchMismatch(f"{model.name} stands for {held} events and {due} are its business")
