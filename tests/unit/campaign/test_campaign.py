"""A campaign from its draft to a yes: one test for each rule."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.campaign.approval import Part, parts_wanted
from domain.campaign.checking import ElementsMissing, NoLawLoaded, SenderLawUnknown, TokensMissing
from domain.campaign.commands import (
    ApproveCampaign,
    ApproveCompliance,
    ArchiveCampaign,
    ChangeCampaignPlan,
    CheckCampaign,
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
    CampaignDrafted,
    CampaignPlanChanged,
    CampaignRejected,
    CampaignReviewTimedOut,
    CampaignWithdrawn,
)
from domain.campaign.refusals import (
    AuthorCannotApprove,
    CampaignIdTaken,
    CampaignIsArchived,
    ListNotInWorkspace,
    NobodyNamed,
    NoContentYet,
    NoRecipientsYet,
    NotADraft,
    NothingToWithdraw,
    NotInReview,
    OneYesEach,
    OtherContent,
    PartNotWanted,
    ReviewNotOver,
    ReviewTimedOut,
)
from domain.campaign.state import Approved, Campaign, InReview, name_of
from domain.kernel.commands import DECIDERS, Command
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import ListId, MemberId, WorkspaceId
from domain.kernel.permissions import TENANT_ROLES, Permission, TenantRole
from domain.tenancy.workspace import ArchiveWorkspace, NoSuchWorkspace, WorkspaceIsArchived
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
from tests.support.given import ACTOR, NOW, uid
from tests.support.unit import World

SECOND = MemberId(uid(71))
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def campaign(world: World) -> Campaign:
    state = world.state("campaign", CAMPAIGN)
    assert isinstance(state, Campaign)
    return state


def phase(world: World) -> str:
    return name_of(campaign(world).phase)


def told(world: World) -> str:
    return campaign(world).content_hash


def in_review(**changes: Any) -> World:
    world = written(**changes)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    return world


def yes(world: World) -> ApproveCampaign:
    return ApproveCampaign(content_hash=told(world))


def officers_yes(world: World) -> ApproveCompliance:
    return ApproveCompliance(content_hash=told(world))


def no(world: World) -> RejectCampaign:
    return RejectCampaign(content_hash=told(world), reason="Too loud.")


def approved(**changes: Any) -> World:
    world = in_review(**changes)
    world.run(yes(world), CAMPAIGN, actor=MANAGER)
    return world


def refused(world: World, command: Command, refusal: type[Refusal], **more: Any) -> Refusal:
    with pytest.raises(refusal) as found:
        world.run(command, CAMPAIGN, **more)
    assert type(found.value) is refusal
    return found.value


def kinds(events: list[Any]) -> list[type]:
    return [type(event) for event in events]


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


# What the law wants


def test_a_campaign_that_holds_everything_lacks_nothing() -> None:
    checked = campaign(written()).checked
    assert checked is not None
    assert (checked.missing, checked.missing_tokens) == ((), ())
    assert checked.countries == ("DE", "US")
    assert {"de", "us", "eu-eprivacy", "eu-gdpr"} <= checked.packs.keys()
    assert all(checked.packs.values())


@pytest.mark.parametrize(
    ("changes", "requirement"),
    [
        ({"unsubscribe_notice": None}, "us.opt-out-notice"),
        ({"unsubscribe_live_days": 29}, "us.opt-out-lifetime"),
        ({"identified_as_advertising": None}, "de.recognisable"),
        ({"headers_true": False}, "de.sender"),
        ({"first_message": None}, "eu-gdpr.purpose"),
        ({"contact_email": None, "unsubscribe_email": None}, "de.stop-address"),
    ],
)
def test_a_missing_element_is_named_with_law_section_and_remedy(
    changes: dict[str, Any], requirement: str
) -> None:
    if "contact_email" in changes:
        changes = {
            **changes,
            **dict.fromkeys(("text", "html"), _without("company.email", "unsubscribe_email")),
        }
    world = written(**changes)
    checked = campaign(world).checked
    assert checked is not None
    found = {one.requirement: one for one in checked.missing}
    assert requirement in found
    refusal = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
    one = found[requirement]
    assert all((one.law, one.cites, one.remedy, one.about, one.confidence))
    assert f"({one.cites}): {one.remedy}" in refusal.detail
    assert one.model_dump() in refusal.extra["missing"]  # type: ignore[operator]
    assert phase(world) == "draft"


def _without(*tokens: str) -> str:
    text = BODY
    for token in tokens:
        text = text.replace(f"{{{{ {token} }}}}", "")
    return text


def test_an_element_that_no_reader_sees_is_missing() -> None:
    """The address is known, and stands in a comment: for the law it is not in the message."""
    hidden = BODY.replace("{{ company.email }}", "<!-- {{ company.email }} {{ unsubscribe_email }} -->")
    hidden = hidden.replace("or {{ unsubscribe_email }}", "")
    world = written(html=hidden, text=None)
    checked = campaign(world).checked
    assert checked is not None
    assert "stop_address" in {one.element for one in checked.missing}
    seen = hidden.replace("Stop:", "hello@acme.example Stop:")
    world.run(content(html=seen, text=None), CAMPAIGN, actor=AUTHOR)
    checked = campaign(world).checked
    assert checked is not None
    assert checked.missing == ()


@pytest.mark.parametrize("token", ["unsubscribe_url", "company.name", "company.address"])
def test_every_body_shows_what_the_product_wants(token: str) -> None:
    world = written(html=_without(token))
    refusal = refused(world, RequestApproval(), TokensMissing, actor=AUTHOR)
    assert refusal.extra["missing"] == [token]


def test_where_no_country_is_named_every_law_counts() -> None:
    world = written()
    world.run(ChangeCampaignPlan(name="Saws", list_ids=(LIST,)), CAMPAIGN, actor=AUTHOR)
    checked = campaign(world).checked
    assert checked is not None
    assert {"kr", "sg", "jp", "au", "us", "de", "us-ca", "in"} <= checked.packs.keys()
    assert "kr.label" in {one.requirement for one in checked.missing}


def test_the_senders_law_counts_too_and_has_to_be_known() -> None:
    world = written(country="KR")
    refusal = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
    assert "Network Act" in refusal.detail
    for country in (None, "AQ"):
        refused(written(country=country), RequestApproval(), SenderLawUnknown, actor=AUTHOR)


def test_a_check_is_recorded_where_it_finds_something_new() -> None:
    world = written()
    assert world.run(CheckCampaign(), CAMPAIGN, actor=AUTHOR) == []
    world.later(DAY)
    assert world.run(CheckCampaign(), CAMPAIGN, actor=AUTHOR) == []
    assert kinds(world.run(content(bulk=True), CAMPAIGN, actor=AUTHOR)) == [
        CampaignContentWritten,
        CampaignChecked,
    ]
    empty = opened()
    empty.run(create(), CAMPAIGN, actor=AUTHOR)
    assert empty.run(CheckCampaign(), CAMPAIGN, actor=AUTHOR) == []


def test_the_law_of_the_day_of_the_request_counts() -> None:
    """Before Germany's rule had its present number, it cites the former one."""
    world = opened()
    world.now = NOW.replace(year=2022, month=1)
    world.run(create(), CAMPAIGN, actor=AUTHOR)
    world.run(content(headers_true=False), CAMPAIGN, actor=AUTHOR)
    old = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
    world.now = NOW
    new = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
    assert "as numbered until 2022-05-27" in old.detail
    assert "as numbered until" not in new.detail


def test_the_answer_to_an_edit_tells_what_is_missing() -> None:
    world = opened()
    world.run(create(), CAMPAIGN, actor=AUTHOR)
    command = content(unsubscribe_notice=None)
    events = world.run(command, CAMPAIGN, actor=AUTHOR)
    answer = command.answer(events)
    assert answer is not None
    assert answer["content_hash"] == told(world)
    assert "us.opt-out-notice" in {one["requirement"] for one in answer["missing"]}
    assert ChangeCampaignPlan.answer([]) is None


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
    ("recipients", "promotion", "officer"),
    [(0, False, False), (10_000, False, False), (10_001, False, True), (1, True, True), (1, None, True)],
)
def test_who_has_to_say_yes(recipients: int, *, promotion: bool | None, officer: bool) -> None:
    parts = parts_wanted(recipients, promotion=promotion)
    assert parts[0] is Part.CAMPAIGN_MANAGER
    assert (Part.COMPLIANCE_OFFICER in parts) is officer


@pytest.mark.parametrize(("contacts", "officer"), [(10_000, False), (10_001, True)])
def test_recipients_are_those_on_the_lists(contacts: int, *, officer: bool) -> None:
    review = campaign(in_review(contacts=contacts)).phase
    assert isinstance(review, InReview)
    assert ("compliance_officer" in review.parts) is officer


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
