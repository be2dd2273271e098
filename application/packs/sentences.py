"""The messages of sections: sentences whose every figure is computed from the rows, with its sign and its share."""

from __future__ import annotations

from typing import Final

from application.charts import Grid, in_words
from application.figures import Form, form_of, shown
from application.packs.definition import Sentence
from application.ports.analytics import Column

_MINUS: Final = "\u2212"
_EVEN: Final = "\u00b1"
_ROWS: Final = Column("rows", "measure", "rows", "How many rows there are.")


def sentence_of(told: Sentence, grid: Grid, before: Grid | None) -> str:
    """The sentence. Raises `CurrenciesMixed` where amounts of several currencies would be added."""
    rows = grid.where(told.where)
    compared = None if before is None else before.where(told.where)
    column, currency = rows.column(told.measure), rows.currency(told.measure, compared)
    if told.counts:
        column, currency = _ROWS, None
    total = _total(told, rows, told.measure)
    earlier = None if compared is None else _total(told, compared, told.measure)
    if not total:
        untold = len(grid.where(told.untold_where).rows) if told.untold is not None else 0
        if told.untold is not None and untold:
            return told.untold.format_map({"rows": f"{untold:,}"})
        return (
            f"{told.none} In the period before: {figure(earlier, column, currency)}."
            if earlier
            else told.none
        )
    part = _total(told, rows.where(told.part), told.part_measure or told.measure)
    leader, most = _leader(told, rows)
    text = told.text if told.one is None or total != 1 else told.one
    if told.so_far is not None and rows.where(told.so_far_where).rows:
        text = told.so_far
    return text.format_map(
        {
            "total": figure(total, column, currency),
            "before": "" if earlier is None else figure(earlier, column, currency),
            "change": change(total, earlier, column, currency),
            "part": figure(part, column, currency),
            "share": share(part, total),
            "leader": leader,
            "leader_total": figure(most, column, currency),
            "leader_share": share(most, total),
            "rows": f"{len(rows.rows):,}",
        }
    )


def _total(told: Sentence, rows: Grid, measure: str) -> float:
    return len(rows.rows) if told.counts else rows.total(measure) or 0


def figure(value: float, column: Column, currency: str | None) -> str:
    """A figure as it is read; one that is whole has no fraction."""
    return shown(int(value) if float(value).is_integer() else value, column, currency)


def signed(value: float, column: Column, currency: str | None) -> str:
    """A difference, with its sign."""
    if not value:
        return f"{_EVEN}0"
    return ("+" if value > 0 else _MINUS) + figure(abs(value), column, currency)


def percent(value: float, earlier: float) -> str:
    """How much more or less than before, in percent, with its sign; nothing where there was nothing, or a loss."""
    if earlier <= 0:
        return ""
    told = (value - earlier) / earlier * 100
    sign = "+" if told > 0 else _MINUS if told < 0 else _EVEN
    return f"{sign}{abs(told):,.1f} %"


def change(value: float, earlier: float | None, column: Column, currency: str | None) -> str:
    """The comparison with the period before, in words."""
    if earlier is None:
        return "with nothing to compare"
    money = form_of(column) is Form.MONEY
    if value == earlier:
        return f"as {'much' if money else 'many'} as in the period before"
    if not earlier:
        return f"after {'nothing' if money else 'none'} in the period before"
    relative = percent(value, earlier)
    told = signed(value - earlier, column, currency) + (f" ({relative})" if relative else "")
    return f"{told} on the period before"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent."""
    return f"{part / whole * 100:,.1f} %" if whole else "none"


def _leader(told: Sentence, rows: Grid) -> tuple[str, float]:
    if told.leader is None:
        return "", 0
    values = rows.summed((told.leader,), told.measure)
    key = min(values, key=lambda one: (-values[one], str(one)))
    return in_words(key[0]), values[key]
