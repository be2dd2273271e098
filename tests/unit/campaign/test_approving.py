"""Asking for a yes, answering, and what takes an approval away: one test for each rule."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.audience.contact_list import ListMembersAdded
from domain.campaign.approval import Part, parts_wanted
from domain.campaign.commands import (
    ApproveCampaign,
    ArchiveCampaign,
    ChangeCampaignPlan,
    RejectCampaign,
    RequestApproval,
    TimeOutReview,
    WithdrawCampaign,
    WriteContent,
)
from domain.campaign.events import (
    CampaignApprovalGiven,
    CampaignApprovalRequested,
    CampaignApprovalVoided,
    CampaignArchived,
    CampaignChecked,
    CampaignContentWritten,
    CampaignPlanChanged,
    CampaignRejected,
    CampaignReviewTimedOut,
)
from domain.campaign.refusals import (
    AuthorCannotApprove,
    IsBulk,
    NoContentYet,
    NoRecipientsYet,
    NotADraft,
    NotInReview,
    OneYesEach,
    OtherContent,
    PartNotWanted,
    ReviewNotOver,
    ReviewTimedOut,
)
from domain.campaign.state import Approved, InReview
from domain.kernel.commands import Command
from domain.kernel.ids import ContactId, MemberId
from domain.kernel.permissions import TENANT_ROLES, Permission, TenantRole
from domain.law.facts import Purpose
from tests.support.campaigns import (
    AUTHOR,
    BODY,
    CAMPAIGN,
    LIST,
    MANAGER,
    OFFICER,
    SECOND_AUTHOR,
    WORKSPACE,
    content,
    create,
    opened,
    written,
)
from tests.support.given import NOW, uid
from tests.support.reviewing import (
    DAY,
    approved,
    campaign,
    in_review,
    kinds,
    no,
    officers_yes,
    phase,
    refused,
    told,
    yes,
)

SECOND = MemberId(uid(71))
TICK = timedelta(microseconds=1)


# Asking


def test_a_yes_is_asked_for_to_exactly_this_content() -> None:
    world = written()
    (event,) = world.run(RequestApproval(), CAMPAIGN, actor=SECOND_AUTHOR)
    assert event == CampaignApprovalRequested(
        campaign_id=CAMPAIGN,
        workspace_id=WORKSPACE,
        content_hash=told(world),
        requested_by=SECOND,
        requested_at=NOW,
        answer_by=NOW + timedelta(hours=48),
        recipients=2,
        parts=("campaign_manager",),
    )
    refused(world, RequestApproval(), NotADraft, actor=AUTHOR)


def test_a_yes_needs_content_and_recipients() -> None:
    world = opened()
    world.run(create(list_ids=[]), CAMPAIGN, actor=AUTHOR)
    refused(world, RequestApproval(), NoContentYet, actor=AUTHOR)
    world.run(content(), CAMPAIGN, actor=AUTHOR)
    refused(world, RequestApproval(), NoRecipientsYet, actor=AUTHOR)


@pytest.mark.parametrize(
    ("recipients", "purpose", "promotion", "officer"),
    [
        (0, Purpose.MARKETING, False, False),
        (10_000, Purpose.MARKETING, False, False),
        (10_001, Purpose.MARKETING, False, True),
        (1, Purpose.MARKETING, True, True),
        (1, Purpose.MARKETING, None, True),
        (1, Purpose.CONSENT_REQUEST, False, False),
        (1, Purpose.TRANSACTIONAL, False, True),
    ],
)
def test_who_has_to_say_yes(
    recipients: int, purpose: Purpose, *, promotion: bool | None, officer: bool
) -> None:
    parts = parts_wanted(recipients, purpose, promotion=promotion)
    assert parts[0] is Part.CAMPAIGN_MANAGER
    assert (Part.COMPLIANCE_OFFICER in parts) is officer


@pytest.mark.parametrize(("contacts", "officer"), [(10_000, False), (10_001, True)])
def test_recipients_are_those_on_the_lists(contacts: int, *, officer: bool) -> None:
    review = campaign(in_review(contacts=contacts)).phase
    assert isinstance(review, InReview)
    assert ("compliance_officer" in review.parts) is officer


@pytest.mark.parametrize(("contacts", "bulk"), [(100, False), (101, True), (101, None)])
def test_as_many_as_its_author_says(contacts: int, *, bulk: bool | None) -> None:
    assert phase(approved(contacts=contacts, bulk=bulk)) == "approved"


def test_more_than_a_hundred_people_are_bulk_whatever_its_author_says() -> None:
    """Not said to be bulk, it would lack nothing of what Singapore wants of it."""
    refusal = refused(written(contacts=101, bulk=False), RequestApproval(), IsBulk, actor=AUTHOR)
    assert refusal.extra["recipients"] == 101
    grown = in_review(contacts=100, bulk=False)
    one_more = ListMembersAdded(list_id=LIST, workspace_id=WORKSPACE, contact_ids=[ContactId(uid(20_000))])
    grown.happened("list", LIST, one_more)
    refused(grown, yes(grown), IsBulk, actor=MANAGER)


def test_each_part_has_a_permission_that_the_role_holds() -> None:
    held = {role: TENANT_ROLES[role] for role in (TenantRole.CAMPAIGN_MANAGER, TenantRole.COMPLIANCE_OFFICER)}
    assert Permission.CAMPAIGNS_APPROVE in held[TenantRole.CAMPAIGN_MANAGER]
    assert Permission.CAMPAIGNS_APPROVE not in held[TenantRole.COMPLIANCE_OFFICER]
    assert Permission.CAMPAIGNS_APPROVE_COMPLIANCE in held[TenantRole.COMPLIANCE_OFFICER]
    assert Permission.CAMPAIGNS_APPROVE_COMPLIANCE not in held[TenantRole.CAMPAIGN_MANAGER]
    assert Permission.CAMPAIGNS_WRITE not in held[TenantRole.COMPLIANCE_OFFICER]
    assert Permission.CAMPAIGNS_APPROVE not in TENANT_ROLES[TenantRole.MEMBER]


# Answering


def test_one_yes_is_enough_where_one_is_wanted() -> None:
    world = in_review()
    (event,) = world.run(yes(world), CAMPAIGN, actor=MANAGER)
    assert isinstance(event, CampaignApprovalGiven)
    assert (event.part, event.approver, event.complete) == ("campaign_manager", MANAGER.member, True)
    state = campaign(world).phase
    assert isinstance(state, Approved)
    assert state.content_hash == told(world)
    refused(world, yes(world), NotInReview, actor=MANAGER)


def test_two_people_say_yes_where_two_are_wanted_in_any_order() -> None:
    for first, second, one, other in (
        (yes, officers_yes, MANAGER, OFFICER),
        (officers_yes, yes, OFFICER, MANAGER),
    ):
        world = in_review(promotion=True)
        (event,) = world.run(first(world), CAMPAIGN, actor=one)
        assert isinstance(event, CampaignApprovalGiven)
        assert not event.complete
        assert phase(world) == "in_review"
        refused(world, first(world), PartNotWanted, actor=other)
        refused(world, second(world), OneYesEach, actor=one)
        world.run(second(world), CAMPAIGN, actor=other)
        assert phase(world) == "approved"


def test_an_officers_yes_is_not_taken_where_it_is_not_wanted() -> None:
    world = in_review()
    refused(world, officers_yes(world), PartNotWanted, actor=OFFICER)


def test_whoever_wrote_at_it_does_not_approve_it() -> None:
    world = in_review()
    refused(world, yes(world), AuthorCannotApprove, actor=AUTHOR)
    world.run(content(subject="Other"), CAMPAIGN, actor=MANAGER)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    refused(world, yes(world), AuthorCannotApprove, actor=MANAGER)
    refused(world, yes(world), AuthorCannotApprove, actor=AUTHOR)
    world.run(yes(world), CAMPAIGN, actor=OFFICER)


def test_asking_alone_makes_nobody_an_author() -> None:
    world = written()
    world.run(RequestApproval(), CAMPAIGN, actor=MANAGER)
    world.run(yes(world), CAMPAIGN, actor=MANAGER)
    assert phase(world) == "approved"


def test_an_answer_is_to_the_content_that_was_read() -> None:
    world = in_review()
    for command in (
        ApproveCampaign(content_hash="0" * 64),
        RejectCampaign(content_hash="0" * 64, reason="No."),
    ):
        refused(world, command, OtherContent, actor=MANAGER)
    with pytest.raises(ValidationError):
        ApproveCampaign(content_hash="all of it")


def test_an_answer_is_to_an_open_request() -> None:
    world = written()
    for command in (yes(world), no(world)):
        refused(world, command, NotInReview, actor=MANAGER)


def test_a_no_makes_it_a_draft_again_and_says_why() -> None:
    world = in_review()
    (event,) = world.run(no(world), CAMPAIGN, actor=MANAGER)
    assert isinstance(event, CampaignRejected)
    assert (event.reason, event.subject_id) == ("Too loud.", str(MANAGER.member))
    assert phase(world) == "draft"
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    assert phase(world) == "in_review"


# An edit takes an approval away

EDITS: list[Command] = [
    content(subject="Other"),
    content(text=BODY + "."),
    content(bulk=True),
    content(contact_live_days=91),
    ChangeCampaignPlan(name="Other", list_ids=(LIST,), countries=("DE", "US")),
    ChangeCampaignPlan(name="Saws", countries=("DE", "US")),
    ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("DE",)),
    ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("DE", "US"), campaign_type="news"),
    ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("DE", "US"), similar_goods=True),
    ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("DE", "US"), role_relevant=False),
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("make", [in_review, approved])
def test_any_edit_takes_the_approval_away_and_an_event_says_so(edit: Command, make: Any) -> None:
    world = make()
    before = told(world)
    was = phase(world)
    changed, voided, *_ = world.run(edit, CAMPAIGN, actor=SECOND_AUTHOR)
    assert isinstance(changed, CampaignContentWritten | CampaignPlanChanged)
    assert voided == CampaignApprovalVoided(
        campaign_id=CAMPAIGN,
        workspace_id=WORKSPACE,
        state_before=was,
        hash_before=before,
        hash_after=told(world),
        edited_by=SECOND,
    )
    assert before != told(world)
    assert phase(world) == "draft"
    refused(world, ApproveCampaign(content_hash=before), NotInReview, actor=MANAGER)


def test_the_first_of_two_yeses_is_gone_after_an_edit() -> None:
    world = in_review(promotion=True)
    world.run(yes(world), CAMPAIGN, actor=MANAGER)
    world.run(content(promotion=True, subject="Other"), CAMPAIGN, actor=AUTHOR)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    world.run(officers_yes(world), CAMPAIGN, actor=OFFICER)
    assert phase(world) == "in_review"


def test_the_hash_is_of_one_canonical_form() -> None:
    """Changing the form would void every approval there is: this hash was made by hand from the JSON below."""
    world = opened()
    world.run(create(), CAMPAIGN, actor=AUTHOR)
    body = "{{ company.name }} Sägeweg"
    given = {"subject": "S", "text": body, "promotion": None, "bulk": False}
    world.run(_only(given), CAMPAIGN, actor=AUTHOR)
    written_out = (
        '{"content":{"bulk":false,"subject":"S","text":"{{ company.name }} Sägeweg","unsubscribe_languages":[]},'
        '"form":1,"plan":{"countries":["DE","US"],"list_ids":["' + str(LIST) + '"],"purpose":"marketing",'
        '"title":"Saws"}}'
    )
    assert told(world) == hashlib.sha256(written_out.encode()).hexdigest()


def _only(given: dict[str, Any]) -> Command:
    return WriteContent.model_validate({"content": given})


# Time


def test_at_forty_eight_hours_no_answer_is_a_no() -> None:
    world = in_review(promotion=True)
    world.run(yes(world), CAMPAIGN, actor=MANAGER, at=NOW + 2 * DAY - TICK)
    refused(world, officers_yes(world), ReviewTimedOut, actor=OFFICER, at=NOW + 2 * DAY)
    refused(world, no(world), ReviewTimedOut, actor=OFFICER, at=NOW + 2 * DAY)
    world.run(officers_yes(world), CAMPAIGN, actor=OFFICER, at=NOW + 2 * DAY - TICK)
    assert phase(world) == "approved"


def test_the_end_of_a_review_is_announced_at_its_time_and_once() -> None:
    world = in_review()
    refused(world, TimeOutReview(), ReviewNotOver, at=NOW + 2 * DAY - TICK)
    (event,) = world.run(TimeOutReview(), CAMPAIGN, at=NOW + 5 * DAY)
    assert event == CampaignReviewTimedOut(
        campaign_id=CAMPAIGN,
        workspace_id=WORKSPACE,
        content_hash=told(world),
        timed_out_at=NOW + 2 * DAY,
    )
    assert phase(world) == "draft"
    assert world.run(TimeOutReview(), CAMPAIGN, at=NOW + 5 * DAY) == []
    answered = approved()
    assert answered.run(TimeOutReview(), CAMPAIGN, at=NOW + 5 * DAY) == []
    assert TimeOutReview.internal


@pytest.mark.parametrize(
    ("command", "follows"),
    [
        (RequestApproval(), [CampaignReviewTimedOut, CampaignApprovalRequested]),
        (content(subject="Other"), [CampaignReviewTimedOut, CampaignContentWritten, CampaignChecked]),
        (WithdrawCampaign(), [CampaignReviewTimedOut]),
        (ArchiveCampaign(), [CampaignReviewTimedOut, CampaignArchived]),
    ],
)
def test_a_review_that_is_over_ends_before_anything_else_happens(
    command: Command, follows: list[type]
) -> None:
    world = in_review()
    assert kinds(world.run(command, CAMPAIGN, actor=AUTHOR, at=NOW + 2 * DAY)) == follows


def test_an_approval_does_not_time_out() -> None:
    world = approved()
    world.later(60 * DAY)
    assert world.run(TimeOutReview(), CAMPAIGN) == []
    assert phase(world) == "approved"
