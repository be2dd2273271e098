"""Runs reports: parameters validated, the tenant enforced, the position read in the same snapshot as the rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import duckdb
from pydantic import ValidationError

from application.ports.analytics import (
    AnalyticsBehind,
    EventsBehind,
    InvalidParameters,
    Report,
    UnknownReport,
    Value,
)
from application.ports.positions import Position
from projections.olap.law import RULE_BASIS, rule_basis
from projections.olap.report import Parameters, ReportDefinition
from projections.olap.reports import REPORTS, ROW_CAP
from projections.olap.sending import SENDING, sending
from projections.olap.sql import FACTS

MAX_EVENTS: Final = 1_000
"""How many events a page of a drill-down has at most."""


def definition(name: str) -> ReportDefinition:
    """A report by its name. Raises `UnknownReport`."""
    try:
        return REPORTS[name]
    except KeyError:
        raise UnknownReport(UnknownReport.__doc__) from None


def validated(report: ReportDefinition, parameters: Mapping[str, object]) -> Parameters:
    """The parameters, typed. Raises `InvalidParameters`."""
    try:
        return report.parameters.model_validate(parameters)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidParameters(
            tuple(
                ("".join(f"/{part}" for part in problem["loc"]), problem["msg"].removeprefix("Value error, "))
                for problem in problems
            )
        ) from None


def scoped(statement: str) -> str:
    """The statement over one tenant's facts alone: every fact table's name means `$tenant_id`'s rows of it.

    What is no tenant's may be named too: the bases of rules; and how much each tenant sent, which the platform sees.
    """
    own = "WHERE tenant_key = (SELECT tenant_key FROM tenant)"
    facts = ", ".join(
        f"{table} AS (SELECT * EXCLUDE (tenant_key) FROM main.{table} {own})"  # noqa: S608 - our own table names
        for table in FACTS
    )
    bases = f", {RULE_BASIS} AS ({rule_basis()})" if RULE_BASIS in statement else ""
    bases += f", {SENDING} AS ({sending()})" if SENDING in statement else ""
    return f"""
        WITH tenant AS (SELECT tenant_key FROM main.dim_tenant WHERE tenant_id = $tenant_id::UUID), {facts}{bases}
        {statement}
    """  # noqa: S608 - registered SQL and our own table names


def position_in(con: duckdb.DuckDBPyConnection, tenant_id: UUID) -> tuple[Position, datetime | None]:
    """How far a tenant's facts are, and when the last of them was recorded."""
    row = con.execute(
        "SELECT epoch, position, recorded_at FROM positions WHERE tenant_id = ?", [str(tenant_id)]
    ).fetchone()
    if row is None:
        return Position(0, 0), None
    return Position(row[0], row[1]), row[2].replace(tzinfo=UTC) if row[2] else None


def _bound(tenant_id: UUID, parameters: Parameters) -> dict[str, Any]:
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in parameters}
    return {"tenant_id": str(tenant_id), **values}


def _check_at(parameters: Parameters, position: Position) -> None:
    at = getattr(parameters, "at_position", None)
    if at is not None and at > position.n:
        raise AnalyticsBehind(position)


def run_report(
    con: duckdb.DuckDBPyConnection,
    name: str,
    tenant_id: UUID,
    parameters: Mapping[str, object],
    *,
    row_cap: int = ROW_CAP,
) -> Report:
    """A report of one tenant. Raises `UnknownReport`, `InvalidParameters` and `AnalyticsBehind` (for `at_position`)."""
    report = definition(name)
    checked = validated(report, parameters)
    con.execute("BEGIN")
    try:
        position, as_of = position_in(con, tenant_id)
        _check_at(checked, position)
        limited = f"SELECT * FROM ({report.rows}) LIMIT {row_cap + 1}"  # noqa: S608 - registered SQL and a number
        rows: list[tuple[Value, ...]] = con.execute(scoped(limited), _bound(tenant_id, checked)).fetchall()
    finally:
        con.execute("ROLLBACK")
    columns = tuple(column.name for column in report.info.columns)
    return Report(columns, tuple(rows[:row_cap]), position, as_of, truncated=len(rows) > row_cap)


def _cell(report: ReportDefinition, cell: Mapping[str, object]) -> dict[str, object]:
    """The values that name a cell, typed, by the names they are bound under."""
    dimensions = {column.name: column.unit for column in report.info.columns if column.kind == "dimension"}
    if set(cell) != set(dimensions):
        raise InvalidParameters((("/cell", f"give each of {', '.join(dimensions)}, as the row shows it"),))
    bound: dict[str, object] = {}
    for name, value in cell.items():
        try:
            bound[f"cell_{name}"] = date.fromisoformat(str(value)) if dimensions[name] == "date" else value
        except ValueError:
            raise InvalidParameters(((f"/cell/{name}", "not a date; give it as the row shows it"),)) from None
        if not isinstance(value, str | date | None):
            raise InvalidParameters(((f"/cell/{name}", "not a text; give it as the row shows it"),))
    return bound


def run_events_behind(
    con: duckdb.DuckDBPyConnection,
    name: str,
    tenant_id: UUID,
    cell: Mapping[str, object],
    parameters: Mapping[str, object],
    *,
    after: int,
    limit: int,
) -> EventsBehind:
    """The events of one cell of a report. Raises as `run_report`."""
    report = definition(name)
    checked = validated(report, parameters)
    if not (after >= 0 and 1 <= limit <= MAX_EVENTS):
        raise InvalidParameters((("/limit", f"after must be 0 or more, limit 1 to {MAX_EVENTS}"),))
    bound = _cell(report, cell)
    con.execute("BEGIN")
    try:
        position, _ = position_in(con, tenant_id)
        _check_at(checked, position)
        page = f"SELECT * FROM ({report.events}) WHERE position > $after ORDER BY position LIMIT $limit"  # noqa: S608 - registered SQL
        values = {**_bound(tenant_id, checked), **bound, "after": after, "limit": limit + 1}
        events = con.execute(scoped(page), values).fetchall()
    finally:
        con.execute("ROLLBACK")
    more = len(events) > limit
    return EventsBehind(tuple(events[:limit]), position, events[limit - 1][0] if more else None)
