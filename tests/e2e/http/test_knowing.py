"""What was known when somebody approved: pages as they stood, what was opened, what changed since."""

from __future__ import annotations

from typing import Any

from application.ports.positions import Position
from domain.kernel.permissions import StaffRole
from tests.support.api import Api, TestTenant


async def done(api: Api, key: str, path: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await api.send("POST", path, key, body, more.get("headers") or {})
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def known(api: Api, key: str, position: int) -> dict[str, Any]:
    answer = await api.send("GET", f"/v1/history/known?position={position}", key)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def n(told: dict[str, Any]) -> int:
    return Position.parse(told["position"]).n


async def asked_for(api: Api, tenant: TestTenant) -> tuple[str, dict[str, str]]:
    """A request of staff to look in; its id, and the headers of who answers it."""
    _, asking = await api.staff(StaffRole.FINANCE)
    here = {"penguin-tenant": str(tenant.id)}
    body = {"scope": ["contacts.read"], "ticket": "T-1", "reason": "A fault", "hours": 1}
    asked = await done(api, asking, "/v1/tenancy/new/request-grant", body, headers=here)
    return str(asked["id"]), here


async def test_the_pages_of_an_approval_open_as_they_stood_and_say_whether_they_were_opened(api: Api) -> None:
    tenant = await api.tenant()
    grant, here = await asked_for(api, tenant)
    await api.project()
    _, approving = await api.staff(StaffRole.OPERATIONS)
    looked = await api.send("GET", f"/v1/tenancy/grants/{grant}", approving, headers=here)
    approved = await done(api, approving, f"/v1/tenancy/{grant}/approve-grant", {}, headers=here)
    await done(api, tenant.key, f"/v1/tenancy/{grant}/revoke-grant", {})
    found = await known(api, tenant.key, n(approved))
    assert (found["name"], found["approver"]["kind"]) == ("tenancy.grant_approved", "staff")
    assert Position.parse(found["stood_at"]).n == n(approved) - 1
    one, listed = found["pages"]
    assert one["address"] == f"/v1/tenancy/grants/{grant}?at={n(approved) - 1}"
    assert one["leaves_entries"] == "always"
    assert looked.status_code == 403, looked.text
    assert one["opened"] == []  # who answers requests of staff does not see the tenant's own page of them
    assert listed["opened"] == []
    for page in found["pages"]:
        then = await api.send("GET", page["address"], tenant.key)
        assert then.status_code == 200, then.text
    assert (await api.send("GET", one["address"], tenant.key)).json()["data"]["status"] == "requested"
    assert found["then"]["status"] == "approved"
    assert [(c["path"], c["before"], c["after"]) for c in found["changes_since"]] == [
        ("/status", "approved", "revoked")
    ]


async def test_reads_of_the_hour_are_shown_to_those_who_may_see_who_read_what(api: Api) -> None:
    tenant, other = await api.tenant(), await api.tenant("Other")
    workspace = str(tenant.workspace_id)
    body = {"workspace_id": workspace, "email": "anna@example.org"}
    await done(api, tenant.key, "/v1/audience/new/create-contact", body)
    await api.project()
    seen = await api.send("GET", "/v1/tenancy/members", tenant.key)
    assert seen.status_code == 200
    locked = await done(api, tenant.key, f"/v1/finance/{tenant.id}/lock-period", {"period": "2026-09"})
    found = await known(api, tenant.key, n(locked))
    assert [(one["query"], one["surely"]) for one in found["reads"]] == [("tenancy.members", True)]
    assert found["all_reads"]
    assert {page["page"]: (page["leaves_entries"], page["opened"]) for page in found["pages"]}[
        "costs.costs"
    ] == (
        "never",
        None,
    )
    for page in found["pages"]:
        then = await api.send("GET", page["address"], tenant.key)
        assert then.status_code in (200, 503), (page, then.text)
    for position, status in (("1", 422), ("0", 404), ("99999", 422), ("x", 422)):
        answer = await api.send("GET", f"/v1/history/known?position={position}", tenant.key)
        assert answer.status_code == status, (position, answer.text)
    assert (await api.send("GET", "/v1/history/known", tenant.key)).status_code == 422
    theirs = await api.send("GET", f"/v1/history/known?position={n(locked)}", other.key)
    assert theirs.status_code == 422
    assert str(tenant.id) not in theirs.text
