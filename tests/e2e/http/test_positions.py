"""Every answer names the log position it was made from; those that say no, too: docs/adr/positions-of-refusals.md."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from application.ports.log import LogUnavailable
from application.ports.positions import Position
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant

CREATE = "/v1/audience/new/create-list"
NOBODY = uuid4()


def position_in(answer: httpx.Response) -> Position:
    assert "penguin-position" in answer.headers, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return Position.parse(answer.headers["penguin-position"])


async def head(api: Api, tenant: TestTenant) -> Position:
    return Position.parse(await api.parts.position_of(tenant.id))


async def test_whatever_is_refused_after_its_tenant_is_known(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    made = await api.post(CREATE, tenant.key, body, idempotency_key="used")
    await api.project()
    rename = f"/v1/audience/{made.json()['id']}/rename-list"
    answers = [
        await api.post(CREATE, viewer, body),
        await api.post(CREATE, tenant.key, {"name": 1}),
        await api.post(CREATE, tenant.key, body, content_type="text/plain"),
        await api.send("POST", CREATE, tenant.key, b"{", {"content-type": "application/json"}),
        await api.post(CREATE, tenant.key, {**body, "name": "y"}, idempotency_key="used"),
        await api.post(rename, tenant.key, {"name": "z"}, if_match='"9"'),
        await api.post(f"/v1/audience/{NOBODY}/rename-list", tenant.key, {"name": "z"}),
        await api.post(
            f"/v1/audience/{NOBODY}/rename-list", tenant.key, {"name": "z"}, penguin_dry_run="true"
        ),
        await api.send("GET", f"/v1/audience/lists/{NOBODY}", tenant.key),
        await api.send("GET", "/v1/audience/contacts?limit=0", tenant.key),
        await api.send("GET", "/v1/audience/contacts?cursor=x", tenant.key),
        await api.send("GET", f"/v1/audience/lists?min_position={Position(1, 10**6).token()}", tenant.key),
        await api.send("GET", f"/v1/history/state?stream=list:{NOBODY}", tenant.key),
        await api.send("GET", "/v1/history?name=", viewer),
        await api.send("GET", "/v1/receipts/never", tenant.key),
        await api.send("GET", "/v1/reports/activity?none_such=1", tenant.key),
        await api.send("GET", f"/v1/audience/imports/{NOBODY}/progress", tenant.key),
        await api.send("POST", "/v1/batch", tenant.key, b"{}", {"content-type": "text/plain"}),
    ]
    there = await head(api, tenant)
    for answer in answers:
        assert answer.status_code >= 400, f"{answer.request.url}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        position = position_in(answer)
        assert Position(1, 0) < position <= there, f"{answer.request.url}: {answer.text}"


async def test_a_refusal_by_a_rule_was_decided_on_all_that_its_position_holds(api: Api) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id)}
    for number in range(3):
        body["email"] = f"{number}@example.org"
        made = await api.post("/v1/audience/new/create-contact", tenant.key, body)
        taken = await api.post("/v1/audience/new/create-contact", tenant.key, body)
        assert taken.status_code == 409, taken.text
        assert position_in(taken) >= position_in(made), "what refused it is in what it was made from"


async def test_a_row_that_is_not_found_was_not_found_at_its_views_position(api: Api) -> None:
    tenant = await api.tenant()
    await api.project()
    before = await head(api, tenant)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    made = (await api.post(CREATE, tenant.key, body)).json()["id"]
    missing = await api.send("GET", f"/v1/audience/lists/{made}", tenant.key)
    assert missing.status_code == 404
    assert position_in(missing) == before, "the view does not say that it has seen the new list"
    await api.project()
    found = await api.send("GET", f"/v1/audience/lists/{made}", tenant.key)
    assert position_in(found) == await head(api, tenant)


async def test_a_rate_that_is_used_up(api: Api) -> None:
    tenant = await api.tenant(rate=1)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    answers = [await api.post(CREATE, tenant.key, body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 429, 429]
    assert position_in(answers[2]) == position_in(answers[0])


@pytest.mark.parametrize("dry_run", ["false", "true"])
async def test_a_batch_and_each_of_its_lines(api: Api, dry_run: str) -> None:
    tenant = await api.tenant()
    begun = await head(api, tenant)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    lines = [
        {"id": "1", "command": "audience/create-list", "target": "new", "body": body},
        {"id": "2", "command": "audience/rename-list", "target": str(NOBODY), "body": {"name": "y"}},
        {"id": "3", "command": "audience/none-such", "target": "new"},
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    headers = {"content-type": "application/x-ndjson", "penguin-dry-run": dry_run}
    answer = await api.send("POST", "/v1/batch", tenant.key, content, headers)
    assert position_in(answer) == begun
    done, *refused = (json.loads(line) for line in answer.text.splitlines())
    assert Position.parse(done["result"]["position"]) >= begun
    for line in refused:
        assert line["status"] >= 400
        assert begun <= Position.parse(line["position"]) <= await head(api, tenant)


async def test_reads_of_the_second_log_name_both_logs(api: Api) -> None:
    tenant = await api.tenant()
    answer = await api.send("GET", "/v1/access", tenant.key)
    for _ in range(2):
        answer = await api.send("GET", "/v1/access", tenant.key)
        assert position_in(answer) == await head(api, tenant), "one that can be waited for"
        assert (await api.send("GET", "/v1/history", tenant.key)).status_code == 200
    assert Position.parse(answer.json()["position"]).n == 3, (
        "its own: the three reads that were recorded before"
    )


async def test_who_is_of_no_tenant_learns_no_position(api: Api) -> None:
    tenant = await api.tenant()
    invitation = {"email": "m@example.org", "full_name": "M", "role": "admin"}
    made = await api.post("/v1/tenancy/new/invite-member", tenant.key, invitation)
    wrong = made.json()["secret"][:-4] + "AAAA"
    for answer in (
        await api.post(CREATE, None, {}),
        await api.post(CREATE, f"{tenant.key[:-4]}AAAA", {}),
        await api.post("/v1/invitations/accept", None, {"token": wrong}),
        await api.send("GET", "/v1/nothing/here", tenant.key),
        await api.send("GET", CREATE, tenant.key),
    ):
        assert answer.status_code >= 400, answer.text
        assert "penguin-position" not in answer.headers, answer.text


async def test_it_is_said_while_the_log_takes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await api.tenant()
    refused = await api.post(CREATE, tenant.key, {"name": 1})

    async def away(*_: object, **__: object) -> None:
        raise LogUnavailable

    monkeypatch.setattr(type(api.parts.log), "append", away)
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    answer = await api.post(CREATE, tenant.key, body)
    assert answer.status_code == 503
    assert position_in(answer) == position_in(refused), "the last that was known here"
