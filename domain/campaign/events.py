"""What happens to a campaign. Its texts are the tenant's own and hold tokens, nobody's data."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from domain.campaign.content import CampaignContent
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import CampaignId, ListId, MemberId, WorkspaceId
from domain.kernel.personal import Profile


class CampaignPlan(BaseModel):
    """What a campaign is for, and to whom it goes. `countries`: of its recipients; empty: they may be anywhere.

    `similar_goods`: it offers what is like what its recipients bought of the sender. `role_relevant`: it has to do with
    what they do by profession. `charitable`: the sender is a charity, and it furthers its purposes. None: nobody said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    purpose: str
    campaign_type: str | None = None
    list_ids: tuple[ListId, ...] = ()
    countries: tuple[str, ...] = ()
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    charitable: bool | None = None


class MissingElement(BaseModel):
    """An element that a law wants and the message does not hold, in the words of the pack of that time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: str
    requirement: str
    element: str
    about: str
    cites: str
    confidence: str
    remedy: str


class CampaignDrafted(Event, name="campaign.drafted", version=2):
    """A campaign came to be, without content."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    plan: CampaignPlan
    author: MemberId


@EVENTS.upcaster("campaign.drafted", 1)
@EVENTS.upcaster("campaign.plan_changed", 1)
def _nobody_said_of_goods_roles_and_charity(payload: Payload) -> Payload:
    unsaid = {"similar_goods": None, "role_relevant": None, "charitable": None}
    plans = [name for name in ("plan", "before", "after") if name in payload]
    return {**payload, **{name: {**payload[name], **unsaid} for name in plans}}


class CampaignPlanChanged(Event, name="campaign.plan_changed", version=2):
    """What it is for, or to whom it goes, is as told here."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    before: CampaignPlan
    after: CampaignPlan
    author: MemberId


class CampaignContentWritten(Event, name="campaign.content_written", version=1):
    """What it says is as told here. `shown`: the tokens that every body shows to everybody."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content: CampaignContent
    shown: tuple[str, ...]
    author: MemberId


class CampaignChecked(Event, name="campaign.checked", version=1):
    """Its content was held against the laws: what is missing, under which versions of which packs.

    `countries`: whose laws were looked at, the sender's among them.
    """

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content_hash: str
    countries: tuple[str, ...]
    sender_country: str | None
    missing: tuple[MissingElement, ...]
    missing_tokens: tuple[str, ...]
    packs: dict[str, str]
    checked_at: datetime


class CampaignApprovalRequested(Event, name="campaign.approval_requested", version=1):
    """Somebody asked for a yes to exactly this content. At `answer_by` no answer is a no."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content_hash: str
    requested_by: MemberId
    requested_at: datetime
    answer_by: datetime
    recipients: int
    parts: tuple[str, ...]


class CampaignApprovalGiven(Event, name="campaign.approval_given", version=3):
    """Somebody said yes, in one part. `complete`: no other yes is wanted, and the campaign is approved.

    `countries`: those to whose people it is a yes; empty: to people anywhere. `recipients`: how many were on the lists
    at that moment. Version 1 told neither: its countries are those of the plan, its count that of the request.
    `declared`: what the author alone states of the content, and who says yes answers for; version 2 did not tell.
    """

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content_hash: str
    part: str
    approver: MemberId
    approved_at: datetime
    complete: bool
    countries: tuple[str, ...] | None = None
    recipients: int | None = None
    declared: dict[str, bool | int] | None = None


@EVENTS.upcaster("campaign.approval_given", 1)
def _nobody_counted_again(payload: Payload) -> Payload:
    return {**payload, "countries": None, "recipients": None}


@EVENTS.upcaster("campaign.approval_given", 2)
def _it_stands_in_the_content_alone(payload: Payload) -> Payload:
    return {**payload, "declared": None}


class CampaignRejected(Event, name="campaign.rejected", version=1, subject="rejected_by"):
    """Somebody said no. They wrote the reason."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content_hash: str
    rejected_by: MemberId
    reason: Profile[str]


class CampaignReviewTimedOut(Event, name="campaign.review_timed_out", version=1):
    """Not everybody whose yes was wanted answered in time: that is a no, from `timed_out_at` on."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    content_hash: str
    timed_out_at: datetime


class CampaignApprovalVoided(Event, name="campaign.approval_voided", version=1):
    """An edit took away the request for approval, or the approval: they were of another content."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    state_before: str
    hash_before: str
    hash_after: str
    edited_by: MemberId


class CampaignWithdrawn(Event, name="campaign.withdrawn", version=1):
    """Somebody took back the request for approval, or the approval; it is a draft again."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    state_before: str
    content_hash: str
    withdrawn_by: MemberId


class CampaignArchived(Event, name="campaign.archived", version=1):
    """A campaign does not change any more."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId


CampaignEvent: TypeAlias = (
    CampaignDrafted
    | CampaignPlanChanged
    | CampaignContentWritten
    | CampaignChecked
    | CampaignApprovalRequested
    | CampaignApprovalGiven
    | CampaignRejected
    | CampaignReviewTimedOut
    | CampaignApprovalVoided
    | CampaignWithdrawn
    | CampaignArchived
)
