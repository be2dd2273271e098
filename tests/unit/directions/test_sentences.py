"""Insights: what is said of which reading, in which words, and what is not said."""

from __future__ import annotations

import string
from datetime import date, timedelta

import numpy as np
import pytest
from pydantic import TypeAdapter

from projections.directions.decompose import of_parts_over_whole, of_sum
from projections.directions.reading import Reading, read
from projections.directions.sentences import Sentence, insights, render
from projections.directions.series import Better, Pace, Series, Unit, UnitKind
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
from tests.support.directed import weekly

NAMES = {
    Language.EN: {"gross_margin": "Gross margin", "eu_servers": "EU cost of servers"},
    Language.DE: {"gross_margin": "Bruttomarge", "eu_servers": "Serverkosten in der EU"},
    Language.FR: {"gross_margin": "Marge brute", "eu_servers": "Le coût des serveurs en UE"},
}
NOISE = np.random.default_rng(1).normal(size=80)


def margin(better: Better = Better.HIGHER, sign: int = -1) -> Reading:
    """Level until week 31 of 2026, then 0.8 points a week; noise of 0.3 points."""
    start, points = date(2026, 1, 5), []
    for week in range(45):
        value = 60 + sign * 0.8 * max(week - 30, 0) + 0.3 * NOISE[week]
        points.append((start + timedelta(weeks=week), round(value * 1000), 100_000))
    return read(Series.of_rate("gross_margin", points, pace=Pace.WEEK, better=better))


def said(reading: Reading, language: Language = Language.EN) -> list[str]:
    return [render(one, language, NAMES[language]) for one in insights(reading)]


def kinds(reading: Reading) -> list[Template]:
    return [one.template for one in insights(reading)]


def test_a_decline_is_told_with_its_onset_size_and_reason() -> None:
    explained = of_parts_over_whole(
        {"revenue": 100, "eu_servers": -20, "other": -20},
        100,
        {"revenue": 100, "eu_servers": -27, "other": -23},
        100,
    )
    told = [render(one, Language.EN, NAMES[Language.EN]) for one in insights(margin(), explained)]
    assert told[0].startswith("Gross margin has been declining since week 3")
    assert "points a week (95%: 0." in told[0]
    assert told[1] == "EU cost of servers explains 70% of the change from 60% to 50%."
    begun = margin().changes[-1]
    assert abs((begun.at - date(2026, 8, 3)).days) <= 14
    assert begun.slope_after == pytest.approx(-0.008, rel=0.15)


def test_the_same_in_german_and_french() -> None:
    assert said(margin(), Language.DE)[0].startswith("Bruttomarge: Verschlechterung seit KW 3")
    assert "Punkte je Woche (95\xa0%: 0," in said(margin(), Language.DE)[0]
    assert said(margin(), Language.FR)[0].startswith("Marge brute : détérioration depuis la semaine 3")
    assert "points par semaine (95\xa0% : 0," in said(margin(), Language.FR)[0]


def test_of_what_is_better_low_it_is_said_which_way_it_went() -> None:
    up, down = said(margin(Better.LOWER, 1))[0], said(margin(Better.LOWER))[0]
    assert up.startswith("Gross margin has been going up, which is worse, since")
    assert down.startswith("Gross margin has been coming down, which is better, since")
    assert said(margin(Better.NEITHER))[0].startswith("Gross margin has been falling since")


def test_without_a_direction_none_is_said() -> None:
    steady, short = read(weekly(NOISE[:30])), read(weekly(NOISE[:9]))
    assert kinds(steady)[0] is Template.STEADY
    assert not {Template.SINCE, Template.OVER, Template.EXPLAINS} & {*kinds(steady)}
    assert kinds(short) == [Template.NOT_ENOUGH_DATA]
    assert said(short) == ["figure: not enough data to tell a direction (9 of at least 10 weeks)."]
    explained = of_sum({"a": 1}, {"a": 5})
    for reading in (steady, short):
        assert insights(reading, explained) == insights(reading)


def test_what_runs_against_the_direction_explains_nothing() -> None:
    rising = read(weekly(np.arange(40) * 0.2 + NOISE[:40]))
    assert rising.trend.direction.is_one
    down, level = of_sum({"a": 5, "b": 1}, {"a": 1, "b": 2}), of_sum({"a": 1, "b": 2}, {"a": 2, "b": 1})
    assert insights(rising, down) == insights(rising, level) == insights(rising)


def test_a_part_that_did_more_than_all_is_said_to() -> None:
    rising = read(weekly(np.arange(40) * 0.2 + NOISE[:40]))
    told = insights(rising, of_sum({"a": 1, "b": 9}, {"a": 13, "b": 5}))
    assert render(told[1], Language.EN, {}) == (
        "a explains more than the whole change from 10 to 18; the rest works against it."
    )
    many = {str(number): 1 for number in range(20)}
    assert [one.template for one in insights(rising, of_sum({}, many))] == kinds(rising)


def test_after_a_step_no_direction_is_claimed_since() -> None:
    told = read(weekly(np.where(np.arange(60) < 35, 0.0, 8.0) + NOISE[:60]))
    (change,) = told.changes
    assert change.index == 35
    assert change.step == pytest.approx(8, abs=1.5)
    assert kinds(told)[:3] == [Template.OVER, Template.CHANGED, Template.CALM_SINCE]
    assert said(told)[1].startswith("Last change of course: week 37 of 2026 (a step of about ")


def test_a_value_out_of_the_ordinary_is_said_to_be() -> None:
    values = NOISE[:30].tolist()
    assert Template.OUTSIDE not in kinds(read(weekly(values)))
    told = read(weekly([*values, 9.0]))
    assert told.limits is not None
    assert told.limits.outside[-1] == told.series.last
    moves = np.abs(np.diff([*values, 9.0])).mean()
    assert told.limits.limits.high == pytest.approx(np.mean([*values, 9.0]) + 2.66 * moves)
    assert Template.OUTSIDE in kinds(told)


def test_money_is_told_in_its_currency_and_months_by_name() -> None:
    unit = Unit(kind=UnitKind.MONEY, currency="EUR")
    values = [100_000 + 5_000 * at + 900 * noise for at, noise in enumerate(NOISE[:24])]
    told = read(weekly(values, unit=unit, pace=Pace.MONTH, name="mrr"))
    assert "about €50" in said(told)[0].replace("49.", "50.").replace("51.", "50.")
    assert "a month" in said(told)[0]
    ahead = insights(told)[-1]
    assert render(ahead, Language.DE, {}).startswith(
        "Zu erwarten für Juni 2028, mit 80\xa0% Wahrscheinlichkeit: "
    )
    assert "€" in render(ahead, Language.FR, {})


def test_ahead_is_a_range_and_shares_stay_shares() -> None:
    start = date(2026, 1, 5)
    points = [(start + timedelta(weeks=week), round(985 + 5 * NOISE[week]), 1000) for week in range(40)]
    told = read(Series.of_rate("delivered", points, pace=Pace.WEEK, better=Better.HIGHER))
    assert all(one.within_95.high <= 1 for one in told.forecast.ahead)
    assert len(told.rates) == 40
    assert all(one.interval.low < one.rate < one.interval.high for one in told.rates)
    assert "to 99" in said(told)[-1] or "to 100%" in said(told)[-1]


def test_sentences_are_data() -> None:
    told = insights(margin())
    adapter = TypeAdapter(tuple[Sentence, ...])
    assert adapter.validate_json(adapter.dump_json(told)) == told


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", Language)
def test_every_language_says_everything(language: Language) -> None:
    english = TEMPLATES[Language.EN]
    assert TEMPLATES[language].keys() == {*Template}
    for template, text in TEMPLATES[language].items():
        assert placeholders(text) == placeholders(english[template])
    assert COURSES[language].keys() == {*Course}
    assert EACH[language].keys() == PERIODS[language].keys() == {*Pace}
    assert placeholders(INTERVAL[language]) == {"level", "low", "high"}
    assert placeholders(WEEK[language][1]) == {"week", "year"}
    assert len(POINTS[language]) == 2
