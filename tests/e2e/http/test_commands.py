"""Commands over HTTP, from the header to the log."""

from __future__ import annotations

from uuid import uuid4

from api.ops.bootstrap import Operator
from domain.kernel.permissions import StaffRole, TenantRole, WorkspaceRole
from domain.tenancy.member import SetWorkspaceRole
from domain.tenancy.tenant import SuspendTenant
from domain.tenancy.workspace import CreateWorkspace
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


async def test_a_key_holds_in_a_workspace_no_more_than_its_own_role(api: Api) -> None:
    tenant = await api.tenant()
    grants = SetWorkspaceRole.model_validate(
        {"workspace_id": tenant.workspace_id, "role": WorkspaceRole.ADMIN}
    )
    await api.act(tenant.id, grants, tenant.owner_id)
    body = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    for role, status in ((TenantRole.VIEWER, 403), (TenantRole.MEMBER, 201)):
        for bound in ({}, {"workspaces": [tenant.workspace_id]}):
            key = await api.key(tenant, role, member_id=tenant.owner_id, **bound)
            answer = await api.post("/v1/audience/new/create-list", key, body)
            assert answer.status_code == status, (role, bound, answer.text)


async def test_who_joins_with_an_invitation_has_a_receipt_and_takes_no_workflows_key(api: Api) -> None:
    tenant = await api.tenant()
    body = {"email": "ben@acme.example", "full_name": "Ben", "role": "viewer"}
    invited = await api.post("/v1/tenancy/new/invite-member", tenant.key, body)
    token = {"token": invited.json()["secret"]}
    joined = await api.post("/v1/invitations/accept", None, token, idempotency_key="import/1/completed")
    assert joined.status_code == 200, joined.text
    found = await api.send("GET", "/v1/receipts/import/1/completed", tenant.key)
    assert found.json()["data"]["command"] == "tenancy.accept-invitation"


async def test_a_suspended_tenants_owner_closes_it_and_hands_on_nothing(api: Api) -> None:
    tenant = await api.tenant()
    suspended = SuspendTenant.model_validate({"reason": "unpaid"})
    await api.act(tenant.id, suspended, tenant.id)
    path = f"/v1/tenancy/{tenant.id}"
    heir = {"member_id": str(uuid4())}
    refused = await api.post(f"{path}/transfer-ownership", tenant.key, heir)
    assert refused.json()["type"] == "/problems/tenant-suspended"
    slug = {"tenant_slug": f"acme-{tenant.id.hex[-12:]}"}
    assert (await api.post(f"{path}/close-tenant", tenant.key, slug)).status_code == 200


async def test_who_registers_tenants_can_put_one_on_another_plan_and_nobody_else(api: Api) -> None:
    tenant = await api.tenant(rate=None)
    (_, operations), (_, support) = await api.staff(StaffRole.OPERATIONS), await api.staff(StaffRole.SUPPORT)
    path, body = f"/v1/tenancy/{tenant.id}/change-plan", {"plan": "enterprise", "commands_a_minute": 5_000}
    there = {"penguin_tenant": str(tenant.id)}
    for refused in (await api.post(path, tenant.key, body), await api.post(path, support, body, **there)):
        assert refused.status_code == 403, refused.text
        assert refused.json()["type"] == "/problems/missing-permission"
    changed = await api.post(path, operations, body, **there)
    assert changed.status_code == 200, changed.text
    assert [event["name"] for event in changed.json()["events"]] == ["tenancy.plan_changed"]
    made = {"workspace_id": str(tenant.workspace_id), "name": "Newsletter"}
    # The first finds that what was known of the key is from before.
    await api.post("/v1/audience/new/create-list", tenant.key, made)
    rated = await api.post("/v1/audience/new/create-list", tenant.key, made)
    assert ";q=5000;" in rated.headers["ratelimit-policy"]


async def test_the_installations_own_steps_keep_their_receipts_where_its_first_start_left_them(
    api: Api,
) -> None:
    """In the space of workflows: an installation that was begun long ago finds them there at each start."""
    tenant = await api.tenant()
    made = CreateWorkspace.model_validate({"name": "Begun"})
    done = await Operator(api.parts).execute(tenant.id, made, None, key="installation/step")
    assert not done.replayed
    spaces = {
        space: await api.parts.log.receipt(
            tenant.id,
            [
                bytes.fromhex(one)
                for one in api.parts.commands.streams.pseudonyms(tenant.id, space, "installation/step")
            ],
        )
        for space in ("step", "receipt")
    }
    assert spaces["step"] is not None
    assert spaces["receipt"] is None
    assert (await Operator(api.parts).execute(tenant.id, made, None, key="installation/step")).replayed
