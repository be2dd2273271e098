"""A campaign under any sequence of edits, requests, answers and waiting, by people who may be anybody in it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from application.handlers import campaigns
from application.templates import read_content
from domain.audience.contact_list import ListMembersAdded
from domain.campaign import approval
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
from domain.kernel.ids import ContactId
from domain.law.facts import Purpose
from tests.support.campaigns import (
    AUTHOR,
    CAMPAIGN,
    LIST,
    MANAGER,
    OFFICER,
    WORKSPACE,
    content,
    create,
    opened,
)
from tests.support.given import ACTOR, member, uid

FEW, MANY = 2, 4
"""How many are on the list, and above how many an officer's yes is wanted: 10,000 say the same, and slowly."""
SMALL = tuple(replace(one, above=None if one.above is None else MANY) for one in approval.APPROVALS)
PEOPLE = st.sampled_from([*(member(n) for n in (70, 71, 72, 73)), ACTOR])
AUTHORS = st.sampled_from([*[AUTHOR] * 5, *[member(71)] * 5, MANAGER, ACTOR])
"""Whoever of the others writes as well has no say any more, for good."""
JUDGES = st.sampled_from([MANAGER, MANAGER, OFFICER, OFFICER, AUTHOR, ACTOR])
YES = st.sampled_from([ApproveCampaign, ApproveCompliance])
ANSWERS = [
    "yes",
    "yes of all who are wanted",
    "yes in both parts",
    "yes of an author",
    "yes to other words",
    "yes at the end",
    "yes at the last second",
    "yes after others came",
    "no",
    "nothing",
]
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "subject": st.sampled_from(["Saws", "Hammers for {{ title | default: 'you' }}"]),
        "promotion": st.sampled_from([None, True, False]),
        "unsubscribe_notice": st.sampled_from([None, True]),
        "text": st.sampled_from(["{{ company.name }}", None]),
    },
)
WHOLE = st.fixed_dictionaries(
    {"subject": st.sampled_from(["Saws", "Hammers"]), "promotion": st.sampled_from([True, False])}
)
"""What lacks nothing, whatever of it is taken."""
PLANS = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "B"])},
    optional={
        "countries": st.sampled_from([["DE"], ["US", "DE"]]),
        "list_ids": st.sampled_from([[LIST], []]),
        "purpose": st.sampled_from(list(Purpose)),
    },
)
WAITS = st.sampled_from([timedelta(hours=hours) for hours in (1, 2, 3, 47, 48, 200)])


Step = Callable[..., None]


def _in(*phases: type) -> Callable[[Step], Step]:
    return precondition(lambda machine: isinstance(machine.campaign.phase, phases))


class CampaignMachine(RuleBasedStateMachine):
    reached: ClassVar[Counter[str]] = Counter()
    """How often a phase, an event or a refusal was come to, by its class."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote: set[Any] = set()
        """Who had an edit accepted."""
        self.asked_at: datetime | None = None
        self.asked_of: str | None = None
        self.wanted: set[type[Command]] = set()
        """Whose yes is wanted since the last request, by the command that it is said with."""
        self.yes: dict[type[Command], Any] = {}
        """Who said yes since the last request, by the command that they said it with."""
        self.listed = FEW
        self._approvals = approval.APPROVALS
        approval.APPROVALS = SMALL  # type: ignore[misc, assignment] # data, not code

    def teardown(self) -> None:
        approval.APPROVALS = self._approvals  # type: ignore[misc] # as it was
        self.world.assert_replays()

    @initialize(written=st.sampled_from([True, True, True, False]), changes=WHOLE)
    def begin(self, changes: dict[str, Any], *, written: bool) -> None:
        self.world = opened(contacts=FEW)
        self.world.run(create(), CAMPAIGN, actor=AUTHOR)
        self.wrote.add(AUTHOR.member)
        if written:
            self.edit(content(**changes), AUTHOR)
        self.request(AUTHOR)

    @property
    def campaign(self) -> Campaign:
        state = self.world.state("campaign", CAMPAIGN)
        assert isinstance(state, Campaign)
        return state

    def ask(self, command: Command, actor: Actor) -> list[Event]:
        before, log = self.campaign, len(self.world.log)
        try:
            events = self.world.run(command, CAMPAIGN, actor=actor)
        except Refusal as refusal:
            assert len(self.world.log) == log
            self.reached[type(refusal).__name__] += 1
            return []
        assert events or before == self.campaign
        self.reached.update(type(one).__name__ for one in (*events, self.campaign.phase))
        if not isinstance(command, TimeOutReview | ArchiveCampaign):
            assert actor.member is not None or not events
        return events

    @rule(changes=CHANGES, actor=AUTHORS)
    def write(self, changes: dict[str, Any], actor: Actor) -> None:
        self.edit(content(**changes), actor)

    @rule(plan=PLANS, actor=AUTHORS)
    def plan(self, plan: dict[str, Any], actor: Actor) -> None:
        self.edit(ChangeCampaignPlan.model_validate(plan), actor)

    @_in(Draft)
    @rule(
        changes=WHOLE,
        purpose=st.sampled_from([Purpose.MARKETING, Purpose.MARKETING, Purpose.REFERRAL]),
        answers=st.lists(st.tuples(st.sampled_from(ANSWERS), JUDGES, YES), min_size=1, max_size=4),
    )
    def make_whole(
        self, changes: dict[str, Any], purpose: Purpose, answers: list[tuple[str, Actor, Any]]
    ) -> None:
        """It lacks nothing from here on; a yes is asked for, and there are answers at once."""
        plan = ChangeCampaignPlan(name="C", list_ids=(LIST,), countries=("DE", "US"), purpose=purpose)
        self.edit(plan, AUTHOR)
        self.edit(content(**changes), AUTHOR)
        self.request(AUTHOR)
        for how, actor, kind in answers:
            if isinstance(self.campaign.phase, InReview):
                self.answer_so(how, actor, kind)

    @_in(Draft)
    @rule(lack=st.sampled_from([{"unsubscribe_notice": None}, {"text": "Saws"}, {"list_ids": ()}]))
    def ask_in_vain(self, lack: dict[str, Any]) -> None:
        """Something is missing: to a law, to us, or of the people it goes to."""
        plan = {"name": "D", "list_ids": (LIST,), "countries": ("DE", "US")}
        self.edit(ChangeCampaignPlan.model_validate({**plan, **lack} if "list_ids" in lack else plan), AUTHOR)
        self.edit(content(**{name: lack[name] for name in lack.keys() - plan.keys()}), AUTHOR)
        self.request(AUTHOR)
        assert isinstance(self.campaign.phase, Draft)

    def edit(self, command: Command, actor: Actor) -> None:
        before = self.campaign.content_hash
        if self.ask(command, actor):
            self.wrote.add(actor.member)
            assert before != self.campaign.content_hash
            assert isinstance(self.campaign.phase, Draft)

    @rule(actor=AUTHORS)
    def ask_for_a_yes(self, actor: Actor) -> None:
        self.request(actor)

    def request(self, actor: Actor) -> None:
        for event in self.ask(RequestApproval(), actor):
            if isinstance(event, CampaignApprovalRequested):
                self.asked_at, self.asked_of, self.yes = self.world.now, event.content_hash, {}
                self.wanted = self.wanted_now()

    def wanted_now(self) -> set[type[Command]]:
        """Whose yes is wanted of what stands there, for as many as are on the list."""
        state = self.campaign
        told = state.content is not None and state.content.promotion is False
        officer = not told or self.listed > MANY or state.plan.purpose == Purpose.TRANSACTIONAL
        return {ApproveCampaign, ApproveCompliance} if officer else {ApproveCampaign}

    @rule(actor=PEOPLE, kind=YES, current=st.booleans())
    def approve(
        self, actor: Actor, kind: type[ApproveCampaign | ApproveCompliance], *, current: bool
    ) -> None:
        read = self.campaign.content_hash if current else "0" * 64
        if self.ask(kind(content_hash=read), actor):
            assert read == self.asked_of
            assert actor.member not in self.wrote
            assert self.asked_at is not None
            assert self.world.now < self.asked_at + timedelta(hours=48)
            assert kind in self.wanted - self.yes.keys()
            assert self.wanted_now() <= self.wanted
            self.yes[kind] = actor.member

    @_in(InReview)
    @rule(how=st.sampled_from(ANSWERS), actor=JUDGES, kind=YES)
    def answer(self, how: str, actor: Actor, kind: type[ApproveCampaign | ApproveCompliance]) -> None:
        self.answer_so(how, actor, kind)

    def answer_so(self, how: str, actor: Actor, kind: type[ApproveCampaign | ApproveCompliance]) -> None:
        """What people say to an open request, each as likely as the others."""
        assert self.asked_at is not None
        kinds, ends = [ApproveCampaign, ApproveCompliance], self.asked_at + timedelta(hours=48)
        match how:
            case "yes of all who are wanted":
                for one in (kind, *kinds):
                    self.approve(MANAGER if one is ApproveCampaign else OFFICER, one, current=True)
            case "yes in both parts":
                for one in kinds:
                    self.approve(actor, one, current=True)
            case "yes of an author":
                self.approve(AUTHOR, kind, current=True)
            case "yes to other words":
                self.approve(MANAGER, ApproveCampaign, current=False)
            case "yes at the end" | "yes at the last second":
                last = ends if how == "yes at the end" else ends - timedelta(seconds=1)
                self.world.now = max(self.world.now, last)
                self.approve(MANAGER, ApproveCampaign, current=True)
            case "yes after others came":
                self.grow(MANY)
                self.approve(MANAGER, ApproveCampaign, current=True)
            case "no":
                self.reject(actor)
            case "nothing":
                self.world.now = max(self.world.now, ends)
                self.time_out()
            case _:
                self.approve(actor, kind, current=True)

    @_in(InReview)
    @rule(by=st.integers(1, MANY))
    def grow(self, by: int) -> None:
        """Others come to the list while a yes is waited for."""
        new = [ContactId(uid(20_000 + self.listed + n)) for n in range(by)]
        self.world.happened(
            "list", LIST, ListMembersAdded(list_id=LIST, workspace_id=WORKSPACE, contact_ids=new)
        )
        self.listed += by

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
        if really == 7:
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
            assert set(self.yes) == self.wanted

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


@pytest.fixture(autouse=True)
def texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a text holds depends on it alone, and the machine writes the same few thousands of times."""
    monkeypatch.setattr(campaigns, "read_content", cache(read_content))


TestCampaign = CampaignMachine.TestCase
TestCampaign.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)

EVERYWHERE = {
    *("Draft", "InReview", "Approved", "Archived"),
    *("CampaignContentWritten", "CampaignPlanChanged", "CampaignChecked"),
    *("CampaignApprovalRequested", "CampaignApprovalGiven", "CampaignApprovalVoided"),
    *("CampaignRejected", "CampaignReviewTimedOut", "CampaignWithdrawn", "CampaignArchived"),
    *("AuthorCannotApprove", "OtherContent", "OneYesEach", "PartNotWanted", "MoreRecipients"),
    *("ReviewTimedOut", "ReviewNotOver", "NotADraft", "NotInReview", "NothingToWithdraw"),
    *("NobodyNamed", "NoContentYet", "NoRecipientsYet", "ElementsMissing", "TokensMissing"),
    "CampaignIsArchived",
}
"""Every phase and every way to it, and every rule that an edit, a request or an answer can break."""


def test_the_machine_comes_to_every_phase_and_against_every_rule() -> None:
    """The same examples each time: what a property never comes to, it says nothing of."""

    class Counted(CampaignMachine):
        reached: ClassVar[Counter[str]] = Counter()

    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=250, stateful_step_count=30, deadline=None, derandomize=True, database=None
        ),
    )
    assert EVERYWHERE - Counted.reached.keys() == set()
