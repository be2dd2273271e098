"""The permission to send over HTTP: authorise, dispatch, many at once, and what workspaces say of one person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from domain.kernel.permissions import TenantRole, WorkspaceRole
from domain.tenancy.member import SetWorkspaceRole
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, TestTenant

CONSENT = {"occurred_on": "2026-01-05", "source": "website_form", "wording": "Yes, please."}


async def met(api: Api, tenant: TestTenant, **fields: Any) -> str:
    """A new addressee's id."""
    body = {
        "workspace_id": str(tenant.workspace_id),
        "email": f"{uuid4()}@people.example",
        "country": "DE",
        "subscriber_type": "corporate",
        **fields,
    }
    made = (await api.post("/v1/audience/new/create-contact", tenant.key, body)).json()
    streams = [one["stream"] for one in made["events"] if one["name"] == "audience.addressee_registered"]
    return str(streams[0].partition(":")[2])


def message(tenant: TestTenant) -> dict[str, str]:
    return {"message_id": str(uuid4()), "workspace_id": str(tenant.workspace_id)}


async def test_a_message_from_the_deny_to_the_hand_over(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    who = await met(api, tenant)
    ask, go = f"/v1/audience/{who}/authorise-message", f"/v1/audience/{who}/dispatch-message"
    body = message(tenant)
    told = (await api.post(ask, tenant.key, body)).json()["result"]
    assert told["verdict"] == "deny"
    (reason,) = told["reasons"]
    assert (reason["law"], reason["rule"]) == ("de", "otherwise")
    assert "consent" in reason["remedy"]
    refused = await api.post(go, tenant.key, body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-allow")

    await api.post(f"/v1/audience/{who}/record-consent", tenant.key, CONSENT)
    body = message(tenant)
    first = await api.post(ask, tenant.key, body, idempotency_key="ask")
    again = await api.post(ask, tenant.key, body, idempotency_key="ask")
    told = first.json()["result"]
    assert (told["verdict"], told["reasons"][0]["basis"], told["reasons"][0]["entries"]) == (
        "allow",
        "express consent",
        [3],
    )
    assert again.json() == {**first.json(), "replayed": True}
    gone = await api.post(go, tenant.key, body)
    assert gone.json()["result"] == {"dispatched": True, "decision": None}
    assert (await api.post(go, tenant.key, body)).json()["type"] == "/problems/message-already-dispatched"


async def test_an_opt_out_between_allow_and_hand_over(api: Api) -> None:
    tenant = await api.tenant(country="DE")
    who = await met(api, tenant)
    await api.post(f"/v1/audience/{who}/record-consent", tenant.key, CONSENT)
    body = message(tenant)
    await api.post(f"/v1/audience/{who}/authorise-message", tenant.key, body)
    await api.post(f"/v1/audience/{who}/record-opt-out", tenant.key, {"channel": "reply"})
    told = (await api.post(f"/v1/audience/{who}/dispatch-message", tenant.key, body)).json()["result"]
    assert told["dispatched"] is False
    assert told["decision"]["reasons"][0]["rule"] == "suppressed-unsubscribe"


async def test_many_at_once_each_decided_by_itself(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    people = [await met(api, tenant, country=country) for country in ("GB", "DE", "US")]
    gone = message(tenant)
    for name in ("authorise", "dispatch"):
        await api.post(f"/v1/audience/{people[0]}/{name}-message", tenant.key, gone)
    messages = [{"addressee_id": who, "message_id": str(uuid4())} for who in people]
    body = {
        "workspace_id": str(tenant.workspace_id),
        "messages": [*messages, {"addressee_id": people[0], "message_id": gone["message_id"]}],
    }
    path = "/v1/audience/new/authorise-messages"
    rehearsed = (await api.post(path, tenant.key, body, penguin_dry_run="true")).json()["result"]
    answer = await api.post(path, tenant.key, body)
    told = answer.json()["result"]
    assert told["counts"] == {"allow": 2, "deny": 1, "dispatched": 1} == rehearsed["counts"]
    assert [(one["addressee_id"], one["verdict"], one["law"]) for one in told["decisions"]] == [
        (people[0], "allow", "gb"),
        (people[1], "deny", "de"),
        (people[2], "allow", "gb"),
    ]
    head = await api.parts.log.head(tenant.id)
    assert head is not None
    assert answer.json()["events"][-1]["position"] == head.position, "the rehearsal appended nothing"
    again = await api.post(f"/v1/audience/{answer.json()['id']}/authorise-messages", tenant.key, body)
    assert again.json()["type"] == "/problems/authorisation-id-taken"


async def test_what_is_wrong_with_many_is_told_with_its_place(api: Api) -> None:
    tenant, other = await api.tenant(country="GB"), await api.tenant("Other", country="GB")
    theirs = await met(api, other)
    path = "/v1/audience/new/authorise-messages"
    one = {"addressee_id": await met(api, tenant), "message_id": str(uuid4())}
    for messages, status, kind in (
        ([one, {"addressee_id": theirs, "message_id": str(uuid4())}], 404, "/problems/no-such-addressee"),
        ([one, one], 422, "/problems/body-invalid"),
        ([], 422, "/problems/body-invalid"),
    ):
        body = {"workspace_id": str(tenant.workspace_id), "messages": messages}
        answer = await api.post(path, tenant.key, body)
        assert (answer.status_code, answer.json()["type"]) == (status, kind), answer.text
        if status == 404:
            assert answer.json()["errors"][0]["pointer"] == "/messages/1/addressee_id"
    foreign = await api.post(f"/v1/audience/{theirs}/authorise-message", tenant.key, message(tenant))
    assert foreign.status_code == 404


async def test_where_workspaces_differ_nothing_is_known_until_it_is_settled(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    other = await api.act(tenant.id, CreateWorkspace(name="Other"), uuid4())
    email = f"{uuid4()}@people.example"
    who = await met(api, tenant, email=email, country="GB")
    second = {"workspace_id": str(other.target), "email": email, "country": "FR"}
    made = await api.post("/v1/audience/new/create-contact", tenant.key, second)
    assert "audience.addressee_described" in [one["name"] for one in made.json()["events"]]
    ask = f"/v1/audience/{who}/authorise-message"
    told = (await api.post(ask, tenant.key, message(tenant))).json()["result"]
    assert (told["verdict"], told["reasons"][0]["missing"]) == ("hold", ["country"])
    await api.post(f"/v1/audience/{who}/describe-addressee", tenant.key, {"country": "GB"})
    assert (await api.post(ask, tenant.key, message(tenant))).json()["result"]["verdict"] == "allow"


async def test_a_key_of_one_workspace_authorises_for_that_one_alone(api: Api) -> None:
    tenant = await api.tenant(country="GB")
    other = await api.act(tenant.id, CreateWorkspace(name="Other"), uuid4())
    role = SetWorkspaceRole.model_validate(
        {"workspace_id": tenant.workspace_id, "role": WorkspaceRole.MEMBER}
    )
    await api.act(tenant.id, role, tenant.owner_id)
    key = await api.key(
        tenant, TenantRole.MEMBER, member_id=tenant.owner_id, workspaces=[tenant.workspace_id]
    )
    who = await met(api, tenant, country="GB")
    ask = f"/v1/audience/{who}/authorise-message"
    assert (await api.post(ask, key, message(tenant))).json()["result"]["verdict"] == "allow"
    elsewhere = {**message(tenant), "workspace_id": str(other.target)}
    assert (await api.post(ask, key, elsewhere)).status_code == 404


async def test_the_answer_to_a_consent_tells_which_opt_outs_go_on_and_its_moment_lifts_them(api: Api) -> None:
    tenant = await api.tenant(country="US")
    who = await met(api, tenant, country="US")
    consent = {"source": "event", "explicit": True, "wording": "Write to me again"}
    path = f"/v1/audience/{who}/record-consent"
    await api.post(f"/v1/audience/{who}/record-opt-out", tenant.key, {"channel": "reply"})
    today = datetime.now(UTC)
    by_day = await api.post(path, tenant.key, {**consent, "occurred_on": f"{today:%Y-%m-%d}"})
    told = by_day.json()["result"]
    assert not told["opt_outs_lifted"]
    (goes_on,) = told["opt_outs_going_on"]
    assert (goes_on["kind"], goes_on["scope"], goes_on["why"]) == ("unsubscribe", "tenant", "same_day")
    assert "occurred_at" in goes_on["about"]
    neither = await api.post(path, tenant.key, consent)
    assert (neither.status_code, neither.json()["errors"][0]["pointer"]) == (422, "/occurred_on")
    now = datetime.now(UTC).isoformat()
    lifted = await api.post(path, tenant.key, {**consent, "occurred_at": now}, idempotency_key="again")
    assert lifted.json()["result"] == {"opt_outs_lifted": True, "opt_outs_going_on": []}
    same = await api.post(path, tenant.key, {**consent, "occurred_at": now}, idempotency_key="again")
    assert same.json()["result"] == lifted.json()["result"]
