"""The scorecard of a pack: each metric's actual, target, variance and direction, those with a target first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from application.charts import OTHERS, Grid
from application.figures import shown, titled
from application.ports.analytics import Column
from application.ports.press import TableShown
from domain.kernel.money import CURRENCIES

NOTHING: Final = "\u2013"
_MINUS: Final = "\u2212"
_HEAD: Final = ("Metric", "Actual", "Target", "Variance", "Before", "Direction", "Standing")
_MONEY: Final = Column("amount", "measure", "minor units", "")
_PERCENT: Final = Column("share", "measure", "percent", "")
_NUMBER: Final = Column("number", "measure", "number", "")
_SIGNS: Final = {"at_least": "\u2265 ", "at_most": "\u2264 "}
_BETTER: Final = {"at_least": 1, "at_most": -1}


def scorecard_of(grid: Grid, before: Grid | None, most: int) -> TableShown:
    """The table. Metrics with neither actual nor target are left out; so are the last beyond `most`, which says so.

    A target that no figure can be set beside is shown too: its standing says why.
    """
    earlier = {_key(row): row["actual"] for row in _rows(before)} if before is not None else {}
    told = [row for row in _rows(grid) if row["target"] is not None or row["actual"] is not None]
    told.sort(key=lambda row: (row["target"] is None, row["actual"] is None, row["group"] != "financial"))
    kept = told if len(told) <= most else told[: most - 1]
    several = len({row["currency"] for row in told if row["currency"]}) > 1
    lines = [_line(row, earlier.get(_key(row)), several=several) for row in kept]
    if len(kept) < len(told):
        lines.append((f"{OTHERS} ({len(told) - len(kept)})", *[""] * (len(_HEAD) - 1)))
    numbers = (False, True, True, True, True, False, False)
    return TableShown(_HEAD, numbers, tuple(lines), total=False)


def _rows(grid: Grid) -> Iterator[Mapping[str, Any]]:
    names = [column.name for column in grid.columns]
    for row in grid.rows:
        yield dict(zip(names, row, strict=True))


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["metric"], row["unit"], row["currency"], row["segment"]


def _line(row: Mapping[str, Any], earlier: float | None, *, several: bool) -> tuple[str, ...]:
    """`several`: there are metrics of several currencies, so that a ratio says which it is of."""
    unit, actual, variance = row["unit"], row["actual"], row["variance"]
    of = (row["segment"], row["currency"] if several and unit not in CURRENCIES else None)
    return (
        titled(str(row["metric"])) + "".join(f" ({one})" for one in of if one),
        NOTHING if actual is None else in_unit(actual, unit),
        _target(row, unit),
        NOTHING if variance is None or row["target"] is None else _signed(variance, unit),
        NOTHING if earlier is None else in_unit(earlier, unit),
        _direction(actual, earlier, row["comparison"]),
        str(row["status"]).replace("_", " "),
    )


def _target(row: Mapping[str, Any], unit: str | None) -> str:
    if row["target"] is None:
        return NOTHING
    aim = in_unit(float(row["target"]), unit)
    if row["target_to"] is not None:
        of = f" {unit}" if unit in CURRENCIES else " %" if unit == "percent" else ""
        return f"{aim.removesuffix(of)} to {in_unit(float(row['target_to']), unit)}"
    return _SIGNS.get(row["comparison"], "") + aim


def _direction(actual: float | None, earlier: float | None, comparison: str | None) -> str:
    """Where it went since the period before, and whether that is where it was to go."""
    if actual is None or earlier is None:
        return NOTHING
    if actual == earlier:
        return "as before"
    way = 1 if actual > earlier else -1
    told = "up" if way > 0 else "down"
    better = _BETTER.get(comparison or "")
    return told if better is None else f"{told}, {'better' if better == way else 'worse'}"


def _signed(value: float, unit: str | None) -> str:
    if not value:
        return "\u00b10"
    told = in_unit(abs(value), unit)
    return ("+" if value > 0 else _MINUS) + (
        f"{told.removesuffix(' %')} points" if unit == "percent" else told
    )


def in_unit(value: float, unit: str | None) -> str:
    """A figure of the scorecard, which is in major units of a currency, percent, or a number of something."""
    if unit in CURRENCIES:
        return shown(round(value * 10 ** CURRENCIES[unit]), _MONEY, unit)
    if unit == "percent":
        return shown(value, _PERCENT)
    return shown(value, _NUMBER)
