"""Tables of packs: measures by dimensions, beside the period before, the largest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from application.charts import OTHERS, Grid, Period, in_words
from application.figures import Form, adds_up, form_of, heading
from application.packs.definition import TableDefinition
from application.packs.scorecards import NOTHING, scorecard_of
from application.packs.sentences import figure, percent, signed
from application.ports.analytics import Column, Value
from application.ports.press import TableShown

Key = tuple[Value, ...]
Sums = Mapping[Key, float]


def table_of(told: TableDefinition, grid: Grid, before: Grid | None, period: Period) -> TableShown:
    """The table: dimensions, the first measure beside the period before with the difference, the other measures.

    Days are told by the week, or by the month where the period is longer than one.
    """
    if told.kind == "scorecard":
        return scorecard_of(grid.where(told.where), before, told.most)
    grid = grid.where(told.where).in_lines(period)
    before = None if before is None else before.where(told.where).in_lines(period, earlier=True)
    first = told.measures[0]
    now = grid.summed(told.by, first)
    then = {} if before is None else before.summed(told.by, first)
    ranked = _ranked(told, grid, now, then)
    groups = _groups(told, ranked, period, total=told.total and adds_up(grid.column(first)))
    sums = {name: grid.summed(told.by, name) for name in told.measures[1:]}
    currency = grid.currency(first, before)
    rows = []
    for names, keys in groups:
        cells = _compared(told, grid, keys, now, None if before is None else then, currency)
        cells += [_shown(told, grid, name, keys, found, grid.currency(name)) for name, found in sums.items()]
        rows.append((*names, *cells))
    head = (
        *(_heading(grid.column(name), period) for name in (*told.by, first)),
        *(("Before", "Difference", "%") if before is not None else ()),
        *(heading(grid.column(name)) for name in told.measures[1:]),
    )
    numbers = tuple(at >= len(told.by) for at in range(len(head)))
    return TableShown(head, numbers, tuple(rows), total=bool(groups) and groups[-1][0][0] == _TOTAL)


_TOTAL = "Total"


def _ranked(told: TableDefinition, grid: Grid, now: Sums, then: Sums) -> list[Key]:
    """The rows, the largest first; weeks and months in their order."""
    keys = dict.fromkeys((*now, *then))
    if grid.column(told.by[0]).unit == "date":
        return sorted(keys, key=lambda key: tuple(map(str, key)))
    return sorted(keys, key=lambda key: (-now.get(key, 0), tuple(map(str, key))))


def _groups(
    told: TableDefinition, ranked: Sequence[Key], period: Period, *, total: bool
) -> list[tuple[tuple[str, ...], Sequence[Key]]]:
    """What each row is named and which keys are in it: one each, all others as one, at last all."""
    cut = ranked if len(ranked) <= told.most else ranked[: told.most - 1]
    empty = ("",) * (len(told.by) - 1)
    groups: list[tuple[tuple[str, ...], Sequence[Key]]] = [
        (tuple(_named(value, period) for value in key), [key]) for key in cut
    ]
    if len(cut) < len(ranked):
        rest = ranked[len(cut) :]
        groups.append(((f"{OTHERS} ({len(rest)})", *empty), rest))
    if total and len(ranked) > 1:
        groups.append(((_TOTAL, *empty), ranked))
    return groups


def _compared(
    told: TableDefinition,
    grid: Grid,
    keys: Sequence[Key],
    now: Sums,
    then: Sums | None,
    currency: str | None,
) -> list[str]:
    name = told.measures[0]
    cells = [_shown(told, grid, name, keys, now, currency)]
    if then is None:
        return cells
    value, earlier = _value(told, grid, name, keys, now), _value(told, grid, name, keys, then)
    if value is None and earlier is None:
        return [*cells, NOTHING, NOTHING, NOTHING]
    column = grid.column(name)
    return [
        *cells,
        _shown(told, grid, name, keys, then, currency),
        signed((value or 0) - (earlier or 0), column, currency),
        percent(value or 0, earlier or 0) or NOTHING,
    ]


def _shown(
    told: TableDefinition, grid: Grid, name: str, keys: Sequence[Key], found: Sums, currency: str | None
) -> str:
    value = _value(told, grid, name, keys, found)
    return NOTHING if value is None else figure(value, grid.column(name), currency)


def _value(told: TableDefinition, grid: Grid, name: str, keys: Sequence[Key], found: Sums) -> float | None:
    """The figure of a row; of several, where they may be added."""
    values = [found[key] for key in keys if key in found]
    if not values or (len(keys) > 1 and not (told.total and adds_up(grid.column(name)))):
        return None
    return sum(values)


def _heading(column: Column, period: Period) -> str:
    return period.line_unit() if form_of(column) is Form.DATE else heading(column)


def _named(value: Value, period: Period) -> str:
    if isinstance(value, date):
        return period.line_label(value)
    return NOTHING if value is None else in_words(value)
