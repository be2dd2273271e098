"""What a person said is the same in whatever order it is entered: one verdict at every moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, OptOutKind, RecordConsent, RecordOptOut
from domain.audience.contact import CreateContact, EraseContact
from domain.audience.intake.vocabularies import Source
from domain.audience.own_word import HeedOptOut
from domain.kernel.commands import Command
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Message, Scope
from domain.law.judging import judge
from domain.law.packs import load_packs
from tests.support.given import NOW, uid
from tests.support.requests import CONTACT, EMAIL, SECOND_WORKSPACE, WORKSPACE, addressee, opened
from tests.support.unit import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PACKS = load_packs()
ANEW = uid(0x77)
ago = st.integers(0, 120).map(lambda hours: NOW - timedelta(hours=hours))
days = st.integers(0, 5).map(lambda n: (NOW - timedelta(days=n)).date())


CLIENTS = st.sampled_from([None, None, WORKSPACE, SECOND_WORKSPACE])


def _consented(when: dict[str, Any], *, explicit: bool, client: WorkspaceId | None = None) -> RecordConsent:
    return RecordConsent(
        source=Source.EVENT, wording="Write to me again", explicit=explicit, workspace_id=client, **when
    )


dates = ago.map(lambda at: {"occurred_at": at}) | days.map(lambda on: {"occurred_on": on})
consents = st.builds(_consented, dates, explicit=st.booleans(), client=CLIENTS)
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
    return [
        judge(known.person, message, "DE", moment, PACKS).verdict for moment in later for message in MAIL[:3]
    ]


@settings(max_examples=200)
@given(words.flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))))
def test_the_order_of_entry_decides_nothing(orders: tuple[list[Command], list[Command]]) -> None:
    one, other = (_entered(commands) for commands in orders)
    assert one.contactable is other.contactable
    assert _verdicts(one) == _verdicts(other)


class Told(NamedTuple):
    """Something that happened `hours` ago, and how late it was entered: all at once, or after a while."""

    hours: int
    say: Callable[[datetime], Command]
    delays: tuple[int, int]


def _heard(hours: int, scope: tuple[Scope, str | None]) -> Told:
    """A door hears at once."""
    where, within = scope
    return Told(
        hours, lambda _: HeedOptOut(channel=OptOutChannel.PAGE, scope=where, within=within), delays=(0, 0)
    )


def _recorded(
    hours: int, *, explicit: bool | None, delays: tuple[int, int], client: WorkspaceId | None
) -> Told:
    """Somebody enters, sooner or later, that the person consented, or stopped (None)."""

    def said(at: datetime) -> Command:
        if explicit is None:
            return RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=at)
        return _consented({"occurred_at": at}, explicit=explicit, client=client)

    return Told(hours, said, delays)


scopes = st.sampled_from(
    [(Scope.TENANT, None), (Scope.WORKSPACE, str(WORKSPACE)), (Scope.CAMPAIGN_TYPE, "offers")]
)
heard = st.builds(_heard, st.integers(0, 120), scopes)
delay = st.integers(0, 120)
recorded = st.builds(
    _recorded,
    st.integers(0, 120),
    explicit=st.sampled_from([True, False, None]),
    delays=st.tuples(delay, delay),
    client=CLIENTS,
)
lives = st.lists(heard | recorded, min_size=2, max_size=6, unique_by=lambda one: one.hours)
MAIL = (
    Message(),
    Message(workspace=str(WORKSPACE)),
    Message(workspace=str(SECOND_WORKSPACE)),
    Message(workspace=str(SECOND_WORKSPACE), campaign_type="offers"),
)


def _lived(life: Sequence[Told], schedule: int) -> Addressee:
    """What is known of the person at the end, if each is entered as late as this schedule says."""
    world: World = opened("DE")
    entered = [(NOW - timedelta(hours=max(one.hours - one.delays[schedule], 0)), one) for one in life]
    for at, one in sorted(entered, key=lambda pair: (pair[0], -pair[1].hours)):
        world.run(one.say(NOW - timedelta(hours=one.hours)), addressee(world), at=at)
    world.assert_replays()
    known: Addressee = world.state("addressee", addressee(world))
    return known


@settings(max_examples=300)
@given(lives)
def test_how_late_it_is_entered_decides_nothing_beside_what_doors_heard(life: list[Told]) -> None:
    one, other = (_lived(life, schedule) for schedule in (0, 1))
    for message in MAIL:
        verdicts = [judge(known.person, message, "DE", NOW, PACKS).verdict for known in (one, other)]
        assert verdicts[0] == verdicts[1], message


def test_an_explicit_consent_that_is_entered_before_the_older_stop() -> None:
    stop = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=datetime(2026, 11, 18, 9, tzinfo=UTC))
    anew = _consented({"occurred_on": date(2026, 11, 22)}, explicit=True)
    for order in ([anew, stop], [stop, anew]):
        known = _entered(order)
        assert known.contactable
        assert _verdicts(known) == ["allow"] * 9


def test_what_an_erased_person_said_again_is_as_late_for_who_has_their_address_next() -> None:
    """Stop to one kind, erased, the same by an old link, and a consent of between the two that is entered last."""
    world = opened("GB")
    person, start = addressee(world), NOW - timedelta(days=100)
    offers = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="offers")
    world.run(offers, person, at=start)
    world.run(EraseContact(), CONTACT, at=start + timedelta(days=10))
    world.run(offers, person, at=start + timedelta(days=70))
    world.now = start + timedelta(days=80)
    world.run(CreateContact(workspace_id=WORKSPACE, email=EMAIL, country="GB"), ANEW)
    successor = world.state("contact", ANEW).addressee_id
    (narrow,) = (one for one in world.state("addressee", successor).suppressions if one.within == "offers")
    assert narrow.since == start + timedelta(days=70)
    between = _consented({"occurred_at": start + timedelta(days=40)}, explicit=True)
    world.run(between, successor)
    known: Addressee = world.state("addressee", successor)
    assert known.contactable, "it ended what follows from the erasure"
    verdicts = [
        judge(known.person, Message(campaign_type=kind), "GB", world.now, PACKS).verdict
        for kind in ("offers", "news")
    ]
    assert verdicts == ["deny", "allow"], "and not what they said after it"
    world.assert_replays()
