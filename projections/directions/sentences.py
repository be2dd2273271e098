"""Insights: sentences that say what the figures carry, and nothing else.

A sentence is a template and typed values; it is rendered where somebody reads it, in their language. No direction is
claimed that the test does not carry, no onset that is not a change of course, no explanation that runs against the
figure, and where nothing is seen that is what is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal, assert_never

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.money import CURRENCIES
from projections.directions import trend
from projections.directions.forecast import LEVELS
from projections.directions.series import Better, Pace, Unit, UnitKind
from projections.directions.trend import Direction, Interval
from projections.directions.wording import (
    COURSES,
    EACH,
    INTERVAL,
    PERIODS,
    POINTS,
    TEMPLATES,
    WEEK,
    Course,
    Language,
    Template,
)

if TYPE_CHECKING:
    from projections.directions.decompose import Decomposition
    from projections.directions.reading import Reading

_EXPLAINS_AT_LEAST: Final = 0.1
_DIGITS: Final = 2


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Called(_Value):
    """A figure or a part by its stable name; what it is called comes with the language."""

    is_a: Literal["name"] = "name"
    name: str


class Number(_Value):
    """How many."""

    is_a: Literal["number"] = "number"
    number: int


class Share(_Value):
    """A share of one."""

    is_a: Literal["share"] = "share"
    share: float


class Level(_Value):
    """What the figure is, in its unit; `beside` is what it is told together with, and as precisely."""

    is_a: Literal["level"] = "level"
    value: float
    unit: Unit
    beside: float


class Difference(_Value):
    """By how much the figure moved, in its unit: of a rate, percentage points."""

    is_a: Literal["difference"] = "difference"
    value: float
    unit: Unit


class Between(_Value):
    """An interval of a difference, or None if the values do not bound it; then nothing is said of it."""

    is_a: Literal["between"] = "between"
    interval: Interval | None
    level: float
    unit: Unit
    beside: float


class When(_Value):
    """A period; `of_year`: said with its year, being of another than the last one's."""

    is_a: Literal["when"] = "when"
    start: date
    pace: Pace
    of_year: bool


class Going(_Value):
    """Where it is going."""

    is_a: Literal["course"] = "course"
    course: Course


class Each(_Value):
    """A period, as what a slope is told by, or as what is counted."""

    is_a: Literal["each"] = "each"
    pace: Pace
    count: int | None = None


Value = Annotated[
    Called | Number | Share | Level | Difference | Between | When | Going | Each, Field(discriminator="is_a")
]


class Sentence(_Value):
    """A claim: its template and the values in it."""

    template: Template
    values: Mapping[str, Value]


def insights(reading: Reading, explained: Decomposition | None = None) -> tuple[Sentence, ...]:
    """What a reading says, in the order in which it is told; `explained` is a change of the same figure."""
    series, found = reading.series, reading.trend
    figure: dict[str, Value] = {"figure": Called(name=series.name)}
    if found.direction is Direction.NOT_ENOUGH_DATA:
        counted: dict[str, Value] = {
            "n": Number(number=found.n),
            "needed": Number(number=trend.FEWEST),
            "periods": Each(pace=series.pace, count=found.n),
        }
        return (Sentence(template=Template.NOT_ENOUGH_DATA, values=figure | counted),)
    length = len(series.points)
    over: dict[str, Value] = {"n": Number(number=length), "periods": Each(pace=series.pace, count=length)}
    if found.slope is None or not found.direction.is_one:
        steady = Sentence(template=Template.STEADY, values=figure | over)
        return (steady, *_changed(reading), *_beside(reading))
    current = reading.current
    if current is not None and current.slope is not None and current.direction is found.direction:
        since: dict[str, Value] = {"since": _when(reading, reading.changes[-1].at)}
        values = figure | _going(reading, current.slope) | since
        told, turned = Sentence(template=Template.SINCE, values=values), []
    else:
        values = figure | _going(reading, found.slope) | over
        told, turned = Sentence(template=Template.OVER, values=values), _changed(reading)
    because = _explained(explained, found.slope.per_period, series.unit) if explained is not None else []
    return (told, *because, *turned, *_beside(reading))


def _going(reading: Reading, slope: trend.Slope) -> dict[str, Value]:
    """Where it is going, and how fast."""
    series = reading.series
    return {
        "course": Going(course=_course(reading.trend.direction, slope.per_period, series.better)),
        "slope": Difference(value=abs(slope.per_period), unit=series.unit),
        "each": Each(pace=series.pace),
        "interval": _between(slope, series.unit),
    }


def _course(direction: Direction, slope: float, better: Better) -> Course:
    if better is Better.NEITHER:
        return Course.RISING if slope > 0 else Course.FALLING
    if direction is Direction.IMPROVING:
        return Course.IMPROVING_UP if slope > 0 else Course.IMPROVING_DOWN
    return Course.DECLINING_UP if slope > 0 else Course.DECLINING_DOWN


def _between(slope: trend.Slope, unit: Unit) -> Between:
    """The interval as sizes, like the slope; none that reaches over zero, of which there is no size."""
    told = slope.interval
    if told is not None and told.low * told.high < 0:
        told = None
    if told is not None:
        low, high = sorted((abs(told.low), abs(told.high)))
        told = Interval(low=low, high=high)
    return Between(interval=told, level=slope.level, unit=unit, beside=abs(slope.per_period))


def _explained(explained: Decomposition, slope: float, unit: Unit) -> list[Sentence]:
    """The largest part, if the change runs with the slope and the part with the change."""
    if not explained.change or (explained.change > 0) != (slope > 0):
        return []
    leading = next((one for one in explained.parts if one.share is not None and one.share > 0), None)
    if leading is None or leading.share is None or leading.share < _EXPLAINS_AT_LEAST:
        return []
    before, after, change = float(explained.before), float(explained.after), float(explained.change)
    values: dict[str, Value] = {
        "part": Called(name=leading.name),
        "before": Level(value=before, unit=unit, beside=change),
        "after": Level(value=after, unit=unit, beside=change),
    }
    if leading.share > 1:
        return [Sentence(template=Template.EXPLAINS_MORE, values=values)]
    values["share"] = Share(share=float(leading.share))
    return [Sentence(template=Template.EXPLAINS, values=values)]


def _changed(reading: Reading) -> list[Sentence]:
    """The last change of course, where no direction is told since it."""
    if not reading.changes:
        return []
    last = reading.changes[-1]
    values: dict[str, Value] = {
        "since": _when(reading, last.at),
        "step": Difference(value=last.step, unit=reading.series.unit),
    }
    told = [Sentence(template=Template.CHANGED, values=values)]
    if reading.current is not None and reading.current.direction is Direction.STEADY:
        told.append(Sentence(template=Template.CALM_SINCE, values={}))
    return told


def _beside(reading: Reading) -> list[Sentence]:
    """Whether the last value is out of the ordinary, and what is ahead."""
    told, unit = [], reading.series.unit
    if reading.limits is not None and reading.series.last in reading.limits.outside:
        low, high = reading.limits.limits.low, reading.limits.limits.high
        told.append(Sentence(template=Template.OUTSIDE, values=_range(low, high, unit)))
    if reading.forecast.ahead:
        last = reading.forecast.ahead[-1]
        values: dict[str, Value] = {
            "when": _when(reading, last.start),
            "chance": Share(share=LEVELS[0]),
            **_range(last.within_80.low, last.within_80.high, unit),
        }
        told.append(Sentence(template=Template.AHEAD, values=values))
    return told


def _range(low: float, high: float, unit: Unit) -> dict[str, Value]:
    return {
        "low": Level(value=low, unit=unit, beside=high - low),
        "high": Level(value=high, unit=unit, beside=high - low),
    }


def _when(reading: Reading, start: date) -> When:
    pace, last = reading.series.pace, reading.series.last
    return When(start=start, pace=pace, of_year=start.isocalendar().year != last.isocalendar().year)


def render(sentence: Sentence, language: Language, names: Mapping[str, str]) -> str:
    """The sentence in a language; `names` is what figures and parts are called in it (else by their stable names)."""
    told = {key: _said(value, language, names) for key, value in sentence.values.items()}
    return TEMPLATES[language][sentence.template].format(**told)


def _said(value: Value, language: Language, names: Mapping[str, str]) -> str:
    match value:
        case Called():
            return names.get(value.name, value.name)
        case Number():
            return str(format_decimal(value.number, locale=language.value))
        case Share():
            return str(format_percent(value.share, locale=language.value))
        case Level():
            return _level(value.value, value.unit, value.beside, language)
        case Difference():
            return _difference(value.value, value.unit, value.value, language)
        case Between():
            return _interval(value, language)
        case When():
            return _period(value, language)
        case Going():
            return COURSES[language][value.course]
        case Each(count=None):
            return EACH[language][value.pace]
        case Each():
            return PERIODS[language][value.pace][value.count != 1]
        case _:
            assert_never(value)


def _period(when: When, language: Language) -> str:
    if when.pace is Pace.WEEK:
        week = when.start.isocalendar()
        return WEEK[language][when.of_year].format(week=week.week, year=week.year)
    if when.pace is Pace.MONTH:
        return str(format_date(when.start, "LLLL y", locale=language.value))
    told = str(format_date(when.start, "long", locale=language.value))
    return f"le {told}" if language is Language.FR else told


def _interval(value: Between, language: Language) -> str:
    if value.interval is None:
        return ""
    ends = {
        "low": _plain(value.interval.low, value.unit, value.beside, language),
        "high": _plain(value.interval.high, value.unit, value.beside, language),
    }
    return INTERVAL[language].format(level=format_percent(value.level, locale=language.value), **ends)


def _difference(value: float, unit: Unit, beside: float, language: Language) -> str:
    told = _plain(value, unit, beside, language)
    return f"{told} {POINTS[language][abs(value) != 1 / 100]}" if unit.kind is UnitKind.RATE else told


def _level(value: float, unit: Unit, beside: float, language: Language) -> str:
    if unit.kind is UnitKind.RATE:
        places = _places(beside * 100)
        pattern = (
            Locale.parse(language.value).percent_formats[None].pattern.replace("0", f"0.{'#' * places}", 1)
        )
        told = round(value, places + 2)
        return str(format_percent(told, pattern, language.value, decimal_quantization=False))
    return _plain(value, unit, beside, language)


def _plain(value: float, unit: Unit, beside: float, language: Language) -> str:
    """A number of the unit; of rates hundredths, of money major units with the currency."""
    if unit.kind is UnitKind.MONEY and unit.currency is not None:
        digits = CURRENCIES.get(unit.currency, 2)
        return str(format_currency(round(value) / 10**digits, unit.currency, locale=language.value))
    scale = 100 if unit.kind is UnitKind.RATE else 1
    places = _places(beside * scale)
    told = round(value * scale, places) + 0.0  # no minus zero
    return str(format_decimal(told, f"#,##0.{'#' * places}", locale=language.value))


def _places(beside: float) -> int:
    """Places behind the point, so that a number of this size is told by two digits."""
    if beside == 0:
        return 0
    return min(max(_DIGITS - 1 - math.floor(math.log10(abs(beside))), 0), 6)
