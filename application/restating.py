"""MRR under a changed definition, month by month: as it is, as it would be, and what makes each figure differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from application.ports.analytics import Report

_OLD: Final = "from"
_NEW: Final = "to"
RESTATEMENT: Final = "restatement"
Amounts = dict[str, int]


@dataclass(slots=True)
class Month:
    """One month in one currency. Every figure is there; `by_switch` has, of each switch, what it changes.

    `left_over` is what the switches do not explain: 0 of every figure, whatever the definition is.
    """

    period: date
    currency: str
    old: Amounts
    restated: Amounts
    by_switch: dict[str, Amounts] = field(default_factory=dict)

    @property
    def difference(self) -> Amounts:
        """Restated less old."""
        return {name: self.restated[name] - self.old[name] for name in self.restated}

    @property
    def left_over(self) -> Amounts:
        """The difference less what the switches change."""
        return {
            name: value - sum(changed.get(name, 0) for changed in self.by_switch.values())
            for name, value in self.difference.items()
        }


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement that a switch changes: by how much the figure of its month is another."""

    period: date
    currency: str
    figure: str
    switch: str
    day: date
    subscription: str
    amount: int


@dataclass(frozen=True, slots=True)
class Restated:
    """The months in order, and the movements that differ."""

    months: tuple[Month, ...]
    movements: tuple[Movement, ...]


def restated(report: Report, figures: Sequence[str]) -> Restated:
    """What the lines of a preview say."""
    months: dict[tuple[date, str], Month] = {}
    movements = []
    for row in report.rows:
        told: Mapping[str, object] = dict(zip(report.columns, row, strict=True))
        period, currency, figure, switch = (told[name] for name in ("period", "currency", "figure", "switch"))
        amount, day = told["amount"], told["day"]
        if not isinstance(period, date) or not isinstance(amount, int):
            raise TypeError("not the lines of a preview")
        key = (period, str(currency))
        if key not in months:
            months[key] = Month(*key, dict.fromkeys(figures, 0), dict.fromkeys(figures, 0))
        month, name = months[key], str(figure)
        if switch in (_OLD, _NEW):
            (month.old if switch == _OLD else month.restated)[name] += amount
            continue
        changed = month.by_switch.setdefault(str(switch), defaultdict(int))
        changed[name] += amount
        if isinstance(day, date):
            subscription = str(told["subscription"])
            movements.append(Movement(period, str(currency), name, str(switch), day, subscription, amount))
    return Restated(tuple(months[key] for key in sorted(months)), tuple(movements))
