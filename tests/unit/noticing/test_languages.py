"""The languages of letters: each says the same, and numbers, amounts and cases as its readers write them."""

from __future__ import annotations

import string
from typing import Any

import pytest

from application.noticing.wording import Line, language_of, words_of
from domain.billing.catalogue import Meter
from domain.billing.notices import NoticeKind
from domain.billing.terms import Interval
from domain.kernel.money import Money


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def named(text: str) -> set[str]:
    """What is filled in, in whatever form."""
    return {name.partition("_by_")[0].removesuffix("_counted") for name in placeholders(text)}


@pytest.mark.parametrize("language", ["de", "fr"])
def test_each_language_says_the_same_things(language: str) -> None:
    english, other = words_of("en"), words_of(language)
    assert set(english.subjects) == set(other.subjects) == set(NoticeKind)
    assert english.words.keys() == other.words.keys() >= {meter.value for meter in Meter}
    assert english.one.keys() == other.one.keys() == {meter.value for meter in Meter}
    assert english.lines.keys() == other.lines.keys()
    for name, text in english.lines.items():
        assert named(text) == named(other.lines[name]), name
        assert text != other.lines[name], name
    for kind, text in english.subjects.items():
        assert placeholders(text) == placeholders(other.subjects[kind]), kind


@pytest.mark.parametrize(
    ("meter", "shown"),
    [
        (Meter.USERS, "8 von 8 Benutzern"),
        (Meter.WORKSPACES, "8 von 8 Arbeitsbereichen"),
        (Meter.DOMAINS, "8 von 8 Domains"),
        (Meter.EMAILS, "8 von 8 E-Mails"),
    ],
)
def test_in_german_what_is_used_of_a_limit_stands_in_the_dative(meter: Meter, shown: str) -> None:
    values: dict[str, Any] = {"used": 8, "limit": 8, "meter": meter, "share": 100, "period": "2026-11"}
    said = words_of("de").text([Line("used", values), Line("used_in_month", values)])
    assert said.splitlines() == [
        f"Genutzt: {shown}, das sind 100 %.",
        f"Genutzt im Monat 2026-11 (UTC): {shown}, das sind 100 %.",
    ]
    subject = words_of("de").subjects[NoticeKind.USAGE_REACHED]
    assert placeholders(subject) == {"tenant", "share", "meter"}, (
        "in the genitive, which is as the nominative"
    )


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "en",
            [
                "Used: 1 of 1 workspace, that is 100 %.",
                "- add-on, each for 1 workspace more: USD 9.00 a month",
                "- add-on, each for 5 workspaces more: USD 9.00 a month",
                "- plan Solo, 1 workspace: USD 9.00 a month",
            ],
        ),
        (
            "de",
            [
                "Genutzt: 1 von 1 Arbeitsbereich, das sind 100 %.",
                "- Zusatz, je 1 Arbeitsbereich mehr: USD 9,00 pro Monat",
                "- Zusatz, je 5 Arbeitsbereiche mehr: USD 9,00 pro Monat",
                "- Tarif Solo, 1 Arbeitsbereich: USD 9,00 pro Monat",
            ],
        ),
        (
            "fr",
            [
                "Utilisation : 1 espace de travail sur 1, soit 100 %.",
                "- complément, 1 espace de travail de plus chacun : USD 9,00 par mois",
                "- complément, 5 espaces de travail de plus chacun : USD 9,00 par mois",
                "- offre Solo, 1 espace de travail : USD 9,00 par mois",
            ],
        ),
    ],
)
def test_one_of_what_is_counted_stands_in_the_singular(language: str, shown: list[str]) -> None:
    each: dict[str, Any] = {
        "meter": Meter.WORKSPACES,
        "price": Money(900, "USD"),
        "interval": Interval.MONTH,
    }
    lines = [
        Line("used", {"used": 1, "limit": 1, "meter": Meter.WORKSPACES, "share": 100}),
        Line("add_on", {**each, "adds": 1}),
        Line("add_on", {**each, "adds": 5}),
        Line("plan_more", {**each, "plan": "Solo", "limit": 1}),
    ]
    assert words_of(language).text(lines).splitlines() == shown


def test_amounts_are_written_as_each_language_does_and_exactly() -> None:
    amount = Money(123_456_789, "USD")
    shown = [words_of(language)._value(amount) for language in ("en", "de", "fr")]
    assert shown == ["USD 1,234,567.89", "USD 1.234.567,89", "USD 1\u00a0234\u00a0567,89"]
    assert words_of("en")._value(Money(-5, "EUR")) == "EUR -0.05"
    assert words_of("en")._value(Money(1_500, "JPY")) == "JPY 1,500"


def test_the_language_is_what_was_said_or_the_countrys() -> None:
    assert [language_of(None, country) for country in ("DE", "FR", "CH", None)] == ["de", "fr", "en", "en"]
    assert language_of("fr", "DE") == "fr"
