"""Why a report differs between two positions: the events behind each cell as of both, where their weights differ.

As of either position the events behind a cell sum to it, so the differences of their weights sum to that of the cell
and nothing is left over. An event after the first position speaks for itself. Where one that was there before weighs
something else, what moved it is looked for by halves among the events between: what it weighs as of each tells whose
coming it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from time import monotonic
from typing import Any, Final
from uuid import UUID

import duckdb

from application.ports.analytics import AnalyticsBehind, Column, InvalidParameters, ReportTooLarge
from application.ports.differences import (
    Arrival,
    CellDifference,
    Difference,
    MeasureDifference,
    Moving,
    Named,
    NotOfOneLog,
    NotSummed,
    TooMuchToExplain,
    Weighed,
    WordsChanged,
)
from application.ports.positions import Position
from domain.kernel.ids import PLATFORM
from projections.olap.derived import DERIVED
from projections.olap.paired import Row, differing
from projections.olap.query import Extent, ask, bound_cell, definition, extent, keep, validated
from projections.olap.report import Parameters, ReportDefinition
from projections.olap.reports import ROW_CAP
from projections.olap.sending import SENDING
from projections.olap.sql import EVENTS, FACTS, MODELS, ROLLED_UP

MAX_CELLS: Final = 20
"""How many cells a page has at most."""
EVENTS_SHOWN: Final = 200
"""How many events of a figure are shown; the rest is counted and summed."""
_MOST_EVENTS: Final = 100_000
_MOST_PROBES: Final = 400

EFFECTIVE: Final[Mapping[str, str]] = {
    "fact_cost": "covers_from",
    "fact_decision": "decided_at::DATE",
    "fact_dispatch": "occurred_at::DATE",
    "fact_exchange_rate": "rate_on",
    "fact_invoice": "finalised_on",
    "fact_opt_out": "occurred_at::DATE",
    "fact_payment": "effective_on",
    "fact_subscription": "effective_at::DATE",
}
"""By fact table: the day on which what a row is about took effect, where that is told apart from its recording."""


def sources_of(report: ReportDefinition) -> tuple[str, ...]:
    """The fact tables that a report is made from, those of its derived models included."""
    found = {model.name for model in MODELS if model.name in report.rows or model.name in report.events}
    while more := {source for model in MODELS if model.name in found for source in model.sources} - found:
        found |= more
    if SENDING in report.rows:
        found.add("fact_dispatch")
    return tuple(table for table in FACTS if table in found and table not in ROLLED_UP)


@dataclass(slots=True)
class _Log:
    """One tenant's facts, asked as of any position."""

    con: duckdb.DuckDBPyConnection
    report: ReportDefinition
    tenant: Extent
    given: dict[str, object]
    made: dict[int, tuple[Parameters, dict[str, str]]]
    names: Any
    until: float

    def ask(self, statement: str, at: int, bound: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """A statement as of a position. What the report derives is made once for each position.

        Raises `TooMuchToExplain` once it has taken too long.
        """
        if monotonic() > self.until:
            raise TooMuchToExplain(TooMuchToExplain.__doc__)
        if at not in self.made:
            parameters = validated(self.report, {**self.given, "at_position": at})
            kept = {
                model.name: keep(self.con, f"made_{next(self.names)}", model, self.tenant, parameters)
                for model in DERIVED
                if model.name in self.report.rows
            }
            self.made[at] = parameters, kept
        parameters, kept = self.made[at]
        return ask(self.con, statement, self.tenant, parameters, bound, kept)

    def rows(self, at: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """The report's measures by its dimensions."""
        found = self.ask(f"SELECT * FROM ({self.report.rows}) LIMIT {ROW_CAP + 1}", at, {})  # noqa: S608 - registered SQL
        if len(found) > ROW_CAP:
            raise ReportTooLarge(ReportTooLarge.__doc__)
        dimensions = len(_columns(self.report, "dimension"))
        return {row[:dimensions]: row[dimensions:] for row in found}

    def weights(self, cell: Mapping[str, object], at: int) -> dict[int, int]:
        """The events behind a cell: by position, what each weighs."""
        text = f"SELECT * FROM ({self.report.events}) LIMIT {_MOST_EVENTS + 1}"  # noqa: S608 - registered SQL
        found = self.ask(text, at, cell)
        if len(found) > _MOST_EVENTS:
            raise ReportTooLarge(ReportTooLarge.__doc__)
        return {position: weight for position, weight in found if weight}

    def of_now(self, statement: str, **bound: object) -> list[tuple[Any, ...]]:
        """A statement over all facts."""
        return ask(self.con, f"SELECT * FROM ({statement})", self.tenant, Parameters(), bound)  # noqa: S608 - our own statement


def _columns(report: ReportDefinition, kind: str) -> list[Column]:
    return [column for column in report.info.columns if column.kind == kind]


class _Explanation:
    """Explains cells of one report between two positions."""

    def __init__(self, log: _Log, first: int, last: int) -> None:
        self.log, self.first, self.last = log, first, last
        self.probes = 0
        self._named: dict[int, Named] = {}
        self._candidates: list[int] | None = None
        day = log.of_now(f"SELECT day FROM {EVENTS} WHERE position = $at", at=first)  # noqa: S608 - our own name
        closed = log.of_now(
            "SELECT open_from FROM fact_period WHERE position <= $at ORDER BY position DESC LIMIT 1", at=first
        )
        self._seen_until: list[date] = [row[0] for row in (*day, *closed) if row[0] is not None]

    def cell(self, row: Row) -> CellDifference:
        """One row that differs."""
        report, before, after = self.log.report, row.old_measures, row.new_measures
        was, shown = self._shown(row.was), self._shown(row.now)
        summed, others = list[MeasureDifference](), list[NotSummed]()
        for number, column in enumerate(_columns(report, "measure")):
            old, new = (None if row is None else row[number] for row in (before, after))
            if old == new:
                continue
            if column.parts:
                others.append(NotSummed(column.name, column.unit, old, new, column.parts))
            else:
                summed.append(self._measure(was, shown, column, old, new))
        changed = [WordsChanged(name, was[name], word) for name, word in shown.items() if was[name] != word]
        return CellDifference(shown, tuple(summed), tuple(others), tuple(changed))

    def _shown(self, dimensions: tuple[Any, ...]) -> dict[str, str | None]:
        columns = _columns(self.log.report, "dimension")
        return {
            column.name: None if value is None else str(value)
            for column, value in zip(columns, dimensions, strict=True)
        }

    def _measure(
        self,
        was: dict[str, str | None],
        shown: dict[str, str | None],
        column: Column,
        old: Any,
        new: Any,
    ) -> MeasureDifference:
        """One figure. A row whose words are others now opens under each while it has them: it is asked for by both."""
        cells = [
            bound_cell(self.log.report, {**one, "measure": column.name})
            for one in ([shown] if was == shown else [was, shown])
        ]
        before, after = self._weights(cells, self.first), self._weights(cells, self.last)
        weighing = sorted(at for at in before.keys() | after.keys() if before.get(at) != after.get(at))
        moved_by = self._moved_by(cells, before, after)
        self._name([*weighing[:EVENTS_SHOWN], *(at for at, _ in moved_by)])
        rest = weighing[EVENTS_SHOWN:]
        return MeasureDifference(
            column.name,
            column.unit,
            column.scale,
            old,
            new,
            sum(after.values()) - sum(before.values()),
            tuple(
                Weighed(self._named[at], before.get(at, 0), after.get(at, 0))
                for at in weighing[:EVENTS_SHOWN]
            ),
            tuple(Moving(self._named[at], by) for at, by in moved_by),
            len(rest),
            sum(after.get(at, 0) - before.get(at, 0) for at in rest),
        )

    def _weights(self, cells: Sequence[Mapping[str, object]], at: int) -> dict[int, int]:
        """The events behind a row, by whichever of its words it has as of a position."""
        found = (self.log.weights(cell, at) for cell in cells)
        return next((weights for weights in found if weights), {})

    def _moved_by(
        self, cells: Sequence[Mapping[str, object]], before: Mapping[int, int], after: Mapping[int, int]
    ) -> list[tuple[int, int]]:
        """Which events, by position, changed what those up to the first position weigh, and by how much."""

        def standing(weights: Mapping[int, int]) -> dict[int, int]:
            return {at: weight for at, weight in weights.items() if at <= self.first}

        start, end = standing(before), standing(after)
        if start == end:
            return []
        points = [self.first, *self.candidates()]
        seen = {0: start, len(points) - 1: end}

        def at(point: int) -> dict[int, int]:
            if point not in seen:
                self.probes += 1
                if self.probes > _MOST_PROBES:
                    raise TooMuchToExplain(TooMuchToExplain.__doc__)
                seen[point] = standing(self._weights(cells, points[point]))
            return seen[point]

        found, waiting = list[tuple[int, int]](), [(0, len(points) - 1)]
        while waiting:
            low, high = waiting.pop()
            if at(low) == at(high):
                continue
            if high - low == 1:
                found.append((points[high], sum(at(high).values()) - sum(at(low).values())))
                continue
            middle = (low + high) // 2
            waiting += [(low, middle), (middle, high)]
        return sorted(found)

    def candidates(self) -> list[int]:
        """The events between that can move anything: those in the report's facts, and the first of each day.

        The last event between is one of them, so that all that moved is found.
        """
        if self._candidates is None:
            between = "position > $first AND position <= $last"
            parts = [
                f"SELECT min(position) AS position FROM {EVENTS} WHERE {between} GROUP BY day",  # noqa: S608 - our own name
                "SELECT $last::BIGINT",
                *(f"SELECT position FROM {table} WHERE {between}" for table in sources_of(self.log.report)),  # noqa: S608 - our own names
            ]
            text = f"SELECT DISTINCT position FROM ({' UNION ALL '.join(parts)}) ORDER BY position"  # noqa: S608 - our own SQL
            self._candidates = [at for (at,) in self.log.of_now(text, first=self.first, last=self.last)]
        return self._candidates

    def _name(self, positions: Sequence[int]) -> None:
        """Look up events that have no name yet."""
        wanted = sorted(set(positions) - self._named.keys())
        if not wanted:
            return
        days = " UNION ALL ".join(
            f"SELECT position, min({day}) AS effective_on FROM {table} WHERE position IN (SELECT one FROM wanted)"  # noqa: S608 - our own names
            " GROUP BY position"
            for table, day in EFFECTIVE.items()
        )
        found = self.log.of_now(
            f"""
            WITH wanted AS (SELECT unnest($wanted::BIGINT[]) AS one),
            days AS (SELECT position, min(effective_on) AS effective_on FROM ({days}) GROUP BY position)
            SELECT position, name, recorded_at, effective_on
            FROM {EVENTS} LEFT JOIN days USING (position)
            WHERE position IN (SELECT one FROM wanted)
            """,  # noqa: S608 - our own SQL
            wanted=wanted,
        )
        for position, name, recorded_at, effective_on in found:
            self._named[position] = Named(
                position,
                name,
                recorded_at.replace(tzinfo=UTC),
                effective_on,
                self._arrival(position, effective_on),
            )

    def _arrival(self, position: int, effective_on: date | None) -> Arrival:
        if position <= self.first:
            return "before"
        late = effective_on is not None and any(effective_on < day for day in self._seen_until)
        return "late" if late else "new"


def run_difference(
    con: duckdb.DuckDBPyConnection,
    name: str,
    tenant_id: UUID,
    parameters: Mapping[str, object],
    *,
    first: int,
    last: int | None,
    after: int = 0,
    limit: int = MAX_CELLS,
    seconds: float = math.inf,
) -> Difference:
    """Why a report differs between two positions (`last` None: now).

    It asks many questions, and no further one after so many `seconds`. Raises as `run_report`, and `ReportTooLarge`,
    `NotOfOneLog` and `TooMuchToExplain`.
    """
    report = definition(name)
    if "at_position" in parameters:
        raise InvalidParameters((("/at_position", "leave it out; the positions are those compared"),))
    if not (after >= 0 and 1 <= limit <= MAX_CELLS):
        raise InvalidParameters((("/limit", f"after must be 0 or more, limit 1 to {MAX_CELLS}"),))
    con.execute("BEGIN")
    try:
        tenant = extent(con, tenant_id)
        position = tenant.position
        last = position.n if last is None else last
        if max(first, last) > position.n:
            raise AnalyticsBehind(position)
        if first > last:
            raise InvalidParameters((("/from_position", "lies after to_position; exchange them"),))
        log = _Log(con, report, tenant, dict(parameters), {}, count(), monotonic() + seconds)
        _check_log(log, last)
        return _explained(log, Position(position.epoch, first), Position(position.epoch, last), after, limit)
    finally:
        con.execute("ROLLBACK")


def _explained(log: _Log, first: Position, last: Position, after: int, limit: int) -> Difference:
    old, new = log.rows(first.n), log.rows(last.n)
    naming = [at for at, column in enumerate(_columns(log.report, "dimension")) if not column.tells]
    found = differing(naming, old, new)
    found.sort(key=lambda row: [(value is None, str(value)) for value in row.now])
    page = found[after : after + limit]
    explanation = _Explanation(log, first.n, last.n)
    return Difference(
        tuple(explanation.cell(row) for row in page),
        len(found),
        first,
        _recorded(log, first.n),
        last,
        _recorded(log, last.n),
        after + limit if len(found) > after + limit else None,
    )


def _recorded(log: _Log, position: int) -> datetime | None:
    rows = log.of_now(f"SELECT recorded_at FROM {EVENTS} WHERE position = $at", at=position)  # noqa: S608 - our own name
    return rows[0][0].replace(tzinfo=UTC) if rows else None


def _check_log(log: _Log, last: int) -> None:
    """Figures that follow from other logs too have no events in this one that explain them."""
    if log.tenant.tenant_id != PLATFORM or SENDING not in log.report.rows:
        return
    by_sending = "SELECT 1 FROM fact_allocation_rule WHERE allocated_by = 'messages_sent' AND position <= $last LIMIT 1"
    if log.of_now(by_sending, last=last):
        raise NotOfOneLog(NotOfOneLog.__doc__)
