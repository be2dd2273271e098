"""Our own Stripe on the wire: errors, keys, idempotency, pages and expansion are as Stripe has them."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from adapters.stripe.fake.forms import read_form
from adapters.stripe.gateway import StripeGateway
from adapters.stripe.settings import StripeSettings
from application.ports.payment_values import Invoice, Line, When
from application.ports.payments import (
    CardDeclined,
    InvalidPaymentRequest,
    NotOurAccount,
    PaymentsUnavailable,
    RateLimited,
)
from tests.support.stripes import ADDRESS, FAKE_KEY, Desk, fake_desk

STARTER = Line("2026-01/starter/month/usd")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with fake_desk() as made:
        yield made


async def asked(desk: Desk, method: str, path: str, *, key: str = FAKE_KEY, **more: Any) -> httpx.Response:
    async with desk.browser() as browser:
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        return await browser.request(method, path, headers=headers, **more)


def test_forms_are_nested() -> None:
    text = "items[0][price]=a&items[1][price]=b&expand[]=x&expand[]=y&metadata[a b]=ä%26&items[0][quantity]="
    assert read_form(text) == {
        "items": [{"price": "a", "quantity": ""}, {"price": "b"}],
        "expand": ["x", "y"],
        "metadata": {"a b": "ä&"},
    }


@pytest.mark.parametrize(
    ("method", "path", "form", "status", "error"),
    [
        ("GET", "/v1/customers/cus_1", None, 404, {"code": "resource_missing", "param": "id"}),
        ("GET", "/v1/nonsense", None, 404, {"type": "invalid_request_error"}),
        (
            "GET",
            "/v1/invoices/in_1/lines?created[gt]=1",
            None,
            400,
            {"code": "parameter_unknown", "param": "created"},
        ),
        ("POST", "/v1/customers", {"nam": "x"}, 400, {"code": "parameter_unknown", "param": "nam"}),
        ("POST", "/v1/products", {}, 400, {"code": "parameter_missing", "param": "name"}),
        (
            "POST",
            "/v1/prices",
            {"product": "starter", "currency": "usd", "unit_amount": "1.5"},
            400,
            {"code": "parameter_invalid_integer", "param": "unit_amount"},
        ),
        (
            "POST",
            "/v1/prices",
            {"product": "starter", "currency": "xyz", "unit_amount": "1"},
            400,
            {"param": "currency"},
        ),
        ("GET", "/v1/customers?limit=101", None, 400, {"param": "limit"}),
        ("GET", "/v1/customers?starting_after=cus_1", None, 404, {"param": "starting_after"}),
        ("GET", "/v1/invoices?expand[]=data.a.b.c.d", None, 200, None),
        ("POST", "/v1/refunds", {"amount": "1"}, 400, {"param": "payment_intent"}),
    ],
)
async def test_what_is_wrong_is_told_as_stripe_tells_it(
    desk: Desk, method: str, path: str, form: dict[str, str] | None, status: int, error: dict[str, str] | None
) -> None:
    answer = await asked(desk, method, path, data=form)
    assert answer.status_code == status
    assert re.fullmatch(r"req_\w+", answer.headers["request-id"])
    if error is not None:
        told = answer.json()["error"]
        assert {"type": "invalid_request_error", **error}.items() <= told.items()
        assert told["message"]


async def test_only_a_key_of_ours_is_taken(desk: Desk) -> None:
    for key in ("", "sk_test_other", "sk_live_x"):
        answer = await asked(desk, "GET", "/v1/customers", key=key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    settings = StripeSettings("sk_test_other", api=ADDRESS)
    with pytest.raises(NotOurAccount):
        await StripeGateway(settings, desk.transport).payments()


async def test_a_key_is_taken_as_the_user_of_basic_authentication(desk: Desk) -> None:
    async with desk.browser() as browser:
        for user, status in ((FAKE_KEY, 200), ("sk_test_other", 401)):
            answer = await browser.get("/v1/customers", auth=(user, ""))
            assert answer.status_code == status
        odd = {"Authorization": "Basic no-base64"}
        assert (await browser.get("/v1/customers", headers=odd)).status_code == 401


async def test_the_payment_methods_of_a_customer(desk: Desk) -> None:
    customer = await desk.customer("pm_card_mastercard")
    await desk.customer()
    listed = desk.raw.v1.customers.payment_methods.list_async
    (found,) = (await listed(customer)).data
    assert found.card is not None
    assert found.card.last4 == "4444"
    assert (await listed(customer, {"type": "sepa_debit"})).data == []
    with pytest.raises(stripe.InvalidRequestError, match="cus_none"):
        await listed("cus_none")


async def test_a_key_is_one_write_for_a_day(desk: Desk) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await asked(desk, "POST", "/v1/customers", data={"name": "a"}, headers=headers)
    again = await asked(desk, "POST", "/v1/customers", data={"name": "a"}, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    other = await asked(desk, "POST", "/v1/customers", data={"name": "b"}, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    await desk.control("skip", seconds=86_401)
    later = await asked(desk, "POST", "/v1/customers", data={"name": "b"}, headers=headers)
    assert later.json()["name"] == "b"


async def test_a_request_that_was_wrong_does_not_use_up_its_key(desk: Desk) -> None:
    headers = {"Idempotency-Key": "one"}
    assert (await asked(desk, "POST", "/v1/customers", data={"x": "y"}, headers=headers)).status_code == 400
    assert (
        await asked(desk, "POST", "/v1/customers", data={"name": "a"}, headers=headers)
    ).status_code == 200


async def test_a_refusal_of_the_bank_is_kept_with_its_key(desk: Desk) -> None:
    customer = await desk.customer("pm_card_chargeCustomerFail")
    price = (await desk.raw.v1.prices.list_async({"lookup_keys": [STARTER.price]})).data[0].id
    form = {"customer": customer, "items[0][price]": price, "payment_behavior": "error_if_incomplete"}
    headers = {"Idempotency-Key": "one"}
    first = await asked(desk, "POST", "/v1/subscriptions", data=form, headers=headers)
    assert first.status_code == 402
    assert {"type": "card_error", "code": "card_declined"}.items() <= first.json()["error"].items()
    await desk.card(customer, "pm_card_visa")
    again = await asked(desk, "POST", "/v1/subscriptions", data=form, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (402, "true")
    assert await desk.gateway.subscriptions(customer) == ()


async def test_lists_come_in_pages_newest_first(desk: Desk) -> None:
    clock = await desk.clock()
    made = [await desk.customer(None, clock=clock) for _ in range(23)]
    first = await desk.raw.v1.customers.list_async({"limit": 10, "test_clock": clock})
    assert ([one.id for one in first.data], first.has_more) == (made[:-11:-1], True)
    assert [one.id async for one in first.auto_paging_iter()] == made[::-1]
    back = await desk.raw.v1.customers.list_async(
        {"limit": 10, "ending_before": made[5], "test_clock": clock}
    )
    assert [one.id for one in back.data] == made[15:5:-1]
    assert back.has_more


async def test_an_invoice_of_many_lines_is_read_whole(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, STARTER, Line("2026-01/user/month/usd", 1))
    user = next(item for item in held.items if item.of == "user")
    for quantity in range(2, 9):
        await desk.raw.v1.subscriptions.update_async(
            held.ref, {"items": [{"id": user.ref, "quantity": quantity}]}
        )
    await desk.gateway.change_subscription(
        held.ref, (STARTER, Line(user.price or "", 9)), plan="starter", when=When.NOW, key=desk.key()
    )
    invoice = (await desk.gateway.invoices(customer))[-1]
    assert len(invoice.lines) == 16
    assert invoice.lines_complete
    assert all(line.proration for line in invoice.lines)
    assert sum(line.amount for line in invoice.lines) == invoice.total == 8 * 1_500
    told = [one async for one in desk.gateway.events(since=held.created) if one.type == "invoice.paid"]
    (snapshot,) = [one.snapshot for one in told if one.object_ref == invoice.ref]
    assert isinstance(snapshot, Invoice)
    assert (len(snapshot.lines), snapshot.lines_complete, snapshot.total) == (10, False, invoice.total)


@pytest.mark.parametrize(
    "path", ["customer", "latest_invoice.payments", "items.data.price.product", "schedule"]
)
async def test_what_can_be_expanded_is(desk: Desk, path: str) -> None:
    held = await desk.subscribe(await desk.customer(), STARTER)
    found: Any = (await desk.raw.v1.subscriptions.retrieve_async(held.ref, {"expand": [path]})).to_dict()
    for part in path.split("."):
        found = found[part] if isinstance(found, dict) else found[0][part]
    assert found is None if path == "schedule" else found["object"] in ("customer", "list", "product")


@pytest.mark.parametrize("path", ["status", "nothing", "latest_invoice.a.b.c.d", "customer.metadata.x"])
async def test_what_cannot_be_expanded_is_refused(desk: Desk, path: str) -> None:
    held = await desk.subscribe(await desk.customer(), STARTER)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.raw.v1.subscriptions.retrieve_async(held.ref, {"expand": [path]})
    assert refused.value.param == "expand"


async def test_failures_are_ordered_and_become_the_ports_own(desk: Desk) -> None:
    await desk.control("fail", status=429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        await desk.gateway.payments()
    assert limited.value.retry_after == 7
    await desk.control("fail", status=500, times=3)
    with pytest.raises(PaymentsUnavailable):
        await desk.gateway.payments()
    await desk.control("fail", status=503, times=2)
    assert await desk.gateway.payments() == ()


async def test_an_answer_that_is_lost_is_no_second_write(desk: Desk) -> None:
    customer = await desk.customer()
    await desk.subscribe(customer, STARTER)
    (payment,) = await desk.gateway.payments()
    await desk.control("fail", status=500, when="after", path="/v1/refunds")
    refund = await desk.gateway.refund(payment.ref, amount=100, key=desk.key())
    assert await desk.gateway.refunds() == (refund,)


async def test_a_card_that_wants_a_confirmation(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, STARTER)
    await desk.card(customer, "pm_card_authenticationRequired")
    with pytest.raises(CardDeclined) as refused:
        await desk.gateway.change_subscription(
            held.ref,
            (Line("2026-01/business/month/usd"),),
            plan="business",
            when=When.NOW,
            key=desk.key(),
        )
    assert refused.value.code == "authentication_required"
    began = await desk.subscribe(await desk.customer("pm_card_authenticationRequired"), STARTER)
    assert began.status == "incomplete"
    assert began.latest_invoice is not None
    (intent,) = (await desk.gateway.invoice(began.latest_invoice)).intents
    await desk.raw.v1.payment_intents.confirm_async(intent)
    assert (await desk.gateway.subscription(began.ref)).status == "active"


async def test_a_price_of_nobody_is_read_but_has_no_terms(desk: Desk) -> None:
    """Somebody may sell by hand on Stripe's own pages."""
    price = await desk.raw.v1.prices.create_async(
        {"currency": "usd", "product": "starter", "unit_amount": 1, "recurring": {"interval": "month"}}
    )
    customer = await desk.customer()
    made = await desk.raw.v1.subscriptions.create_async(
        {"customer": customer, "items": [{"price": price.id}]}
    )
    held = await desk.gateway.subscription(made.id)
    assert (held.items[0].price, held.items[0].price_ref) == (None, price.id)
    with pytest.raises(Exception, match=price.id):
        held.terms()


async def test_one_currency_a_customer(desk: Desk) -> None:
    customer = await desk.customer()
    await desk.subscribe(customer, STARTER)
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        await desk.subscribe(customer, Line("2026-01/starter/month/eur"))
    (payment,) = await desk.gateway.payments()
    with pytest.raises(InvalidPaymentRequest) as refused:
        await desk.gateway.refund(payment.ref, amount=0, key=desk.key())
    assert refused.value.param == "amount"
