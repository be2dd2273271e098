"""Campaign commands that look beyond their stream: at the tenant's country, at lists, and into templates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from application.templates import read_content
from application.unit import handles
from domain.audience.contact_list import ContactList
from domain.campaign.campaign import (
    approved,
    drafted,
    open_campaign,
    rechecked,
    replanned,
    requested,
    written,
)
from domain.campaign.commands import (
    ApproveCampaign,
    ApproveCompliance,
    ChangeCampaignPlan,
    CheckCampaign,
    CreateCampaign,
    RequestApproval,
    WriteContent,
)
from domain.campaign.refusals import ListNotInWorkspace
from domain.campaign.state import Campaign
from domain.tenancy.tenant import Tenant
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.unit import Unit
    from domain.campaign.state import CampaignState
    from domain.kernel.ids import ListId, WorkspaceId


@handles(CreateCampaign)
async def create_campaign(command: CreateCampaign, unit: Unit) -> None:
    """Begin a campaign to lists of a workspace that is there."""
    usable(await unit.load("workspace", command.workspace_id))
    state: CampaignState = await unit.load("campaign", command.stamp.target)
    event = drafted(command, state)
    await _lists(unit, command.list_ids, command.workspace_id)
    unit.append("campaign", command.stamp.target, event)


@handles(ChangeCampaignPlan)
async def change_plan(command: ChangeCampaignPlan, unit: Unit) -> None:
    """Change what it is for and to whom it goes."""
    state: CampaignState = await unit.load("campaign", command.stamp.target)
    await _lists(unit, command.list_ids, open_campaign(state).workspace_id)
    unit.append("campaign", command.stamp.target, *replanned(command, state, await _country(unit)))


@handles(WriteContent)
async def write_content(command: WriteContent, unit: Unit) -> None:
    """Change what it says, once every text of it could be read."""
    state: CampaignState = await unit.load("campaign", command.stamp.target)
    open_campaign(state)  # before the texts are looked at: nothing is here, whatever they are
    shown = await unit.aside(partial(read_content, command.content))
    unit.append("campaign", command.stamp.target, *written(command, state, shown, await _country(unit)))


@handles(CheckCampaign)
async def check_campaign(command: CheckCampaign, unit: Unit) -> None:
    """Hold it against the laws of now."""
    state = await _read_anew(unit, await unit.load("campaign", command.stamp.target))
    unit.append("campaign", command.stamp.target, *rechecked(command, state, await _country(unit)))


@handles(RequestApproval)
async def request_approval(command: RequestApproval, unit: Unit) -> None:
    """Ask for a yes. Somebody on two lists counts twice: it is rather one approval too many than one too few."""
    state = await _read_anew(unit, await unit.load("campaign", command.stamp.target))
    if isinstance(state, Campaign):
        usable(await unit.load("workspace", state.workspace_id))
    events = requested(command, state, await _recipients(unit, state), await _country(unit))
    unit.append("campaign", command.stamp.target, *events)


@handles(ApproveCampaign)
@handles(ApproveCompliance)
async def approve(command: ApproveCampaign | ApproveCompliance, unit: Unit) -> None:
    """Say yes. Its lists are counted as for the request, and it is held against the laws of now."""
    state = await _read_anew(unit, await unit.load("campaign", command.stamp.target))
    recipients = await _recipients(unit, state)
    events = approved(command, state, recipients, await _country(unit))
    unit.append("campaign", command.stamp.target, *events)


async def _read_anew(unit: Unit, state: CampaignState) -> CampaignState:
    """The campaign with its texts as they are read now, which may be stricter than on the day they were written."""
    if not isinstance(state, Campaign) or state.content is None:
        return state
    return replace(state, shown=await unit.aside(partial(read_content, state.content)))


async def _recipients(unit: Unit, state: CampaignState) -> int:
    if not isinstance(state, Campaign):
        return 0
    return sum(len(one.members) for one in await _lists(unit, state.plan.list_ids, state.workspace_id))


async def _country(unit: Unit) -> str | None:
    tenant = await unit.load("tenant", unit.tenant_id)
    return tenant.country if isinstance(tenant, Tenant) else None


async def _lists(unit: Unit, ids: Sequence[ListId], workspace_id: WorkspaceId) -> list[ContactList]:
    """Lists of one workspace; an archived one keeps its people, and may be written to."""
    found = []
    for state in await unit.load_many("list", ids) if ids else []:
        if not isinstance(state, ContactList) or state.workspace_id != workspace_id:
            raise ListNotInWorkspace
        found.append(state)
    return found
