"""Why a report of all customers differs between two moments: the events behind each cell as of both.

As of either moment the events behind a cell sum to it, so the differences of their weights sum to that of the cell, and
nothing is left over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any, Final

import duckdb

from application.ports.analytics import Column, InvalidParameters, ReportTooLarge
from application.ports.differences import NotSummed, TooMuchToExplain
from application.ports.platform_differences import CellOfAll, DifferenceOfAll, EventOfAll, MeasureOfAll
from projections.olap.difference import EFFECTIVE, EVENTS_SHOWN, MAX_CELLS
from projections.olap.paired import Row, differing
from projections.olap.parsed import run
from projections.olap.platform.parts import PLACES
from projections.olap.platform.query import (
    bound_cell,
    bound_in,
    definition,
    definitions_of,
    events_of,
    must_be_known,
    snapshot,
    told,
    validated,
)
from projections.olap.platform.relations import Standing, over, relations, stand
from projections.olap.platform.report import MomentParameters, PlatformReportDefinition
from projections.olap.reports import ROW_CAP

_MOST_EVENTS: Final = 100_000
_OF_SUMS: Final = frozenset({"period", "currency"})
"""What names a row of sums; its other dimensions say something of its figures."""


@dataclass(slots=True)
class _Look:
    """A report as of one moment. What it derives is made once."""

    con: duckdb.DuckDBPyConnection
    report: PlatformReportDefinition
    parameters: MomentParameters
    standing: Standing
    relations: Mapping[str, str]
    until: float

    def ask(self, statement: str, bound: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if monotonic() > self.until:
            raise TooMuchToExplain(TooMuchToExplain.__doc__)
        text = over(statement, self.relations)
        return run(self.con, text, bound_in(text, self.standing, self.parameters, bound)).fetchall()

    def rows(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """The report's measures by its dimensions."""
        found = self.ask(f"SELECT * FROM ({self.report.rows}) LIMIT {ROW_CAP + 1}", {})  # noqa: S608 - registered SQL
        if len(found) > ROW_CAP:
            raise ReportTooLarge(ReportTooLarge.__doc__)
        dimensions = len(_columns(self.report, "dimension"))
        return {row[:dimensions]: row[dimensions:] for row in found}

    def weights(self, cell: Mapping[str, object]) -> dict[int, int]:
        """The events behind a cell: by place, what each weighs."""
        measure, bound = bound_cell(self.report, cell)
        events = events_of(self.report, measure, bound)
        text = f"SELECT * FROM ({events}) LIMIT {_MOST_EVENTS + 1}"  # noqa: S608 - registered SQL
        found = self.ask(text, bound)
        if len(found) > _MOST_EVENTS:
            raise ReportTooLarge(ReportTooLarge.__doc__)
        return {place: weight for place, weight in found if weight}


def _columns(report: PlatformReportDefinition, kind: str) -> list[Column]:
    return [column for column in report.info.columns if column.kind == kind]


def _names(report: PlatformReportDefinition, column: Column) -> bool:
    return column.name in _OF_SUMS if report.sums else not column.tells


def _look(
    con: duckdb.DuckDBPyConnection,
    report: PlatformReportDefinition,
    parameters: MomentParameters,
    at: datetime | None,
    until: float,
) -> _Look:
    standing = stand(con, at, "_last" if at is None else f"_{at:%Y%m%d%H%M%S%f}")
    events = (
        report.events(measure, metric) for measure in report.opens for metric in report.by_metric or [None]
    )
    texts = " ".join([report.rows, *events])
    made = relations(con, texts, standing, *definitions_of(parameters))
    return _Look(con, report, parameters, standing, made, until)


def run_platform_difference(
    con: duckdb.DuckDBPyConnection,
    name: str,
    parameters: Mapping[str, object],
    *,
    first: object,
    last: object | None,
    after: int = 0,
    limit: int = MAX_CELLS,
    seconds: float = math.inf,
) -> DifferenceOfAll:
    """Why a report differs between two moments (`last` None: now).

    Raises as `run_platform_report`, and `ReportTooLarge` and, after so many `seconds`, `TooMuchToExplain`.
    """
    report = definition(name)
    if "at_time" in parameters:
        raise InvalidParameters((("/at_time", "leave it out; the moments are those compared"),))
    if not (after >= 0 and 1 <= limit <= MAX_CELLS):
        raise InvalidParameters((("/limit", f"after must be 0 or more, limit 1 to {MAX_CELLS}"),))
    checked, until = validated(report.parameters, parameters), monotonic() + seconds
    begin, end = _moment(first, "from_time"), _moment(last, "to_time")
    if begin is None:
        raise InvalidParameters((("/from_time", "say as of which moment the figures were seen"),))
    if end is not None and begin >= end:
        raise InvalidParameters((("/to_time", "does not lie after from_time; exchange them"),))
    with snapshot(con):
        must_be_known(con, begin, "from_time")
        must_be_known(con, end, "to_time")
        looks = (_look(con, report, checked, begin, until), _look(con, report, checked, end, until))
        return _explained(looks, after, limit)


def _moment(given: object, name: str) -> datetime | None:
    """A moment, as `at_time` is read."""
    try:
        return MomentParameters.model_validate({"at_time": given}).at_time
    except ValueError:
        remedy = "no moment; say it with its time zone, as 2026-11-30T23:59:59Z"
        raise InvalidParameters(((f"/{name}", remedy),)) from None


def _explained(looks: tuple[_Look, _Look], after: int, limit: int) -> DifferenceOfAll:
    old, new = (look.rows() for look in looks)
    report = looks[0].report
    nothing = (None,) * len(_columns(report, "measure"))
    naming = [at for at, one in enumerate(_columns(report, "dimension")) if _names(report, one)]
    found = [
        row
        for row in differing(naming, old, new)
        if (row.old_measures or nothing) != (row.new_measures or nothing)
    ]
    found.sort(key=lambda row: _in_order(naming, row))
    page = found[after : after + limit]
    return DifferenceOfAll(
        tuple(_cell(looks, row) for row in page),
        len(found),
        told(looks[0].standing),
        told(looks[1].standing),
        after + limit if len(found) > after + limit else None,
    )


def _in_order(naming: Sequence[int], row: Row) -> list[tuple[bool, str]]:
    """By what names rows; of those whose names are equal, by their other words."""
    told = [*(row.now[at] for at in naming), *row.now]
    return [(value is None, str(value)) for value in told]


def _cell(looks: tuple[_Look, _Look], row: Row) -> CellOfAll:
    report = looks[0].report
    names = [column.name for column in _columns(report, "dimension")]
    was, now = (dict(zip(names, one, strict=True)) for one in (row.was, row.now))
    cells = (
        None if row.old_measures is None else was,
        None if row.new_measures is None else now,
    )
    shown = {name: None if value is None else str(value) for name, value in now.items()}
    summed, others = list[MeasureOfAll](), list[NotSummed]()
    for number, column in enumerate(_columns(report, "measure")):
        old, new = (None if one is None else one[number] for one in (row.old_measures, row.new_measures))
        if old == new:
            continue
        if column.name in report.opens:
            summed.append(_measure(looks, column, cells, (old, new)))
        else:
            others.append(NotSummed(column.name, column.unit, old, new, column.parts))
    return CellOfAll(shown, tuple(summed), tuple(others))


def _measure(
    looks: tuple[_Look, _Look],
    column: Column,
    cells: tuple[Mapping[str, object] | None, Mapping[str, object] | None],
    values: tuple[Any, Any],
) -> MeasureOfAll:
    # What is not told is made of nothing, also where events are there that would count: CAC's customers, say.
    before, after = (
        {} if cell is None or value is None else look.weights({**cell, "measure": column.name})
        for look, cell, value in zip(looks, cells, values, strict=True)
    )
    weighing = sorted(at for at in before.keys() | after.keys() if before.get(at) != after.get(at))
    rest = weighing[EVENTS_SHOWN:]
    events = _named(looks, weighing[:EVENTS_SHOWN], before, after)
    return MeasureOfAll(
        column.name,
        column.unit,
        *values,
        sum(after.values()) - sum(before.values()),
        tuple(events),
        len(rest),
        sum(after.get(at, 0) - before.get(at, 0) for at in rest),
    )


def _named(
    looks: tuple[_Look, _Look], places: Iterable[int], before: Mapping[int, int], after: Mapping[int, int]
) -> list[EventOfAll]:
    """Events with their names, tenant by tenant. What took effect before the first moment's day is late."""
    first = looks[0].standing
    days = " UNION ALL ".join(
        f"SELECT tenant_key, position, {day} AS effective_on FROM main.{table}"  # noqa: S608 - our own names
        for table, day in EFFECTIVE.items()
    )
    found = (
        looks[0]
        .con.execute(
            f"""
        WITH
            wanted AS (
                SELECT place, (place // {PLACES})::INTEGER AS tenant_key, place % {PLACES} AS position
                FROM (SELECT unnest($places::BIGINT[]) AS place)
            ),
            took_effect AS (
                SELECT tenant_key, position, min(effective_on) AS effective_on
                FROM ({days}) SEMI JOIN wanted USING (tenant_key, position)
                GROUP BY ALL
            )
        SELECT
            place,
            tenant_id,
            position,
            name,
            recorded_at,
            effective_on,
            coalesce(position <= was.position, false) AS there
        FROM wanted
        JOIN main.fact_event USING (tenant_key, position)
        JOIN main.dim_tenant USING (tenant_key)
        LEFT JOIN took_effect USING (tenant_key, position)
        LEFT JOIN temp.{first.vector} AS was USING (tenant_key)
        ORDER BY tenant_id::VARCHAR, position
        """,  # noqa: S608 - our own SQL
            {"places": list(places)},
        )
        .fetchall()
    )
    return [
        EventOfAll(
            tenant,
            position,
            name,
            recorded_at.replace(tzinfo=UTC),
            effective_on,
            "before" if there else "late" if _late(effective_on, first.last_day) else "new",
            before.get(place, 0),
            after.get(place, 0),
        )
        for place, tenant, position, name, recorded_at, effective_on, there in found
    ]


def _late(effective_on: date | None, seen_on: date | None) -> bool:
    return effective_on is not None and seen_on is not None and effective_on < seen_on
