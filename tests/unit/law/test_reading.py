"""A pack that is not whole is refused when it is loaded, with file and line."""

from __future__ import annotations

from datetime import date

import pytest

from domain.law.evidence import PERIODS
from domain.law.packs import load_packs
from domain.law.periods import Period
from domain.law.reading import PackUnusable, read_pack

DUTIES = """law = "xx"
title = "A law"
countries = ["XX"]
zones = ["UTC"]
"""
HEAD = f"""{DUTIES}otherwise = "deny"
otherwise_about = "Nothing fits."
"""
RULE = """
[[rules]]
id = "xx.rule"
verdict = "{verdict}"
basis = "some basis"
cites = "Law s.1"
confidence = "{confidence}"
checked = 2026-11-22
about = "Something is so, and then this."
{dates}
"""

DEADLINE = """
[[deadlines]]
id = "xx.answer"
of = ["access"]
length = {length}
counts_from = "receipt"
cites = "Law s.2"
confidence = "{confidence}"
checked = 2026-11-22
about = "It is answered by then."
{more}
"""

CONTENT = """
[[content]]
id = "xx.name"
element = "{element}"
applies_to = ["marketing"]
cites = "Law s.3"
confidence = "{confidence}"
checked = 2026-11-22
about = "The sender is named."
remedy = "Name the sender."
{more}
"""


def holds(*more: str, element: str = "sender_name", confidence: str = "T") -> str:
    told = (CONTENT.format(element=element, confidence=confidence, more=one) for one in more)
    return DUTIES + "".join(told)


def due(*more: str, length: str = "{ days = 30 }", confidence: str = "T") -> str:
    told = (DEADLINE.format(length=length, confidence=confidence, more=one) for one in more)
    return DUTIES + "".join(told)


def pack(*dates: str, verdict: str = "allow", confidence: str = "T") -> str:
    return HEAD + "".join(RULE.format(dates=one, verdict=verdict, confidence=confidence) for one in dates)


def refused(text: str) -> str:
    with pytest.raises(PackUnusable) as told:
        read_pack(text, "xx.toml")
    return str(told.value)


def test_versions_that_follow_each_other_are_taken() -> None:
    read = read_pack(pack("in_force_to = 2022-05-28", "in_force_from = 2022-05-28"), "xx.toml")
    assert [rule.in_force_from for rule in read.rules] == [None, date(2022, 5, 28)]
    assert len(read.version) == 16


def test_a_version_is_that_of_what_a_pack_says() -> None:
    first, second = pack("known_from = 2020-01-01"), pack("known_from = 2020-01-02")
    version = read_pack(first, "xx.toml").version
    comment = first.replace('title = "A law"', '# Looked at again.\n\ntitle   =   "A law"  # its name')
    turned = first.replace('law = "xx"\ntitle = "A law"', 'title = "A law"\nlaw = "xx"')
    assert comment != first != turned
    assert {read_pack(one, "xx.toml").version for one in (comment, turned)} == {version}
    others = (second, first.replace("A law", "The law"), first.replace('["UTC"]', '["UTC", "Asia/Tokyo"]'))
    assert len({version, *(read_pack(one, "xx.toml").version for one in others)}) == 4


def test_a_gap_is_refused_with_its_line() -> None:
    told = refused(pack("in_force_to = 2022-05-01", "in_force_from = 2022-05-28"))
    assert told.startswith("xx.toml:18: no version of xx.rule is in force from 2022-05-01 to 2022-05-28.")


@pytest.mark.parametrize("earlier", ["in_force_from = 2020-01-01", "in_force_to = 2022-06-01"])
def test_an_overlap_is_refused_with_its_line(earlier: str) -> None:
    told = refused(pack(earlier, "in_force_from = 2022-05-28"))
    assert told.startswith("xx.toml:18: two versions of xx.rule are in force on 2022-05-28.")


def test_two_versions_that_both_stand_since_ever_are_refused_with_the_line_of_the_second() -> None:
    told = refused(pack("", ""))
    assert told.startswith("xx.toml:18: two versions of xx.rule are in force since ever. Say from when")


def test_a_rule_that_ends_before_it_begins() -> None:
    told = refused(pack("in_force_from = 2022-05-28\nin_force_to = 2022-05-28"))
    assert told.startswith("xx.toml:8: rules.0: ")
    assert "in_force_to" in told


def test_what_was_not_found_never_allows() -> None:
    assert "never allows" in refused(pack("", confidence="N"))
    held = read_pack(pack('missing = ["rule"]', confidence="N", verdict="hold"), "xx.toml")
    assert held.rules[0].verdict == "hold"


def test_a_hold_that_does_not_say_for_want_of_what_is_refused_with_its_line() -> None:
    told = refused(
        pack("") + RULE.format(dates="", verdict="hold", confidence="T").replace("xx.rule", "xx.held")
    )
    assert told.startswith("xx.toml:18: xx.held holds, and does not say for want of what.")
    otherwise = pack("").replace('otherwise = "deny"', 'otherwise = "hold"')
    assert refused(otherwise).startswith("xx.toml:1: where no rule fits it holds, and does not say")
    named = otherwise.replace("otherwise_about", 'otherwise_missing = ["consent"]\notherwise_about')
    assert read_pack(named, "xx.toml").otherwise_missing == ("consent",)


def test_a_pack_that_was_adopted_before_holds_named_their_facts_is_read() -> None:
    """What was decided by it is judged again as it was."""
    former = pack("", verdict="hold").replace('otherwise = "deny"', 'otherwise = "hold"')
    read = read_pack(former, "xx.toml", adopted=True)
    assert (read.rules[0].missing, read.otherwise_missing) == ((), ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (pack('missing = ["conduct"]'), "a hold alone names what is missing"),
        (pack('missing = ["Not a name"]', verdict="hold"), "should match pattern"),
        (
            pack("").replace("otherwise_about", 'otherwise_missing = ["consent"]\notherwise_about'),
            "otherwise_missing",
        ),
        (
            pack("").replace("otherwise_about", 'otherwise_cites = "Law s.1"\notherwise_about'),
            "otherwise_cites and otherwise_confidence go together",
        ),
        (
            DUTIES + 'otherwise_cites = "Law s.1"\notherwise_confidence = "T"\n',
            "a pack without rules says nothing",
        ),
    ],
)
def test_what_is_said_where_no_rule_fits_is_whole(text: str, told: str) -> None:
    assert told in refused(text)


@pytest.mark.parametrize(
    "more",
    [
        'when = [{ fact = "moon", is_one_of = ["full"] }]',
        'when = [{ fact = "purpose", is_one_of = ["spam"] }]',
        'when = [{ fact = "consent", within = { years = -1 } }]',
        'colour = "red"',
    ],
)
def test_what_is_not_in_the_vocabulary_is_refused_with_its_line(more: str) -> None:
    assert refused(pack("", more)).startswith("xx.toml:18: rules.1.")


def test_versions_of_a_deadline_follow_each_other_too() -> None:
    read = read_pack(due("in_force_to = 2022-05-28", "in_force_from = 2022-05-28"), "xx.toml")
    assert [one.in_force_from for one in read.deadlines] == [None, date(2022, 5, 28)]
    gap = refused(due("in_force_to = 2022-05-01", "in_force_from = 2022-05-28"))
    assert gap.startswith("xx.toml:17: no version of xx.answer is in force from 2022-05-01 to 2022-05-28.")
    overlap = refused(due("in_force_to = 2022-06-01", "in_force_from = 2022-05-28"))
    assert overlap.startswith("xx.toml:17: two versions of xx.answer are in force on 2022-05-28.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (due("", length="{ days = 30, months = 1 }"), "a length is one of business_days, days and months"),
        (due("", length="{ }"), "a length is one of business_days, days and months"),
        (due("", length="{ days = 0 }"), "greater than or equal to 1"),
        (due("", confidence="N"), "a deadline of which nothing was found (N) is none"),
        (due('counting = "from"', length="{ days = 1 }"), "it is at least two"),
        (due("extension = { by = { months = 1 } }"), "is in days too"),
        (due('of_what = "moon"'), "Extra inputs are not permitted"),
        (
            due("", length="{ business_days = 10 }"),
            "xx.answer is counted in business days, and the holidays package has no calendar for XX. Correct",
        ),
    ],
)
def test_a_deadline_that_cannot_be_counted_is_refused_with_its_line(text: str, told: str) -> None:
    message = refused(text)
    assert message.startswith("xx.toml:6: ")
    assert told in message


def test_versions_of_a_requirement_follow_each_other_too() -> None:
    read = read_pack(holds("in_force_to = 2022-05-28", "in_force_from = 2022-05-28"), "xx.toml")
    assert [one.in_force_to for one in read.content] == [date(2022, 5, 28), None]
    gap = refused(holds("in_force_to = 2022-05-01", "in_force_from = 2022-05-28"))
    assert gap.startswith("xx.toml:17: no version of xx.name is in force from 2022-05-01 to 2022-05-28.")
    overlap = refused(holds("", "in_force_from = 2022-05-28"))
    assert overlap.startswith("xx.toml:17: two versions of xx.name are in force on 2022-05-28.")


def test_a_line_is_that_of_its_own_list_where_a_pack_has_several() -> None:
    lists = due("") + holds("", "").removeprefix(DUTIES)
    assert refused(lists).startswith("xx.toml:28: two versions of xx.name are in force since ever.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (holds("", element="moon"), "Input should be 'sender_name'"),
        (holds("", confidence="N"), "a requirement of which nothing was found (N) is none"),
        (
            holds("", element="contact_lifetime"),
            "of days, language, text and place, contact_lifetime has days alone",
        ),
        (holds("days = 0", element="contact_lifetime"), "greater than or equal to 1"),
        (holds("days = 30"), "of days, language, text and place, sender_name has none"),
        (holds("", element="unsubscribe_language"), "unsubscribe_language has language alone"),
        (holds('text = "<ADV> "', element="advertisement_label"), "a label has a text and its place"),
    ],
)
def test_a_requirement_that_is_not_whole_is_refused_with_its_line(text: str, told: str) -> None:
    message = refused(text)
    assert message.startswith("xx.toml:6: ")
    assert told in message


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ('in_force_from = 2022-05-28\nnot_looked_up = ["date"]', "a date that is told was looked up"),
        ('date_confidence = "S"', "date_confidence is that of in_force_from"),
        ('not_looked_up = ["moon"]', "Input should be 'date', 'section' or 'paragraph'"),
    ],
)
def test_what_is_said_of_a_date_that_is_not_there_is_refused_with_its_line(dates: str, told: str) -> None:
    message = refused(pack("", dates))
    assert message.startswith("xx.toml:18: ")
    assert told in message


def test_versions_of_a_remark_follow_each_other_too() -> None:
    def remarks(*dates: str) -> str:
        one = """
[[also]]
id = "xx.log"
cites = "Law s.1"
confidence = "T"
{dates}
checked = 2026-11-22
about = "A log is kept."
here = "It is kept by the store."
"""
        return DUTIES + "".join(one.format(dates=told) for told in dates)

    read = read_pack(remarks("in_force_to = 2022-05-28", "in_force_from = 2022-05-28"), "xx.toml")
    assert [one.here for one in read.also] == ["It is kept by the store."] * 2
    overlap = refused(remarks("", "in_force_from = 2022-05-28"))
    assert overlap.startswith("xx.toml:15: two versions of xx.log are in force on 2022-05-28.")


def test_a_pack_with_rules_says_what_holds_where_none_fits() -> None:
    assert "otherwise_about" in refused(DUTIES + RULE.format(dates="", verdict="allow", confidence="T"))
    assert read_pack(due(""), "xx.toml").rules == ()


def test_what_is_no_toml() -> None:
    assert refused("law = ").startswith("xx.toml: ")


def test_lists_in_lists_without_end_are_refused_like_any_other_mistake() -> None:
    assert refused("\n".join(["a = ["] + ["["] * 5_000)).startswith("xx.toml: ")


def test_a_line_without_end_is_refused_before_it_is_read() -> None:
    """A key of thousands of parts would keep a process for seconds."""
    assert refused("a = 1\n" + "b." * 20_000 + "c = 1").startswith("xx.toml:2: ")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "", "x" * 300])
def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    assert refused(due("").replace("UTC", zone)).startswith("xx.toml:1: zones.0: ")


def test_the_products_own_packs_are_whole() -> None:
    packs = load_packs()
    assert len(packs) >= 17
    countries = [country for pack_ in packs if pack_.rules for country in pack_.countries]
    assert len(set(countries)) == len(countries), "a country has one pack that says who may be mailed"
    for pack_ in packs:
        statements = (*pack_.rules, *pack_.deadlines, *pack_.content, *pack_.also)
        assert statements
        assert all(one.id.startswith(f"{pack_.law}.") for one in statements)
        lists = [
            {one.id for one in told} for told in (pack_.rules, pack_.deadlines, pack_.content, pack_.also)
        ]
        assert sum(map(len, lists)) == len(set().union(*lists)), "an id is of one list"


def test_a_law_has_one_list_of_zones_for_whoever_counts_its_days() -> None:
    packs = {pack.law: pack for pack in load_packs()}
    for line in PERIODS:
        zones = () if line.law is None else packs[line.law.lower()].zones
        assert line.zones == zones
    assert packs["eu"].zones == packs["eu-eprivacy"].zones == packs["eu-gdpr"].zones


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period(years=2), date(2024, 2, 29), date(2026, 2, 28)),
        (Period(months=6), date(2025, 8, 31), date(2026, 2, 28)),
        (Period(months=1), date(2026, 1, 31), date(2026, 2, 28)),
        (Period(days=30), date(2026, 1, 31), date(2026, 3, 2)),
        (Period(years=1, months=1), date(2025, 12, 15), date(2027, 1, 15)),
    ],
)
def test_a_month_is_a_month_and_clamps_to_its_last_day(period: Period, start: date, end: date) -> None:
    assert period.after(start) == end


@pytest.mark.parametrize("more", ['since = ["contact"]', "since_consent = true"])
def test_the_first_message_does_not_begin_anew(more: str) -> None:
    wrong = f'in_force_to = 2022-05-28\nwhen = [{{ fact = "no_message", {more} }}]'
    text = pack(wrong)
    told = refused(text)
    line = text.splitlines().index("[[rules]]") + 1
    assert told.startswith(f"xx.toml:{line}: rules.0.when.0")
    assert "asking = true" in told
    asking = text.replace('"no_message", ', '"no_message", asking = true, ')
    assert read_pack(asking, "xx.toml").rules


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (Period(years=2), date(9999, 12, 31)),
        (Period(years=2), date(9997, 12, 31)),
        (Period(months=6), date(9999, 7, 1)),
        (Period(days=1), date(9999, 12, 31)),
        (Period(years=100, months=1200, days=36_525), date(9990, 1, 1)),
    ],
)
def test_a_period_that_no_calendar_holds_ends_on_the_last_day_of_all(period: Period, start: date) -> None:
    assert period.after(start) == date.max
