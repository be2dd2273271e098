"""What staff see of a tenant under a grant, and what the tenant sees of that."""

from __future__ import annotations

import json

from domain.kernel.permissions import StaffRole
from tests.e2e.http.test_questions import CONTACT, contact, reads
from tests.support.api import Api, TestTenant


async def test_staff_read_under_a_grant_and_the_tenant_sees_it(api: Api) -> None:
    tenant = await api.tenant()
    await contact(api, tenant)
    await api.project()
    _, asking_key = await api.staff(StaffRole.SUPPORT)
    _, approving_key = await api.staff(StaffRole.OPERATIONS)
    here = {"penguin-tenant": str(tenant.id)}
    scope = {"scope": ["contacts.read"], "ticket": "SUP-1", "reason": "Counts look wrong", "hours": 1}
    asked = await api.send("POST", "/v1/tenancy/new/request-grant", asking_key, scope, here)
    assert asked.status_code == 201, asked.text
    grant = asked.json()["id"]
    under = {"penguin-grant": f"{tenant.id}.{grant}"}
    early = await api.send("GET", "/v1/audience/contacts", asking_key, headers=under)
    assert early.json()["type"] == "/problems/grant-not-active"
    own = await api.send("POST", f"/v1/tenancy/{grant}/approve-grant", asking_key, {}, here)
    assert own.status_code == 403
    approved = await api.send("POST", f"/v1/tenancy/{grant}/approve-grant", approving_key, {}, here)
    assert approved.status_code == 200, approved.text
    told = await api.send(
        "GET", "/v1/audience/contacts", asking_key, headers={**under, "penguin-reason": "Counted twice?"}
    )
    assert told.status_code == 200, told.text
    assert await reads(api, tenant) == 1
    (read,) = (await api.send("GET", "/v1/access", tenant.key)).json()["data"]
    assert read["reason"] == f"grant {grant}, ticket SUP-1: Counted twice?"
    assert told.json()["data"][0]["email"] == "[sealed]"
    others = await api.send("GET", "/v1/audience/contacts", approving_key, headers=under)
    assert others.status_code == 403
    tenants = await api.send("GET", "/v1/audience/contacts", tenant.key, headers=under)
    assert tenants.json()["type"] == "/problems/staff-alone"
    assert json.dumps(told.json()).count("Anna") == 0


async def granted(api: Api, tenant: TestTenant, asking: str, approving: str, *scope: str) -> dict[str, str]:
    """The header of a grant for what is named, asked for and approved."""
    here = {"penguin-tenant": str(tenant.id)}
    body = {"scope": list(scope), "ticket": "SUP-1", "reason": "Counts look wrong", "hours": 1}
    asked = await api.send("POST", "/v1/tenancy/new/request-grant", asking, body, here)
    assert asked.status_code == 201, asked.text
    grant = asked.json()["id"]
    approved = await api.send("POST", f"/v1/tenancy/{grant}/approve-grant", approving, {}, here)
    assert approved.status_code == 200, approved.text
    return {"penguin-grant": f"{tenant.id}.{grant}"}


async def test_support_sees_no_personal_data_whatever_the_grant_says(api: Api) -> None:
    tenant = await api.tenant()
    await contact(api, tenant)
    await api.project()
    _, support = await api.staff(StaffRole.SUPPORT)
    staff_id, finance = await api.staff(StaffRole.FINANCE)
    _, admin = await api.staff(StaffRole.SUPER_ADMIN)
    here = {"penguin-tenant": str(tenant.id)}
    personal = {"scope": ["contacts.read_personal"], "ticket": "SUP-1", "reason": "Why not", "hours": 1}
    refused = await api.send("POST", "/v1/tenancy/new/request-grant", support, personal, here)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/no-personal-data")
    under = await granted(api, tenant, support, admin, "members.read")
    (owner,) = (await api.send("GET", "/v1/tenancy/members", support, headers=under)).json()["data"]
    assert (owner["email"], owner["full_name"], owner["role"]) == ("[sealed]", "[sealed]", "owner")

    scope = ("contacts.read", "contacts.read_personal", "members.read")
    under = await granted(api, tenant, finance, admin, *scope)
    shown = await api.send("GET", "/v1/audience/contacts", finance, headers=under)
    assert shown.json()["data"][0]["email"] == CONTACT["email"]
    moved = await api.post(f"/v1/platform/{staff_id}/change-staff-role", admin, {"role": "support"})
    assert moved.status_code == 200, moved.text
    shown = await api.send("GET", "/v1/audience/contacts", finance, headers=under)
    assert shown.json()["data"][0]["email"] == "[sealed]", "the role counts as it is, not as it was"
