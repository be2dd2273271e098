"""From a batch of events to facts: one DuckDB transaction for rows and positions.

The connection is handed in and is the only one that writes. A process killed at any moment leaves either all of a batch
or nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import duckdb
import pyarrow.compute as pc

from projections.olap import derived
from projections.olap.parsed import run
from projections.olap.source import Range
from projections.olap.sql import HANDLED, MODELS, batch, fold, insert, problems
from projections.olap.touched import touched_by_batch
from projections.olap.tracking import Tracked, enrol, poison, tracked, transaction

BATCH: Final = batch()
_COMPACT_AT_LEAST: Final = 200_000


class BatchMismatch(Exception):
    """A batch did not hold exactly the events asked for. It is rolled back and read again."""


def take_in(
    con: duckdb.DuckDBPyConnection,
    ranges: Sequence[Range],
    table: Any,
    known: Mapping[UUID, Tracked],
) -> dict[UUID, Tracked]:
    """Write the facts of a batch and move the positions, or raise and write nothing.

    `table` is an Arrow table as `LogSource` describes it. Returns the tenants as they are now; `known` are some of them
    as they were. Raises `BatchMismatch`.
    """
    with transaction(con):
        enrol(con, [_at_zero(part) for part in ranges if part.after == 0])
        statements = _statements(frozenset(HANDLED.keys() & set(pc.unique(table["name"]).to_pylist())))
        _stage(con, table, statements.stage)
        verify(con, "batch", {part.tenant_key: (part.after, part.upto) for part in ranges})
        poisoned = run(con, statements.problems).fetchall()
        for tenant_key, position, _ in poisoned:
            con.execute("DELETE FROM batch WHERE tenant_key = ? AND position >= ?", [tenant_key, position])
        for text in statements.inserts:
            run(con, text)
        derived.refresh(con)
        stopped = {tenant_key for tenant_key, _, _ in poisoned}
        _move(
            con, [part.tenant_key for part in ranges if part.reaches_head and part.tenant_key not in stopped]
        )
        for tenant_key, position, reason in poisoned:
            poison(
                con, tenant_key, f"stopped before position {position}: {reason}. Deploy a build that reads it"
            )
        changed = touched_by_batch(con)
        return {
            tenant_id: tenant.after(known.get(tenant_id), changed.get(tenant.tenant_key, frozenset()))
            for tenant_id, tenant in tracked(con, [part.tenant_key for part in ranges]).items()
        }


def _at_zero(part: Range) -> Tracked:
    return Tracked(part.tenant_id, part.tenant_key, part.epoch, 0, "reading")


def in_utc(table: Any) -> Any:
    """Postgres gives instants; facts keep them as UTC without a zone. This relabels the column and copies nothing."""
    at = table.schema.get_field_index("recorded_at")
    return table.set_column(at, "recorded_at", table.column(at).cast("timestamp[us]"))


@dataclass(frozen=True, slots=True)
class _Statements:
    """What takes in a batch: it is made `batch`, looked at, and its rows are added to the models."""

    stage: str
    problems: str
    inserts: tuple[str, ...]


@lru_cache(maxsize=256)
def _statements(handled: frozenset[str]) -> _Statements:
    """Those for a batch with these of the events that models handle.

    The other models have no rows of it, and are left out: planning is most of what a small batch costs.
    """
    models = [
        model
        for model in MODELS
        if "rows" in model.sections and (not model.handles or model.handles.keys() & handled)
    ]
    return _Statements(
        f"CREATE OR REPLACE TEMP TABLE batch AS {batch(models)}",
        problems(models),
        tuple(insert(model.name, model.sections["rows"]) for model in models),
    )


def _stage(con: duckdb.DuckDBPyConnection, table: Any, statement: str) -> None:
    """Make `batch` of an Arrow table.

    DuckDB 2.0.0 can lose rows in a scan of Arrow. This is the one scan of Arrow, and what it yields is counted.
    """
    incoming = in_utc(table)  # noqa: F841 - DuckDB finds it by its name in this frame
    con.execute(statement)
    held = size(con, "batch")
    if held != table.num_rows:
        raise BatchMismatch(f"Postgres gave {table.num_rows} events, DuckDB took {held}")


def verify(con: duckdb.DuckDBPyConnection, table: str, wanted: Mapping[int, tuple[int, int]]) -> None:
    """Check that a table has exactly the positions `(after, upto]` of each tenant key: a log has no gaps.

    Raises `BatchMismatch`.
    """
    rows = con.execute(
        f"""
        SELECT tenant_key, count(*), min(position), max(position), sum(position)::HUGEINT
        FROM {table} GROUP BY tenant_key
        """  # noqa: S608 - our own table names
    ).fetchall()
    expected = {
        (key, upto - after, after + 1, upto, (upto * (upto + 1) - after * (after + 1)) // 2)
        for key, (after, upto) in wanted.items()
    }
    if set(rows) != expected:
        held, asked = sum(row[1] for row in rows), sum(row[1] for row in expected)
        wrong = len({row[0] for row in set(rows) ^ expected})
        raise BatchMismatch(
            f"asked for {asked} events, have {held}; {wrong} tenants have others than asked for"
        )


def _move(con: duckdb.DuckDBPyConnection, at_head: Sequence[int]) -> None:
    """Move positions from where the batch begins to where it ends; a position that is elsewhere fails the batch."""
    moved = con.execute(
        """
        UPDATE positions
        SET
            position = read.upto,
            recorded_at = read.recorded_at,
            state = CASE
                WHEN list_contains(?::INTEGER[], positions.tenant_key) THEN 'live' ELSE positions.state
            END
        FROM (
            SELECT tenant_key, min(position) AS first, max(position) AS upto, max(recorded_at) AS recorded_at
            FROM batch GROUP BY tenant_key
        ) AS read
        WHERE positions.tenant_key = read.tenant_key AND positions.position = read.first - 1
        """,
        [at_head],
    ).fetchone()
    tenants = con.execute("SELECT count(DISTINCT tenant_key) FROM batch").fetchone()
    if moved != tenants:
        raise BatchMismatch(f"{tenants} tenants in the batch, {moved} positions where it begins")


def size(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows a table has."""
    row = con.execute("SELECT count(*) FROM query_table(?)", [table]).fetchone()
    return int(row[0]) if row else 0


def compaction_due(rows: int, after_last: int) -> bool:
    """Whether a roll-up grew enough since its last compaction (rows then: `after_last`) to be worth another."""
    return rows - after_last > max(_COMPACT_AT_LEAST, after_last // 2)


def compact(con: duckdb.DuckDBPyConnection) -> None:
    """Fold the batches of the roll-ups together. No sum changes."""
    with transaction(con):
        for model in MODELS:
            if "compact" in model.sections:
                con.execute(fold(model))
