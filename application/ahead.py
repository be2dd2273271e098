"""Days to come: from which day on what stands in a report is not actual yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from application.figures import days_named, used_by
from application.variance import step_of
from domain.finance.calendar import last_day, month_of, moved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from application.ports.analytics import Report, ReportInfo
    from application.ports.platform import PlatformReport

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_WEEK: Final = timedelta(days=6)
_ONE: Final = timedelta(days=1)


def ahead_from(
    info: ReportInfo, given: Mapping[str, str], day: date, found: Report | PlatformReport
) -> date | None:
    """The first of the days that were asked for which is after `day`: figures of it and later ones are not actual yet.

    Where `to` was not given, the first that a row stands on or, of a report whose rows reach ahead by themselves,
    reaches. None: there is none. `given` is what the report takes.
    """
    after = day + _ONE
    if "to" in given and {"from", "to"} <= info.parameters.get("properties", {}).keys():
        if days_named(given["to"])[1] <= day:
            return None
        return max(days_named(given["from"])[0], after) if "from" in given else after
    return min((max(first, after) for first, last in _stands(info, given, found) if last > day), default=None)


def _stands(
    info: ReportInfo, given: Mapping[str, str], found: Report | PlatformReport
) -> Iterator[tuple[date, date]]:
    """The days that rows are of, each once; the first alone of what ends with the day that it is told on."""
    grain = used_by(info, given).get("grain", "day")
    for at, column in enumerate(info.columns):
        step = step_of(column, grain)
        if step is None:
            continue
        for first in {row[at] for row in found.rows}:
            if isinstance(first, date):
                yield first, _last(first, step) if info.reaches_ahead else first


def _last(first: date, step: str) -> date:
    if step in _MONTHS:
        return last_day(moved(month_of(first), _MONTHS[step] - 1))
    return first + _WEEK if step == "week" else first
