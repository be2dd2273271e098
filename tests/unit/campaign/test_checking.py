"""What the laws want of a campaign's content, and what it lacks: one test for each rule."""

from typing import Any

import pytest

from domain.campaign.approval import Part
from domain.campaign.checking import ElementsMissing, SenderLawUnknown, TokensMissing
from domain.campaign.commands import ChangeCampaignPlan, CheckCampaign, RequestApproval
from domain.campaign.events import CampaignChecked, CampaignContentWritten
from domain.campaign.state import InReview
from domain.law.facts import Purpose
from tests.support.campaigns import AUTHOR, BODY, CAMPAIGN, HTML, LIST, content, create, opened, written
from tests.support.given import NOW
from tests.support.reviewing import DAY, campaign, kinds, phase, refused, told


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
            "text": _without(BODY, "company.email", "unsubscribe_email"),
            "html": _without(HTML, "company.email", "unsubscribe_email"),
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
    told = refusal.extra["missing"]
    assert isinstance(told, list)
    assert one.model_dump() in told
    assert phase(world) == "draft"


@pytest.mark.parametrize("promotion", [True, None])
def test_transactional_mail_is_said_to_offer_nothing(*, promotion: bool | None) -> None:
    world = written(promotion=promotion)
    plan = ChangeCampaignPlan(
        name="Receipts", list_ids=(LIST,), countries=("DE", "US"), purpose=Purpose.TRANSACTIONAL
    )
    world.run(plan, CAMPAIGN, actor=AUTHOR)
    checked = campaign(world).checked
    assert checked is not None
    assert [one.requirement for one in checked.missing] == ["policy.transactional"]
    assert "promotion" in refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR).detail
    world.run(content(promotion=False), CAMPAIGN, actor=AUTHOR)
    world.run(RequestApproval(), CAMPAIGN, actor=AUTHOR)
    review = campaign(world).phase
    assert isinstance(review, InReview)
    assert review.parts == (Part.CAMPAIGN_MANAGER, Part.COMPLIANCE_OFFICER)


def _without(text: str, *tokens: str) -> str:
    for token in tokens:
        text = text.replace(f"{{{{ {token} }}}}", "")
    return text


def test_an_element_that_no_reader_sees_is_missing() -> None:
    """The address is known, and stands in a comment: for the law it is not in the message."""
    hidden = HTML.replace("{{ company.email }}", "<!-- {{ company.email }} {{ unsubscribe_email }} -->")
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
    world = written(html=_without(HTML, token))
    refusal = refused(world, RequestApproval(), TokensMissing, actor=AUTHOR)
    assert refusal.extra["missing"] == [token]


def test_where_no_country_is_named_every_law_counts() -> None:
    world = written()
    world.run(ChangeCampaignPlan(name="Saws", list_ids=(LIST,)), CAMPAIGN, actor=AUTHOR)
    checked = campaign(world).checked
    assert checked is not None
    assert {"kr", "sg", "jp", "au", "us", "de", "us-ca", "in"} <= checked.packs.keys()
    assert "kr.label" in {one.requirement for one in checked.missing}


def test_labels_that_no_subject_can_have_at_once_ask_for_the_countries() -> None:
    """Korea and Singapore each want the subject to begin with a label of theirs, Singapore of bulk mail alone."""
    world = written(bulk=None)
    world.run(ChangeCampaignPlan(name="Saws", list_ids=(LIST,)), CAMPAIGN, actor=AUTHOR)
    for subject in ("Saws", "<ADV> Saws", "(광고) Saws"):
        world.run(content(bulk=None, subject=subject), CAMPAIGN, actor=AUTHOR)
        refusal = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
        assert "'(광고)' (kr) and '<ADV> ' (sg) at once: name the countries" in refusal.detail
    world.run(content(bulk=False, subject="Saws"), CAMPAIGN, actor=AUTHOR)
    alone = refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR)
    assert "광고" in alone.detail
    assert "at once" not in alone.detail, "one label alone can be met"
    world.run(content(bulk=None, subject="(광고) Saws", headers_true=None), CAMPAIGN, actor=AUTHOR)
    world.run(ChangeCampaignPlan(name="Saws", list_ids=(LIST,), countries=("KR",)), CAMPAIGN, actor=AUTHOR)
    assert "at once" not in refused(world, RequestApproval(), ElementsMissing, actor=AUTHOR).detail


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
