"""Which version of a rule is judged by: the latest that was known at the moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.law.by_law import OTHERWISE, words_of
from domain.law.facts import Message, Person, RelationKind
from domain.law.judging import Decision, judge
from domain.law.reading import read_pack
from tests.support.persons import ALLOW, CHARITABLE, DENY, NOON, PACKS, at, consent, person, relation


class TestWhatWasKnown:
    """A past decision by the rules as they were known on some day."""

    def by(self, who: Person, moment: datetime, known: datetime, message: Message = Message()) -> Decision:  # noqa: B008 - frozen
        return judge(who, message, who.country, moment, PACKS, known)

    def test_before_the_number_of_the_german_rule_changed_the_former_one_goes_on(self) -> None:
        who = person("DE", consent(date(2020, 1, 1)))
        midnight = datetime(2022, 5, 28, tzinfo=ZoneInfo("Europe/Berlin"))
        for known, number in ((midnight - timedelta(seconds=1), "Nr. 3"), (midnight, "Nr. 2")):
            told = self.by(who, at(2022, 7, 1), known)
            assert (told.verdict, told.expires_at) == (ALLOW, None)
            (reason,) = told.reasons
            assert reason.cites is not None
            assert number in reason.cites

    def test_the_charities_rule_is_known_from_february_2026(self) -> None:
        supporter = person("GB", relation(RelationKind.DONATION, date(2026, 2, 5)), could_object=True)
        assert self.by(supporter, NOON, at(2026, 2, 4), CHARITABLE).verdict is DENY
        assert self.by(supporter, NOON, at(2026, 2, 5), CHARITABLE).verdict is ALLOW

    def test_every_rule_with_a_day_in_force_is_known_by_then(self) -> None:
        statements = [
            one for pack in PACKS for one in (*pack.rules, *pack.deadlines, *pack.content, *pack.also)
        ]
        dated = [(one.known_from, one.in_force_from) for one in statements if one.in_force_from is not None]
        assert dated
        assert all(known is not None and known <= in_force for known, in_force in dated)


def test_versions_that_become_known_in_another_order_leave_one_at_a_time() -> None:
    versions = "".join(
        f"""
[[rules]]
id = "us.one"
verdict = "allow"
basis = "version {number}"
cites = "Law s.{number}"
confidence = "T"
checked = 2026-11-22
about = "Something is so."
{dates}
"""
        for number, dates in enumerate(
            (
                "in_force_to = 2025-01-01",
                "in_force_from = 2025-01-01\nin_force_to = 2025-02-01\nknown_from = 2025-06-01",
                "in_force_from = 2025-02-01\nknown_from = 2025-03-01",
            ),
            1,
        )
    )
    head = 'law = "us"\ntitle = "A"\ncountries = ["US"]\nzones = ["UTC"]\notherwise_about = "Nothing fits."\n'
    pack = read_pack(head + versions, "us.toml")

    def version(day: datetime, known: datetime) -> list[str | None]:
        return [one.basis for one in pack.rules if one.stands(day.date(), known.date())]

    january, march = at(2025, 1, 15), at(2025, 3, 15)
    assert version(january, at(2025, 2, 1)) == version(march, at(2025, 2, 1)) == ["version 1"]
    assert version(january, at(2025, 4, 1)) == ["version 1"]
    assert version(march, at(2025, 4, 1)) == version(march, at(2025, 7, 1)) == ["version 3"]
    assert version(january, at(2025, 7, 1)) == ["version 2"]


def test_what_a_rule_says_is_said_in_the_words_in_force() -> None:
    versions = "".join(
        f"""
[[rules]]
id = "us.one"
verdict = "allow"
basis = "a basis"
cites = "Law s.1"
confidence = "T"
checked = 2026-11-22
about = "{about}"
{dates}
"""
        for about, dates in (
            ("Something is so.", "in_force_to = 2025-01-01"),
            ("It is so otherwise.", "in_force_from = 2025-01-01\nknown_from = 2025-01-01"),
        )
    )
    head = 'law = "us"\ntitle = "A"\ncountries = ["US"]\nzones = ["UTC"]\notherwise_about = "Nothing fits."\n'
    pack = read_pack(head + versions, "us.toml")
    midnight = at(2025, 1, 1, 0)
    assert words_of(pack, "us.one", midnight - timedelta(microseconds=1)) == "Something is so."
    assert words_of(pack, "us.one", midnight) == "It is so otherwise."
    assert words_of(pack, OTHERWISE, midnight) == "Nothing fits."
    assert words_of(pack, "us.other", midnight) is None
