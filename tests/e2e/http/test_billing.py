"""Who may use what is paid for, over HTTP."""

from datetime import timedelta
from typing import Any

from api.composition import now
from domain.kernel.permissions import StaffRole, TenantRole
from tests.support.api import Api, TestTenant
from tests.support.billing import SUBSCRIPTION, item, terms, told


async def _told(api: Api, tenant: TestTenant, number: int, status: str, **more: Any) -> None:
    """The gateway tells how the tenant's subscription stands; each telling is of a later second."""
    at = now() - timedelta(seconds=100 - number)
    telling = told(terms(item("business"), status=status, **more), as_=f"evt_{number}", at=at)
    await api.act(tenant.id, telling, SUBSCRIPTION)


async def test_who_does_not_pay_reads_and_pays_and_does_nothing_else(api: Api) -> None:
    tenant = await api.tenant()
    viewer = await api.key(tenant, TenantRole.FINANCE_LEADER)
    body = {"workspace_id": str(tenant.workspace_id), "name": "Friends"}
    await _told(api, tenant, 1, "past_due")
    assert (await api.post("/v1/audience/new/create-list", tenant.key, body)).status_code == 201
    await _told(api, tenant, 2, "unpaid")
    refused = await api.post("/v1/audience/new/create-list", tenant.key, body)
    assert (refused.status_code, refused.json()["type"]) == (402, "/problems/access-ended")
    assert refused.json()["access"] == "suspended"
    assert (await api.send("GET", "/v1/history", tenant.key)).status_code == 200
    trial = f"/v1/billing/{tenant.id}/start-trial"
    pays = await api.post(trial, viewer, {"plan": "starter"})
    assert (pays.status_code, pays.json()["type"]) == (409, "/problems/already-subscribed")
    await _told(api, tenant, 3, "active")
    assert (await api.post("/v1/audience/new/create-list", tenant.key, body)).status_code == 201


async def test_staff_of_finance_enter_what_was_agreed_and_nobody_else(api: Api) -> None:
    tenant = await api.tenant()
    (_, finance), (_, support) = await api.staff(StaffRole.FINANCE), await api.staff(StaffRole.SUPPORT)
    body = {
        "plan": "enterprise",
        "currency": "EUR",
        "unit_amount": 90_000,
        "limits": {"users": 3},
        "since": (now() - timedelta(days=1)).isoformat(),
    }
    path, there = "/v1/billing/new/agree-subscription", {"penguin_tenant": str(tenant.id)}
    for refused in (await api.post(path, tenant.key, body), await api.post(path, support, body, **there)):
        assert refused.status_code == 403, refused.text
    agreed = await api.post(path, finance, body, **there)
    assert agreed.status_code == 201, agreed.text
    names = [event["name"] for event in agreed.json()["events"]]
    assert names == [
        "billing.limits_agreed",
        "billing.subscription_reported",
        "billing.subscription_added",
        "billing.entitlements_changed",
        "tenancy.plan_changed",
    ]
    wrong = await api.post(path, finance, body | {"currency": "eur"}, **there)
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/currency"
