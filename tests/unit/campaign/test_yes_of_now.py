"""What a yes looks at at the moment it is said: the laws of then, and how many are on the lists."""

import json

import pytest

from domain.audience.contact_list import ListMembersAdded
from domain.campaign.campaign import approved as approve
from domain.campaign.checking import ElementsMissing
from domain.campaign.commands import RequestApproval, WithdrawCampaign
from domain.campaign.content import declared
from domain.campaign.events import CampaignApprovalGiven, CampaignChecked
from domain.campaign.refusals import MoreRecipients
from domain.campaign.state import Approved
from domain.kernel.commands import Stamp
from domain.kernel.events import EVENTS
from domain.kernel.ids import ContactId
from domain.law.packs import load_packs
from tests.support.campaigns import AUTHOR, CAMPAIGN, LIST, MANAGER, WORKSPACE
from tests.support.given import NOW, TENANT, uid
from tests.support.reviewing import campaign, in_review, phase, refused, yes

ONE_MORE = ListMembersAdded(list_id=LIST, workspace_id=WORKSPACE, contact_ids=[ContactId(uid(9_000))])
DE = next(pack for pack in load_packs() if pack.law == "de")
NOTICE = next(one for one in reversed(DE.content) if one.id == "de.sender").model_copy(
    update={"id": "de.new-notice", "element": "no_advertising", "in_force_from": None, "in_force_to": None}
)


def test_a_yes_names_the_countries_and_counts_the_lists_anew() -> None:
    world = in_review()
    world.happened("list", LIST, ONE_MORE)
    (event,) = world.run(yes(world), CAMPAIGN, actor=MANAGER)
    assert isinstance(event, CampaignApprovalGiven)
    assert (event.countries, event.recipients) == (("DE", "US"), 3)
    assert event.declared == declared(campaign(world).content)
    assert event.declared, "an approver answers for something"
    state = campaign(world).phase
    assert isinstance(state, Approved)
    assert (state.countries, state.recipients_at_most) == (("DE", "US"), 3)


def test_lists_that_grew_past_whose_yes_was_asked_for_want_another_request() -> None:
    world = in_review(contacts=10_000)
    world.happened("list", LIST, ONE_MORE)
    refused(world, yes(world), MoreRecipients, actor=MANAGER)
    world.run(WithdrawCampaign(), CAMPAIGN, actor=AUTHOR)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    world.run(yes(world), CAMPAIGN, actor=MANAGER)
    assert phase(world) == "in_review", "an officer's yes is wanted too"


def test_a_yes_is_by_the_laws_of_its_own_moment() -> None:
    """A pack that came after the request counts: what it wants is missing, or its version is recorded."""
    world = in_review()
    packs = load_packs()
    stricter = [
        pack.model_copy(update={"version": "next", "content": (*pack.content, NOTICE)})
        if pack.law == "de"
        else pack
        for pack in packs
    ]
    command = yes(world).stamped(Stamp(NOW, uid(0xC1), MANAGER, TENANT, CAMPAIGN))
    with pytest.raises(ElementsMissing) as found:
        approve(command, campaign(world), 2, "DE", stricter)
    assert "de.new-notice" in str(found.value.extra["missing"])
    renamed = [pack.model_copy(update={"version": "next"}) if pack.law == "de" else pack for pack in packs]
    checked, given = approve(command, campaign(world), 2, "DE", renamed)
    assert isinstance(checked, CampaignChecked)
    assert checked.packs["de"] == "next"
    assert isinstance(given, CampaignApprovalGiven)


def test_a_yes_of_version_1_is_to_the_plan_and_the_count_of_its_request() -> None:
    world = in_review()
    (event,) = world.run(yes(world), CAMPAIGN, actor=MANAGER)
    old = json.loads(event.model_dump_json(exclude={"countries", "recipients", "declared"}))
    cls, payload = EVENTS.upcast("campaign.approval_given", 1, old)
    read = cls.model_validate(payload)
    world = in_review()
    world.happened("campaign", CAMPAIGN, read)
    state = campaign(world).phase
    assert isinstance(state, Approved)
    assert (state.countries, state.recipients_at_most) == (("DE", "US"), 2)
