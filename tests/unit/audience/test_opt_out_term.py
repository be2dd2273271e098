"""By when an opt-out has to be done, by the law of the person: kept with what was said, for the reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.addressee_state import Addressee
from domain.audience.consent import opted_out
from domain.audience.consent_commands import OptOutChannel, RecordOptOut, WithdrawConsent
from domain.audience.consent_events import OptedOut
from domain.audience.ledger import DescribeAddressee
from domain.audience.opt_out_term import OptOutTerm, term_of
from domain.audience.own_word import HeedOptOut
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.calendars import NoCalendar, business_days_after
from domain.law.facts import SuppressionKind
from domain.law.packs import load_packs
from domain.rights.commands import ReceiveRequest
from domain.rights.kinds import RequestChannel, RequestKind
from tests.support.given import NOW, given, uid
from tests.support.requests import EMAIL, REQUEST, addressee, opened

ID = AddresseeId(uid(30))
STOP, OBJECTION = SuppressionKind.UNSUBSCRIBE, SuppressionKind.OBJECTION


def at(day: int, hour: int = 0, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def somebody(country: str | None) -> AddresseeRegistered:
    return AddresseeRegistered(
        addressee_id=ID, email="b@example.org", workspace_id=WorkspaceId(uid(41)), country=country
    )


@pytest.mark.parametrize(
    ("country", "law", "before"),
    [
        # Ten business days after the 24th, Thanksgiving off: the 9th, over first where it is Eastern time.
        ("US", "us", at(10, 5)),
        # Ten without a holiday: the 8th, over first in Newfoundland.
        ("CA", "ca", at(9, 3, 30)),
        # It is the 25th there; "with effect from" the fifth, the 2nd: it begins in Chatham first, and is late.
        ("NZ", "nz", at(1, 10, 15)),
        ("AU", "au", at(30, 13, month=11)),
        ("SG", "sg", at(8, 16)),
    ],
)
def test_each_law_counts_its_own_days(country: str, law: str, before: datetime) -> None:
    said = at(24, 12, month=11)
    found = term_of(country, None, STOP, said)
    assert found.due_law == law
    assert found == OptOutTerm(law, before)


@pytest.mark.parametrize("country", ["AQ", "GB", "KR"])
def test_where_no_law_sets_a_term_none_is_kept(country: str | None) -> None:
    assert term_of(country, None, STOP, NOW) == OptOutTerm()


@pytest.mark.parametrize(
    ("person", "sender"), [("PL", "US"), ("US", "PL"), ("AQ", "US"), ("CA", "US"), ("US", "CA")]
)
def test_the_senders_law_sets_one_as_the_persons_does_and_the_first_that_ends_counts(
    person: str, sender: str
) -> None:
    said = at(24, 12, month=11)
    found = term_of(person, sender, STOP, said)
    one, other = (term_of(place, None, STOP, said) for place in (person, sender))
    assert found in (one, other)
    assert found.due_before == min(end.due_before for end in (one, other) if end.due_before is not None)


@pytest.mark.parametrize("sender", [None, "PL", "US"])
@pytest.mark.parametrize("kind", [STOP, OBJECTION])
def test_of_somebody_whose_country_is_not_known_the_first_of_all_laws_counts(
    kind: SuppressionKind, sender: str | None
) -> None:
    said = at(24, 12, month=11)
    every = {country for pack in load_packs() for country in pack.countries}
    ends = [found for one in every if (found := term_of(one, None, kind, said)).due_before is not None]
    first = term_of(None, sender, kind, said)
    assert first.due_before == min(one.due_before for one in ends if one.due_before is not None)
    assert first == (OptOutTerm("au", at(30, 13, month=11)))


def test_an_objection_has_the_term_of_an_objection_too() -> None:
    """GDPR Art. 12(3): one month; an unsubscribe link is no request by Articles 15 to 22."""
    law, before = term_of("DE", None, OBJECTION, at(24, 12, month=11))
    assert law == "eu-gdpr"
    assert before is not None
    assert at(24) < before < at(25, 12)
    assert term_of("DE", None, STOP, at(24, 12, month=11)) == OptOutTerm()


def test_a_law_that_was_not_in_force_sets_none() -> None:
    assert term_of("US", None, STOP, datetime(2003, 6, 1, tzinfo=UTC)) == OptOutTerm()


def test_a_country_without_a_calendar_keeps_nobody_from_opting_out() -> None:
    strange = [pack.model_copy(update={"countries": ("ZZ",)}) for pack in load_packs() if pack.law == "us"]
    with pytest.raises(NoCalendar):
        business_days_after(NOW.date(), 1, "ZZ")
    assert term_of("ZZ", None, STOP, NOW, strange) == OptOutTerm()
    assert term_of(None, None, STOP, NOW, strange) == OptOutTerm()
    both = [*strange, *(pack for pack in load_packs() if pack.law == "nz")]
    assert term_of("ZZ", "NZ", STOP, NOW, both) == term_of("NZ", None, STOP, NOW)


@pytest.mark.parametrize(
    "command",
    [RecordOptOut(channel=OptOutChannel.REPLY), HeedOptOut(channel=OptOutChannel.ONE_CLICK)],
)
def test_it_is_kept_with_what_was_said(command: Any) -> None:
    (event,) = given(somebody("US")).when(command, target=ID).decided
    assert isinstance(event, OptedOut)
    assert OptOutTerm(event.due_law, event.due_before) == term_of("US", None, STOP, NOW)
    assert event.due_law == "us"


@pytest.mark.parametrize(
    ("command", "entered"),
    [
        (RecordOptOut(channel=OptOutChannel.REPLY), STOP),
        (HeedOptOut(channel=OptOutChannel.ONE_CLICK), STOP),
        (WithdrawConsent(channel=OptOutChannel.REPLY), STOP),
        (ReceiveRequest(kind=RequestKind.OBJECTION, channel=RequestChannel.PHONE, email=EMAIL), OBJECTION),
        (
            ReceiveRequest(
                kind=RequestKind.OBJECTION, channel=RequestChannel.LETTER, email=EMAIL, received_at=NOW
            ),
            OBJECTION,
        ),
    ],
)
def test_the_senders_country_is_looked_up_by_every_way_in(command: Any, entered: SuppressionKind) -> None:
    world = opened("US")
    who = addressee(world)
    world.run(DescribeAddressee(country="PL"), who)
    events = world.run(command, REQUEST if isinstance(command, ReceiveRequest) else who)
    (event,) = (one for one in events if isinstance(one, OptedOut))
    assert OptOutTerm(event.due_law, event.due_before) == term_of("PL", "US", entered, NOW)
    assert event.due_law == "us"


def test_it_is_counted_from_the_word_and_not_from_its_entry() -> None:
    early = NOW - timedelta(days=30)
    command = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=early)
    (event,) = given(somebody("US")).when(command, target=ID).decided
    assert isinstance(event, OptedOut)
    assert event.due_before is not None
    assert event.due_before == term_of("US", None, STOP, early).due_before
    assert event.due_before < NOW, "late, and entered all the same"


def test_what_a_file_tells_has_none() -> None:
    state = ADDRESSEE.fold((somebody("US"),))
    assert isinstance(state, Addressee)
    (event,) = opted_out(ID, state, NOW, OptOutChannel.IMPORT)
    assert isinstance(event, OptedOut)
    assert (event.due_law, event.due_before) == (None, None)


def test_events_of_before_have_none() -> None:
    for version in (1, 2):
        old = {"addressee_id": str(ID), "occurred_at": NOW.isoformat(), "channel": "reply"}
        cls, payload = EVENTS.upcast("audience.opted_out", version, old)
        event = cls.model_validate(payload)
        assert isinstance(event, OptedOut)
        assert (event.due_law, event.due_before) == (None, None)
