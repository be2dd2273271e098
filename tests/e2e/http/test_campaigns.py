"""A campaign's life over HTTP, from its draft to a yes: who writes, who is asked, what an edit takes away."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.composition import now
from application.ports.positions import Position
from domain.campaign.commands import TimeOutReview
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, serving
from tests.support.campaigns import CONTENT
from tests.support.database import Database
from tests.support.working import Worker


@dataclass(slots=True)
class Clock:
    """The clock of this API: the moment, and how far it was put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return now() + self.ahead


@dataclass(slots=True)
class House:
    """A tenant with a list, and a key for each of its people."""

    api: Api
    clock: Clock
    tenant: TestTenant
    author: str
    manager: str
    officer: str
    list_id: str

    async def does(self, key: str, what: str, body: object = None, on: str = "new") -> httpx.Response:
        return await self.api.post(f"/v1/campaign/{on}/{what}", key, body)

    async def look(self, campaign: str, key: str | None = None) -> dict[str, Any]:
        await self.api.project()
        answer = await self.api.send("GET", f"/v1/campaign/campaigns/{campaign}", key or self.author)
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()["data"]
        return row

    def plan(self, **changes: Any) -> dict[str, Any]:
        made = {"name": "Saws", "list_ids": [self.list_id], "countries": ["DE", "US"]}
        return {**made, **changes}

    async def written(self, **changes: Any) -> str:
        body = {"workspace_id": str(self.tenant.workspace_id), **self.plan()}
        made = await self.does(self.author, "create-campaign", body)
        assert made.status_code == 201, made.text
        campaign: str = made.json()["id"]
        done = await self.does(self.author, "write-content", {"content": {**CONTENT, **changes}}, on=campaign)
        assert done.status_code == 200, done.text
        return campaign


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    clock = Clock()
    async with serving(database, tmp_path, clock=clock) as api:
        tenant = await api.tenant(country="DE")
        keys = [
            await api.key(tenant, role, member_id=await _joined(api, tenant, role))
            for role in (TenantRole.MEMBER, TenantRole.CAMPAIGN_MANAGER, TenantRole.COMPLIANCE_OFFICER)
        ]
        body = {"workspace_id": str(tenant.workspace_id), "name": "Buyers"}
        made = await api.post("/v1/audience/new/create-list", tenant.key, body)
        yield House(api, clock, tenant, keys[0], keys[1], keys[2], made.json()["id"])


async def _joined(api: Api, tenant: TestTenant, role: TenantRole) -> UUID:
    body = {"email": f"{role}@acme.example", "full_name": "Some One", "role": role}
    invited = await api.post("/v1/tenancy/new/invite-member", tenant.key, body)
    assert invited.status_code == 201, invited.text
    joined = await api.post("/v1/invitations/accept", None, {"token": invited.json()["secret"]})
    assert joined.status_code == 200, joined.text
    return UUID(invited.json()["id"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_a_yes_shows_how_many_were_on_the_lists_when_it_was_said(house: House) -> None:
    campaign = await house.written()
    assert (await house.does(house.author, "request-approval", on=campaign)).status_code == 200
    row = await house.look(campaign)
    assert row["recipients"] == 0
    stated = ("bulk", "first_message", "identified_as_advertising", "unsubscribe_notice")
    assert {name: row["declared"][name] for name in stated if name in CONTENT} == {
        name: CONTENT[name] for name in stated if name in CONTENT
    }
    assert row["declared"].keys() < row["content"].keys()
    asked = f"/v1/audience/preview?campaign_id={campaign}"
    preview = (await house.api.send("GET", asked, house.manager)).text.splitlines()[-1]
    assert json.loads(preview)["preview"]["declared"] == row["declared"]
    body = {"workspace_id": str(house.tenant.workspace_id), "email": "ann@people.example"}
    key = house.tenant.key
    ann = (await house.api.post("/v1/audience/new/create-contact", key, body)).json()["id"]
    added = await house.api.post(f"/v1/audience/{house.list_id}/add-to-list", key, {"contact_ids": [ann]})
    assert added.status_code == 200, added.text
    yes = {"content_hash": row["content_hash"]}
    told = await house.does(house.manager, "approve-campaign", yes, on=campaign)
    assert told.status_code == 200
    assert told.json()["result"] == {
        **yes,
        "part": "campaign_manager",
        "complete": True,
        "recipients": 1,
        **{name: row[name] for name in ("declared", "countries")},
    }
    row = await house.look(campaign)
    assert (row["state"], row["recipients"]) == ("approved", 1)


async def test_a_campaign_is_written_asked_for_voided_and_approved(house: House) -> None:
    campaign = await house.written(promotion=True, unsubscribe_notice=False)
    lacking = await house.does(house.author, "request-approval", on=campaign)
    assert problem(lacking) == (409, "elements-missing")
    missing = {one["requirement"]: one for one in lacking.json()["missing"]}
    assert missing["us.opt-out-notice"]["cites"] == "15 U.S.C. 7704(a)(5)(A)(ii)"
    assert missing["us.opt-out-notice"]["remedy"] == "Say in plain sight that and how one can opt out."
    row = await house.look(campaign)
    assert (row["state"], [one["law"] for one in row["missing"]]) == ("draft", ["de", "us"])

    rewritten = {"content": {**CONTENT, "promotion": True}}
    told = await house.does(house.author, "write-content", rewritten, on=campaign)
    assert [event["name"] for event in told.json()["events"]] == [
        "campaign.content_written",
        "campaign.checked",
    ]
    assert (await house.does(house.author, "request-approval", on=campaign)).status_code == 200
    row = await house.look(campaign, house.officer)
    assert row["state"] == "in_review"
    assert row["parts"] == ["campaign_manager", "compliance_officer"]
    read = {"content_hash": row["content_hash"]}

    assert problem(await house.does(house.author, "approve-campaign", read, on=campaign)) == (
        403,
        "missing-permission",
    )
    first = await house.does(house.manager, "approve-campaign", read, on=campaign)
    assert first.status_code == 200, first.text
    second = await house.does(house.officer, "approve-compliance", read, on=campaign)
    assert second.status_code == 200, second.text
    row = await house.look(campaign)
    assert (row["state"], row["outcome"]) == ("approved", "approved")
    assert row["manager"] != row["officer"]

    edited = await house.does(house.author, "change-campaign-plan", house.plan(name="Axes"), on=campaign)
    assert "campaign.approval_voided" in [event["name"] for event in edited.json()["events"]]
    row = await house.look(campaign)
    assert (row["state"], row["outcome"], row["manager"]) == ("draft", "voided", None)
    assert row["content_hash"] != read["content_hash"]
    late = await house.does(house.officer, "approve-compliance", read, on=campaign)
    assert problem(late) == (409, "campaign-not-in-review")


async def test_a_manager_who_wrote_at_it_does_not_approve_it(house: House) -> None:
    campaign = await house.written(promotion=False)
    changed = {"content": {**CONTENT, "subject": "Axes"}}
    assert (await house.does(house.manager, "write-content", changed, on=campaign)).status_code == 200
    assert (await house.does(house.manager, "request-approval", on=campaign)).status_code == 200
    read = {"content_hash": (await house.look(campaign))["content_hash"]}
    refused = await house.does(house.manager, "approve-campaign", read, on=campaign)
    assert problem(refused) == (403, "author-cannot-approve")
    nobody = await house.does(house.tenant.key, "approve-campaign", read, on=campaign)
    assert problem(nobody) == (403, "nobody-named")


async def test_after_forty_eight_hours_it_is_a_no(house: House) -> None:
    campaign = await house.written(promotion=False)
    await house.does(house.author, "request-approval", on=campaign)
    read = {"content_hash": (await house.look(campaign))["content_hash"]}
    house.clock.ahead = timedelta(hours=48)
    late = await house.does(house.manager, "approve-campaign", read, on=campaign)
    assert problem(late) == (409, "review-timed-out")
    done = await house.api.act(house.tenant.id, TimeOutReview(), UUID(campaign))
    assert [event.name for event in done.events] == ["campaign.review_timed_out"]
    row = await house.look(campaign)
    assert (row["state"], row["outcome"]) == ("draft", "timed_out")
    assert problem(await house.does(house.manager, "time-out-review", on=campaign))[0] == 404


async def test_a_broken_text_is_refused_with_its_line(house: House) -> None:
    campaign = await house.written()
    body = {"content": {**CONTENT, "text": "Hi\n{{ first_nam }}"}}
    refused = await house.does(house.author, "write-content", body, on=campaign)
    assert problem(refused) == (422, "unknown-token")
    told = refused.json()
    assert (told["line"], told["errors"][0]["pointer"]) == (2, "/content/text")
    assert "first_name" in told["known"]
    rehearsed = await house.api.post(
        f"/v1/campaign/{campaign}/write-content?dry_run=true", house.author, body
    )
    assert rehearsed.status_code == 422


async def asked_for(house: House, ago: timedelta) -> tuple[str, str]:
    """A campaign that was asked for so long ago, and the hash of what was asked about."""
    house.clock.ahead = -ago
    campaign = await house.written(promotion=True)
    assert (await house.does(house.author, "request-approval", on=campaign)).status_code == 200
    house.clock.ahead = timedelta()
    row = await house.look(campaign)
    assert row["state"] == "in_review"
    return campaign, row["content_hash"]


async def test_a_review_that_nobody_answered_ends_by_itself_after_two_days(house: House) -> None:
    campaign, _ = await asked_for(house, timedelta(hours=48, minutes=1))
    waiting, _ = await asked_for(house, timedelta(hours=47))
    worker = Worker(house.api)
    assert await worker.work_off() == ["campaign.time_out_review"]
    row = await house.look(campaign)
    assert (row["state"], row["outcome"]) == ("draft", "timed_out")
    assert (await house.look(waiting))["state"] == "in_review"
    assert await worker.work_off() == []
    again = await house.does(house.author, "request-approval", on=campaign)
    assert again.status_code == 200, "it may be asked for again, and has two days again"
    assert await worker.work_off() == []
    assert (await house.look(campaign))["state"] == "in_review"


async def test_one_of_two_answers_does_not_end_the_wait_for_the_other(house: House) -> None:
    campaign, content_hash = await asked_for(house, timedelta(hours=48, minutes=1))
    house.clock.ahead = timedelta(hours=-1)
    yes = {"content_hash": content_hash}
    assert (await house.does(house.manager, "approve-campaign", yes, on=campaign)).status_code == 200
    house.clock.ahead = timedelta()
    assert await Worker(house.api).work_off() == ["campaign.time_out_review"]
    assert (await house.look(campaign))["outcome"] == "timed_out"


@pytest.mark.parametrize("end", ["approved", "rejected", "edited", "withdrawn", "archived"])
async def test_what_was_answered_edited_or_taken_back_is_not_timed_out(house: House, end: str) -> None:
    campaign, content_hash = await asked_for(house, timedelta(hours=48, minutes=1))
    house.clock.ahead = timedelta(hours=-1)
    yes = {"content_hash": content_hash}
    done: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "approved": [
            (house.manager, "approve-campaign", yes),
            (house.officer, "approve-compliance", yes),
        ],
        "rejected": [(house.manager, "reject-campaign", {**yes, "reason": "No."})],
        "edited": [(house.author, "write-content", {"content": {**CONTENT, "subject": "Axes"}})],
        "withdrawn": [(house.author, "withdraw-campaign", {})],
        "archived": [(house.author, "archive-campaign", {})],
    }
    for key, word, body in done[end]:
        answer = await house.does(key, word, body, on=campaign)
        assert answer.status_code == 200, answer.text
    state = (await house.look(campaign))["state"]
    house.clock.ahead = timedelta()
    assert await Worker(house.api).work_off() == []
    assert (await house.look(campaign))["state"] == state != "in_review"


async def test_a_campaign_is_of_its_own_tenant_alone(house: House) -> None:
    campaign = await house.written()
    await house.api.project()
    other = await house.api.tenant("Other", country="DE")
    member = await _joined(house.api, other, TenantRole.CAMPAIGN_MANAGER)
    key = await house.api.key(other, TenantRole.CAMPAIGN_MANAGER, member_id=member)
    for what, body in (
        ("write-content", {"content": CONTENT}),
        ("check-campaign", {}),
        ("request-approval", {}),
        ("approve-campaign", {"content_hash": "0" * 64}),
        ("archive-campaign", {}),
    ):
        assert problem(await house.does(key, what, body, on=campaign)) == (404, "not-found"), what
    answer = await house.api.send("GET", f"/v1/campaign/campaigns/{campaign}", key)
    assert answer.status_code == 404
    foreign = {"workspace_id": str(other.workspace_id), "name": "S", "list_ids": [house.list_id]}
    assert problem(await house.does(key, "create-campaign", foreign)) == (422, "list-not-in-workspace")
    listed = await house.api.send("GET", "/v1/campaign/campaigns?state=draft", house.author)
    assert [row["campaign_id"] for row in listed.json()["data"]] == [campaign]
    assert "content" not in listed.json()["data"][0]


async def test_what_the_manager_had_before_them_opens_again_with_what_they_opened(house: House) -> None:
    campaign = await house.written()
    assert (await house.does(house.author, "request-approval", on=campaign)).status_code == 200
    read = {"content_hash": (await house.look(campaign))["content_hash"]}
    body = {"workspace_id": str(house.tenant.workspace_id), "email": "ann@people.example"}
    await house.api.post("/v1/audience/new/create-contact", house.tenant.key, body)
    await house.api.project()
    seen = await house.api.send("GET", "/v1/audience/contacts", house.manager)
    assert seen.json()["data"][0]["email"] == "ann@people.example"
    yes = await house.does(house.manager, "approve-campaign", read, on=campaign)
    assert (await house.does(house.author, "withdraw-campaign", on=campaign)).status_code == 200
    at = Position.parse(yes.json()["position"]).n
    answer = await house.api.send("GET", f"/v1/history/known?position={at}", house.tenant.key)
    told = answer.json()["data"]
    assert told["name"] == "campaign.approval_given", answer.text
    pages = {page["page"]: page for page in told["pages"]}
    (opened,) = pages["audience.contacts"]["opened"]
    assert opened["position"] == seen.json()["position"]
    assert pages["campaign.campaign"]["opened"] is None  # nothing personal: such reads leave no entry
    then = await house.api.send("GET", pages["campaign.campaign"]["address"], house.manager)
    assert (then.json()["data"]["state"], then.json()["data"]["content_hash"]) == (
        "in_review",
        read["content_hash"],
    )
    assert told["changes_since"] != []
    undo = await house.api.send("GET", f"/v1/history/undo?position={at}", house.author)
    assert undo.status_code == 403
    undone = (await house.api.send("GET", f"/v1/history/undo?position={at}", house.tenant.key)).json()["data"]
    assert undone["verdict"] == "not_now"
    assert undone["by"][0]["refused"] is not None
