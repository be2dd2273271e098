"""From the platform's register to a tenant's end, over HTTP alone: registered, entered, used, closed."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from api.ops.registering import open_registered
from api.workflows import workflows_of
from application.credentials import first_key_kept
from application.jobs import Job
from application.orders import Outcome
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole
from projections.jobs.due import job_id
from tests.support.api import Api
from tests.support.working import Worker

BODY = {
    "name": "Acme Ltd",
    "country": "GB",
    "sends_for": "itself",
    "owner_email": "ann@acme.example",
    "owner_name": "Ann",
    "plan": "business",
}
REGISTER = "/v1/platform/new/register-tenant"


async def registered(api: Api, staff: str, **fields: object) -> httpx.Response:
    answer = await api.post(REGISTER, staff, {**BODY, **fields}, idempotency_key="sign-up/1")
    assert answer.status_code == 201, answer.text
    return answer


async def register_of(api: Api, staff: str, status: str) -> list[dict[str, Any]]:
    answer = await api.send("GET", f"/v1/platform/tenants?status={status}", staff)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def test_a_tenant_is_registered_entered_used_and_closed(api: Api) -> None:
    _, staff = await api.staff(StaffRole.OPERATIONS)
    worker = Worker(api)
    told = (await registered(api, staff)).json()
    tenant, key = told["id"], told["secret"]
    assert key.startswith("pm_live_")
    early = await api.send("GET", f"/v1/tenancy/tenants/{tenant}", key)
    assert early.status_code == 401, "its log is not open yet"
    assert await worker.work_off() == ["tenant.open"]
    own = await api.send("GET", f"/v1/tenancy/tenants/{tenant}", key)
    assert (own.json()["data"]["slug"], own.json()["data"]["status"]) == ("acme-ltd", "active")
    assert own.json()["data"]["sends_for"] == "itself"
    (member,) = (await api.send("GET", "/v1/tenancy/members?email=ANN@acme.example", key)).json()["data"]
    assert (member["role"], member["full_name"]) == ("owner", "Ann")
    (first,) = (await api.send("GET", "/v1/tenancy/api-keys", key)).json()["data"]
    assert (first["label"], first["person_id"]) == ("First key", member["member_id"])
    (workspace,) = (await api.send("GET", "/v1/tenancy/workspaces", key)).json()["data"]
    contact = {"workspace_id": workspace["workspace_id"], "email": "bob@example.org"}
    assert (await api.post("/v1/audience/new/create-contact", key, contact)).status_code == 201
    assert [row["id"] for row in await register_of(api, staff, "open")] == [tenant]
    assert await register_of(api, staff, "closed") == []

    closed = await api.post(f"/v1/tenancy/{tenant}/close-tenant", key, {"tenant_slug": "acme-ltd"})
    assert closed.status_code == 200, closed.text
    assert sorted(await worker.work_off()) == ["registration.close", "subscription.end_all"]
    assert await register_of(api, staff, "open") == []
    (row,) = await register_of(api, staff, "closed")
    assert (row["id"], row["slug"]) == (tenant, "acme-ltd")
    contact["email"] = "late@example.org"
    assert (await api.post("/v1/audience/new/create-contact", key, contact)).status_code == 401
    assert (await api.send("GET", "/v1/audience/contacts", key)).status_code == 401
    again = await api.post(REGISTER, staff, BODY, idempotency_key="sign-up/2")
    assert again.json()["type"] == "/problems/slug-taken", "for ever"


async def test_a_first_key_whose_answer_was_lost_is_shown_again_until_it_is_forgotten(api: Api) -> None:
    _, staff = await api.staff()
    first = (await registered(api, staff)).json()
    again = (await registered(api, staff)).json()
    assert (again["id"], again["replayed"], again["secret"]) == (first["id"], True, first["secret"])
    assert "for a day" in again["note"]
    assert await Worker(api).work_off() == ["tenant.open"], "what is kept for a day is not due yet"
    position = first["events"][-1]["position"]
    assert first["events"][-1]["name"] == "platform.first_key_made"
    parts, name, tenant = api.parts, "first_key.forget", UUID(first["id"])
    workflows = workflows_of(parts)
    for _ in range(2):
        await workflows.run(Job(job_id(PLATFORM, position, name), PLATFORM, position, name, tenant))
    late = (await registered(api, staff)).json()
    assert (late["id"], late["replayed"], late["secret"]) == (first["id"], True, None)
    assert "not kept" in late["note"]
    assert (await api.send("GET", f"/v1/tenancy/tenants/{tenant}", first["secret"])).status_code == 200
    forgotten = await api.send("GET", "/v1/history?name=platform.first_key_forgotten", staff)
    assert len(forgotten.json()["data"]) == 1


async def test_somebody_elses_answer_is_given_again_without_its_secret(api: Api) -> None:
    """Who may register customers must not come into their tenants by guessing an idempotency key."""
    (_, staff), (_, other) = await api.staff(StaffRole.OPERATIONS), await api.staff(StaffRole.OPERATIONS)
    first = (await registered(api, staff)).json()
    theirs = (await registered(api, other)).json()
    assert (theirs["id"], theirs["replayed"], theirs["secret"]) == (first["id"], True, None)


async def test_a_registration_is_answered_again_after_its_key_was_forgotten(api: Api) -> None:
    _, staff = await api.staff()
    tenant = uuid4()
    path = f"/v1/platform/{tenant}/register-tenant"
    told = await api.post(path, staff, BODY, idempotency_key="mine")
    assert told.status_code == 200, told.text
    api.parts.keys.destroy([first_key_kept(tenant)])
    again = await api.post(path, staff, BODY, idempotency_key="mine")
    assert (again.status_code, again.json()["replayed"], again.json()["secret"]) == (200, True, None)
    other = await api.post(path, staff, {**BODY, "tenant_slug": "other"}, idempotency_key="other")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/tenant-id-taken")


async def test_no_answer_shows_the_first_keys_hmac(api: Api) -> None:
    _, staff = await api.staff()
    await registered(api, staff)
    history = (await api.send("GET", "/v1/history?category=registration", staff)).text
    assert "platform.first_key_made" in history
    assert "_hmac" not in history


async def test_rehearsing_a_sign_up_makes_no_key_and_no_tenant(api: Api) -> None:
    _, staff = await api.staff()
    before = len(list(api.parts.settings.keys_folder.rglob("*")))
    told = await api.post(REGISTER, staff, BODY, penguin_dry_run="true")
    assert told.json()["dry_run"]
    assert "secret" not in told.json()
    assert len(list(api.parts.settings.keys_folder.rglob("*"))) == before
    assert await Worker(api).work_off() == []


async def test_opening_twice_opens_once(api: Api) -> None:
    """The command line opens at once, the worker a moment later."""
    _, staff = await api.staff()
    told = (await registered(api, staff)).json()
    outcome = Outcome(UUID(told["command_id"]), UUID(told["id"]), None, (), 1)
    opened = await open_registered(api.parts, outcome, first_key=False)
    assert (await api.send("GET", "/v1/tenancy/workspaces", told["secret"])).status_code in (200, 503)
    again = await open_registered(api.parts, outcome, first_key=True)
    assert again.key is None, "it was shown, over HTTP"
    assert await Worker(api).work_off() == ["tenant.open"]
    with psycopg.connect(api.database.admin) as connection:
        names = connection.execute(
            "SELECT name, count(*) FROM log.events WHERE tenant_id = %s GROUP BY 1", (opened.tenant_id,)
        ).fetchall()
    assert {count for _, count in names} == {1}
    assert {"tenancy.tenant_opened", "tenancy.api_key_created"} <= {name for name, _ in names}
