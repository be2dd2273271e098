"""What explains a change of a figure between two windows: effects that add up to it, exactly.

Everything is a fraction, so nothing is left over: `sum(effect) == change`. Which figure is which:

- `of_sum`: a sum of parts (costs by server): each part's change.
- `of_parts_over_whole`: parts over one common denominator (costs by server, as shares of revenue): each part's change
  of its ratio. A margin is revenue less costs over revenue; give costs as negative parts.
- `of_ratio`: what the numerator and what the denominator did (each at the mean of the other's two windows).
- `of_groups`: a rate over groups: within each group its own rate, and the mix of groups (each at the mean of the two
  windows, mix against the mean rate of the whole). A group whose rate is known in one window alone is all mix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, computed_field

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = int | Fraction | float
"""What may come in; a float counts as exactly the binary fraction it is."""
Exact = Annotated[Fraction, PlainSerializer(str, return_type=str)]
"""A fraction, written as one: `-3/20`."""


class NotDecomposable(Exception):
    """What was given has no change that can be explained."""


class NumberNotFinite(NotDecomposable):
    """Numbers of windows are finite. Leave out what is not known."""


class NothingToDivideBy(NotDecomposable):
    """A ratio has a denominator in both windows. Choose windows in which there is one."""


class Effect(StrEnum):
    """What of a part did it."""

    CHANGE = "change"
    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    RATE = "rate"
    MIX = "mix"


class Part(BaseModel):
    """One effect; `share` of the whole change, None where that is zero."""

    model_config = ConfigDict(frozen=True)

    name: str
    effect: Effect
    amount: Exact
    share: Exact | None


class Decomposition(BaseModel):
    """A figure before and after, and its parts, the largest effect first. Their amounts add up to the change."""

    model_config = ConfigDict(frozen=True)

    before: Exact
    after: Exact
    parts: tuple[Part, ...]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way to show a property
    @property
    def change(self) -> Exact:
        """After less before."""
        return self.after - self.before

    @computed_field  # type: ignore[prop-decorator]  # the same
    @property
    def residue(self) -> Exact:
        """What is not explained: nothing."""
        return self.change - sum((one.amount for one in self.parts), Fraction())


def of_sum(before: Mapping[str, Number], after: Mapping[str, Number]) -> Decomposition:
    """The change of a sum, part by part; a part that one window lacks is zero there."""
    old, new = _exact(before), _exact(after)
    effects = [
        (name, Effect.CHANGE, new.get(name, _ZERO) - old.get(name, _ZERO)) for name in _names(old, new)
    ]
    return _made(sum(old.values(), _ZERO), sum(new.values(), _ZERO), effects)


def of_parts_over_whole(
    before: Mapping[str, Number], whole_before: Number, after: Mapping[str, Number], whole_after: Number
) -> Decomposition:
    """The change of a sum of parts over one denominator, part by part."""
    old_whole, new_whole = _divisor(whole_before), _divisor(whole_after)
    old = {name: value / old_whole for name, value in _exact(before).items()}
    new = {name: value / new_whole for name, value in _exact(after).items()}
    return of_sum(old, new)


def of_ratio(before: tuple[Number, Number], after: tuple[Number, Number]) -> Decomposition:
    """The change of numerator over denominator: what each of the two did."""
    old, new = _fraction(before[0]), _fraction(after[0])
    old_whole, new_whole = _divisor(before[1]), _divisor(after[1])
    above = (new - old) * (1 / old_whole + 1 / new_whole) / 2
    below = (old + new) * (1 / new_whole - 1 / old_whole) / 2
    effects = [("numerator", Effect.NUMERATOR, above), ("denominator", Effect.DENOMINATOR, below)]
    return _made(old / old_whole, new / new_whole, effects)


def of_groups(
    before: Mapping[str, tuple[Number, Number]], after: Mapping[str, tuple[Number, Number]]
) -> Decomposition:
    """The change of a rate over groups, each given as (numerator, denominator): rates within, and the mix."""
    old, new = _sides(before), _sides(after)
    old_above, old_whole = _totals(old)
    new_above, new_whole = _totals(new)
    mean = (old_above / old_whole + new_above / new_whole) / 2
    effects = []
    for name in _names(old, new):
        (a0, b0), (a1, b1) = old.get(name, (_ZERO, _ZERO)), new.get(name, (_ZERO, _ZERO))
        weight0, weight1 = b0 / old_whole, b1 / new_whole
        rate = (a1 / b1 - a0 / b0) * (weight0 + weight1) / 2 if b0 and b1 else _ZERO
        all_of_it = a1 / new_whole - a0 / old_whole - (weight1 - weight0) * mean
        effects += [(name, Effect.RATE, rate), (name, Effect.MIX, all_of_it - rate)]
    return _made(old_above / old_whole, new_above / new_whole, [one for one in effects if one[2]])


_ZERO = Fraction()


def _made(
    before: Fraction, after: Fraction, effects: Iterable[tuple[str, Effect, Fraction]]
) -> Decomposition:
    change = after - before
    parts = tuple(
        Part(name=name, effect=effect, amount=amount, share=amount / change if change else None)
        for name, effect, amount in sorted(effects, key=lambda one: (-abs(one[2]), one[0], one[1]))
    )
    return Decomposition(before=before, after=after, parts=parts)


def _fraction(number: Number) -> Fraction:
    if not math.isfinite(number):
        raise NumberNotFinite(f"{number} is not finite; leave it out")
    return Fraction(number)


def _divisor(number: Number) -> Fraction:
    told = _fraction(number)
    if not told:
        raise NothingToDivideBy
    return told


def _exact(numbers: Mapping[str, Number]) -> dict[str, Fraction]:
    return {name: _fraction(number) for name, number in numbers.items()}


def _sides(groups: Mapping[str, tuple[Number, Number]]) -> dict[str, tuple[Fraction, Fraction]]:
    return {name: (_fraction(above), _fraction(below)) for name, (above, below) in groups.items()}


def _totals(groups: Mapping[str, tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    above = sum((one for one, _ in groups.values()), _ZERO)
    return above, _divisor(sum((one for _, one in groups.values()), _ZERO))


def _names(*sides: Mapping[str, object]) -> list[str]:
    return sorted({name for side in sides for name in side})
