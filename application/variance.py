"""A report's period beside others: value, difference and percent of every figure, row by row.

Pure: reports of the same question, one a period, become one report. A row is matched by what names it; days and periods
by their place from the start of the period asked for, so that March is beside the March of another year. Amounts of two
currencies are never compared: the currency names the row.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypeGuard

from application.figures import Form, days_named, form_of, used_by
from application.ports.analytics import Column, InvalidParameters, Report, Value
from domain.finance.calendar import FIRST_YEAR, LAST_YEAR, first_day, is_month, last_day, month_of, moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from application.ports.analytics import ReportInfo

COMPARE: Final = "compare"
MOST: Final = 2
ASKED: Final = "asked"
ROW_IN: Final = "row_in"
_PREVIOUS: Final = "previous"
_YEAR_AGO: Final = "year_ago"
_WORDS: Final = f"say {_PREVIOUS}, {_YEAR_AGO}, or two days or months as 2026-01-01..2026-03-31"
_STEPS: Final[Mapping[str, str]] = {"month": "month", "cohort": "month", "week": "week"}
"""How long a date of a column lasts, where it is no day; a `period` lasts as long as `grain` says."""
_IN_PERCENT: Final = frozenset({Form.COUNT, Form.MONEY, Form.SECONDS})
_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_A_YEAR: Final = 12
_WEEK: Final = 7


_Place = tuple[int, int]
_Key = tuple[tuple[_Place | Value, ...], int]
"""What names a row, and which it is of those that bear the same."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days that a report is asked for. `name` is the ending of its columns; `given`: `from` and `to` as text."""

    name: str
    first: date
    last: date
    given: Mapping[str, str]


def compares(info: ReportInfo) -> bool:
    """Whether a report has periods: it takes `from` and `to`."""
    taken: set[str] = set(info.parameters.get("properties", {}))
    return {"from", "to"} <= taken


def periods_of(given: Mapping[str, str], compare: str) -> tuple[Period, ...]:
    """The period asked for, and those that `compare` names, separated by commas. Raises `InvalidParameters`."""
    ends = []
    for name in ("from", "to"):
        if name not in given:
            raise _refused(name, "what is compared has a first and a last day: give it")
        try:
            ends.append(days_named(given[name]))
        except ValueError:
            raise _refused(name, "not a day, as 2026-01-31, and not a month, as 2026-01") from None
    if ends[0][0] > ends[1][1]:
        raise _refused("to", "to lies before from; exchange them")
    months = all(is_month(given[name]) for name in ("from", "to"))
    asked = Period(ASKED, ends[0][0], ends[1][1], {name: given[name] for name in ("from", "to")})
    names = compare.split(",")
    if len(names) > MOST:
        raise _refused(COMPARE, f"at most {MOST} periods can stand beside the one asked for")
    found = [asked, *(_compared(asked, name, months=months) for name in names)]
    if len({one.name for one in found}) < len(found):
        raise _refused(COMPARE, "the same period twice: name it once")
    return tuple(found)


def _refused(name: str, words: str) -> InvalidParameters:
    return InvalidParameters(((f"/{name}", words),))


def _compared(asked: Period, name: str, *, months: bool) -> Period:
    try:
        label, first, last = _days(asked, name)
    except (ValueError, OverflowError):
        raise _refused(COMPARE, _WORDS) from None
    if first > last:
        raise _refused(COMPARE, "the last day lies before the first: exchange them")
    if not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR:
        raise _refused(COMPARE, f"its days lie outside {FIRST_YEAR} to {LAST_YEAR}: name a period within")
    if not months:
        return Period(label, first, last, {"from": first.isoformat(), "to": last.isoformat()})
    if not _whole(first, last):
        raise _refused(COMPARE, "the report is asked for by months: compare it with whole months")
    return Period(label, first, last, {"from": month_of(first), "to": month_of(last)})


def _days(asked: Period, name: str) -> tuple[str, date, date]:
    first, last = asked.first, asked.last
    if name == _PREVIOUS:
        if _whole(first, last):
            count = _months_on(last, first) + 1
            return name, *_months_moved(first, last, -count)
        days = last - first + timedelta(days=1)
        return name, first - days, last - days
    if name == _YEAR_AGO:
        if _whole(first, last):
            return name, *_months_moved(first, last, -_A_YEAR)
        return name, _year_before(first), _year_before(last)
    begin, between, end = name.partition("..")
    if not between:
        raise ValueError(name)
    first, last = days_named(begin)[0], days_named(end)[1]
    return _label(first, last), first, last


def label_of(name: str) -> str | None:
    """The ending of the columns of a period that `compare` names; None: it names none."""
    if name in (_PREVIOUS, _YEAR_AGO):
        return name
    begin, _, end = name.partition("..")
    try:
        return _label(days_named(begin)[0], days_named(end)[1])
    except ValueError:
        return None


def _label(first: date, last: date) -> str:
    return f"{first:%Y%m%d}_{last:%Y%m%d}"


def _whole(first: date, last: date) -> bool:
    """Whether days are whole months."""
    return first.day == 1 and (last + timedelta(days=1)).day == 1


def _months_moved(first: date, last: date, by: int) -> tuple[date, date]:
    return first_day(moved(month_of(first), by)), last_day(moved(month_of(last), by))


def _year_before(day: date) -> date:
    """The same day of the year before; of 29 February, the 28th."""
    end = last_day(f"{day.year - 1:04}-{day.month:02}")
    return end.replace(day=min(day.day, end.day))


def _months_on(day: date, start: date) -> int:
    return (day.year - start.year) * _A_YEAR + day.month - start.month


@dataclass(frozen=True, slots=True)
class _Places:
    """Where dates stand in a period, counted from its start.

    Days by months on and the day of the month, where all periods begin on the same day of a month; else by days on.
    """

    by_month: bool

    def place(self, day: date, start: date, step: str) -> _Place:
        """A place, the same for dates of two periods that stand for each other."""
        if step == "week":
            return (_monday(day) - _monday(start)).days // _WEEK, 0
        if step in _MONTHS:
            length = _MONTHS[step]
            return _number(day) // length - _number(start) // length, 0
        return (_months_on(day, start), day.day) if self.by_month else ((day - start).days, 0)

    def date_at(self, place: _Place, start: date, step: str) -> date | None:
        """The date at a place of a period; None: it has none, as February has no 30th."""
        on, day = place
        try:
            if step == "week":
                return _monday(start) + timedelta(days=on * _WEEK)
            if step in _MONTHS:
                length = _MONTHS[step]
                return _month_numbered((_number(start) // length + on) * length)
            if not self.by_month:
                return start + timedelta(days=on)
            return _month_numbered(_number(start) + on).replace(day=day)
        except (ValueError, OverflowError):
            return None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _number(day: date) -> int:
    return day.year * _A_YEAR + day.month - 1


def _month_numbered(number: int) -> date:
    return date(number // _A_YEAR, number % _A_YEAR + 1, 1)


def step_of(column: Column, grain: str) -> str | None:
    """How long a date lasts that a row is matched by; None: the column holds no such date."""
    if column.unit != "date" or not _names(column):
        return None
    return grain if column.name == "period" else _STEPS.get(column.name, "day")


def _names(column: Column) -> bool:
    return column.kind == "dimension" and not column.tells


def compared(
    info: ReportInfo, given: Mapping[str, str], periods: Sequence[Period], reports: Sequence[Report]
) -> tuple[ReportInfo, Report]:
    """The first period's report beside the others', in columns of their own; and what these columns are.

    The rows of the period asked for come first and in their order, then those that are only in another. An activity of
    which one period has no row is 0 there, so that the differences add up to the difference of the sums; unless that
    period's report is cut off. What else is missing has no difference.
    """
    steps = [step_of(column, used_by(info, given).get("grain", "month")) for column in info.columns]
    places = _Places(len({one.first.day for one in periods}) == 1)
    found = [_keyed(info, one, report, steps, places) for one, report in zip(periods, reports, strict=True)]
    keys = dict.fromkeys(key for rows in found for key in rows)
    columns = _columns(info.columns, steps, periods)
    whole = [not one.truncated for one in reports]
    rows = tuple(
        tuple(_row(info, periods, steps, places, key, [rows.get(key) for rows in found], whole))
        for key in keys
    )
    first = reports[0]
    names = tuple(column.name for column in columns)
    report = replace(
        first,
        columns=names,
        rows=rows,
        truncated=not all(whole),
        emptied_by=() if rows else first.emptied_by,
    )
    return replace(info, columns=columns), report


def _keyed(
    info: ReportInfo, period: Period, report: Report, steps: Sequence[str | None], places: _Places
) -> dict[_Key, tuple[Value, ...]]:
    """Rows by what names them; where several bear the same name, by which of them it is."""
    seen: Counter[tuple[_Place | Value, ...]] = Counter()
    found: dict[_Key, tuple[Value, ...]] = {}
    for row in report.rows:
        name: tuple[_Place | Value, ...] = tuple(
            places.place(value, period.first, step) if step and isinstance(value, date) else value
            for value, step, column in zip(row, steps, info.columns, strict=True)
            if _names(column)
        )
        found[name, seen[name]] = row
        seen[name] += 1
    return found


def _columns(
    columns: Iterable[Column], steps: Sequence[str | None], periods: Sequence[Period]
) -> tuple[Column, ...]:
    names, measures = [], []
    for column, step in zip(columns, steps, strict=True):
        others = [(one, f"{column.name}_{one.name}", _said(one)) for one in periods[1:]]
        if column.kind == "dimension":
            names.append(column)
            if step is not None or not _names(column):
                names += [
                    replace(column, name=name, about=f"{column.about} {said}", tells=True)
                    for _, name, said in others
                ]
            continue
        measures.append(column)
        for _, name, said in others:
            change = replace(
                column, name=f"{name}_change", about=f"{column.name} less {name}, in its unit.", parts=()
            )
            measures += [replace(column, name=name, about=f"{column.about} {said}", parts=()), change]
            if _in_percent(column):
                about = (
                    f"{name}_change by the amount of {name}, in percent; empty where that is 0 or missing."
                )
                measures.append(
                    Column(f"{name}_percent", "measure", "percent", about, "ratio", (change.name, name))
                )
    row_in = Column(ROW_IN, "dimension", "text", "The periods that have the row.", tells=True)
    return (*names, row_in, *measures)


def _said(period: Period) -> str:
    return f"Of {period.first} to {period.last}."


def _in_percent(column: Column) -> bool:
    """Whether a difference is told in percent too; of what is a percentage or a statistic itself, it is not."""
    return column.nature not in ("ratio", "statistic") and form_of(column) in _IN_PERCENT


def _row(
    info: ReportInfo,
    periods: Sequence[Period],
    steps: Sequence[str | None],
    places: _Places,
    key: _Key,
    rows: Sequence[tuple[Value, ...] | None],
    whole: Sequence[bool],
) -> Iterable[Value]:
    """The cells of a row, as `_columns` has them."""
    names: list[Value] = []
    measures: list[Value] = []
    named = iter(key[0])
    for at, (column, step) in enumerate(zip(info.columns, steps, strict=True)):
        values = [None if row is None else row[at] for row in rows]
        if column.kind == "measure":
            measures.append(values[0])
            for n in range(1, len(rows)):
                measures += _against(column, (values[0], values[n]), (rows[0], rows[n]), (whole[0], whole[n]))
            continue
        if not _names(column):
            names += values
            continue
        place = next(named)
        if not isinstance(place, tuple):
            names += [place, *[None] * (len(rows) - 1 if step else 0)]
        elif step is not None:
            names += [
                places.date_at(place, one.first, step) if row is None else row[at]
                for one, row in zip(periods, rows, strict=True)
            ]
    held = ", ".join(one.name for one, row in zip(periods, rows, strict=True) if row is not None)
    return (*names, held, *measures)


def _against(
    column: Column, values: tuple[Value, Value], rows: tuple[object, object], whole: tuple[bool, bool]
) -> list[Value]:
    """The value of another period, the difference to it, and that in percent."""
    ours, theirs = (
        0 if row is None and all_told and column.nature == "activity" else value
        for value, row, all_told in zip(values, rows, whole, strict=True)
    )
    change, percent = None, None
    if any(row is not None for row in rows) and _counts(ours) and _counts(theirs):
        change = ours - theirs
        percent = change * 100 / abs(theirs) if theirs else None
    told: list[Value] = [values[1], change]
    return [*told, percent] if _in_percent(column) else told


def _counts(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
