"""Looking at campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import computed_field

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.campaign.content import declared
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class CampaignRow(Row):
    """A campaign. `state`: draft, in_review, approved or archived. `outcome`: how its last request ended.

    `content_hash`: of plan and content when it was last checked; an approver names it. `missing`: what a law wants and
    the message does not hold. `recipients`: as counted at the request, and again at each yes. Past `answer_by` a review
    is over, whether or not that was announced.
    """

    campaign_id: UUID
    workspace_id: UUID
    name: str
    purpose: str
    campaign_type: str | None
    list_ids: list[UUID]
    countries: list[str]
    similar_goods: bool | None
    role_relevant: bool | None
    charitable: bool | None
    state: str
    outcome: str | None
    content_hash: str | None
    missing: list[dict[str, str]] | None
    missing_tokens: list[str] | None
    checked_at: datetime | None
    recipients: int | None
    parts: list[str] | None
    answer_by: datetime | None
    manager: UUID | None
    officer: UUID | None
    created_position: int
    updated_position: int
    created_at: datetime


class CampaignInFull(CampaignRow):
    """A campaign with what it says; null: nobody wrote it yet."""

    content: dict[str, Any] | None

    @computed_field
    def declared(self) -> dict[str, bool | int]:
        """What its author alone states of the message: an approver answers for it, since nothing else shows it."""
        return declared(self.content)


class CampaignFilters(Params):
    """Which campaigns."""

    workspace_id: UUID | None = None
    state: str | None = None


@query(
    context="campaign",
    path="campaigns",
    permission=Permission.CAMPAIGNS_READ,
    params=CampaignFilters,
    row=CampaignRow,
    projections=("campaigns",),
)
async def campaigns(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: CampaignFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[CampaignRow]:
    """Campaigns without their texts, the newest first."""
    select = Select("campaign.campaigns", "campaigns", "campaigns")
    select.within(scope)
    select.where("t.workspace_id = %(workspace_id)s", workspace_id=params.workspace_id)
    select.where("t.state = %(state)s", state=params.state)
    return await page(connection, scope, CampaignRow, select, params, cursor, limit)


@query(
    context="campaign",
    path="campaigns/{id}",
    permission=Permission.CAMPAIGNS_READ,
    params=ById,
    row=CampaignInFull,
    projections=("campaigns",),
)
async def campaign(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[CampaignInFull]:
    """One campaign, with what it says."""
    select = Select("campaign.campaign", "campaigns", "campaigns")
    select.within(scope)
    select.where("t.campaign_id = %(id)s", id=params.id)
    return await one(connection, scope, CampaignInFull, select, params)
