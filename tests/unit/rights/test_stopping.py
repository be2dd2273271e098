"""What a request stops counts from when it was said, as every word of the person's does, and not from its entry."""

from datetime import timedelta
from typing import Any

import pytest

from domain.audience.addressee_events import SaleOptedOut
from domain.audience.consent_commands import OptOutChannel, OptOutKind, RecordConsent, RecordOptOut
from domain.audience.consent_events import OptedOut, OptOutToldLate
from domain.audience.intake.vocabularies import Source
from domain.audience.opt_out_term import OptOutTerm, term_of
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId
from domain.law.facts import SuppressionKind
from domain.rights.commands import NameSubject, ReceiveRequest
from domain.rights.kinds import RequestChannel, RequestKind
from tests.support.given import NOW, uid
from tests.support.requests import EMAIL, REQUEST, addressee, opened, receive
from tests.support.unit import World

DAY = timedelta(days=1)
K = RequestKind
LETTER = {"received_at": NOW - 40 * DAY, "submitted_at": NOW - 45 * DAY}


def last_of(events: list[Event], kind: type[Event]) -> Any:
    """What the request stopped."""
    assert isinstance(events[-1], kind), events
    return events[-1]


def agreed(world: World, days_ago: int) -> None:
    """They asked in so many words to be written to."""
    at = NOW - days_ago * DAY
    consent = RecordConsent(occurred_at=at, source=Source.WEBSITE_FORM, wording="Yes", explicit=True)
    world.run(consent, addressee(world))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (LETTER, NOW - 45 * DAY),
        ({"received_at": NOW - 40 * DAY}, NOW - 40 * DAY),
        ({"submitted_at": NOW - DAY}, NOW - DAY),
        ({}, NOW),
    ],
)
def test_it_counts_from_when_it_was_sent_or_else_received(told: dict[str, Any], said: Any) -> None:
    world = opened("US")
    out = last_of(receive(world, K.OBJECTION, **told), OptedOut)
    assert (out.occurred_at, out.channel, out.kind) == (said, "request", "objection")
    assert OptOutTerm(out.due_law, out.due_before) == term_of("US", "US", SuppressionKind.OBJECTION, said)
    assert (out.due_before < NOW) is (said < NOW - 30 * DAY), "late, and entered all the same"
    assert world.state("addressee", addressee(world)).opted_out_at == said
    sale = last_of(receive(opened("US"), K.SALE_OPT_OUT, **told), SaleOptedOut)
    assert sale.occurred_at == said


def test_one_of_before_a_consent_that_stands_is_history_by_either_door() -> None:
    world, other = opened("US"), opened("US")
    for one in (world, other):
        agreed(one, 10)
    late = last_of(receive(world, K.OBJECTION, **LETTER), OptOutToldLate)
    word = RecordOptOut(
        occurred_at=late.occurred_at, channel=OptOutChannel.REQUEST, kind=OptOutKind.OBJECTION
    )
    assert other.run(word, addressee(other)) == [late]
    assert world.state("addressee", addressee(world)).opted_out_at is None


def test_one_of_after_it_stops() -> None:
    world = opened("US")
    agreed(world, 50)
    last_of(receive(world, K.OBJECTION, **LETTER), OptedOut)


def test_what_they_ask_on_their_page_counts_at_once() -> None:
    """Whatever the clock of whoever entered their consent showed."""
    world = opened("US")
    agreed(world, 0)
    asking = ReceiveRequest(
        kind=K.OBJECTION, channel=RequestChannel.PAGE, addressee_id=AddresseeId(addressee(world))
    )
    out = world.run(asking, REQUEST, at=NOW - timedelta(seconds=2))[-1]
    assert isinstance(out, OptedOut)
    assert world.state("addressee", addressee(world)).opted_out_at == NOW


@pytest.mark.parametrize(("told", "said"), [(LETTER, NOW - 45 * DAY), ({}, NOW)])
def test_of_whom_it_is_said_later_whose_data_it_is_about_it_counts_from_the_same_moment(
    told: dict[str, Any], said: Any
) -> None:
    for kind, stopped in ((K.OBJECTION, OptedOut), (K.SALE_OPT_OUT, SaleOptedOut)):
        world = opened("US")
        receive(world, kind, email=None, requester="Ada", **told)
        world.later(3 * DAY)
        assert last_of(world.run(NameSubject(email=EMAIL), REQUEST), stopped).occurred_at == said


def test_an_earlier_opt_out_of_sale_that_is_told_later_counts_and_a_later_one_says_nothing_new() -> None:
    world = opened("US")
    receive(world, K.SALE_OPT_OUT, received_at=NOW - 10 * DAY)
    for days, entered in ((5, 2), (20, 3)):
        at = NOW - days * DAY
        again = ReceiveRequest(kind=K.SALE_OPT_OUT, channel=RequestChannel.FORM, email=EMAIL, received_at=at)
        assert len(world.run(again, uid(0x90 + days))) == entered
    assert world.state("addressee", addressee(world)).sale_opted_out_at == NOW - 20 * DAY
