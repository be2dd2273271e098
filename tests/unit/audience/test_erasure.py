"""Erasing a person: whoever they are, once; the proof goes when its periods are over and nothing holds it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.audience.addressee_events import AddresseeRegistered, MessageDispatched, RelationRecorded
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.consent_events import ConsentRecorded, ConsentWithdrawn, OptedOut
from domain.audience.contact import Contact, CreateContact, EraseContact, RemoveContact
from domain.audience.erasure import (
    AlreadyErased,
    CertifyErasure,
    ConfirmEvidenceDestroyed,
    ConfirmKeyDestroyed,
    EraseAddressee,
    ExpireEvidence,
    HoldStands,
    KeyStillThere,
    NoSuchHold,
    NotErased,
    PlaceLegalHold,
    ProofIsGone,
    ProofStillKept,
    ReleaseLegalHold,
    keeping,
)
from domain.audience.erasure_events import (
    LAST_OF_VERSION_1,
    AddresseeErased,
    EvidenceExpired,
    EvidenceKeyDestroyed,
    LegalHoldPlaced,
    LegalHoldReleased,
    ProfileKeyDestroyed,
)
from domain.audience.intake.vocabularies import Source
from domain.audience.opt_out_term import term_of
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from domain.law.evidence import PERIODS, EvidencePeriod
from domain.law.facts import SuppressionKind
from domain.law.periods import over
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import NOW, given, uid
from tests.support.unit import World

ID = AddresseeId(uid(30))
TERM: Any = term_of(None, None, SuppressionKind.UNSUBSCRIBE, NOW)._asdict()
"""Nobody knows where they are."""
A, B = WorkspaceId(uid(10)), WorkspaceId(uid(11))
BOB = "bob@example.org"
REASON = "Claim of 3 May"
CONSENTED = ConsentRecorded(
    addressee_id=ID, occurred_on=date(2020, 3, 1), source="event", recorded_by="api", wording="Yes"
)
IN_A_YEAR = NOW + timedelta(days=365)
ERASED = AddresseeErased(addressee_id=ID, evidence_ends=IN_A_YEAR, evidence_until=IN_A_YEAR)
HELD = LegalHoldPlaced(addressee_id=ID, occurred_at=NOW, reason=REASON)


def registered(country: str | None = None) -> AddresseeRegistered:
    return AddresseeRegistered(addressee_id=ID, email=BOB, workspace_id=A, country=country)


def dispatched(at: datetime) -> MessageDispatched:
    return MessageDispatched(
        addressee_id=ID, message_id=MessageId(uid(50)), workspace_id=A, allowed_by=2, occurred_at=at
    )


def related(on: date) -> RelationRecorded:
    return RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=on)


def working(on: date, ended_on: date | None) -> RelationRecorded:
    return RelationRecorded(addressee_id=ID, kind="contract", occurred_on=on, ended_on=ended_on)


def ago(days: int) -> date:
    return NOW.date() - timedelta(days=days)


def withdrawn(days: int) -> ConsentWithdrawn:
    return ConsentWithdrawn(addressee_id=ID, occurred_at=NOW - timedelta(days=days), channel="reply")


@pytest.fixture
def world() -> World:
    world = World()
    for workspace in (A, B):
        world.run(CreateWorkspace(name="W"), workspace)
    return world


def create(world: World, n: int, workspace: WorkspaceId = A) -> Contact:
    world.run(CreateContact(workspace_id=workspace, email=BOB), uid(n))
    state = world.state("contact", uid(n))
    assert isinstance(state, Contact)
    return state


class TestErasingAnAddressee:
    def test_reaches_every_contact_and_frees_the_address(self, world: World) -> None:
        old = create(world, 20)
        create(world, 21, B)
        world.run(EraseAddressee(), old.addressee_id)
        assert all(state.erased for state in world.of("contact").values())
        assert create(world, 22).addressee_id != old.addressee_id

    def test_needs_no_contact_and_the_opt_out_still_holds_for_who_enters_the_address_anew(
        self, world: World
    ) -> None:
        old = create(world, 20)
        world.run(RecordOptOut(channel=OptOutChannel.REPLY), old.addressee_id)
        world.run(RemoveContact(), uid(20))
        events = world.run(EraseAddressee(), old.addressee_id)
        assert [event.name for event in events] == ["audience.email_forgotten", "audience.addressee_erased"]
        new = create(world, 21)
        assert new.addressee_id != old.addressee_id
        assert not world.state("addressee", new.addressee_id).contactable
        world.assert_replays()

    def test_of_one_whose_address_nobody_entered_touches_their_stream_alone(self, world: World) -> None:
        opted_out = OptedOut(addressee_id=ID, occurred_at=NOW, channel="import")
        world.happened("addressee", ID, opted_out)
        events = world.run(EraseAddressee(), ID)
        assert [event.name for event in events] == ["audience.addressee_erased"]

    def test_asked_twice_names_whose_certificate_tells_what_became_of_it(self, world: World) -> None:
        old = create(world, 20)
        world.run(EraseContact(), uid(20))
        with pytest.raises(AlreadyErased) as caught:
            world.run(EraseAddressee(), old.addressee_id)
        assert caught.value.extra == {"addressee_id": old.addressee_id}
        with pytest.raises(NotFound):
            world.run(EraseAddressee(), uid(99))

    def test_answers_until_when_the_proof_is_kept(self, world: World) -> None:
        old = create(world, 20)
        events = world.run(EraseAddressee(), old.addressee_id)
        told = EraseAddressee.answer(events)
        assert told == {"addressee_id": old.addressee_id, "evidence_ends": NOW, "evidence_until": NOW}


ANYWHERE = datetime(2032, 11, 25, 12, tzinfo=UTC)
"""It was the 24th already in the first zones on earth; and that day ends last twelve hours behind UTC."""

CANADIAN = datetime(2029, 11, 24, 8, tzinfo=UTC)
"""Three years after the erasure, as that day is over in Vancouver."""


class TestHowLongTheProofIsKept:
    def state(self, *events: object) -> Addressee:
        return given(*events).when(PlaceLegalHold(reason=REASON), target=ID).state  # type: ignore[arg-type,no-any-return]

    def kept(self, *events: object, sender: str | None = None) -> datetime:
        return keeping(self.state(*events), sender, NOW).ends

    def test_not_at_all_where_there_is_none(self) -> None:
        state = given(registered("GB")).when(RecordOptOut(channel=OptOutChannel.REPLY), target=ID).state
        assert keeping(state, "GB", NOW).ends == NOW

    @pytest.mark.parametrize(
        ("country", "sender", "until"),
        [
            ("GB", "GB", datetime(2032, 11, 24, tzinfo=UTC)),
            ("DE", "DE", datetime(2029, 12, 31, 23, tzinfo=UTC)),
            ("FR", "FR", datetime(2031, 11, 23, 23, tzinfo=UTC)),
            ("FR", "GB", datetime(2032, 11, 24, tzinfo=UTC)),
            ("CA", "CA", CANADIAN),
            ("CA", "JP", CANADIAN),
            ("CA", None, ANYWHERE),
            (None, "CA", ANYWHERE),
            ("NO", "CA", ANYWHERE),
        ],
    )
    def test_the_longest_of_the_persons_law_and_the_senders(
        self, country: str | None, sender: str | None, until: datetime
    ) -> None:
        assert self.kept(registered(country), CONSENTED, sender=sender) == until

    @pytest.mark.parametrize(
        ("events", "last"),
        [
            ((withdrawn(300),), 300),
            ((withdrawn(300), dispatched(NOW - timedelta(days=30))), 30),
            ((withdrawn(300), related(ago(60))), 60),
            ((withdrawn(300), working(ago(900), ago(40))), 40),
            ((withdrawn(30), related(ago(60))), 30),
            ((withdrawn(300), working(ago(900), None)), 0),
            ((withdrawn(300), working(ago(900), ago(-400))), 0),
            ((), 0),
            ((dispatched(NOW - timedelta(days=30)),), 0),
        ],
        ids=[
            "a withdrawal",
            "the last message",
            "a purchase",
            "a contract's end",
            "a withdrawal after a purchase",
            "a contract that goes on",
            "a contract that ends later",
            "a consent that stands",
            "a consent that stands after the last message",
        ],
    )
    def test_in_canada_and_japan_from_the_last_day_on_which_it_could_be_relied_on(
        self, events: tuple[object, ...], last: int
    ) -> None:
        """Days before the erasure, in the last zone of Canada; what still goes on counts to the erasure."""
        kept = self.kept(registered("CA"), CONSENTED, *events, sender="JP")
        day = ago(last)
        ends = datetime(day.year + 3, day.month, day.day, tzinfo=ZoneInfo("America/Vancouver")) + timedelta(1)
        assert kept == ends

    @pytest.mark.parametrize("line", PERIODS, ids=lambda line: line.law or "any")
    @pytest.mark.parametrize("start", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 12, 31)])
    def test_the_last_day_is_kept_to_its_end_wherever_it_ends_last(
        self, line: EvidencePeriod, start: date
    ) -> None:
        """On the anniversary a claim can still be brought: it is kept then, and it is not on the day after."""
        first = date(start.year, 12, 31) if line.year_end else start
        last = date(
            first.year + line.period.years, first.month, min(first.day, 28 if first.month == 2 else 31)
        )
        zones = line.zones or ("Etc/GMT+12",)
        end = line.ends(start)
        moment = timedelta(seconds=1)
        assert last in {(end - moment).astimezone(ZoneInfo(zone)).date() for zone in zones}
        assert all(end.astimezone(ZoneInfo(zone)).date() > last for zone in zones)

    @pytest.mark.parametrize("line", PERIODS, ids=lambda line: line.law or "any")
    def test_it_is_counted_from_the_day_that_it_was_where_the_law_holds(self, line: EvidencePeriod) -> None:
        zones = line.zones or ("Etc/GMT-14",)
        for hour in range(24):
            at = datetime(2026, 12, 31, hour, tzinfo=UTC)
            assert line.began(at) == max(at.astimezone(ZoneInfo(zone)).date() for zone in zones)

    def test_who_is_erased_at_new_year_in_germany_is_erased_in_the_new_year(self) -> None:
        (line,) = (line for line in PERIODS if line.law == "DE")
        at = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
        assert line.ends(line.began(at)) == datetime(2029, 12, 31, 23, tzinfo=UTC)
        later = at + timedelta(minutes=1)
        assert line.ends(line.began(later)) == datetime(2030, 12, 31, 23, tzinfo=UTC)

    def test_each_line_names_its_source(self) -> None:
        by = keeping(self.state(registered("CA"), CONSENTED), "DE", NOW).by
        assert [(one.law, one.confidence) for one in by] == [("CA", "T"), ("DE", "S")]
        assert all(line.source and line.confidence in "TGSN" for line in PERIODS)
        assert [line.law for line in PERIODS].count(None) == 1

    def test_of_those_erased_before_erasures_said_so_as_long_as_any(self) -> None:
        cls, payload = EVENTS.upcast("audience.addressee_erased", 1, {"addressee_id": str(ID)})
        event = cls.model_validate(payload)
        assert isinstance(event, AddresseeErased)
        assert event.evidence_until == event.evidence_ends == datetime.fromisoformat(LAST_OF_VERSION_1)
        assert event.evidence_until == over(date(2032, 12, 31), ()), "all of 2032, everywhere"


class TestALegalHold:
    def test_keeps_the_proof_of_who_is_erased_meanwhile(self) -> None:
        state = given(registered("DE"), CONSENTED).when(PlaceLegalHold(reason=REASON), target=ID).state
        assert state.proof.holds == (3,)

    def test_stands_against_destroying_until_it_is_released(self) -> None:
        late = timedelta(days=400)
        given(registered(), HELD, ERASED).when(ExpireEvidence(), target=ID, after=late).then(HoldStands)
        release = ReleaseLegalHold(entry=2, reason="Settled")
        given(registered(), HELD, ERASED).when(release, target=ID).then(
            LegalHoldReleased(
                addressee_id=ID, entry=2, occurred_at=NOW, reason="Settled", evidence_until=IN_A_YEAR
            )
        )
        given(registered(), HELD, ERASED).when(release, target=ID, after=late).then(
            LegalHoldReleased(
                addressee_id=ID, entry=2, occurred_at=NOW + late, reason="Settled", evidence_until=NOW + late
            )
        )

    def test_released_beside_another_or_of_nobody_erased_makes_nothing_due(self) -> None:
        release = ReleaseLegalHold(entry=2, reason="Settled")
        released = LegalHoldReleased(addressee_id=ID, entry=2, occurred_at=NOW, reason="Settled")
        given(registered(), HELD, HELD, ERASED).when(release, target=ID).then(released)
        given(registered(), HELD).when(release, target=ID).then(released)
        given(registered(), HELD, released).when(release, target=ID).then(NoSuchHold)

    def test_comes_too_late_once_the_proof_expired(self) -> None:
        expired = EvidenceExpired(addressee_id=ID)
        place = PlaceLegalHold(reason=REASON)
        given(registered(), ERASED).when(place, target=ID).then(
            LegalHoldPlaced(addressee_id=ID, occurred_at=NOW, reason=REASON)
        )
        given(registered(), ERASED, expired).when(place, target=ID).then(ProofIsGone)

    def test_leaves_the_moment_open_in_the_erasure(self, world: World) -> None:
        old = create(world, 20)
        world.run(PlaceLegalHold(reason=REASON), old.addressee_id)
        erased = world.run(EraseContact(), uid(20))[-1]
        assert isinstance(erased, AddresseeErased)
        assert erased.evidence_until is None
        assert erased.evidence_ends is not None


class TestTheKeysEnd:
    def test_each_step_waits_for_the_one_before(self) -> None:
        expired, gone = EvidenceExpired(addressee_id=ID), EvidenceKeyDestroyed(addressee_id=ID)
        late = timedelta(days=366)
        given(registered()).when(ExpireEvidence(), target=ID).then(NotErased)
        given(registered()).when(ConfirmKeyDestroyed(), target=ID).then(NotErased)
        given(registered(), ERASED).when(ExpireEvidence(), target=ID).then(ProofStillKept)
        given(registered(), ERASED).when(ConfirmEvidenceDestroyed(), target=ID).then(ProofStillKept)
        given(registered(), ERASED).when(ExpireEvidence(), target=ID, after=late).then(expired)
        given(registered(), ERASED, expired).when(ExpireEvidence(), target=ID).then()
        given(registered(), ERASED, expired).when(ConfirmEvidenceDestroyed(), target=ID).then(gone)
        given(registered(), ERASED, expired, gone).when(ConfirmEvidenceDestroyed(), target=ID).then()

    def test_an_opt_out_is_heard_when_nothing_is_left_to_seal_its_reason(self) -> None:
        stop = RecordOptOut(channel=OptOutChannel.REPLY, reason="Enough")
        given(registered(), ERASED, EvidenceExpired(addressee_id=ID)).when(stop, target=ID).then(
            OptedOut(addressee_id=ID, occurred_at=NOW, channel="reply", **TERM)
        )

    def test_the_certificate_comes_once_and_after_the_key(self) -> None:
        command = CertifyErasure(
            erased_at=NOW,
            erased_position=2,
            key_destroyed_position=3,
            positions={},
            stores=(),
            kept=(),
            complete_by=NOW,
        )
        destroyed = ProfileKeyDestroyed(addressee_id=ID)
        given(registered()).when(command, target=ID).then(NotErased)
        given(registered(), ERASED).when(command, target=ID).then(KeyStillThere)
        (certified,) = given(registered(), ERASED, destroyed).when(command, target=ID).decided
        assert certified.name == "audience.erasure_certified"
        given(registered(), ERASED, destroyed, certified).when(command, target=ID).then()


def test_an_erased_addressee_takes_no_consent(world: World) -> None:
    old = create(world, 20)
    world.run(EraseAddressee(), old.addressee_id)
    before = len(world.log)
    with pytest.raises(Exception, match="Nothing new is kept"):
        world.run(RecordConsent(occurred_on=NOW.date(), source=Source.EVENT), old.addressee_id)
    assert len(world.log) == before
