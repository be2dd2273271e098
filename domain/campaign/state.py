"""A campaign as it stands: a draft, in review, approved or archived; and the hash that an approval is of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from domain.campaign.content import CampaignContent
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
from domain.kernel.ids import CampaignId, MemberId, WorkspaceId

_FORM: Final = 1
"""The canonical form; a new one would change every hash."""


@dataclass(frozen=True, slots=True)
class NoCampaign:
    """No campaign has this id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Nobody is asked, and nobody said yes."""


@dataclass(frozen=True, slots=True)
class InReview:
    """A yes is waited for, until `answer_by`. `given`: who said yes so far, by part."""

    content_hash: str
    answer_by: datetime
    parts: tuple[str, ...]
    given: tuple[tuple[str, MemberId], ...] = ()


@dataclass(frozen=True, slots=True)
class Approved:
    """Everybody whose yes was wanted said it, of this content.

    `recipients_at_most`: how many were on the lists at the last yes; `countries`: those to whose people it was said,
    empty: to people anywhere. Nothing here sends: whoever launches it counts the lists again, and asks for another yes
    where they hold more.
    """

    content_hash: str
    recipients_at_most: int
    countries: tuple[str, ...]
    given: tuple[tuple[str, MemberId], ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """It does not change any more."""


Phase: TypeAlias = Draft | InReview | Approved | Archived


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. `authors`: all who ever wrote at it. `checked`: what its last check found, if there was one."""

    campaign_id: CampaignId
    workspace_id: WorkspaceId
    plan: CampaignPlan
    authors: frozenset[MemberId]
    content: CampaignContent | None = None
    shown: frozenset[str] = frozenset()
    checked: CampaignChecked | None = None
    recipients: int = 0
    phase: Phase = field(default_factory=Draft)

    @property
    def content_hash(self) -> str:
        """SHA-256 of everything that an approver is asked about, in one canonical form; hex."""
        return content_hash(self.plan, self.content)


CampaignState: TypeAlias = NoCampaign | Campaign


def content_hash(plan: CampaignPlan, content: CampaignContent | None) -> str:
    """SHA-256 of plan and content: JSON with sorted keys, no blanks, UTF-8, without what nobody said."""
    told = {
        "form": _FORM,
        "plan": plan.model_dump(mode="json", exclude_none=True),
        "content": None if content is None else content.model_dump(mode="json", exclude_none=True),
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def name_of(phase: Phase) -> str:
    """The word for a state, as events and views have it."""
    match phase:
        case Draft():
            return "draft"
        case InReview():
            return "in_review"
        case Approved():
            return "approved"
        case Archived():
            return "archived"
        case _:
            assert_never(phase)


def evolve(state: CampaignState, event: CampaignEvent) -> CampaignState:
    """The campaign after `event`."""
    if isinstance(event, CampaignDrafted):
        return Campaign(event.campaign_id, event.workspace_id, event.plan, frozenset({event.author}))
    if isinstance(state, NoCampaign):
        return state
    match event:
        case CampaignPlanChanged():
            return replace(state, plan=event.after, authors=state.authors | {event.author})
        case CampaignContentWritten():
            return replace(
                state,
                content=event.content,
                shown=frozenset(event.shown),
                authors=state.authors | {event.author},
            )
        case CampaignChecked():
            return replace(state, checked=event)
        case CampaignApprovalRequested():
            review = InReview(event.content_hash, event.answer_by, event.parts)
            return replace(state, recipients=event.recipients, phase=review)
        case CampaignApprovalGiven():
            return replace(state, phase=_given(state, event))
        case CampaignRejected() | CampaignReviewTimedOut() | CampaignApprovalVoided() | CampaignWithdrawn():
            return replace(state, phase=Draft())
        case CampaignArchived():
            return replace(state, phase=Archived())
        case _:
            assert_never(event)


def _given(state: Campaign, event: CampaignApprovalGiven) -> Phase:
    before = state.phase.given if isinstance(state.phase, InReview) else ()
    given = (*before, (event.part, event.approver))
    if event.complete or not isinstance(state.phase, InReview):
        recipients = state.recipients if event.recipients is None else event.recipients
        countries = state.plan.countries if event.countries is None else event.countries
        return Approved(event.content_hash, recipients, countries, given)
    return replace(state.phase, given=given)
