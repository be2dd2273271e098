"""People's ledgers under any sequence of commands: nothing goes to who said stop, and every decision can be made again.

Contacts come, are erased and come back; people consent, once or twice, withdraw, say stop to all or to some, and want
mail again; addresses bounce; messages are decided on and handed over; time passes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeSuppressed, MessageDispatched, PermissionDecided
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import (
    HOLDS_FOR,
    AuthoriseMessage,
    DispatchMessage,
    authorised,
    judged_again,
    message_of,
)
from domain.audience.authorisation_batch import AuthoriseMessages, OneMessage
from domain.audience.consent_commands import OptOutKind
from domain.audience.consent_events import OptedOut
from domain.audience.ledger import (
    SuppressionReason,
)
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from domain.law.facts import Purpose, Scope
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.ledger_model import Permit, Place
from tests.support.ledger_rules import LedgerOfPeople
from tests.support.ledger_values import AGO, CHANNEL, FLAGS, HERE, PLACES, WORKSPACES, Flag

STRICT = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
PURPOSES = st.sampled_from([Purpose.MARKETING, Purpose.MARKETING, *Purpose])
TYPES = st.sampled_from([None, "news", "offers"])
THEN = st.sampled_from(["at once", "at once", "late", "after a stop", "after a consent", "by another", None])
"""How a message is handed over after its decision; None: some time, or never."""
people = LedgerOfPeople.people


class LedgerMachine(LedgerOfPeople):
    messages: Bundle[tuple[AddresseeId, MessageId]] = Bundle("messages")

    # What is decided and sent.
    def decided(self, who: AddresseeId, event: Event, workspace: WorkspaceId) -> None:
        """Hold a decision against what is known to be so."""
        assert isinstance(event, PermissionDecided)
        known, version, message = self.known[who], self.version(who), event.message
        if known.may_not(workspace, message.purpose, message.campaign_type):
            assert event.verdict == Verdict.DENY
        known.permits.pop(event.message_id, None)
        if event.verdict == Verdict.ALLOW:
            assert event.expires_at is not None
            assert event.decided_at < event.expires_at <= event.decided_at + HOLDS_FOR
            rests_on = {entry for reason in event.reasons for entry in reason.entries}
            assert rests_on <= known.grounds(workspace)
            known.permits[event.message_id] = Permit(version, event.expires_at, workspace)

    @rule(
        target=messages,
        who=people,
        workspace=HERE,
        purpose=PURPOSES,
        campaign_type=TYPES,
        flag=FLAGS,
        then=THEN,
        behind=st.sampled_from([timedelta(), timedelta(seconds=2)]),
    )
    def authorise(
        self,
        who: AddresseeId,
        workspace: WorkspaceId,
        purpose: Purpose,
        campaign_type: str | None,
        flag: Flag,
        then: str | None,
        behind: timedelta,
    ) -> Any:
        message_id = MessageId(self.fresh())
        command = AuthoriseMessage(
            message_id=message_id,
            workspace_id=workspace,
            purpose=purpose,
            campaign_type=campaign_type,
            similar_goods=flag,
            role_relevant=flag,
        )
        # Whoever decides may have a clock that is behind that of whoever entered the last stop.
        (event,) = self.world.run(command, who, at=self.world.now - behind)
        self.decided(who, event, workspace)
        match then:
            case "late":
                self.world.later(HOLDS_FOR)
            case "after a stop":
                self.stop(who, timedelta(), None)
            case "after a consent":
                self.consent(who, 0, ("Yes.", False))
            case "by another":
                workspace = WORKSPACES[workspace == WORKSPACES[0]]
            case _:
                pass
        if then is not None:
            self.hand_over(who, message_id, workspace)
        return who, message_id

    @rule(message=messages, workspace=HERE)
    def authorise_again(self, message: tuple[AddresseeId, MessageId], workspace: WorkspaceId) -> None:
        who, message_id = message
        done = self.ask(AuthoriseMessage(message_id=message_id, workspace_id=workspace), who)
        assert (done is None) is (message_id in self.known[who].gone)
        for event in done or ():
            self.decided(who, event, workspace)

    @rule(workspace=HERE, campaign_type=TYPES)
    def authorise_all(self, workspace: WorkspaceId, campaign_type: str | None) -> None:
        wanted = tuple(OneMessage(addressee_id=who, message_id=MessageId(self.fresh())) for who in self.known)
        if wanted:
            command = AuthoriseMessages(workspace_id=workspace, campaign_type=campaign_type, messages=wanted)
            for event in self.world.run(command, self.fresh()):
                if isinstance(event, PermissionDecided):
                    self.decided(event.addressee_id, event, workspace)

    @rule(message=messages, workspace=HERE)
    def dispatch(self, message: tuple[AddresseeId, MessageId], workspace: WorkspaceId) -> None:
        self.hand_over(*message, workspace)

    def hand_over(self, who: AddresseeId, message_id: MessageId, workspace: WorkspaceId) -> None:
        known, now = self.known[who], self.world.now
        permit, before = known.permits.get(message_id), self.version(who)
        usable = permit is not None and permit.workspace == workspace and now < permit.expires_at
        done = self.ask(DispatchMessage(message_id=message_id, workspace_id=workspace), who)
        assert (done is not None) is (usable and message_id not in known.gone)
        if done is None or permit is None:
            return
        for event in done[:1]:
            if isinstance(event, PermissionDecided):
                assert permit.version < before, "nothing came since, and it was decided again"
                self.decided(who, event, workspace)
        last = done[-1]
        assert isinstance(last, MessageDispatched) or len(done) == 1
        if isinstance(last, MessageDispatched):
            assert message_id not in known.gone
            assert last.allowed_by == self.version(who) - 1
            allowed = [event for name, event in self.world.log if name == f"addressee:{who}"][
                last.allowed_by - 1
            ]
            assert isinstance(allowed, PermissionDecided)
            assert (allowed.message_id, allowed.verdict, allowed.workspace_id) == (
                message_id,
                "allow",
                workspace,
            )
            assert not known.may_not(workspace, allowed.message.purpose, allowed.message.campaign_type)
            known.gone.add(message_id)
            del known.permits[message_id]

    @rule(who=people, workspace=HERE, purpose=PURPOSES, campaign_type=TYPES, place=PLACES, data=st.data())
    def one_more_suppression_eases_nothing(
        self,
        who: AddresseeId,
        workspace: WorkspaceId,
        purpose: Purpose,
        campaign_type: str | None,
        place: Place,
        data: st.DataObject,
    ) -> None:
        """Wherever somebody stands, whoever suppresses them, and since when: no deny or hold becomes less."""
        state, (scope, within) = self.person(who), place
        since = self.world.now - data.draw(AGO)
        more: Event
        if data.draw(st.booleans()):
            more = OptedOut(
                addressee_id=who,
                scope=scope,
                within=within,
                occurred_at=since,
                channel=CHANNEL,
                kind=data.draw(st.sampled_from(OptOutKind)),
            )
        else:
            kind = data.draw(st.sampled_from(SuppressionReason))
            more = AddresseeSuppressed(
                addressee_id=who, kind=kind, scope=scope, within=within, occurred_at=since
            )
        asked = AuthoriseMessage(
            message_id=MessageId(self.fresh()),
            workspace_id=workspace,
            purpose=purpose,
            campaign_type=campaign_type,
        )
        before, after = (
            authorised(one, asked.message_id, workspace, message_of(asked), self.sender, self.world.now)
            for one in (state, ADDRESSEE.evolve(state, more))
            if isinstance(one, Addressee)
        )
        assert STRICT[Verdict(after.verdict)] >= STRICT[Verdict(before.verdict)]

    @rule(
        time=st.sampled_from(
            [timedelta(minutes=4), timedelta(minutes=11), timedelta(days=2), timedelta(days=300)]
        )
    )
    def wait(self, time: timedelta) -> None:
        self.world.later(time)

    @invariant()
    def who_said_stop_or_was_erased_is_not_contactable_and_everybody_else_is(self) -> None:
        for who, known in self.known.items():
            stopped = known.erased or known.words.forbid((Scope.TENANT, None))
            assert self.person(who).contactable is not stopped

    @invariant()
    def the_ledger_is_what_was_entered(self) -> None:
        for who, known in self.known.items():
            state = self.person(who)
            assert {one.position for one in state.consents if one.withdrawn_at is None} == known.consents
            assert {one.position for one in state.relations} == known.relations
            held = [one for one in state.suppressions if one.kind.value in set(SuppressionReason)]
            assert {one.position for one in held if one.ended_at is None} == known.suppressed.keys()

    def teardown(self) -> None:
        """Replay gives what is live; every decision can be made again, to the byte, from what was stored before it."""
        self.world.assert_replays()
        states: dict[str, Any] = {}
        for name, event in self.world.log:
            if not name.startswith("addressee:"):
                continue
            stored = type(event).model_validate_json(event.model_dump_json())
            state = states.get(name, ADDRESSEE.initial)
            if isinstance(stored, PermissionDecided):
                again = judged_again(stored, state.person, load_packs())
                assert again.model_dump_json() == event.model_dump_json()
            states[name] = ADDRESSEE.evolve(state, stored)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=400, stateful_step_count=50, deadline=None)
