"""A limit that is reached, over HTTP: what is refused, what it says, and what lets the same command through."""

from datetime import timedelta
from typing import Any

from api.composition import now
from domain.billing.terms import Interval
from domain.kernel.permissions import TenantRole
from domain.tenancy.plans import Plan
from tests.support.api import Api, TestTenant
from tests.support.billing import SUBSCRIPTION, item, terms, told


async def _buys(api: Api, tenant: TestTenant, number: int, *items: Any) -> None:
    at = now() - timedelta(seconds=100 - number)
    await api.act(tenant.id, told(terms(*items), as_=f"evt_{number}", at=at), SUBSCRIPTION)


async def test_a_limit_is_a_402_that_says_what_to_buy_and_buying_it_lets_the_command_through(
    api: Api,
) -> None:
    tenant = await api.tenant(plan=Plan.STARTER)
    await _buys(api, tenant, 1, item("starter"))
    path, body = "/v1/tenancy/new/create-workspace", {"name": "Client"}
    for _ in range(2):
        assert (await api.post(path, tenant.key, body)).status_code == 201
    for dry in ("false", "true"):
        refused = await api.post(path, tenant.key, body, penguin_dry_run=dry)
        assert refused.status_code == 402, refused.text
        problem = refused.json()
        assert problem["type"] == "/problems/limit-reached"
        assert {name: problem[name] for name in ("meter", "limit", "used", "plan", "buy")} == {
            "meter": "workspaces",
            "limit": 3,
            "used": 3,
            "plan": "starter",
            "buy": {
                "pay": None,
                "add_on": {
                    "id": "workspace",
                    "adds": 1,
                    "unit_amount": 2_000,
                    "currency": "USD",
                    "interval": "month",
                },
                "plan": {
                    "id": "professional",
                    "limit": 10,
                    "unit_amount": 14_900,
                    "currency": "USD",
                    "interval": "month",
                },
            },
        }
    assert (await api.send("GET", "/problems/limit-reached", None)).status_code == 200
    await _buys(api, tenant, 2, item("starter"), item("workspace"))
    assert (await api.post(path, tenant.key, body, idempotency_key="again")).status_code == 201
    await api.project()
    used = (await api.send("GET", "/v1/billing/usage?meter=workspaces", tenant.key)).json()["data"]
    assert [(one["used"], one["limit"], one["share"]) for one in used] == [(4, 4, 100.0)]
    account = (await api.send("GET", "/v1/billing/account", tenant.key)).json()["data"]
    (shown,) = account
    assert (shown["plan"], shown["access"], shown["limits"]["workspaces"]) == ("starter", "active", 4)
    assert [one["of"] for one in shown["subscriptions"][0]["terms"]["items"]] == ["starter", "workspace"]
    alerts = (await api.send("GET", "/v1/history?name=billing.usage_alerted", tenant.key)).json()["data"]
    assert [one["payload"]["threshold"] for one in alerts][-1] == 100


async def test_what_the_plan_does_not_include_is_a_402_until_it_is_bought(api: Api) -> None:
    tenant = await api.tenant(plan=Plan.STARTER)
    await _buys(api, tenant, 1, item("starter", interval=Interval.YEAR))
    path, body = "/v1/webhooks/new/create-webhook-endpoint", {"url": "https://hooks.example/in"}
    for dry in ("false", "true"):
        refused = await api.post(path, tenant.key, body, penguin_dry_run=dry)
        assert refused.status_code == 402, refused.text
        problem = refused.json()
        assert problem["type"] == "/problems/feature-not-included"
        assert (problem["feature"], problem["plan"]) == ("api", "starter")
        assert problem["buy"]["plan"] == {
            "id": "professional",
            "unit_amount": 143_000,
            "currency": "USD",
            "interval": "year",
        }
    await _buys(api, tenant, 2, item("professional", interval=Interval.YEAR))
    assert (await api.post(path, tenant.key, body)).status_code == 201


async def test_what_is_used_is_seen_by_who_may_read_billing_alone(api: Api) -> None:
    tenant = await api.tenant(plan=Plan.FREE)
    await api.project()
    viewer = await api.key(tenant, TenantRole.VIEWER)
    for path in ("/v1/billing/usage", "/v1/billing/account"):
        assert (await api.send("GET", path, viewer)).status_code == 403
    found = (await api.send("GET", "/v1/billing/usage", tenant.key)).json()["data"]
    assert {(one["meter"], one["used"], one["limit"]) for one in found} == {
        ("users", 1, 1),
        ("workspaces", 1, 1),
    }
    (account,) = (await api.send("GET", "/v1/billing/account", tenant.key)).json()["data"]
    assert account["limits"] == {"users": 1, "workspaces": 1, "domains": 1, "emails": 300}


async def test_the_catalogue_is_shown_as_it_is_sold(api: Api) -> None:
    tenant = await api.tenant()
    answer = await api.send("GET", "/v1/billing/catalogue", tenant.key)
    assert answer.status_code == 200, answer.text
    (shown,) = answer.json()["data"]
    starter = next(one for one in shown["plans"] if one["id"] == "starter")
    assert (starter["month"], starter["limits"]["emails"]) == (4_900, 10_000)
    prices = {one["id"]: one["unit_amount"] for one in shown["prices"]}
    assert prices[f"{shown['version']}/starter/year/eur"] == 47_000
