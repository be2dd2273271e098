"""Commands over HTTP, from the header to the log."""

from __future__ import annotations

from uuid import uuid4

from tests.support.api import Api


async def test_a_command_is_answered_with_what_it_became(api: Api) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    answer = await api.post("/v1/audience/new/create-list", tenant.key, body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert [event["name"] for event in told["events"]] == ["audience.list_created"]
    assert told["version"] == 1
    assert not told["replayed"]
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["penguin-position"] == told["position"]


async def test_a_key_gives_one_effect_and_the_same_answer(api: Api) -> None:
    tenant = await api.tenant()
    body = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    key = str(uuid4())
    first = await api.post("/v1/audience/new/create-list", tenant.key, body, idempotency_key=key)
    again = await api.post("/v1/audience/new/create-list", tenant.key, body, idempotency_key=key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert {**first.json(), "replayed": True} == again.json()
    other = await api.post(
        "/v1/audience/new/create-list", tenant.key, {**body, "name": "Other"}, idempotency_key=key
    )
    assert other.status_code == 422
    assert other.json()["type"] == "/problems/key-reused"
