"""Keys that are wrong, revoked or may not: what they are told, and when a key is shown."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.kernel.permissions import TenantRole
from tests.support.api import Api
from tests.support.problems import problem

CREATE = "/v1/audience/new/create-list"


async def test_a_revoked_key_is_told_nothing_that_it_was_told_before(api: Api) -> None:
    tenant = await api.tenant()
    made = await api.post("/v1/tenancy/new/create-api-key", tenant.key, {"label": "leak", "role": "admin"})
    key, new = made.json()["secret"], "/v1/audience/new/create-contact"
    ada = {"workspace_id": str(tenant.workspace_id), "email": "ada@people.example"}
    first = await api.post(new, key, ada, idempotency_key="once")
    assert first.status_code == 201
    contact = f"/v1/audience/{first.json()['id']}"
    revoked = await api.post(f"/v1/tenancy/{made.json()['id']}/revoke-api-key", tenant.key)
    assert revoked.status_code == 200
    for path, body, headers in (
        (new, ada, {"idempotency_key": "once"}),
        (new, {**ada, "email": "eve@people.example"}, {"idempotency_key": "once"}),
        (new, ada, {}),
        (f"{contact}/update-contact", {"first_name": "Ada"}, {"if_match": '"99"'}),
        (f"{contact}/update-contact", {}, {}),
        (f"/v1/audience/{uuid4()}/update-contact", {"first_name": "Ada"}, {}),
    ):
        answer = await api.post(path, key, body, **headers)
        assert answer.status_code == 401, (path, answer.text)
        assert answer.json().keys() <= {"type", "title", "status", "detail", "request_id"}
    assert (await api.post(new, tenant.key, ada)).json()["type"] == "/problems/address-taken"


async def test_no_key_wrong_key_and_revoked_key(api: Api) -> None:
    tenant = await api.tenant()
    for key in (None, "nonsense", tenant.key[:-2] + "AA", f"pm_live_{'A' * 75}"):
        answer = await api.post(CREATE, key, {})
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    made = await api.post("/v1/tenancy/new/create-api-key", tenant.key, {"label": "x", "role": "admin"})
    body = {"workspace_id": str(tenant.workspace_id), "name": "x"}
    secret = made.json()["secret"]
    assert (await api.post(CREATE, secret, body)).status_code == 201
    revoked = await api.post(f"/v1/tenancy/{made.json()['id']}/revoke-api-key", tenant.key)
    assert revoked.status_code == 200
    problem(await api.post(CREATE, secret, body), 401, "unauthenticated")
    problem(await api.send("GET", "/v1/tenancy/workspaces", secret), 401, "unauthenticated")


async def test_a_secret_is_shown_once(api: Api) -> None:
    tenant = await api.tenant()
    body = {"label": "x", "role": "viewer"}
    first = (await api.post("/v1/tenancy/new/create-api-key", tenant.key, body, idempotency_key="k")).json()
    again = (await api.post("/v1/tenancy/new/create-api-key", tenant.key, body, idempotency_key="k")).json()
    assert first["secret"].startswith("pm_live_")
    assert (again["secret"], again["id"]) == (None, first["id"])
    assert "revoke" in again["note"]


async def test_a_missing_permission_is_named_and_given_at_once(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    told = problem(await api.post(CREATE, viewer, {}), 403, "missing-permission")
    assert told["permission"] == "lists.write"
    assert "lists.write" in str(told["detail"])


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "2100-01-01T00:00:01Z", "1999-12-31T23:00:00Z"]
)
async def test_a_key_expires_in_a_year_that_every_zone_has(api: Api, moment: str) -> None:
    tenant = await api.tenant()
    body = {"label": "x", "role": "viewer", "expires_at": moment}
    told = problem(await api.post("/v1/tenancy/new/create-api-key", tenant.key, body), 422, "body-invalid")
    assert [error["pointer"] for error in told["errors"]] == ["/expires_at"]
