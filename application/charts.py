"""Charts as data: which rows of a report become which marks. How they look is for who draws them.

A chart is one of two: `columns` over time, or `bars` of what the whole is made of. Each value is actual, of the period
before, planned, or a forecast: readers tell them apart by how they are drawn (IBCS), never by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from application.figures import CURRENCY, Form, adds_up, digits_of, form_of, heading
from application.ports.analytics import Column, Value
from domain.kernel.money import CurrenciesMixed

OTHERS: Final = "all others"
_DAYS: Final = 31
_WEEKS: Final = 190
_A_WEEK: Final = 7

Where = Mapping[str, tuple[str, ...]]
Rows = Sequence[Sequence[Value]]


class Scenario(StrEnum):
    """What a value is."""

    ACTUAL = "actual"
    PREVIOUS = "previous"
    PLAN = "plan"
    FORECAST = "forecast"


class Better(StrEnum):
    """Which way is the good one."""

    MORE = "more"
    FEWER = "fewer"
    NEITHER = "neither"


class ChartDefinition(BaseModel):
    """What a chart shows: a measure by a dimension, of the rows in which dimensions have one of these values.

    `plan` and `forecast` name measures that stand beside it. `most` bars are shown, and the rest as one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["columns", "bars"]
    by: str
    measure: str
    where: dict[str, tuple[str, ...]] = {}
    plan: str | None = None
    forecast: str | None = None
    most: int = 8
    better: Better = Better.NEITHER


@dataclass(frozen=True, slots=True)
class Mark:
    """One value under one label."""

    label: str
    scenario: Scenario
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart to be drawn: labels in order, values by label and scenario; amounts in whole units of their currency."""

    kind: Literal["columns", "bars"]
    title: str
    unit: str
    labels: tuple[str, ...]
    marks: tuple[Mark, ...]
    better: Better = Better.NEITHER
    percent: bool = False

    def of(self, scenario: Scenario) -> dict[str, float]:
        """The values of a scenario by label."""
        return {mark.label: mark.value for mark in self.marks if mark.scenario is scenario}

    def alternative(self) -> str:
        """The chart in words, for who does not see it."""
        actual = self.of(Scenario.ACTUAL)
        if not actual:
            return f"{self.title}: nothing to show."
        most = max(actual, key=lambda label: actual[label])
        kind = "over time" if self.kind == "columns" else "by share"
        return (
            f"{self.title}, {kind}: {len(self.labels)} values in {self.unit}, the largest {actual[most]:,g} at {most}. "
            "The table holds the figures."
        )


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included. `monthly`: what is shown of them is of months, however few they are."""

    first: date
    last: date
    monthly: bool = False

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def before(self, until: date | None = None) -> Period:
        """As many days just before; of whole months, as many months.

        `until`: the last day of this period that has come; the one before then is as far as that, in its place: a month
        that is over stands beside a whole one.
        """
        last = self.first - timedelta(days=1)
        if not self._of_months():
            far = last if until is None else until - timedelta(days=self.days)
            return Period(self.first - timedelta(days=self.days), min(far, last))
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        if until is not None:
            month = _months_on(until, -months)
            last = _months_on(month, 1) - timedelta(days=1)
            if (until + timedelta(days=1)).day != 1:
                last = min(month + timedelta(days=until.day - 1), last)
        return Period(_months_on(self.first, -months), last)

    def reaching(self, months: int) -> Period:
        """The whole month, quarter (3) or year (12) in which this period ends."""
        first = self.last.replace(month=(self.last.month - 1) // months * months + 1, day=1)
        return Period(first, _months_on(first, months) - timedelta(days=1))

    def after(self, day: date) -> date:
        """The day of this period in the place of a day of the one before: in as many months, or days, after it."""
        before = self.before().first
        if self._in_months and self.first.day == before.day == 1:
            months = (self.first.year - before.year) * 12 + self.first.month - before.month
            return _months_on(day, months)
        return day + (self.first - before)

    def line(self, day: date, *, earlier: bool = False) -> date:
        """The first day of a table's row that a day is in: of its week, or month.

        `earlier`: a day of the period before, in the row of its place; those of a longer month end in the last row.
        """
        if self.days <= _DAYS:
            day = min(self.after(day), self.last) if earlier else day
            return day - timedelta(days=day.weekday())
        if earlier and self._of_months():
            before = self.before().first
            months = (self.first.year - before.year) * 12 + self.first.month - before.month
            return _months_on(day, months)
        return (min(self.after(day), self.last) if earlier else day).replace(day=1)

    @property
    def over_months(self) -> bool:
        """Whether a table's rows are months."""
        return self.days > _DAYS

    def line_unit(self) -> str:
        """What one row of a table is."""
        return "Month" if self.days > _DAYS else "Week"

    def line_label(self, line: date) -> str:
        """A row's name."""
        return f"{line:%B %Y}" if self.days > _DAYS else f"week of {line.day} {line:%B}"

    @property
    def _in_months(self) -> bool:
        """Whether the columns of a chart are months."""
        return self.monthly or self.days > _WEEKS

    def _of_months(self) -> bool:
        return self.first.day == 1 and (self.last + timedelta(days=1)).day == 1

    def buckets(self) -> list[date]:
        """The first days of what a chart shows as one column: days, weeks (from Monday) or months."""
        found, day = [], self.bucket(self.first)
        while day <= self.last:
            found.append(day)
            day = self._next(day)
        return found

    def bucket(self, day: date, *, earlier: bool = False) -> date:
        """The first day of the column that a day is in; `earlier`: a day of the period before, in that of its place."""
        day = self.after(day) if earlier else day
        if self._in_months:
            return day.replace(day=1)
        return day if self.days <= _DAYS else day - timedelta(days=day.weekday())

    def label(self, bucket: date) -> str:
        """A column's name."""
        if self._in_months:
            return f"{bucket:%b %Y}"
        return f"{bucket.day} {bucket:%b}"

    def step(self) -> str:
        """What one column is."""
        if self._in_months:
            return "month"
        return "day" if self.days <= _DAYS else "week"

    def _next(self, bucket: date) -> date:
        if self._in_months:
            return _months_on(bucket, 1)
        return bucket + timedelta(days=1 if self.days <= _DAYS else _A_WEEK)


def _months_on(first: date, months: int) -> date:
    whole = first.year * 12 + first.month - 1 + months
    return date(whole // 12, whole % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of a report with their columns: what charts, tables and sentences are made of."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...] = field(default=())

    def at(self, name: str) -> int:
        """Where a column stands. Raises `KeyError`."""
        for place, column in enumerate(self.columns):
            if column.name == name:
                return place
        raise KeyError(name)

    def column(self, name: str) -> Column:
        """A column by its name."""
        return self.columns[self.at(name)]

    def where(self, where: Where) -> Grid:
        """The rows whose dimensions have one of these values."""
        wanted = [(self.at(name), frozenset(values)) for name, values in where.items()]
        rows = tuple(row for row in self.rows if all(str(row[at]) in values for at, values in wanted))
        return Grid(self.columns, rows)

    def ends(self, day: str, group: Callable[[date], object]) -> Grid:
        """Of a balance: the rows of the last day in each group of days."""
        at, last = self.at(day), dict[object, date]()
        for row in self.rows:
            if isinstance(told := row[at], date):
                last[group(told)] = max(told, last.get(group(told), told))
        kept = tuple(
            row for row in self.rows if isinstance(told := row[at], date) and last[group(told)] == told
        )
        return Grid(self.columns, kept)

    def in_lines(self, period: Period, *, earlier: bool = False) -> Grid:
        """Days in the place of which stands the first day of their table's row (`Period.line`)."""
        days = {at for at, column in enumerate(self.columns) if form_of(column) is Form.DATE}
        rows = tuple(
            tuple(
                period.line(value, earlier=earlier) if at in days and isinstance(value, date) else value
                for at, value in enumerate(row)
            )
            for row in self.rows
        )
        return Grid(self.columns, rows)

    def summed(self, by: Sequence[str], measure: str) -> dict[tuple[Value, ...], float]:
        """The measure by dimensions, in the order of the rows; nothing where values would have to be added that do not.

        A balance of several days, or a percentage of several rows, has no sum: narrow the rows to one each.
        """
        places, at = [self.at(name) for name in by], self.at(measure)
        found: dict[tuple[Value, ...], list[float]] = {}
        for row in self.rows:
            value = row[at]
            if isinstance(value, int | float):
                found.setdefault(tuple(row[place] for place in places), []).append(value)
        if adds_up(self.columns[at]):
            return {key: sum(values) for key, values in found.items()}
        return {key: values[0] for key, values in found.items() if len(values) == 1}

    def total(self, measure: str) -> float | None:
        """The measure of all rows; None where there is none."""
        return self.summed((), measure).get(())

    def currency(self, measure: str, before: Grid | None = None) -> str | None:
        """The one currency of a measure's amounts, and of those before; None: no money. Raises `CurrenciesMixed`."""
        place = next((n for n, one in enumerate(self.columns) if one.unit == CURRENCY), None)
        if place is None or form_of(self.column(measure)) is not Form.MONEY:
            return None
        codes = {str(row[place]).upper() for grid in (self, before) if grid is not None for row in grid.rows}
        if len(codes) > 1:
            raise CurrenciesMixed(" and ".join(sorted(codes)))
        return next(iter(codes), None)


def chart_of(
    definition: ChartDefinition,
    grid: Grid,
    before: Grid | None,
    period: Period,
    *,
    until: date | None = None,
) -> Chart:
    """The chart of a report's rows; `before` holds those of the period before. Raises `CurrenciesMixed`.

    `until`: the last day that has come, where the period is not over: nothing is drawn after it but plan and forecast.
    """
    grid = grid.where(definition.where)
    before = None if before is None else before.where(definition.where)
    column = grid.column(definition.measure)
    currency = grid.currency(definition.measure, before)
    scale = 10 ** digits_of(currency) if currency else 1
    if form_of(column) is Form.RATIO:
        scale = 1 / 100
    series = {Scenario.ACTUAL: grid.summed((definition.by,), definition.measure)}
    earlier = {} if before is None else before.summed((definition.by,), definition.measure)
    if any(earlier.values()):  # beside nothing at all, nothing is compared
        series[Scenario.PREVIOUS] = earlier
    for scenario, measure in ((Scenario.PLAN, definition.plan), (Scenario.FORECAST, definition.forecast)):
        if measure is not None:
            series[scenario] = grid.summed((definition.by,), measure)
    plain = {
        scenario: {key[0]: value / scale for key, value in values.items()}
        for scenario, values in series.items()
    }
    marks = (
        _over_time(plain, period, until) if definition.kind == "columns" else _parts(plain, definition.most)
    )
    labels = tuple(dict.fromkeys(mark.label for mark in marks))
    percent = form_of(column) in (Form.RATIO, Form.PERCENT)
    unit = currency or ("%" if percent else column.unit)
    return Chart(
        definition.kind, heading(column), unit, labels, tuple(marks), definition.better, percent=percent
    )


def _over_time(
    series: Mapping[Scenario, Mapping[Value, float]], period: Period, until: date | None
) -> list[Mark]:
    """A column for each bucket, also where nothing was; the period before stands beside the same place of this one."""
    marks, come = [], period.last if until is None else until
    for scenario, values in series.items():
        found = dict.fromkeys(period.buckets(), 0.0)
        for day, value in values.items():
            if isinstance(day, date):
                bucket = period.bucket(day, earlier=scenario is Scenario.PREVIOUS)
                if bucket in found:
                    found[bucket] += value
        marks += [
            Mark(period.label(bucket), scenario, value)
            for bucket, value in found.items()
            if bucket <= come or scenario in (Scenario.PLAN, Scenario.FORECAST)
        ]
    return marks


def _parts(series: Mapping[Scenario, Mapping[Value, float]], most: int) -> list[Mark]:
    """The largest parts, and all others as one."""
    ranked = sorted(
        {key: None for values in series.values() for key in values},
        key=lambda key: (-series[Scenario.ACTUAL].get(key, 0), str(key)),
    )
    shown = ranked if len(ranked) <= most else ranked[: most - 1]
    marks = []
    for scenario, values in series.items():
        marks += [Mark(_named(key), scenario, values.get(key, 0)) for key in shown]
        if len(shown) < len(ranked):
            marks.append(Mark(OTHERS, scenario, _sum(values.get(key, 0) for key in ranked[len(shown) :])))
    return marks


def _named(key: Value) -> str:
    return "(none)" if key is None else in_words(key)


def in_words(value: Value) -> str:
    """A value of a dimension as it is read: `staff_time` is staff time."""
    return str(value).replace("_", " ")


def _sum(values: Iterable[float]) -> float:
    return sum(values, 0.0)
