"""A campaign under any sequence of edits, requests, answers and waiting, by people who may be anybody in it."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.campaign.commands import (
    ApproveCampaign,
    ApproveCompliance,
    ArchiveCampaign,
    ChangeCampaignPlan,
    RejectCampaign,
    RequestApproval,
    TimeOutReview,
    WithdrawCampaign,
)
from domain.campaign.events import CampaignApprovalRequested, CampaignEvent
from domain.campaign.state import Approved, Archived, Campaign, Draft, InReview, content_hash
from domain.kernel.commands import Actor, Command
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from tests.support.campaigns import CAMPAIGN, LIST, WORKSPACE, content, create, opened
from tests.support.given import ACTOR, member

PEOPLE = st.sampled_from([*(member(n) for n in (70, 71, 72, 73)), ACTOR])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "subject": st.sampled_from(["Saws", "Hammers for {{ title | default: 'you' }}"]),
        "promotion": st.sampled_from([None, True, False]),
        "unsubscribe_notice": st.sampled_from([None, True]),
        "text": st.sampled_from(["{{ company.name }}", None]),
    },
)
PLANS = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "B"])},
    optional={
        "countries": st.sampled_from([["DE"], ["US", "DE"]]),
        "list_ids": st.sampled_from([[LIST], []]),
    },
)
WAITS = st.sampled_from([timedelta(hours=1), timedelta(hours=47), timedelta(hours=48), timedelta(days=9)])


class CampaignMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.wrote: set[Any] = set()
        """Who had an edit accepted."""
        self.asked_at: datetime | None = None
        self.asked_of: str | None = None
        self.yes: dict[type[Command], Any] = {}
        """Who said yes since the last request, by the command that they said it with."""

    @initialize()
    def begin(self) -> None:
        self.world = opened()
        self.world.run(create(), CAMPAIGN, actor=member(70))
        self.wrote.add(member(70).member)

    @property
    def campaign(self) -> Campaign:
        state = self.world.state("campaign", CAMPAIGN)
        assert isinstance(state, Campaign)
        return state

    def ask(self, command: Command, actor: Actor) -> list[Event]:
        before, log = self.campaign, len(self.world.log)
        try:
            events = self.world.run(command, CAMPAIGN, actor=actor)
        except Refusal:
            assert len(self.world.log) == log
            return []
        assert events or before == self.campaign
        if not isinstance(command, TimeOutReview | ArchiveCampaign):
            assert actor.member is not None or not events
        return events

    @rule(changes=CHANGES, actor=PEOPLE)
    def write(self, changes: dict[str, Any], actor: Actor) -> None:
        self.edit(content(**changes), actor)

    @rule(plan=PLANS, actor=PEOPLE)
    def plan(self, plan: dict[str, Any], actor: Actor) -> None:
        self.edit(ChangeCampaignPlan.model_validate(plan), actor)

    def edit(self, command: Command, actor: Actor) -> None:
        before = self.campaign.content_hash
        if self.ask(command, actor):
            self.wrote.add(actor.member)
            assert before != self.campaign.content_hash
            assert isinstance(self.campaign.phase, Draft)

    @rule(actor=PEOPLE)
    def request(self, actor: Actor) -> None:
        for event in self.ask(RequestApproval(), actor):
            if isinstance(event, CampaignApprovalRequested):
                self.asked_at, self.asked_of, self.yes = self.world.now, event.content_hash, {}

    @rule(actor=PEOPLE, kind=st.sampled_from([ApproveCampaign, ApproveCompliance]), current=st.booleans())
    def approve(
        self, actor: Actor, kind: type[ApproveCampaign | ApproveCompliance], *, current: bool
    ) -> None:
        read = self.campaign.content_hash if current else "0" * 64
        if self.ask(kind(content_hash=read), actor):
            assert read == self.asked_of
            assert actor.member not in self.wrote
            assert self.asked_at is not None
            assert self.world.now < self.asked_at + timedelta(hours=48)
            self.yes[kind] = actor.member

    @rule(actor=PEOPLE)
    def reject(self, actor: Actor) -> None:
        command = RejectCampaign(content_hash=self.campaign.content_hash, reason="No.")
        if self.ask(command, actor):
            assert isinstance(self.campaign.phase, Draft)

    @rule(actor=PEOPLE)
    def withdraw(self, actor: Actor) -> None:
        if self.ask(WithdrawCampaign(), actor):
            assert isinstance(self.campaign.phase, Draft)

    @rule()
    def time_out(self) -> None:
        waiting = isinstance(self.campaign.phase, InReview)
        assert self.asked_at is not None or not waiting
        over = self.asked_at is not None and self.world.now >= self.asked_at + timedelta(hours=48)
        assert bool(self.ask(TimeOutReview(), ACTOR)) is (waiting and over)

    @rule(actor=PEOPLE, really=st.integers(0, 9))
    def archive(self, actor: Actor, really: int) -> None:
        if really == 0:
            self.ask(ArchiveCampaign(), actor)
            assert isinstance(self.campaign.phase, Archived)

    @rule(by=WAITS)
    def wait(self, by: timedelta) -> None:
        self.world.later(by)

    @invariant()
    def an_approval_is_of_what_stands_there_by_people_who_did_not_write_it(self) -> None:
        state = self.campaign
        if isinstance(state.phase, Approved):
            assert state.phase.content_hash == content_hash(state.plan, state.content) == self.asked_of
            approvers = [who for _, who in state.phase.given]
            assert sorted(approvers) == sorted(self.yes.values())
            assert len(set(approvers)) == len(approvers)
            assert not set(approvers) & self.wrote
            assert state.content is not None
            wanted: set[type[Command]] = {ApproveCampaign}
            if state.content.promotion is not False:
                wanted.add(ApproveCompliance)
            assert set(self.yes) == wanted

    @invariant()
    def nothing_that_is_asked_or_approved_lacks_anything(self) -> None:
        state = self.campaign
        if isinstance(state.phase, InReview | Approved):
            assert state.checked is not None
            assert state.checked.content_hash == state.content_hash
            assert (state.checked.missing, state.checked.missing_tokens) == ((), ())
            assert state.plan.list_ids

    @invariant()
    def every_event_is_of_this_workspace(self) -> None:
        for name, event in self.world.log:
            if name.startswith("campaign:"):
                assert isinstance(event, CampaignEvent)
                assert event.workspace_id == WORKSPACE

    @invariant()
    def authors_are_who_wrote(self) -> None:
        assert self.campaign.authors == self.wrote

    @invariant()
    def replay_is_deterministic(self) -> None:
        self.world.assert_replays()


TestCampaign = CampaignMachine.TestCase
TestCampaign.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
