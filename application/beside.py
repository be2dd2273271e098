"""A figure of a report beside other periods, as the figure of its period by itself: so it is cited and opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.figures import used_by
from application.ports.analytics import InvalidParameters
from application.variance import COMPARE, ROW_IN, label_of, periods_of, step_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from application.ports.analytics import ReportInfo
    from application.variance import Period

_OF_TWO: Final = ("_change", "_percent")


def by_itself(
    info: ReportInfo, given: Mapping[str, str], cell: Mapping[str, Any], measure: str
) -> tuple[dict[str, str], dict[str, Any], str]:
    """Parameters, row and measure with which the period's report by itself shows the same figure.

    `given` may hold `compare`; without it all is as it was. Raises `InvalidParameters`, for a difference of two figures
    too: each of them has its own events and its own citation.
    """
    alone = {name: value for name, value in given.items() if name != COMPARE}
    if COMPARE not in given:
        return alone, dict(cell), measure
    periods = periods_of(given, given[COMPARE])
    period, own = _of(info, periods, measure)
    grain = used_by(info, given).get("grain", "month")
    row = dict[str, Any]()
    for column in info.columns:
        if column.kind != "dimension":
            continue
        shown = column.name
        if period is not periods[0] and (column.tells or step_of(column, grain) is not None):
            shown = f"{column.name}_{period.name}"
        if shown in cell:
            row[column.name] = cell[shown]
    unknown = cell.keys() - {ROW_IN} - _shown(info, periods)
    if unknown:
        raise InvalidParameters((("/cell", f"the report has no dimension {min(unknown)}"),))
    return alone | dict(period.given), row, own


def shown_beside(info: ReportInfo, compare: str) -> list[str]:
    """The dimensions that a report has beside its own, where it is compared so; none for what is no period."""
    labels = [label for name in compare.split(",") if (label := label_of(name)) is not None]
    names = [one.name for one in info.columns if one.kind == "dimension"]
    return [*(f"{name}_{label}" for name in names for label in labels), ROW_IN]


def _shown(info: ReportInfo, periods: tuple[Period, ...]) -> set[str]:
    names = [one.name for one in info.columns if one.kind == "dimension"]
    return {*names, *(f"{name}_{one.name}" for name in names for one in periods[1:])}


def _of(info: ReportInfo, periods: tuple[Period, ...], measure: str) -> tuple[Period, str]:
    """Of which period a measure is, and under which name that period's report has it."""
    measures = [one.name for one in info.columns if one.kind == "measure"]
    if measure in measures:
        return periods[0], measure
    for period in periods[1:]:
        for own in measures:
            beside = f"{own}_{period.name}"
            if measure == beside:
                return period, own
            if measure in {beside + ending for ending in _OF_TWO}:
                raise InvalidParameters(
                    (("/measure", f"it is of two figures: name {own} or {beside}, each by itself"),)
                )
    beside = ", ".join(f"{own}_{one.name}" for one in periods[1:] for own in measures)
    raise InvalidParameters((("/measure", f"name one of {', '.join(measures)}, {beside}"),))
