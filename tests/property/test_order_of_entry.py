"""What a person said is the same in whatever order it is entered: one verdict at every moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, OptOutKind, RecordConsent, RecordOptOut
from domain.audience.intake.vocabularies import Source
from domain.kernel.commands import Command
from domain.law.facts import Message
from domain.law.judging import judge
from domain.law.packs import load_packs
from tests.support.given import NOW
from tests.support.requests import addressee, opened
from tests.support.unit import World

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKS = load_packs()
ago = st.integers(0, 120).map(lambda hours: NOW - timedelta(hours=hours))
days = st.integers(0, 5).map(lambda n: (NOW - timedelta(days=n)).date())


def _consented(when: dict[str, Any], *, explicit: bool) -> RecordConsent:
    return RecordConsent(source=Source.EVENT, wording="Write to me again", explicit=explicit, **when)


dates = ago.map(lambda at: {"occurred_at": at}) | days.map(lambda on: {"occurred_on": on})
consents = st.builds(_consented, dates, explicit=st.booleans())
opt_outs = st.builds(
    RecordOptOut,
    channel=st.just(OptOutChannel.REPLY),
    occurred_at=ago,
    kind=st.sampled_from(OptOutKind),
)
words = st.lists(consents | opt_outs, min_size=2, max_size=6)


def _entered(commands: Sequence[Command]) -> Addressee:
    world: World = opened("DE")
    for command in commands:
        world.run(command, addressee(world))
    world.assert_replays()
    known: Addressee = world.state("addressee", addressee(world))
    return known


def _verdicts(known: Addressee) -> list[str]:
    later = [NOW + timedelta(hours=hours) for hours in (0, 12, 48)]
    return [judge(known.person, Message(), "DE", moment, PACKS).verdict for moment in later]


@settings(max_examples=200)
@given(words.flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))))
def test_the_order_of_entry_decides_nothing(orders: tuple[list[Command], list[Command]]) -> None:
    one, other = (_entered(commands) for commands in orders)
    assert one.contactable is other.contactable
    assert _verdicts(one) == _verdicts(other)


def test_an_explicit_consent_that_is_entered_before_the_older_stop() -> None:
    stop = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=datetime(2026, 11, 18, 9, tzinfo=UTC))
    anew = _consented({"occurred_on": date(2026, 11, 22)}, explicit=True)
    for order in ([anew, stop], [stop, anew]):
        known = _entered(order)
        assert known.contactable
        assert _verdicts(known) == ["allow"] * 3
