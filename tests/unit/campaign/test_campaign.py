"""A campaign as it is drafted, taken back and kept: one test for each rule."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.campaign.checking import NoLawLoaded
from domain.campaign.commands import (
    ApproveCampaign,
    ArchiveCampaign,
    ChangeCampaignPlan,
    CheckCampaign,
    RejectCampaign,
    RequestApproval,
    TimeOutReview,
    WithdrawCampaign,
)
from domain.campaign.events import CampaignArchived, CampaignDrafted, CampaignWithdrawn
from domain.campaign.refusals import (
    CampaignIdTaken,
    CampaignIsArchived,
    ListNotInWorkspace,
    NobodyNamed,
    NothingToWithdraw,
)
from domain.kernel.commands import DECIDERS
from domain.kernel.errors import NotFound
from domain.kernel.ids import ListId, WorkspaceId
from domain.tenancy.workspace import ArchiveWorkspace, NoSuchWorkspace, WorkspaceIsArchived
from tests.support.campaigns import (
    AUTHOR,
    CAMPAIGN,
    LIST,
    MANAGER,
    SECOND_AUTHOR,
    WORKSPACE,
    content,
    create,
    opened,
    written,
)
from tests.support.given import ACTOR, uid
from tests.support.reviewing import approved, campaign, in_review, kinds, no, phase, refused, yes

# Drafting


def test_a_campaign_begins_as_a_draft_without_content() -> None:
    world = opened()
    (event,) = world.run(create(list_ids=[LIST, LIST], countries=["us", "DE", "us"]), CAMPAIGN, actor=AUTHOR)
    assert isinstance(event, CampaignDrafted)
    assert (event.plan.list_ids, event.plan.countries) == ((LIST,), ("DE", "US"))
    assert event.author == AUTHOR.member
    assert (phase(world), campaign(world).content) == ("draft", None)
    refused(world, create(), CampaignIdTaken, actor=AUTHOR)


def test_it_is_of_a_workspace_that_takes_something_new() -> None:
    world = opened()
    refused(world, create(workspace_id=WorkspaceId(uid(11))), NoSuchWorkspace, actor=AUTHOR)
    world.run(ArchiveWorkspace(), WORKSPACE)
    refused(world, create(), WorkspaceIsArchived, actor=AUTHOR)


def test_a_workspace_that_was_archived_has_nothing_approved_any_more() -> None:
    world = written()
    world.run(ArchiveWorkspace(), WORKSPACE)
    refused(world, RequestApproval(), WorkspaceIsArchived, actor=AUTHOR)


def test_its_lists_are_of_its_own_workspace() -> None:
    world = opened()
    strange = ListId(uid(51))
    refused(world, create(list_ids=[LIST, strange]), ListNotInWorkspace, actor=AUTHOR)
    world.run(create(), CAMPAIGN, actor=AUTHOR)
    refused(world, ChangeCampaignPlan(name="Saws", list_ids=(strange,)), ListNotInWorkspace, actor=AUTHOR)


def test_a_country_without_a_loaded_law_is_refused_by_name() -> None:
    refusal = refused(opened(), create(countries=["DE", "AQ"]), NoLawLoaded, actor=AUTHOR)
    assert "AQ" in refusal.detail


def test_nothing_is_done_with_a_campaign_that_is_not_there() -> None:
    for command in (
        ChangeCampaignPlan(name="Saws"),
        content(text="{{ broken"),
        CheckCampaign(),
        RequestApproval(),
        ApproveCampaign(content_hash="0" * 64),
        RejectCampaign(content_hash="0" * 64, reason="No."),
        WithdrawCampaign(),
        TimeOutReview(),
        ArchiveCampaign(),
    ):
        refused(opened(), command, NotFound, actor=AUTHOR)


@pytest.mark.parametrize(
    "make",
    [
        create,
        lambda: ChangeCampaignPlan(name="Other"),
        lambda: content(subject="Other"),
        RequestApproval,
        WithdrawCampaign,
    ],
)
def test_whoever_writes_or_asks_is_somebody(make: Any) -> None:
    world = opened() if make is create else written()
    refused(world, make(), NobodyNamed, actor=ACTOR)


@pytest.mark.parametrize("make", [yes, no])
def test_whoever_answers_is_somebody(make: Any) -> None:
    world = in_review()
    refused(world, make(world), NobodyNamed, actor=ACTOR)


def test_content_has_a_body_and_tokens_stand_in_texts_alone() -> None:
    with pytest.raises(ValidationError, match="a message has a body"):
        content(text=None, html=None)
    with pytest.raises(ValidationError, match="write this out"):
        content(postal_address="{{ company.name }}")
    with pytest.raises(ValidationError):
        content(text="x" * 100_001)
    with pytest.raises(ValidationError):
        content(subject="two\nlines")


def test_writing_the_same_again_changes_nothing() -> None:
    world = approved()
    assert world.run(content(), CAMPAIGN, actor=AUTHOR) == []
    assert world.run(content(unsubscribe_languages=["de", "en", "de"]), CAMPAIGN, actor=AUTHOR) == []
    same = ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("US", "DE"))
    assert world.run(same, CAMPAIGN, actor=AUTHOR) == []
    assert phase(world) == "approved"


# Taking back, keeping


@pytest.mark.parametrize("make", [in_review, approved])
def test_a_request_and_an_approval_are_taken_back(make: Any) -> None:
    world = make()
    was = phase(world)
    (event,) = world.run(WithdrawCampaign(), CAMPAIGN, actor=SECOND_AUTHOR)
    assert isinstance(event, CampaignWithdrawn)
    assert (event.state_before, event.withdrawn_by) == (was, SECOND_AUTHOR.member)
    assert phase(world) == "draft"
    refused(world, WithdrawCampaign(), NothingToWithdraw, actor=AUTHOR)


def test_an_archived_campaign_stays_as_it_is() -> None:
    world = approved()
    assert kinds(world.run(ArchiveCampaign(), CAMPAIGN, actor=AUTHOR)) == [CampaignArchived]
    assert world.run(ArchiveCampaign(), CAMPAIGN, actor=AUTHOR) == []
    assert world.run(TimeOutReview(), CAMPAIGN) == []
    for command in (
        content(subject="Other"),
        ChangeCampaignPlan(name="Other"),
        CheckCampaign(),
        RequestApproval(),
        yes(world),
        no(world),
        WithdrawCampaign(),
    ):
        refused(world, command, CampaignIsArchived, actor=MANAGER)


def test_all_of_it_replays() -> None:
    world = approved(promotion=False)
    world.run(content(subject="Other"), CAMPAIGN, actor=SECOND_AUTHOR)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    world.run(no(world), CAMPAIGN, actor=MANAGER)
    world.assert_replays()


def test_a_campaigns_texts_count_where_states_are_kept() -> None:
    size = DECIDERS["campaign"].size_of
    small, large = campaign(written()), campaign(written(text="x" * 95_000, html=None))
    assert size(DECIDERS["campaign"].initial) == 0
    assert size(small) < 10
    assert size(large) == 500
