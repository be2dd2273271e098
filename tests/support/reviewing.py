"""A campaign on its way to a yes: where it stands, and what people say to it."""

from datetime import timedelta
from typing import Any

import pytest

from domain.campaign.commands import ApproveCampaign, ApproveCompliance, RejectCampaign, RequestApproval
from domain.campaign.state import Campaign, name_of
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from tests.support.campaigns import AUTHOR, CAMPAIGN, MANAGER, written
from tests.support.unit import World

DAY = timedelta(days=1)


def campaign(world: World) -> Campaign:
    """The campaign as it stands."""
    state = world.state("campaign", CAMPAIGN)
    assert isinstance(state, Campaign)
    return state


def phase(world: World) -> str:
    """The name of the phase that it is in."""
    return name_of(campaign(world).phase)


def told(world: World) -> str:
    """The hash of what it says: an answer names it."""
    return campaign(world).content_hash


def in_review(**changes: Any) -> World:
    """A world in which its author has asked for a yes."""
    world = written(**changes)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    return world


def yes(world: World) -> ApproveCampaign:
    """The yes of a manager, to what stands now."""
    return ApproveCampaign(content_hash=told(world))


def officers_yes(world: World) -> ApproveCompliance:
    """The yes of an officer for compliance."""
    return ApproveCompliance(content_hash=told(world))


def no(world: World) -> RejectCampaign:
    """The no of either."""
    return RejectCampaign(content_hash=told(world), reason="Too loud.")


def approved(**changes: Any) -> World:
    """A world in which a manager has said yes."""
    world = in_review(**changes)
    world.run(yes(world), CAMPAIGN, actor=MANAGER)
    return world


def refused(world: World, command: Command, refusal: type[Refusal], **more: Any) -> Refusal:
    """What a command on the campaign is refused with: exactly this."""
    with pytest.raises(refusal) as found:
        world.run(command, CAMPAIGN, **more)
    assert type(found.value) is refusal
    return found.value


def kinds(events: list[Any]) -> list[type]:
    """The events' classes."""
    return [type(event) for event in events]
