"""Fills an empty file from all logs at once: events in the order in which they lie on disk.

Reading tenant by tenant would fetch most pages of the log once for every tenant that has an event in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow.compute as pc

from projections.olap import derived
from projections.olap.ingest import BATCH, BatchMismatch, in_utc, verify
from projections.olap.source import Everything
from projections.olap.sql import MODELS, Model, insert, names, newer
from projections.olap.tracking import Tracked, enrol, transaction

_READ: Final = [model for model in MODELS if "rows" in model.sections and "fill" not in model.sections]
_SORTED: Final = [model for model in _READ if "order" in model.sections]
"""Their rows are kept aside, uncompressed and spilled to disk past the memory limit, until all can be sorted."""

_ROWS: Final = {
    model.name: f"WITH batch AS ({BATCH}) SELECT * FROM ({model.sections['rows']})"  # noqa: S608 - our own models
    for model in _READ
}
_NEWER: Final = f"WITH batch AS ({BATCH}) SELECT 1 FROM batch WHERE {newer()} IS NOT NULL LIMIT 1"  # noqa: S608 - our own models


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
        for model in _SORTED:
            con.execute(f"CREATE OR REPLACE TEMP TABLE {_aside(model)} AS SELECT * FROM {model.name} LIMIT 0")  # noqa: S608 - our own table names
        with _one_thread(con):
            for table in everything.tables:
                _load(con, table)
                taken(table.num_rows)
        for model in _SORTED:
            ordered = f"SELECT * FROM {_aside(model)} ORDER BY {model.sections['order']}"  # noqa: S608 - our own models
            _write(con, model.name, ordered)
            con.execute(f"DROP TABLE {_aside(model)}")
        for model in MODELS:
            if "fill" in model.sections:
                con.execute(insert(model.name, model.sections["fill"]))
        derived.fill(con)
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


@contextmanager
def _one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB work in the calling thread alone.

    Several threads that insert in order write each part aside and copy it to its place: a quarter more work, on cores
    that Postgres and the reading of its answer keep busy anyway.
    """
    # Another cursor: in a transaction that failed, this connection sets nothing any more.
    with con.cursor() as other:
        row = other.execute("SELECT current_setting('threads')").fetchone()
        other.execute("SET threads = 1")
        try:
            yield
        finally:
            other.execute("SET threads = ?", row)


def _load(con: duckdb.DuckDBPyConnection, table: Any) -> None:
    incoming = in_utc(table)
    versions = pc.min_max(table.column("schema_version")).as_py()
    uniform = versions["min"] == versions["max"] == 1
    if not uniform and con.execute(_NEWER).fetchone() is not None:
        raise Unfit(Unfit.__doc__)
    here = set(pc.unique(table.column("name")).to_pylist())
    for model in _READ:
        if model.handles and not model.handles.keys() & here:
            continue  # it has no rows of these events, and to plan that costs more than to read them
        _write(con, _aside(model) if model in _SORTED else model.name, _ROWS[model.name], incoming)


def _aside(model: Model) -> str:
    return f"aside_{model.name}"


def _write(con: duckdb.DuckDBPyConnection, table: str, rows: str, incoming: Any = None) -> None:  # noqa: ARG001 - see below
    # DuckDB finds `incoming` by its name in the frame that calls it. A registered table would be held until the
    # transaction ends, and with it all of the log.
    try:
        con.execute(insert(table, rows))
    except duckdb.ConstraintException as error:
        # A model gives NULL for what an event should have had.
        raise Unfit(Unfit.__doc__) from error


def _reconcile(con: duckdb.DuckDBPyConnection) -> None:
    """Check that each table's rows stand for exactly the events that are its business: DuckDB 2.0.0 can lose some."""
    for model in MODELS:
        if "events" in model.sections:
            held = con.execute(model.sections["events"]).fetchone()
            business = f"WHERE name IN ({names(model.handles)})" if model.handles else ""
            due = con.execute(f"SELECT count(*) FROM fact_event {business}").fetchone()  # noqa: S608 - our own models
            if held != due:
                raise BatchMismatch(f"{model.name} stands for {held} events and {due} are its business")
