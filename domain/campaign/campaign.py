"""A campaign from its draft to a yes: what each command does to it.

Whoever wrote at a campaign says no yes to it. A yes is of one content, told by its hash; any edit takes it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from domain.campaign.approval import ANSWER_WITHIN, MOST_NOT_BULK, Part, parts_wanted
from domain.campaign.checking import check, lawful, lawful_countries, says_the_same
from domain.campaign.commands import (
    Answer,
    ApproveCampaign,
    ApproveCompliance,
    ArchiveCampaign,
    ChangeCampaignPlan,
    CheckCampaign,
    CreateCampaign,
    OwnCommand,
    PlanFields,
    RejectCampaign,
    RequestApproval,
    TimeOutReview,
    WithdrawCampaign,
    WriteContent,
)
from domain.campaign.content import declared
from domain.campaign.events import (
    CampaignApprovalGiven,
    CampaignApprovalRequested,
    CampaignApprovalVoided,
    CampaignArchived,
    CampaignContentWritten,
    CampaignDrafted,
    CampaignEvent,
    CampaignPlan,
    CampaignPlanChanged,
    CampaignRejected,
    CampaignReviewTimedOut,
    CampaignWithdrawn,
)
from domain.campaign.refusals import (
    AuthorCannotApprove,
    CampaignIdTaken,
    CampaignIsArchived,
    IsBulk,
    MoreRecipients,
    NobodyNamed,
    NoContentYet,
    NoRecipientsYet,
    NotADraft,
    NothingToWithdraw,
    NotInReview,
    OneYesEach,
    OtherContent,
    PartNotWanted,
    ReviewNotOver,
    ReviewTimedOut,
)
from domain.campaign.state import (
    Approved,
    Archived,
    Campaign,
    CampaignState,
    Draft,
    InReview,
    NoCampaign,
    evolve,
    name_of,
)
from domain.kernel.commands import Actor, ActorKind, Decider
from domain.kernel.errors import NotFound
from domain.kernel.ids import CampaignId, MemberId
from domain.law.facts import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.campaign.content import CampaignContent
    from domain.law.pack import Pack

_LETTERS_OF_AN_ID: Final = 190


def somebody(actor: Actor) -> MemberId:
    """The member who asks, or for whom a key speaks."""
    if actor.member is not None:
        return MemberId(actor.member)
    if actor.kind is ActorKind.MEMBER:
        return MemberId(actor.id)
    raise NobodyNamed


def drafted(command: CreateCampaign, state: CampaignState) -> CampaignDrafted:
    """The new campaign."""
    if isinstance(state, Campaign):
        raise CampaignIdTaken
    return CampaignDrafted(
        campaign_id=CampaignId(command.stamp.target),
        workspace_id=command.workspace_id,
        plan=plan_of(command),
        author=somebody(command.stamp.actor),
    )


def plan_of(command: PlanFields) -> CampaignPlan:
    """What a command says of the plan, in its one form: ids and countries once each, in order."""
    return CampaignPlan(
        title=command.name,
        purpose=command.purpose,
        campaign_type=command.campaign_type,
        list_ids=tuple(sorted(set(command.list_ids))),
        countries=lawful_countries(command.countries),
        similar_goods=command.similar_goods,
        role_relevant=command.role_relevant,
        charitable=command.charitable,
    )


def open_campaign(state: CampaignState) -> Campaign:
    """A campaign that is there and may change."""
    if isinstance(state, NoCampaign):
        raise NotFound
    if isinstance(state.phase, Archived):
        raise CampaignIsArchived
    return state


def replanned(
    command: ChangeCampaignPlan, before: CampaignState, sender_country: str | None
) -> tuple[CampaignEvent, ...]:
    """Another plan, and what follows from it."""
    state, author = open_campaign(before), somebody(command.stamp.actor)
    after = plan_of(command)
    if after == state.plan:
        return ()
    changed = CampaignPlanChanged(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        before=state.plan,
        after=after,
        author=author,
    )
    return _edited(state, changed, author, sender_country, command.stamp.at)


def written(
    command: WriteContent, before: CampaignState, shown: frozenset[str], sender_country: str | None
) -> tuple[CampaignEvent, ...]:
    """Another content, and what follows from it. `shown`: the tokens that every body shows to everybody."""
    state, author = open_campaign(before), somebody(command.stamp.actor)
    content = command.content.kept()
    if content == state.content:
        return ()
    changed = CampaignContentWritten(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        content=content,
        shown=tuple(sorted(shown)),
        author=author,
    )
    return _edited(state, changed, author, sender_country, command.stamp.at)


def _edited(
    state: Campaign,
    change: CampaignPlanChanged | CampaignContentWritten,
    author: MemberId,
    sender_country: str | None,
    at: datetime,
) -> tuple[CampaignEvent, ...]:
    """A review that is over ends first; then the edit takes away what it was not asked for; then it is checked."""
    events: list[CampaignEvent] = list(_overdue(state, at))
    current = _folded(state, *events)
    events.append(change)
    after = _folded(current, change)
    if not isinstance(current.phase, Draft):
        events.append(
            CampaignApprovalVoided(
                campaign_id=state.campaign_id,
                workspace_id=state.workspace_id,
                state_before=name_of(current.phase),
                hash_before=current.content_hash,
                hash_after=after.content_hash,
                edited_by=author,
            )
        )
    return (*events, *_checked(after, sender_country, at))


def rechecked(
    command: CheckCampaign, before: CampaignState, sender_country: str | None
) -> tuple[CampaignEvent, ...]:
    """What a campaign lacks by the laws as they are known now."""
    return _checked(open_campaign(before), sender_country, command.stamp.at)


def _checked(state: Campaign, sender_country: str | None, at: datetime) -> tuple[CampaignEvent, ...]:
    checked = check(state, sender_country, at)
    return () if checked is None or says_the_same(checked, state.checked) else (checked,)


def requested(
    command: RequestApproval,
    before: CampaignState,
    recipients: int,
    sender_country: str | None,
    packs: Sequence[Pack] | None = None,
) -> tuple[CampaignEvent, ...]:
    """The request for a yes, to a campaign that lacks nothing. `recipients`: how many it goes to, at most."""
    at = command.stamp.at
    state, asking = open_campaign(before), somebody(command.stamp.actor)
    events: list[CampaignEvent] = list(_overdue(state, at))
    state = _folded(state, *events)
    if not isinstance(state.phase, Draft):
        raise NotADraft
    checked = check(state, sender_country, at, packs)
    if checked is None or state.content is None:
        raise NoContentYet
    if not state.plan.list_ids:
        raise NoRecipientsYet
    lawful(state, checked, packs)
    _as_many_as_said(state.content, recipients)
    if not says_the_same(checked, state.checked):
        events.append(checked)
    events.append(
        CampaignApprovalRequested(
            campaign_id=state.campaign_id,
            workspace_id=state.workspace_id,
            content_hash=state.content_hash,
            requested_by=asking,
            requested_at=at,
            answer_by=at + ANSWER_WITHIN,
            recipients=recipients,
            parts=_parts(state.plan, state.content, recipients),
        )
    )
    return tuple(events)


def decide(command: OwnCommand, before: CampaignState) -> tuple[CampaignEvent, ...]:
    """What a command does to the campaign, where nothing else has a say."""
    at, actor = command.stamp.at, command.stamp.actor
    if isinstance(before, Campaign) and isinstance(before.phase, Archived) and _changes_nothing(command):
        return ()
    state = open_campaign(before)
    match command:
        case RejectCampaign():
            rejecting, review = somebody(actor), _review(command, state)
            rejected = CampaignRejected(
                campaign_id=state.campaign_id,
                workspace_id=state.workspace_id,
                content_hash=review.content_hash,
                rejected_by=rejecting,
                reason=command.reason,
            )
            return (rejected,)
        case WithdrawCampaign():
            return _withdrawn(state, somebody(actor), at)
        case TimeOutReview():
            if not isinstance(state.phase, InReview):
                return ()  # answered meanwhile
            overdue = _overdue(state, at)
            if not overdue:
                raise ReviewNotOver
            return overdue
        case ArchiveCampaign():
            archived = CampaignArchived(campaign_id=state.campaign_id, workspace_id=state.workspace_id)
            return (*_overdue(state, at), archived)
        case _:
            assert_never(command)


def _changes_nothing(command: OwnCommand) -> bool:
    """Whether an archived campaign is what the command wants, or what it comes too late for."""
    return isinstance(command, ArchiveCampaign | TimeOutReview)


def _review(command: Answer, state: Campaign) -> InReview:
    """The open request that an answer is to."""
    review = state.phase
    if not isinstance(review, InReview):
        raise NotInReview
    if command.stamp.at >= review.answer_by:
        raise ReviewTimedOut
    if command.content_hash != review.content_hash:
        raise OtherContent
    return review


def approved(
    command: ApproveCampaign | ApproveCompliance,
    before: CampaignState,
    recipients: int,
    sender_country: str | None,
    packs: Sequence[Pack] | None = None,
) -> tuple[CampaignEvent, ...]:
    """A yes, to what lacks nothing by the laws as they are known now, and to whom it goes now.

    `recipients`: how many are on its lists at this moment.
    """
    state, at = open_campaign(before), command.stamp.at
    part = Part.CAMPAIGN_MANAGER if isinstance(command, ApproveCampaign) else Part.COMPLIANCE_OFFICER
    approver, review = somebody(command.stamp.actor), _review(command, state)
    if approver in state.authors:
        raise AuthorCannotApprove
    said = dict(review.given)
    if part not in review.parts or part in said:
        raise PartNotWanted
    if approver in said.values():
        raise OneYesEach
    checked = check(state, sender_country, at, packs)
    if checked is None or state.content is None:
        raise NoContentYet
    lawful(state, checked, packs)
    _as_many_as_said(state.content, recipients)
    if not set(_parts(state.plan, state.content, recipients)) <= set(review.parts):
        raise MoreRecipients
    given = CampaignApprovalGiven(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        content_hash=review.content_hash,
        part=part,
        approver=approver,
        approved_at=at,
        complete={*said, part} >= set(review.parts),
        countries=state.plan.countries,
        recipients=recipients,
        declared=declared(state.content),
    )
    return (given,) if says_the_same(checked, state.checked) else (checked, given)


def _as_many_as_said(content: CampaignContent, recipients: int) -> None:
    """What its author says of how many it goes to, the lists do not say otherwise."""
    if content.bulk is False and recipients > MOST_NOT_BULK:
        raise IsBulk(recipients=recipients)


def _parts(plan: CampaignPlan, content: CampaignContent, recipients: int) -> tuple[Part, ...]:
    return parts_wanted(recipients, Purpose(plan.purpose), promotion=content.promotion)


def _withdrawn(state: Campaign, by: MemberId, at: datetime) -> tuple[CampaignEvent, ...]:
    overdue = _overdue(state, at)
    state = _folded(state, *overdue)
    if not isinstance(state.phase, InReview | Approved):
        if overdue:
            return overdue
        raise NothingToWithdraw
    withdrawn = CampaignWithdrawn(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        state_before=name_of(state.phase),
        content_hash=state.phase.content_hash,
        withdrawn_by=by,
    )
    return (withdrawn,)


def _overdue(state: Campaign, at: datetime) -> tuple[CampaignEvent, ...]:
    """The end of a review that nobody answered in time, if this is one and nobody announced it yet."""
    if not isinstance(state.phase, InReview) or at < state.phase.answer_by:
        return ()
    ended = CampaignReviewTimedOut(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        content_hash=state.phase.content_hash,
        timed_out_at=state.phase.answer_by,
    )
    return (ended,)


def _folded(state: Campaign, *events: CampaignEvent) -> Campaign:
    for event in events:
        after = evolve(state, event)
        if isinstance(after, Campaign):
            state = after
    return state


def _size(state: CampaignState) -> int:
    """Texts take room where states are kept: as much as so many ids."""
    if isinstance(state, NoCampaign) or state.content is None:
        return 0
    return sum(map(len, state.content.bodies.values())) // _LETTERS_OF_AN_ID


CAMPAIGN: Final[Decider[CampaignState]] = Decider(
    category="campaign", initial=NoCampaign(), evolve=evolve, decide=decide, size=_size
)
