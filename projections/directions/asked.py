"""Series of a report's figures, and their reading beside the loop.

This module is light: what reads a series loads libraries of a second and more, and does so where the work is done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from application.figures import CURRENCY, Form, form_of
from application.ports.analytics import Column, ReportInfo, Value
from projections.directions.series import Better, Pace, Series, Unit, UnitKind
from projections.finance.metrics import metric_of

MOST_SERIES: Final = 40
MOST_POINTS: Final = 520
_WINDOW: Final = 4
_IN_STEPS: Final = frozenset({"subject_requests"})
"""Reports whose rows are steps of one thing: added up they count it several times."""
_PLACES: Final = {"period", "month", "day"}
_APART: Final = "meter"
"""The dimension whose values are never added: messages, users and workspaces are counted in different things."""
_ABOUT_A_ROW: Final = {"accuracy", "ltv_told", "cac_told", "lacks"}
"""Texts that say how a row came about: they part no figure."""
Row = Mapping[str, Value]
Parts = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Window:
    """What a figure was made of in its first and its last periods: by part, or numerator and denominator.

    `whole`: of parts over one denominator, that.
    """

    before: Parts
    after: Parts
    whole: tuple[Fraction, Fraction] | None = None
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A series with its measure, its currency, and what may explain its change; `spans`: the two windows' days.

    `of`: the meter, of a figure of usage.
    """

    series: Series
    measure: str
    currency: str | None
    of: str | None
    window: Window | None
    spans: tuple[tuple[date, date], tuple[date, date]] | None


def place_of(info: ReportInfo) -> str | None:
    """The column of the days by which a report goes; None: it is no series."""
    first = info.columns[0]
    if info.name in _IN_STEPS:
        return None
    return first.name if first.name in _PLACES and first.unit == "date" else None


def paces_of(info: ReportInfo) -> tuple[Pace, ...]:
    """By which periods a report's figures make series."""
    if place_of(info) is None or not measures_of(info):
        return ()
    if place_of(info) == "month":
        return (Pace.MONTH,)
    if place_of(info) == "day":
        return (Pace.WEEK, Pace.MONTH)
    grains = info.parameters["properties"].get("grain", {}).get("enum", ())
    return tuple(pace for pace in (Pace.WEEK, Pace.MONTH) if pace.value in grains)


def measures_of(info: ReportInfo) -> tuple[Column, ...]:
    """The measures that make series: whole numbers and ratios of them. By day, activities alone do."""
    return tuple(
        one
        for one in info.columns
        if one.kind == "measure"
        and (one.nature == "activity" or (one.nature is not None and place_of(info) != "day"))
        and form_of(one) is not Form.SECONDS
        and (one.nature != "ratio" or len(one.parts) == 2)  # noqa: PLR2004 - a numerator and a denominator
    )


def start_of(day: date, pace: Pace) -> date:
    """The first day of the period that a day is in."""
    return day.replace(day=1) if pace is Pace.MONTH else day - timedelta(days=day.weekday())


def figures(
    info: ReportInfo,
    rows: Sequence[Row],
    measures: Sequence[Column],
    pace: Pace,
    since: date | None,
    until: date,
) -> list[Figure]:
    """A series of each measure in each currency, of whole periods alone: a period cut short would look like a fall.

    `since`: the first day that was asked for, if one was. `until`: the last day that is told whole.
    """
    place = place_of(info)
    money = next((one.name for one in info.columns if one.unit == CURRENCY), "")
    apart: dict[tuple[str | None, str | None], dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        day = row[place or ""]
        if isinstance(day, date):
            currency, of = (None if row.get(name) is None else str(row[name]) for name in (money, _APART))
            apart[currency, of][start_of(day, pace)].append(row)
    found = []
    for key in sorted(apart, key=str):
        at = apart[key]
        starts = _whole(min(at), pace, since, until)
        if starts:
            found += [replace(_figure(info, one, key[0], pace, starts, at), of=key[1]) for one in measures]
    return found


def last_whole_day(as_of: datetime, to: date | None) -> date:
    """The last day that is told whole by facts of a moment, and was asked for: the moment's own is not over yet."""
    over = as_of.date() - timedelta(days=1)
    return over if to is None else min(over, to)


def _whole(first: date, pace: Pace, since: date | None, until: date) -> list[date]:
    """The whole periods. Where nobody said from when, the first may have been cut short: it is left out."""
    start = pace.after(first) if since is None or since > first else first
    starts: list[date] = []
    while (after := pace.after(start)) - timedelta(days=1) <= until:
        starts.append(start)
        start = after
    return starts[-MOST_POINTS:]


def _figure(
    info: ReportInfo,
    measure: Column,
    currency: str | None,
    pace: Pace,
    starts: Sequence[date],
    at: Mapping[date, Sequence[Row]],
) -> Figure:
    metric = metric_of(info.name, measure.name)
    better = Better.NEITHER if metric is None else Better(metric.better)
    name = measure.name if metric is None else metric.id
    size = min(_WINDOW, len(starts) // 3)
    before, after = starts[:size], starts[len(starts) - size :]
    window, spans = None, None
    if size:
        spans = (
            (before[0], pace.after(before[-1]) - timedelta(days=1)),
            (after[0], pace.after(after[-1]) - timedelta(days=1)),
        )
    if measure.nature == "ratio":
        above, below = measure.parts
        points = [
            (start, _sum(at.get(start), above) or 0, _sum(at.get(start), below) or 0) for start in starts
        ]
        percent = form_of(measure) is Form.PERCENT
        if percent and all(up >= 0 and down >= 0 for _, up, down in points):
            series, scale = Series.of_rate(name, points, pace=pace, better=better), 1
        else:
            scale = 100 if percent else 1
            known = {
                start for start in starts if any(row[measure.name] is not None for row in at.get(start, ()))
            }
            # What the rows themselves cannot tell, such as a cost that was never entered, is no point of a series.
            told = [
                (start, scale * up / down if down and start in known else None) for start, up, down in points
            ]
            series = Series.of(name, told, unit=Unit(kind=UnitKind.NUMBER), pace=pace, better=better)
        if size:
            window = Window(
                {above: scale * _mean(at, before, above), below: _mean(at, before, below)},
                {above: scale * _mean(at, after, above), below: _mean(at, after, below)},
                ratio=True,
            )
        return Figure(series, measure.name, currency, None, window, spans)
    gap = 0 if measure.nature == "activity" else None
    values = [
        (start, None if (one := _sum(at.get(start), measure.name)) is None else float(one))
        for start in starts
    ]
    series = Series.of(
        name,
        [(start, value if at.get(start) else gap) for start, value in values],
        unit=_unit(measure, currency),
        pace=pace,
        better=better,
    )
    if size and measure.nature == "activity":
        split = _split(info)
        window = (
            Window(_by(at, before, split, measure.name), _by(at, after, split, measure.name))
            if split
            else None
        )
    return Figure(series, measure.name, currency, None, window, spans)


def _unit(measure: Column, currency: str | None) -> Unit:
    if form_of(measure) is Form.MONEY and currency is not None:
        return Unit(kind=UnitKind.MONEY, currency=currency.upper())
    return Unit(kind=UnitKind.COUNT)


def _split(info: ReportInfo) -> str | None:
    """The dimension that parts a figure: the first text that is neither its place nor its currency."""
    names = [
        one.name
        for one in info.columns
        if one.kind == "dimension" and one.unit == "text" and one.name not in {_APART, *_ABOUT_A_ROW}
    ]
    return names[0] if names else None


def _sum(rows: Sequence[Row] | None, name: str) -> int | None:
    told = [row[name] for row in rows or ()]
    whole = [one for one in told if isinstance(one, int)]
    return sum(whole) if whole else None


def _mean(at: Mapping[date, Sequence[Row]], starts: Sequence[date], name: str) -> Fraction:
    return Fraction(sum(_sum(at.get(start), name) or 0 for start in starts), len(starts))


def _by(
    at: Mapping[date, Sequence[Row]], starts: Sequence[date], split: str, name: str
) -> dict[str, Fraction]:
    parts: dict[str, Fraction] = defaultdict(Fraction)
    for start in starts:
        for row in at.get(start, ()):
            value = row[name]
            if isinstance(value, int):
                parts[str(row[split])] += Fraction(value, len(starts))
    return dict(parts)


@dataclass(frozen=True, slots=True)
class Together:
    """Work: figures read together, each as plain data with its sentences in a language. Gives one for each figure."""

    figures: tuple[Figure, ...]
    language: str
    names: Mapping[str, str]

    def __call__(self) -> Iterator[dict[str, Any]]:
        """Read them."""
        from projections.directions.reading import read_together  # noqa: PLC0415 - loads statistics
        from projections.directions.sentences import insights, render  # noqa: PLC0415 - loads statistics
        from projections.directions.wording import Language  # noqa: PLC0415 - with them

        readings = read_together([one.series for one in self.figures])
        for figure, reading in zip(self.figures, readings, strict=True):
            explained = _explained(figure.window)
            said = insights(reading, explained)
            yield {
                "measure": figure.measure,
                "currency": figure.currency,
                "of": figure.of,
                **reading.model_dump(mode="json"),
                "explained": None if explained is None else explained.model_dump(mode="json"),
                "compared": None
                if figure.spans is None
                else [{"from": str(first), "to": str(last)} for first, last in figure.spans],
                "sentences": [
                    {"claim": one.template.value, "text": render(one, Language(self.language), self.names)}
                    for one in said
                ],
            }


def _explained(window: Window | None) -> Any:
    """What a change is made of; None where a window has nothing to divide by."""
    from projections.directions.decompose import (  # noqa: PLC0415 - needed here alone
        NothingToDivideBy,
        of_parts_over_whole,
        of_ratio,
        of_sum,
    )

    if window is None:
        return None
    try:
        if window.ratio:
            (above, below), (up, down) = window.before.values(), window.after.values()
            return of_ratio((above, below), (up, down))
        if window.whole is not None:
            return of_parts_over_whole(window.before, window.whole[0], window.after, window.whole[1])
        return of_sum(window.before, window.after)
    except NothingToDivideBy:
        return None
