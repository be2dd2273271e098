"""An addressee's end under any sequence of commands: never un-erased, and no proof goes while anything keeps it."""

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.contact import Contact, CreateContact, RemoveContact
from domain.audience.erasure import (
    ConfirmEvidenceDestroyed,
    ConfirmKeyDestroyed,
    EraseAddressee,
    ExpireEvidence,
    PlaceLegalHold,
    ReleaseLegalHold,
)
from domain.audience.erasure_events import AddresseeErased, EvidenceExpired, LegalHoldReleased
from domain.audience.intake.vocabularies import Source
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import uid
from tests.support.unit import World

WORKSPACE = WorkspaceId(uid(10))


class ErasureMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.made = 100
        self.erased: set[AddresseeId] = set()
        self.who = AddresseeId(uid(1))

    @initialize(country=st.sampled_from([None, "CA", "DE", "NO"]))
    def somebody(self, country: str | None) -> None:
        self.world.run(CreateWorkspace(name="W"), WORKSPACE)
        self.world.run(
            CreateContact(workspace_id=WORKSPACE, email="a@x.example", country=country), uid(self.made)
        )
        contact = self.world.state("contact", uid(self.made))
        assert isinstance(contact, Contact)
        self.who = contact.addressee_id

    @property
    def state(self) -> Addressee:
        found = self.world.state("addressee", self.who)
        assert isinstance(found, Addressee)
        return found

    def ask(self, command: Command) -> bool:
        before = len(self.world.log)
        try:
            self.world.run(command, self.who)
        except Refusal:
            assert len(self.world.log) == before
            return False
        return True

    @rule(year=st.integers(2010, 2026))
    def consent(self, year: int) -> None:
        command = RecordConsent(occurred_on=date(year, 1, 1), source=Source.EVENT, wording="Yes")
        assert self.ask(command) is not self.state.erased

    @rule()
    def say_stop(self) -> None:
        assert self.ask(RecordOptOut(channel=OptOutChannel.REPLY, reason="Enough"))

    @rule()
    def leave(self) -> None:
        try:
            self.world.run(RemoveContact(), uid(self.made))
        except Refusal:
            return

    @rule()
    def erase(self) -> None:
        assert self.ask(EraseAddressee()) is (self.who not in self.erased)
        self.erased.add(self.who)

    @precondition(lambda self: self.who in self.erased)
    @rule()
    def come_back(self) -> None:
        """The address is entered anew: that is somebody else here."""
        self.made += 1
        try:
            self.world.run(CreateContact(workspace_id=WORKSPACE, email="a@x.example"), uid(self.made))
        except Refusal:
            return
        contact = self.world.state("contact", uid(self.made))
        assert isinstance(contact, Contact)
        assert contact.addressee_id not in self.erased

    @rule()
    def hold(self) -> None:
        gone = self.state.proof.expired
        assert self.ask(PlaceLegalHold(reason="Claim")) is not gone

    @rule(which=st.integers(0, 3))
    def release(self, which: int) -> None:
        holds = self.state.proof.holds
        entry = holds[which % len(holds)] if holds else 1
        assert self.ask(ReleaseLegalHold(entry=entry, reason="Settled")) is bool(holds)

    @rule()
    def shred(self) -> None:
        assert self.ask(ConfirmKeyDestroyed()) is self.state.erased

    @rule()
    def expire(self) -> None:
        state, known = self.state, self.state.proof.expired
        may = (
            state.erased and not state.proof.holds and (state.proof.ends or self.world.now) <= self.world.now
        )
        assert self.ask(ExpireEvidence()) is (known or may)

    @rule()
    def forget(self) -> None:
        assert self.ask(ConfirmEvidenceDestroyed()) is self.state.proof.expired

    @rule(years=st.integers(1, 4))
    def wait(self, years: int) -> None:
        self.world.later(timedelta(days=366 * years))

    @invariant()
    def an_erased_addressee_stays_erased(self) -> None:
        for who in self.erased:
            state = self.world.state("addressee", who)
            assert state.erased
            assert not state.contactable

    @invariant()
    def no_proof_expires_under_a_hold_or_of_anybody_who_is_not_erased(self) -> None:
        if self.state.proof.expired:
            assert self.state.erased
            assert not self.state.proof.holds

    @invariant()
    def what_is_due_is_told_exactly_where_nothing_holds(self) -> None:
        """The last erasure or release tells when the proof goes, unless a hold stood then or stands since."""
        told = [
            event
            for name, event in self.world.log
            if name == f"addressee:{self.who}" and isinstance(event, AddresseeErased | LegalHoldReleased)
        ]
        expired = any(isinstance(event, EvidenceExpired) for _, event in self.world.log)
        if self.state.erased and not self.state.proof.holds and not expired:
            assert told[-1].evidence_until is not None

    @invariant()
    def replay_is_deterministic(self) -> None:
        self.world.assert_replays()


TestErasure = ErasureMachine.TestCase
TestErasure.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
