"""What may be done with a campaign: write it, ask for a yes, say yes or no.

Whoever wrote at a campaign says no yes to it. A yes is of one content, told by its hash; any edit takes it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias, assert_never

from pydantic import Field

from domain.audience.ledger import CampaignType
from domain.campaign.approval import ANSWER_WITHIN, Part, parts_wanted
from domain.campaign.checking import check, lawful, lawful_countries, says_the_same
from domain.campaign.content import GivenContent
from domain.campaign.events import (
    CampaignApprovalGiven,
    CampaignApprovalRequested,
    CampaignApprovalVoided,
    CampaignArchived,
    CampaignChecked,
    CampaignContentWritten,
    CampaignDrafted,
    CampaignEvent,
    CampaignPlan,
    CampaignPlanChanged,
    CampaignRejected,
    CampaignReviewTimedOut,
    CampaignWithdrawn,
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
from domain.kernel.commands import Actor, ActorKind, Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import CampaignId, ListId, MemberId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode
from domain.kernel.text import LongText, ShortText
from domain.law.facts import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.law.pack import Pack

_LETTERS_OF_AN_ID: Final = 190
ContentHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CampaignIdTaken(Refusal):
    """A campaign's id is used once. Take a new id."""

    code = "campaign-id-taken"


class CampaignIsArchived(Refusal):
    """An archived campaign does not change any more. Make a new one."""

    code = "campaign-archived"


class NobodyNamed(Refusal):
    """Campaigns are written and judged by somebody, so that nobody approves their own. Use a key for a member."""

    code = "nobody-named"
    kind = RefusalKind.FORBIDDEN


class NoContentYet(Refusal):
    """A yes is asked for to what a campaign says. Write its content first."""

    code = "no-content-yet"


class NoRecipientsYet(Refusal):
    """A yes is asked for to whom a campaign goes. Name at least one list."""

    code = "no-recipients-yet"


class NotADraft(Refusal):
    """A yes is asked for once. Wait for the answer, withdraw the request, or go on with the approval."""

    code = "campaign-not-a-draft"


class NotInReview(Refusal):
    """An answer is to a request that is open. Have one made first."""

    code = "campaign-not-in-review"


class NothingToWithdraw(Refusal):
    """Only a request for approval, or an approval, is taken back. This campaign is a draft."""

    code = "nothing-to-withdraw"


class ReviewTimedOut(Refusal):
    """No answer within 48 hours is a no, and the 48 hours are over. Have the approval requested anew."""

    code = "review-timed-out"


class ReviewNotOver(Refusal):
    """A review ends without an answer 48 hours after the request, and not before. Try again then."""

    code = "review-not-over"


class OtherContent(Refusal):
    """An answer is to the content that was read. Read the campaign again and name the hash that stands there."""

    code = "other-content"
    field = "/content_hash"


class AuthorCannotApprove(Refusal):
    """Whoever wrote at a campaign does not approve it. Have somebody else do it."""

    code = "author-cannot-approve"
    kind = RefusalKind.FORBIDDEN


class OneYesEach(Refusal):
    """Where two people's yes is wanted, they are two. Have somebody else say the other."""

    code = "one-yes-each"
    kind = RefusalKind.FORBIDDEN


class PartNotWanted(Refusal):
    """Only those say yes whose yes is wanted, each once. This one is not, or was said."""

    code = "part-not-wanted"


class ListNotInWorkspace(Refusal):
    """A campaign goes to lists of its own workspace. Leave the others out."""

    code = "list-not-in-workspace"
    kind = RefusalKind.INVALID
    field = "/list_ids"


class PlanFields(Command):
    """What a campaign is for, and to whom it goes. `countries` left out: its recipients may be anywhere."""

    name: ShortText
    purpose: Purpose = Purpose.MARKETING
    campaign_type: CampaignType | None = None
    list_ids: Annotated[tuple[ListId, ...], Field(max_length=50)] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(max_length=250)] = ()


class TellsWhatIsMissing(Command):
    """A command after which a campaign is held against the laws again."""

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """What the campaign lacks, as its last check found; nothing where that is as before."""
        checked = next((one for one in reversed(events) if isinstance(one, CampaignChecked)), None)
        if checked is None:
            return None
        return checked.model_dump(include={"content_hash", "countries", "missing", "missing_tokens"})


class CreateCampaign(
    PlanFields, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE
):
    """Begin a campaign in a workspace, as a draft without content."""

    workspace_id: WorkspaceId


class ChangeCampaignPlan(
    PlanFields,
    TellsWhatIsMissing,
    context="campaign",
    stream="campaign",
    permission=Permission.CAMPAIGNS_WRITE,
):
    """Say anew what a campaign is for and to whom it goes; all of it. An approval of it ends."""


class WriteContent(
    TellsWhatIsMissing, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE
):
    """Say anew what a campaign says; all of it. An approval of it ends."""

    content: GivenContent


class CheckCampaign(
    TellsWhatIsMissing, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE
):
    """Hold a campaign against the laws as they are known now."""


class RequestApproval(Command, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE):
    """Ask for a yes to a campaign as it stands. Without one within 48 hours it is a no."""


class _Answer(Command):
    """An answer to a request. `content_hash`: of the content that was read."""

    content_hash: ContentHash


class ApproveCampaign(
    _Answer, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_APPROVE
):
    """Say yes to a campaign, as a campaign manager."""


class ApproveCompliance(
    _Answer, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_APPROVE_COMPLIANCE
):
    """Say yes to a campaign, as a compliance officer."""


class RejectCampaign(_Answer, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_REJECT):
    """Say no to a campaign; it is a draft again."""

    reason: Profile[LongText]


class WithdrawCampaign(Command, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE):
    """Take back the request for approval, or the approval; it is a draft again."""


class TimeOutReview(
    Command, context="campaign", stream="campaign", permission=Permission.INTERNAL, internal=True
):
    """Announce that a review ended without an answer."""


class ArchiveCampaign(Command, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_WRITE):
    """Keep a campaign as it is."""


OwnCommand: TypeAlias = (
    ApproveCampaign | ApproveCompliance | RejectCampaign | WithdrawCampaign | TimeOutReview | ArchiveCampaign
)
"""What is decided of the campaign alone; the others look at lists, the tenant or templates: `drafted` and so on."""


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
    lawful(checked, packs)
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
            parts=parts_wanted(recipients, promotion=state.content.promotion),
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
        case ApproveCampaign():
            return _approved(command, state, Part.CAMPAIGN_MANAGER, somebody(actor))
        case ApproveCompliance():
            return _approved(command, state, Part.COMPLIANCE_OFFICER, somebody(actor))
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


def _review(command: _Answer, state: Campaign) -> InReview:
    """The open request that an answer is to."""
    review = state.phase
    if not isinstance(review, InReview):
        raise NotInReview
    if command.stamp.at >= review.answer_by:
        raise ReviewTimedOut
    if command.content_hash != review.content_hash:
        raise OtherContent
    return review


def _approved(
    command: ApproveCampaign | ApproveCompliance, state: Campaign, part: Part, approver: MemberId
) -> tuple[CampaignEvent, ...]:
    review = _review(command, state)
    if approver in state.authors:
        raise AuthorCannotApprove
    said = dict(review.given)
    if part not in review.parts or part in said:
        raise PartNotWanted
    if approver in said.values():
        raise OneYesEach
    given = CampaignApprovalGiven(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        content_hash=review.content_hash,
        part=part,
        approver=approver,
        approved_at=command.stamp.at,
        complete={*said, part} >= set(review.parts),
    )
    return (given,)


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
