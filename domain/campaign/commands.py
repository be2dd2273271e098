"""What may be asked of a campaign: to write it, to ask for a yes, to say yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import Field

from domain.audience.ledger import CampaignType
from domain.campaign.content import GivenContent
from domain.campaign.events import CampaignApprovalGiven, CampaignChecked
from domain.kernel.commands import Command
from domain.kernel.events import Event
from domain.kernel.ids import ListId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode
from domain.kernel.text import LongText, ShortText
from domain.law.facts import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence


_ANSWERED_FOR: Final = ("content_hash", "part", "complete", "countries", "recipients", "declared")
ContentHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PlanFields(Command):
    """What a campaign is for, and to whom it goes. `countries` left out: its recipients may be anywhere.

    `similar_goods`: it offers what is like what they bought of the sender; `role_relevant`: it has to do with what they
    do by profession; `charitable`: the sender is a charity, and it furthers its purposes. Left out: nobody knows.
    """

    name: ShortText
    purpose: Purpose = Purpose.MARKETING
    campaign_type: CampaignType | None = None
    list_ids: Annotated[tuple[ListId, ...], Field(max_length=50)] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(max_length=250)] = ()
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    charitable: bool | None = None


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


class Answer(Command):
    """An answer to a request. `content_hash`: of the content that was read."""

    content_hash: ContentHash


class Yes(Answer):
    """A yes, whose answer tells to what it was."""

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """What whoever said yes answers for; `declared` null: an older yes, and its content tells."""
        given = next((one for one in events if isinstance(one, CampaignApprovalGiven)), None)
        return None if given is None else given.model_dump(mode="json", include=set(_ANSWERED_FOR))


class ApproveCampaign(Yes, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_APPROVE):
    """Say yes to a campaign, as a campaign manager."""


class ApproveCompliance(
    Yes, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_APPROVE_COMPLIANCE
):
    """Say yes to a campaign, as a compliance officer."""


class RejectCampaign(Answer, context="campaign", stream="campaign", permission=Permission.CAMPAIGNS_REJECT):
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


OwnCommand: TypeAlias = RejectCampaign | WithdrawCampaign | TimeOutReview | ArchiveCampaign
"""What is decided of the campaign alone; the others look at lists, the tenant or templates: `drafted` and so on."""
