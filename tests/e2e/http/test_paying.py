"""From the checkout page to access, to another plan, and to what differs: over HTTP, with a Stripe of our own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from stripe import WebhookSignature

from api.composition import now
from application.billing.stocking import Stocking
from application.ports.payment_values import Invoice, Line
from application.workflow import Because, Workflow
from domain.billing.account_state import Account
from domain.billing.catalogue import Meter
from domain.billing.terms import Terms
from domain.billing.usage import ReserveBlock, SettleBlock, UsageCounted, counter_id, month_of
from domain.kernel.ids import PLATFORM, BlockId, TenantId
from domain.kernel.permissions import StaffRole, TenantRole
from tests.support.api import Api, TestTenant, serving
from tests.support.billing import told as telling
from tests.support.database import Database
from tests.support.limited import happen
from tests.support.stripes import WEBHOOK_SECRET, Desk, fake_desk
from tests.support.working import Worker

SET_ASIDE = "billing.gateway_event_set_aside"
STARTER = {
    "plan": "starter",
    "success_url": "https://acme.example/done",
    "cancel_url": "https://acme.example",
}


class Shop:
    """A tenant, its API, and the provider; what the provider tells goes to the API's door, signed."""

    def __init__(self, api: Api, desk: Desk, tenant: TestTenant) -> None:
        self.api, self.desk, self.tenant = api, desk, tenant
        self.worker = Worker(api)

    async def post(self, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        return await self.api.post(path, key or self.tenant.key, body)

    async def buys(self, **wanted: Any) -> None:
        """Somebody goes to the page and pays."""
        asked = await self.post("/v1/billing/checkout", STARTER | wanted)
        assert asked.status_code == 200, asked.text
        async with self.desk.browser() as browser:
            paid = await browser.post(asked.json()["data"]["url"], data={"do": "pay", "card": "pm_card_visa"})
        assert paid.status_code == 303, paid.text
        await self.hears()

    async def hears(self) -> list[str]:
        """All that is to be told is told, and worked off, until nobody has anything to say."""
        done: list[str] = []
        while (await self.desk.control("deliver", all_now=True))["taken"] or not done:
            done += await self.worker.work_off() or ["nothing"]
        return done

    async def account(self) -> Account:
        found: Account = await self.api.parts.commands.state(
            self.tenant.id, "billing_account", self.tenant.id
        )
        return found

    async def shown(self) -> dict[str, Any]:
        """The account as its view shows it."""
        await self.api.project()
        answer = await self.api.send("GET", "/v1/billing/account", self.tenant.key)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"][0]
        return found

    async def changes(self, command: str, body: dict[str, Any]) -> httpx.Response:
        answer = await self.post(f"/v1/billing/{self.tenant.id}/{command}", body)
        if answer.status_code == 200:
            await self.hears()
        return answer

    async def platform(self) -> list[str]:
        return [row.name for row in await self.api.parts.log.read_log(PLATFORM, limit=1_000)]

    async def names(self) -> list[str]:
        return [row.name for row in await self.api.parts.log.read_log(self.tenant.id, limit=1_000)]


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    async with fake_desk() as desk, serving(database, tmp_path, payments=desk.gateway) as api:
        assert desk.fake is not None
        desk.fake.courier._client = api.http
        endpoint: Any = {"url": "http://penguin.test/v1/gateways/stripe", "enabled_events": ["*"]}
        made = await desk.raw.v1.webhook_endpoints.create_async(endpoint)
        desk.fake.world.kinds["webhook_endpoint"][made.id]["secret"] = WEBHOOK_SECRET
        await api.staff()
        yield Shop(api, desk, await api.tenant())


async def test_who_buys_a_plan_has_it_with_what_they_paid_in_the_log(shop: Shop) -> None:
    await shop.buys(add_ons={"user": 2})
    account = await shop.account()
    assert account.access == "active"
    assert account.entitlements is not None
    assert (account.entitlements.plan, account.entitlements.limits["users"]) == ("starter", 4)
    names = await shop.names()
    for name in ("invoice_finalised", "invoice_paid", "payment_received", "subscription_reported"):
        assert f"billing.{name}" in names
    portal = await shop.post("/v1/billing/portal", {"return_url": "https://acme.example"})
    async with shop.desk.browser() as browser:
        page = await browser.get(portal.json()["data"]["url"])
    assert "79.00" in page.text, "a starter and two users"
    again = await shop.post("/v1/billing/checkout", STARTER)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-subscribed")


async def test_more_is_had_at_once_and_less_with_the_next_cycle(shop: Shop) -> None:
    await shop.buys()
    assert (await shop.changes("change-subscription", {"plan": "business"})).status_code == 200
    account = await shop.account()
    assert account.entitlements is not None
    assert account.entitlements.plan == "business"
    assert (await shop.changes("change-subscription", {"plan": "starter"})).status_code == 200
    account = await shop.account()
    assert account.entitlements is not None
    assert account.entitlements.plan == "business", "the cycle is paid for"
    (shown,) = await shop.desk.gateway.subscriptions(account.customer.reference if account.customer else "")
    assert shown.change_ahead is not None
    assert [line.price for line in shown.change_ahead.lines] == ["2026-01/starter/month/usd"]
    assert (await shop.names()).count("billing.change_made") == 2
    seen = await shop.shown()
    assert (seen["ahead"]["plan"], seen["last_change"]["state"]) == ("starter", "made")
    assert (await shop.changes("withdraw-change", {})).status_code == 200
    (shown,) = await shop.desk.gateway.subscriptions(account.customer.reference if account.customer else "")
    assert shown.change_ahead is None
    seen = await shop.shown()
    assert (seen["ahead"], seen["last_change"]["kind"], seen["paid_twice"]) == (None, "withdraw", [])
    again = await shop.changes("withdraw-change", {})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-changes")


async def test_what_is_paid_twice_is_seen_and_ended_by_its_name(shop: Shop) -> None:
    await shop.buys()
    account = await shop.account()
    assert account.customer is not None
    await shop.desk.card(account.customer.reference, "pm_card_visa")
    await shop.desk.subscribe(account.customer.reference, Line("2026-01/starter/month/usd"))
    await shop.hears()
    twice = (await shop.shown())["paid_twice"]
    assert sorted(twice) == sorted(map(str, (await shop.account()).subscriptions))
    refused = await shop.changes("change-subscription", {"plan": "business"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/subscribed-twice")
    assert sorted(refused.json()["subscriptions"]) == sorted(twice)
    compared = (await shop.post("/v1/billing/reconciliation", {})).json()["data"]
    assert {one["field"] for one in compared["differences"]} == {"doubled"}
    assert (await shop.changes("cancel-subscription", {"subscription_id": twice[1]})).status_code == 200
    assert (await shop.shown())["paid_twice"] == []


async def bought_long_ago(shop: Shop, days: int) -> tuple[str, datetime]:
    """A new tenant subscribes by a clock so many days back, and its card pays no more: the clock, and since when."""
    shop.tenant = await shop.api.tenant()
    asked = await shop.post("/v1/billing/checkout", STARTER)
    customer, start = (await shop.shown())["customer"], now() - timedelta(days=days)
    clock = await shop.desk.control("clock", customer=customer, frozen_time=int(start.timestamp()))
    async with shop.desk.browser() as browser:
        await browser.post(asked.json()["data"]["url"], data={"do": "pay", "card": "pm_card_visa"})
    await shop.hears()
    assert (await shop.account()).access == "active"
    (card,) = (await shop.desk.raw.v1.customers.payment_methods.list_async(customer)).data
    await shop.desk.control("card", payment_method=card.id, behaviour="generic_decline")
    return clock["id"], start


async def last_invoice(shop: Shop) -> Invoice:
    (held,) = (await shop.shown())["subscriptions"]
    subscription = await shop.desk.gateway.subscription(held["reference"])
    return await shop.desk.gateway.invoice(str(subscription.latest_invoice))


async def test_dunning_is_lived_through_by_who_subscribed_by_a_clock_of_the_past(shop: Shop) -> None:
    """As docs/billing-stripe.md has it: months have 28 to 31 days, and each of these is right for all of them."""
    for days, access in ((35, "past_due"), (47, "cancelled"), (40, "suspended")):
        clock, start = await bought_long_ago(shop, days)
        for day in (*range(27, days), days):
            await shop.desk.advance(clock, min(start + timedelta(days=day, hours=2), now()))
            await shop.hears()
        shown, tried = await shop.shown(), (await last_invoice(shop)).attempts
        assert shown["access"] == access, days
        assert [one["retries"] for one in shown["dunning"]] == ([] if access == "cancelled" else [tried - 1])
    asked = await shop.post("/v1/billing/portal", {"return_url": "https://acme.example"})
    async with shop.desk.browser() as browser:
        portal = asked.json()["data"]["url"]
        await browser.post(portal, data={"do": "card", "card": "pm_card_mastercard"})
        await browser.post(portal, data={"do": "pay", "invoice": (await last_invoice(shop)).ref})
    await shop.hears()
    account = await shop.account()
    assert (account.access, account.dunning) == ("active", {})


async def test_what_goes_beyond_the_limit_is_bought_reported_and_told(shop: Shop) -> None:
    await Stocking(shop.desk.gateway).stock()
    policy = {"meter": "emails", "policy": "buy", "ceiling": 100}
    for body, pointer in (
        (policy | {"policy": "allow"}, "/policy"),
        (policy | {"policy": "ask"}, "/ceiling"),
    ):
        refused = await shop.changes("set-overage-policy", body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    refused = await shop.changes("set-overage-policy", policy)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/overage-needs-plan")
    await shop.buys()
    assert (await shop.changes("set-overage-policy", policy)).status_code == 200
    seen = await shop.shown()
    assert (seen["emails_beyond"], seen["overage"], seen["overage_ceiling"]) == (True, "buy", 100)
    (held,) = seen["subscriptions"]
    assert sorted(item["kind"] for item in held["terms"]["items"]) == ["metered", "plan"]
    terms = Terms.model_validate(held["terms"])
    for rank, status in enumerate(("past_due", "active"), 100):
        unpaid = telling(
            terms.model_copy(update={"status": status}),
            as_=f"evt_{rank}",
            at=now(),
            rank=rank,
            reference=held["reference"],
        )
        await shop.api.act(shop.tenant.id, unpaid, UUID(held["subscription_id"]))
        assert (await shop.shown())["emails_beyond"] is (status == "active")

    period, tenant = month_of(now()), TenantId(shop.tenant.id)
    counter, block_id = counter_id(tenant, Meter.EMAILS, period), BlockId(uuid4())
    full = UsageCounted(tenant_id=tenant, meter="emails", period=period, used=10_000)
    await happen(shop.api.parts.commands, tenant, f"usage:{counter}", full)
    workflow = Workflow(shop.api.parts.commands, tenant, uuid4(), Because(uuid4()))
    reserve = ReserveBlock(period=period, block_id=block_id, consumer=uuid4(), wanted=8)
    await workflow.execute(reserve, counter, key="reserved")
    await workflow.execute(SettleBlock(period=period, block_id=block_id, used=8), counter, key="settled")
    await shop.hears()
    assert (await shop.names()).count("billing.overage_reported") == 1
    await shop.api.project()
    answer = await shop.api.send("GET", "/v1/billing/usage?meter=emails", shop.tenant.key)
    (row,) = answer.json()["data"]
    assert (row["beyond"], row["reported"], row["expected"], row["currency"]) == (8, 8, 100, "USD")
    compared = (await shop.post("/v1/billing/reconciliation", {})).json()["data"]
    assert compared["differences"] == []


async def test_an_end_can_be_taken_back_until_it_comes(shop: Shop) -> None:
    await shop.buys()
    assert (await shop.changes("cancel-subscription", {})).status_code == 200
    again = await shop.changes("cancel-subscription", {})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-changes")
    assert (await shop.changes("resume-subscription", {})).status_code == 200
    assert (await shop.account()).access == "active"


async def test_what_is_not_sold_is_neither_changed_to_nor_bought(shop: Shop) -> None:
    for body, pointer in (
        ({"currency": "CAD"}, "/currency"),
        ({"success_url": "javascript:alert(1)"}, "/success_url"),
    ):
        refused = await shop.post("/v1/billing/checkout", STARTER | body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await shop.account()).customer is None
    await shop.buys()
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"plan": "gold"}, "body-invalid", "/plan"),
        ({"plan": "starter", "add_ons": {"sauna": 1}}, "add-on-unknown", "/add_ons"),
        ({"plan": "starter", "add_ons": {"business": 1}}, "add-on-unknown", "/add_ons"),
        ({"plan": "starter", "coupon": "free-beer"}, "coupon-unknown", "/coupon"),
    ]
    for body, code, pointer in wrong:
        refused = await shop.changes("change-subscription", body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["type"] == f"/problems/{code}"
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_nothing_is_changed_or_shown_of_what_nobody_bought(shop: Shop) -> None:
    refused = await shop.changes("change-subscription", {"plan": "business"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-subscribed")
    portal = await shop.post("/v1/billing/portal", {"return_url": "https://acme.example"})
    assert (portal.status_code, portal.json()["type"]) == (409, "/problems/no-customer")
    member = await shop.api.key(shop.tenant, TenantRole.MEMBER)
    for path in ("checkout", "portal", "reconciliation"):
        assert (await shop.post(f"/v1/billing/{path}", STARTER, member)).status_code == 403
    compared = await shop.post("/v1/billing/reconciliation", {})
    assert compared.json()["data"] == {
        "compared": 0,
        "totals": [],
        "differences": [],
        "repaired": [],
        "unrepaired": [],
    }


async def told(shop: Shop, body: bytes, secret: str = WEBHOOK_SECRET, **changes: Any) -> httpx.Response:
    signed = WebhookSignature.generate_signature_header(body.decode(), secret, int(now().timestamp()))
    headers = {"stripe-signature": signed, "content-type": "application/json"} | changes.pop("headers", {})
    return await shop.api.http.post("/v1/gateways/stripe", content=changes.pop("sent", body), headers=headers)


async def test_what_the_provider_did_not_sign_is_not_looked_at(shop: Shop) -> None:
    await shop.buys()
    platform = len(await shop.api.parts.log.read_log(PLATFORM, limit=1_000))
    event = (await shop.desk.raw.v1.events.list_async({"limit": 1})).data[0].to_dict()
    body = json.dumps(event).encode()
    assert (await told(shop, body)).status_code == 200
    for answer in (
        await told(shop, body, "whsec_of_somebody_else"),
        await told(shop, body, sent=body.replace(b"evt_", b"evt_x", 1)),
        await told(shop, body, headers={"stripe-signature": ""}),
        await told(shop, body, headers={"stripe-signature": "t=1,v1=00"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/signature-invalid")
    for unreadable in (b"{}", b"[]", b'"x"', b"no json"):
        answer = await told(shop, unreadable)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/webhook-unreadable")
    live = await told(shop, json.dumps(event | {"livemode": True}).encode())
    assert live.status_code == 400
    assert len(await shop.api.parts.log.read_log(PLATFORM, limit=1_000)) == platform


async def test_what_was_never_told_is_found_named_and_repaired(shop: Shop) -> None:
    await shop.buys()
    account = await shop.account()
    assert account.customer is not None
    (shown,) = await shop.desk.gateway.subscriptions(account.customer.reference)
    quantity: Any = {"items": [{"id": shown.items[0].ref, "quantity": 3}]}
    await shop.desk.raw.v1.subscriptions.update_async(shown.ref, quantity)
    (payment,) = await shop.desk.gateway.payments(customer=account.customer.reference)
    await shop.desk.gateway.refund(payment.ref, amount=100, key=shop.desk.key())
    assert shop.desk.fake is not None
    shop.desk.fake.world.deliveries.clear()
    seen = (await shop.post("/v1/billing/reconciliation", {"repair": False})).json()["data"]
    assert {(one["kind"], one["field"]) for one in seen["differences"]} == {
        ("subscription", "items"),
        ("payment", "refunded"),
    }
    refunded = next(one for one in seen["differences"] if one["field"] == "refunded")
    assert (refunded["theirs"], refunded["ours"], seen["repaired"]) == (100, 0, [])
    sums = {one["measure"]: (one["currency"], one["difference"]) for one in seen["totals"]}
    assert sums == {
        "invoiced": ("USD", 0),
        "received": ("USD", 0),
        "refunded": ("USD", -100),
        "disputed": ("USD", 0),
        "fees": ("USD", 0),
        "dispute_fees": ("USD", 0),
    }
    mended = (await shop.post("/v1/billing/reconciliation", {"repair": True})).json()["data"]
    assert (len(mended["repaired"]), mended["unrepaired"]) == (2, [])
    assert {one["repaired"] for one in mended["differences"]} == {True}
    after = (await shop.post("/v1/billing/reconciliation", {})).json()["data"]
    assert (after["differences"], after["compared"]) == ([], seen["compared"])
    refunds = {"measure": "refunded", "currency": "USD", "theirs": 100, "ours": 100, "difference": 0}
    assert refunds in after["totals"]


async def test_staff_see_what_was_set_aside_and_why_and_have_it_tried_again(shop: Shop) -> None:
    nobody = await shop.desk.customer()
    await shop.desk.subscribe(nobody, Line("2026-01/starter/month/usd"))
    await shop.hears()
    await shop.api.project()
    path = "/v1/platform/gateway-events?state=set_aside"
    _, finance = await shop.api.staff(StaffRole.FINANCE)
    seen = (await shop.api.send("GET", path, finance)).json()["data"]
    assert len(seen) == len([name for name in await shop.platform() if name == SET_ASIDE]) > 2
    assert {(one["reason"], one["state"], one["of_tenant"]) for one in seen} == {
        ("unknown-customer", "set_aside", None)
    }
    assert nobody in {one["customer"] for one in seen}
    first = seen[0]["gateway_event_id"]
    up = f"/v1/billing/{first}/take-up-gateway-event"
    _, support = await shop.api.staff(StaffRole.SUPPORT)
    for key in (support, shop.tenant.key):
        assert (await shop.api.send("GET", path, key)).status_code == 403
        assert (await shop.api.post(up, key, {})).status_code in (403, 404)
    assert (await shop.api.post(up, finance, {})).status_code == 200
    await shop.api.project()
    waiting = (await shop.api.send("GET", path.replace("set_aside", "waiting"), finance)).json()["data"]
    assert [one["gateway_event_id"] for one in waiting] == [first]
    await shop.worker.work_off()
    assert (await shop.platform()).count(SET_ASIDE) == len(seen) + 1, "nobody's customer it is still"
    wrong = await shop.api.send("GET", path.replace("set_aside", "lost"), finance)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/parameter-invalid")


async def test_without_a_provider_nothing_is_sold_and_that_is_said(api: Api) -> None:
    tenant = await api.tenant()
    for path, body in (("billing/checkout", STARTER), ("gateways/stripe", {})):
        refused = await api.post(f"/v1/{path}", tenant.key, body)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/payments-not-set-up")
