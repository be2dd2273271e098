"""The audience preview: how many may be mailed, how many not, and why; nothing is recorded by looking."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from domain.kernel.permissions import TenantRole, WorkspaceRole
from domain.tenancy.member import SetWorkspaceRole
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, TestTenant
from tests.support.campaigns import CONTENT


async def person(
    api: Api, tenant: TestTenant, country: str | None, kind: str | None = None
) -> dict[str, Any]:
    body = {
        "workspace_id": str(tenant.workspace_id),
        "email": f"{uuid4()}@people.example",
        "country": country,
        "subscriber_type": kind,
    }
    made: dict[str, Any] = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    return made


def addressee(made: dict[str, Any]) -> str:
    (stream,) = [one["stream"] for one in made["events"] if one["name"] == "audience.addressee_registered"]
    return str(stream.partition(":")[2])


async def bought(api: Api, tenant: TestTenant, *people: dict[str, Any]) -> None:
    """There is business that a message can be about."""
    body = {"kind": "volunteering", "occurred_on": "2026-01-05"}
    for one in people:
        done = await api.post(f"/v1/audience/{addressee(one)}/record-relation", tenant.key, body)
        assert done.status_code == 200


async def previewed(api: Api, key: str, **asked: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer, and the lines before it."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = await api.send("GET", f"/v1/audience/preview?{query}", key)
    assert answer.status_code == 200, answer.text
    *before, last = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["penguin-position"] == last["position"]
    return last["preview"], before


async def test_an_audience_by_law_and_reason(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    gone = await person(api, tenant, "GB", "corporate")
    await api.post(f"/v1/audience/{addressee(gone)}/record-opt-out", tenant.key, {"channel": "reply"})
    consenting = await person(api, tenant, "DE", "individual")
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": "Yes."}
    await api.post(f"/v1/audience/{addressee(consenting)}/record-consent", tenant.key, consent)
    for country, kind in (("GB", "corporate"), ("DE", "corporate"), (None, None), ("AQ", None)):
        await person(api, tenant, country, kind)
    await api.project()
    head = await api.parts.log.head(tenant.id)
    told, before = await previewed(api, tenant.key, workspace_id=tenant.workspace_id)
    assert told["people"] == 6
    assert sum(told["verdicts"].values()) == sum(one["people"] for one in told["reasons"]) == 6
    reasons = {(one["verdict"], one["law"], one["rule"]): one["people"] for one in told["reasons"]}
    assert reasons["deny", None, "suppressed-unsubscribe"] == 1
    assert reasons["deny", "de", "otherwise"] == 1
    assert ("allow", "gb") in {key[:2] for key in reasons}
    assert told["laws"]["de"] == {"allow": 1, "hold": 0, "deny": 1}
    assert before[-1] == {"progress": {"judged": 6, "people": 6}}
    assert await api.parts.log.head(tenant.id) == head, "looking decides nothing"


async def test_those_on_a_list_and_an_empty_audience(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    one, _ = [await person(api, tenant, "GB", "corporate") for _ in range(2)]
    body = {"workspace_id": str(tenant.workspace_id), "name": "Some"}
    listed = (await api.post("/v1/audience/new/create-list", tenant.key, body)).json()["id"]
    await api.project()
    empty, before = await previewed(api, tenant.key, workspace_id=tenant.workspace_id, list_id=listed)
    assert (empty["people"], empty["reasons"], len(before)) == (0, [], 1)
    await api.post(f"/v1/audience/{listed}/add-to-list", tenant.key, {"contact_ids": [one["id"]]})
    await api.project()
    told, _ = await previewed(api, tenant.key, workspace_id=tenant.workspace_id, list_id=listed)
    assert told["verdicts"] == {"allow": 1, "hold": 0, "deny": 0}


async def test_what_is_to_be_sent_turns_the_answer(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    await bought(api, tenant, await person(api, tenant, "DE", "individual"))
    await api.project()
    for purpose, verdict in (("marketing", "deny"), ("transactional", "allow")):
        told, _ = await previewed(api, tenant.key, workspace_id=tenant.workspace_id, purpose=purpose)
        assert told["verdicts"][verdict] == 1


async def test_nobody_looks_at_anothers_audience(api: Api) -> None:
    tenant, other = await api.tenant(country="GB"), await api.tenant("Other", country="GB")
    await person(api, other, "GB", "corporate")
    second = await api.act(tenant.id, CreateWorkspace(name="Second"), uuid4())
    await api.project()
    role = SetWorkspaceRole.model_validate(
        {"workspace_id": tenant.workspace_id, "role": WorkspaceRole.VIEWER}
    )
    await api.act(tenant.id, role, tenant.owner_id)
    confined = await api.key(
        tenant, TenantRole.VIEWER, member_id=tenant.owner_id, workspaces=[tenant.workspace_id]
    )
    for key, workspace, status in (
        (tenant.key, other.workspace_id, 404),
        (confined, second.target, 404),
        (confined, tenant.workspace_id, 200),
        (tenant.key, "x", 422),
    ):
        answer = await api.send("GET", f"/v1/audience/preview?workspace_id={workspace}", key)
        assert answer.status_code == status, answer.text
    assert (await api.send("GET", "/v1/audience/preview", tenant.key)).status_code == 422


async def listed(api: Api, tenant: TestTenant, name: str, *contacts: str) -> str:
    body = {"workspace_id": str(tenant.workspace_id), "name": name}
    made: str = (await api.post("/v1/audience/new/create-list", tenant.key, body)).json()["id"]
    if contacts:
        await api.post(f"/v1/audience/{made}/add-to-list", tenant.key, {"contact_ids": contacts})
    return made


async def test_a_campaign_names_its_people_and_what_it_says(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    ann, bea, cat, _ = [await person(api, tenant, "DE", "individual") for _ in range(4)]
    await bought(api, tenant, ann, bea, cat)
    first = await listed(api, tenant, "First", ann["id"], bea["id"])
    both = await listed(api, tenant, "Second", bea["id"], cat["id"])
    stop = {"kind": "manual", "campaign_type": "offers"}
    await api.post(f"/v1/audience/{addressee(ann)}/suppress-addressee", tenant.key, stop)
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    plan = {
        "workspace_id": str(tenant.workspace_id),
        "name": "Receipts",
        "purpose": "transactional",
        "campaign_type": "offers",
        "list_ids": [first, both],
        "countries": ["DE", "GB"],
    }
    campaign = (await api.post("/v1/campaign/new/create-campaign", author, plan)).json()["id"]
    await api.project()
    told, before = await previewed(api, tenant.key, campaign_id=campaign)
    assert (told["people"], told["verdicts"]) == (3, {"allow": 2, "hold": 0, "deny": 1})
    assert before[-1] == {"progress": {"judged": 3, "people": 3}}, "on two lists, and counted once"
    nobody = {**plan, "list_ids": [], "purpose": "marketing", "campaign_type": None}
    del nobody["workspace_id"]
    changed = await api.post(f"/v1/campaign/{campaign}/change-campaign-plan", author, nobody)
    assert changed.status_code == 200, changed.text
    told, _ = await previewed(api, tenant.key, campaign_id=campaign)
    assert told["people"] == 0, "without a list it goes to nobody"
    await api.post(f"/v1/campaign/{campaign}/change-campaign-plan", author, {**nobody, "list_ids": [first]})
    told, _ = await previewed(api, tenant.key, campaign_id=campaign)
    assert told["verdicts"] == {"allow": 0, "hold": 0, "deny": 2}, "an advertisement"


@pytest.mark.parametrize(
    ("country", "purpose", "before", "after"),
    [
        ("CA", "referral", {}, {"text": CONTENT["text"] + "{{ referrer_name }} named you."}),
    ],
)
async def test_what_a_campaigns_content_says_turns_the_answer(
    api: Api, country: str, purpose: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    tenant = await api.tenant(country=country)
    ann = await person(api, tenant, country, "individual")
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    plan = {
        "workspace_id": str(tenant.workspace_id),
        "name": "To one",
        "purpose": purpose,
        "list_ids": [await listed(api, tenant, "First", ann["id"])],
    }
    campaign = (await api.post("/v1/campaign/new/create-campaign", author, plan)).json()["id"]
    await api.project()
    told = []
    for changes in (before, after):
        body = {"content": {"subject": "Hello", "text": CONTENT["text"], **changes}}
        written = await api.post(f"/v1/campaign/{campaign}/write-content", author, body)
        assert written.status_code == 200, written.text
        told.append((await previewed(api, tenant.key, campaign_id=campaign))[0]["verdicts"])
    assert told[0]["allow"] == 0
    assert told[1] == {"allow": 1, "hold": 0, "deny": 0}


async def test_a_campaign_is_asked_for_alone_and_seen_from_its_workspace(api: Api) -> None:
    tenant, other = await api.tenant(country="GB"), await api.tenant("Other", country="GB")
    second = await api.act(tenant.id, CreateWorkspace(name="Second"), uuid4())
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    body = {"workspace_id": str(tenant.workspace_id), "name": "Mine"}
    campaign = (await api.post("/v1/campaign/new/create-campaign", author, body)).json()["id"]
    inside = await api.key(tenant, TenantRole.VIEWER, workspaces=[tenant.workspace_id])
    outside = await api.key(tenant, TenantRole.VIEWER, workspaces=[second.target])
    await api.project()
    asked = f"campaign_id={campaign}"
    for key, query, status in (
        (tenant.key, asked, 200),
        (inside, asked, 200),
        (outside, asked, 404),
        (other.key, asked, 404),
        (tenant.key, f"campaign_id={uuid4()}", 404),
        (tenant.key, f"{asked}&purpose=marketing", 422),
        (tenant.key, f"{asked}&workspace_id={tenant.workspace_id}", 422),
    ):
        answer = await api.send("GET", f"/v1/audience/preview?{query}", key)
        assert answer.status_code == status, answer.text


async def test_a_plan_that_names_countries_holds_everybody_else(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    people = [await person(api, tenant, country, "individual") for country in ("DE", "CA", "CA", None)]
    await bought(api, tenant, *people)
    stopped = await person(api, tenant, "CA", "individual")
    await api.post(f"/v1/audience/{addressee(stopped)}/suppress-addressee", tenant.key, {"kind": "manual"})
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    plan = {
        "workspace_id": str(tenant.workspace_id),
        "name": "Receipts",
        "purpose": "transactional",
        "list_ids": [await listed(api, tenant, "All", *(one["id"] for one in (*people, stopped)))],
        "countries": ["DE"],
    }
    campaign = (await api.post("/v1/campaign/new/create-campaign", author, plan)).json()["id"]
    await api.project()
    told, _ = await previewed(api, tenant.key, campaign_id=campaign)
    assert told["verdicts"] == {"allow": 1, "hold": 3, "deny": 1}
    assert told["outside_plan"] == {"CA": 3}, "by country, with those who are denied besides"
    (outside,) = [one for one in told["reasons"] if one["rule"] == "country-outside-plan"]
    assert (outside["people"], outside["verdict"], outside["missing"]) == (2, "hold", ["countries"])
    assert "not checked for them" in outside["about"]
    anywhere = {**plan, "countries": []}
    del anywhere["workspace_id"]
    await api.post(f"/v1/campaign/{campaign}/change-campaign-plan", author, anywhere)
    told, _ = await previewed(api, tenant.key, campaign_id=campaign)
    assert (told["verdicts"]["hold"], told["outside_plan"]) == (1, {}), "the one whose country nobody knows"


@pytest.mark.parametrize(
    ("fact", "relation"),
    [
        ("similar_goods", {"kind": "purchase", "occurred_on": "2026-01-05"}),
        ("charitable", {"kind": "donation", "occurred_on": "2026-03-01"}),
    ],
)
async def test_a_plan_states_what_a_message_states(api: Api, fact: str, relation: dict[str, str]) -> None:
    """A customer may be written to about similar goods, a supporter by a charity: preview and decision say the same."""
    tenant = await api.tenant(country="GB")
    buyer = await person(api, tenant, "GB", "individual")
    who = addressee(buyer)
    could = {"could_object": True}
    for command, body in (
        ("describe-addressee", could),
        ("record-relation", relation),
    ):
        entered = await api.post(f"/v1/audience/{who}/{command}", tenant.key, body)
        assert entered.status_code == 200, entered.text
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    plan = {
        "workspace_id": str(tenant.workspace_id),
        "name": "More",
        "list_ids": [await listed(api, tenant, "Buyers", buyer["id"])],
    }
    for said, verdict in ((None, "hold"), (True, "allow"), (False, "deny")):
        stated = plan if said is None else {**plan, fact: said, "role_relevant": said}
        campaign = (await api.post("/v1/campaign/new/create-campaign", author, stated)).json()["id"]
        await api.project()
        told, _ = await previewed(api, tenant.key, campaign_id=campaign)
        assert told["verdicts"][verdict] == 1, told
        row = (await api.send("GET", f"/v1/campaign/campaigns/{campaign}", author)).json()["data"]
        assert (row[fact], row["role_relevant"]) == (said, said)
        ask = {"workspace_id": str(tenant.workspace_id), "message_id": str(uuid4()), fact: said}
        decided = await api.post(f"/v1/audience/{who}/authorise-message", tenant.key, ask)
        assert decided.json()["result"]["verdict"] == verdict


async def test_who_was_never_written_to_is_held_where_the_content_says_that_it_is_not_the_first(
    api: Api,
) -> None:
    tenant = await api.tenant(country="DE")
    known, new = [await person(api, tenant, "DE", "individual") for _ in range(2)]
    abroad = await person(api, tenant, "US", "individual")
    consent = {"occurred_on": "2026-01-05", "source": "event", "wording": "Yes."}
    for one in (known, new, abroad):
        await api.post(f"/v1/audience/{addressee(one)}/record-consent", tenant.key, consent)
    message = {"workspace_id": str(tenant.workspace_id), "message_id": str(uuid4())}
    for command in ("authorise-message", "dispatch-message"):
        done = await api.post(f"/v1/audience/{addressee(known)}/{command}", tenant.key, message)
        assert done.status_code == 200, done.text
    author = await api.key(tenant, TenantRole.OWNER, member_id=tenant.owner_id)
    people = [one["id"] for one in (known, new, abroad)]
    plan = {
        "workspace_id": str(tenant.workspace_id),
        "name": "News",
        "list_ids": [await listed(api, tenant, "All", *people)],
    }
    campaign = (await api.post("/v1/campaign/new/create-campaign", author, plan)).json()["id"]
    await api.project()
    notices = {
        "text": CONTENT["text"] + "{{ notice.processing_purpose }} {{ notice.data_source }}",
        "html": None,
        "processing_purpose": "Advertising",
        "data_source": "You at our shop",
        "objection_told": True,
    }
    for changes, verdicts in (
        ({}, {"allow": 1, "hold": 2, "deny": 0}),
        (notices, {"allow": 3, "hold": 0, "deny": 0}),
        ({"first_message": None}, {"allow": 3, "hold": 0, "deny": 0}),
    ):
        said = {name: one for name, one in {**CONTENT, **changes}.items() if one is not None}
        written = await api.post(f"/v1/campaign/{campaign}/write-content", author, {"content": said})
        assert written.status_code == 200, written.text
        told, _ = await previewed(api, tenant.key, campaign_id=campaign)
        assert (told["verdicts"], told["never_written_to"]) == (verdicts, 2), changes
        held = [one for one in told["reasons"] if one["rule"] == "first-message-lacks"]
        if verdicts["hold"]:
            (first,) = held
            assert (first["people"], first["missing"]) == (2, ["first_message"])
            assert "first_message" in first["about"]
        else:
            assert not held


async def test_what_no_law_says_is_in_words_and_tells_what_ends_it(api: Api) -> None:
    tenant = await api.tenant(country="US")
    rules: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for kind in ("hard_bounce", "soft_bounces", "manual"):
        one = await person(api, tenant, "US")
        await api.post(f"/v1/audience/{addressee(one)}/suppress-addressee", tenant.key, {"kind": kind})
        rules[f"suppressed-{kind}"] = (one, {})
    rules["transactional-without-relation"] = (await person(api, tenant, "US"), {"purpose": "transactional"})
    rules["country-unknown"] = (await person(api, tenant, None), {})
    for rule, (one, besides) in rules.items():
        ask = {"workspace_id": str(tenant.workspace_id), "message_id": str(uuid4()), **besides}
        decided = await api.post(f"/v1/audience/{addressee(one)}/authorise-message", tenant.key, ask)
        (reason,) = [why for why in decided.json()["result"]["reasons"] if why["rule"] == rule]
        assert reason["about"], rule
        assert reason["remedy"], rule
    await api.project()
    for purpose in ("marketing", "transactional"):
        told, _ = await previewed(api, tenant.key, workspace_id=tenant.workspace_id, purpose=purpose)
        assert all(why["about"] for why in told["reasons"]), told
