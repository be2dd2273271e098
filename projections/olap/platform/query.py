"""Runs reports of all customers: parameters validated, all of an answer from one snapshot, and what that was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import duckdb
from pydantic import BaseModel, ValidationError

from application.as_of import not_known
from application.ports import platform as port
from application.ports.analytics import InvalidParameters, UnknownReport
from application.ports.positions import Position
from projections.finance.profiles import Profile
from projections.olap.parsed import run
from projections.olap.platform.parts import PLACES
from projections.olap.platform.relations import Standing, scoped, stand
from projections.olap.platform.report import MomentParameters, PlatformReportDefinition
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import ROW_CAP

_BOUND: Final = re.compile(r"\$([a-z_]+)")


def definition(name: str) -> PlatformReportDefinition:
    """A report. Raises `UnknownReport`."""
    try:
        return PLATFORM_REPORTS[name]
    except KeyError:
        raise UnknownReport(UnknownReport.__doc__) from None


def validated(model: type[MomentParameters], parameters: Mapping[str, object]) -> Any:
    """Parameters, typed. Raises `InvalidParameters`."""
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidParameters(
            tuple(
                ("".join(f"/{part}" for part in problem["loc"]), problem["msg"].removeprefix("Value error, "))
                for problem in problems
            )
        ) from None


@contextmanager
def standing_at(con: duckdb.DuckDBPyConnection, at: datetime | None) -> Iterator[Standing]:
    """One snapshot for a whole answer. Raises `InvalidParameters` for a moment that the facts have not reached."""
    with snapshot(con):
        must_be_known(con, at, "at_time")
        yield stand(con, at)


@contextmanager
def snapshot(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is asked in it is answered from the same facts; what was made is gone after it."""
    con.execute("BEGIN")
    try:
        yield
    finally:
        con.execute("ROLLBACK")


def must_be_known(con: duckdb.DuckDBPyConnection, at: datetime | None, name: str) -> None:
    """Raises `InvalidParameters` for a moment that the facts have not reached."""
    if at is None:
        return
    row = con.execute("SELECT max(recorded_at) FROM positions").fetchone()
    last = row[0].replace(tzinfo=UTC) if row and row[0] else None
    if last is None or at > last:
        raise not_known(name, last)


def told(standing: Standing) -> port.Standing:
    """What an answer was made from, as it is told."""
    return port.Standing(standing.as_of, standing.tenants, standing.digest, standing.stopped)


def _ask(
    con: duckdb.DuckDBPyConnection,
    statement: str,
    standing: Standing,
    parameters: BaseModel,
    bound: Mapping[str, object],
) -> list[tuple[Any, ...]]:
    text = scoped(con, statement, standing, *definitions_of(parameters))
    return run(con, text, bound_in(text, standing, parameters, bound)).fetchall()


def definitions_of(parameters: BaseModel) -> tuple[str | None, tuple[Profile, ...] | None]:
    """The kept profile that is asked for, and those under which movements are made, if any are."""
    others = getattr(parameters, "definitions", None)
    return getattr(parameters, "profile", None), others() if others else None


def bound_in(
    text: str, standing: Standing, parameters: BaseModel, bound: Mapping[str, object]
) -> dict[str, object]:
    """The values that a text names."""
    values = {**dict(parameters), "last_day": standing.last_day, **bound}
    named = set(_BOUND.findall(text))
    return {name: value for name, value in values.items() if name in named}


def run_platform_report(
    con: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object], *, row_cap: int = ROW_CAP
) -> port.PlatformReport:
    """A report. Raises `UnknownReport` and `InvalidParameters`."""
    report = definition(name)
    checked = validated(report.parameters, parameters)
    with standing_at(con, checked.at_time) as standing:
        limited = f"SELECT * FROM ({report.rows}) LIMIT {row_cap + 1}"  # noqa: S608 - registered SQL and a number
        rows = _ask(con, limited, standing, checked, {})
    columns = tuple(column.name for column in report.info.columns)
    return port.PlatformReport(columns, tuple(rows[:row_cap]), told(standing), truncated=len(rows) > row_cap)


def run_platform_events(
    con: duckdb.DuckDBPyConnection,
    name: str,
    cell: Mapping[str, object],
    parameters: Mapping[str, object],
    *,
    after: tuple[UUID, int] | None,
    limit: int,
) -> port.EventsOfAll:
    """The events behind a figure. Raises as `run_platform_report`."""
    report = definition(name)
    checked = validated(report.parameters, parameters)
    measure, bound = bound_cell(report, cell)
    text = events_of(report, measure, bound)
    page = f"""
        SELECT tenant_id, (place % {PLACES})::BIGINT AS position, weight
        FROM ({text}) JOIN main.dim_tenant ON tenant_key = place // {PLACES}
        WHERE
            $after_tenant::VARCHAR IS NULL
            OR (tenant_id::VARCHAR, place % {PLACES}) > ($after_tenant, $after_position::BIGINT)
        ORDER BY tenant_id::VARCHAR, position
        LIMIT $limit
    """  # noqa: S608 - registered SQL
    tenant, position = after or (None, 0)
    bound |= {"after_tenant": tenant and str(tenant), "after_position": position, "limit": limit + 1}
    with standing_at(con, checked.at_time) as standing:
        rows = _ask(con, page, standing, checked, bound)
    events = tuple(port.Place(*row) for row in rows[:limit])
    return port.EventsOfAll(events, told(standing), more=len(rows) > limit)


def events_of(report: PlatformReportDefinition, measure: str, bound: Mapping[str, object]) -> str:
    """The SQL of the events behind a measure of a cell, whose values are bound."""
    metric = bound.get("cell_metric")
    text = report.events(measure, metric if isinstance(metric, str) else None)
    if bound.get("cell_segment") is not None:
        return f"SELECT * FROM ({text}) WHERE false"  # noqa: S608 - registered SQL; nobody is of a segment
    return text


def bound_cell(report: PlatformReportDefinition, cell: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The measure that is opened, and the values that name the cell, typed, by the names they are bound under."""
    dimensions = {column.name: column.unit for column in report.info.columns if column.kind == "dimension"}
    given = dict(cell)
    measure = str(given.pop("measure", None) or report.opens[0])
    if measure not in report.opens:
        parts = next((one.parts for one in report.info.columns if one.name == measure and one.parts), ())
        remedy = (
            f"it is no sum of events; open what it is made of: {', '.join(parts)}"
            if parts
            else f"name one of {', '.join(report.opens)}"
        )
        raise InvalidParameters((("/cell/measure", remedy),))
    if set(given) != set(dimensions):
        raise InvalidParameters((("/cell", f"give each of {', '.join(dimensions)}, as the row shows it"),))
    bound: dict[str, object] = {"cell_currency": None, "cell_measure": measure}
    for name, value in given.items():
        if not isinstance(value, str | date | None):
            raise InvalidParameters(((f"/cell/{name}", "not a text; give it as the row shows it"),))
        try:
            bound[f"cell_{name}"] = _typed(dimensions[name], name, value)
        except ValueError:
            raise InvalidParameters(
                ((f"/cell/{name}", "not what it is; give it as the row shows it"),)
            ) from None
    return measure, bound


_IDS: Final = ("tenant", "subscription")


def _typed(unit: str, name: str, value: str | date | None) -> object:
    if value is None:
        return None
    if unit == "date":
        return date.fromisoformat(str(value))
    return str(UUID(str(value))) if name in _IDS else value


def run_vector(
    con: duckdb.DuckDBPyConnection, parameters: Mapping[str, object], *, after: UUID | None, limit: int
) -> port.Vector:
    """Where every log stood. Raises `InvalidParameters`."""
    checked = validated(MomentParameters, parameters)
    with standing_at(con, checked.at_time) as standing:
        rows = con.execute(
            """
            SELECT tenant_id, epoch, vector.position
            FROM temp.vector JOIN main.positions USING (tenant_key)
            WHERE $after::VARCHAR IS NULL OR tenant_id::VARCHAR > $after
            ORDER BY tenant_id::VARCHAR
            LIMIT $limit
            """,
            {"after": after and str(after), "limit": limit + 1},
        ).fetchall()
    stood = tuple((tenant, Position(epoch, position)) for tenant, epoch, position in rows[:limit])
    return port.Vector(stood, told(standing), more=len(rows) > limit)
