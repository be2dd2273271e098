"""Every address of the fake, with the parameters that it takes: any other one is refused, as Stripe refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.stripe.fake import (
    catalogue,
    changes,
    checkout,
    clocks,
    customers,
    disputes,
    hooks,
    invoices,
    payments,
    schedules,
    subscriptions,
    usage,
)

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `found`: it gives a list, which is shown in pages; `addressed`: it wants to know where it is."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    takes: frozenset[str]
    found: bool = False
    addressed: bool = False
    newest_first: bool = True


_PAGING: Final = "limit starting_after ending_before"


def _route(method: str, path: str, handler: Handler, takes: str = "", **more: bool) -> Route:
    pattern = re.compile(re.sub(r":id", r"([A-Za-z0-9_.\\-]+)", path) + r"\Z")
    if more.get("found"):
        # What stands in its own order, lines and sums of use, has no moment of its making.
        takes = f"{takes} {_PAGING} {'created' if more.get('newest_first', True) else ''}"
    return Route(method, pattern, handler, frozenset(takes.split()), **more)


def _get(kind: str) -> Handler:
    def handler(world: World, params: Params, ref: str) -> Json:
        del params
        return world.get(kind, ref)

    return handler


def _list(kind: str, *fields: str) -> Handler:
    def handler(world: World, params: Params) -> list[Json]:
        wanted = {field: params.text(field) for field in fields if params.text(field) is not None}
        for field, value in wanted.items():
            if value in ("true", "false"):
                wanted[field] = value == "true"  # type: ignore[assignment]  # booleans of a query
        return [one for one in world.all(kind, **wanted) if not one.get("deleted")]

    return handler


def _list_customers(world: World, params: Params) -> list[Json]:
    """Those of a test clock are listed by its name alone."""
    clock = params.text("test_clock")
    return [one for one in _list("customer", "email")(world, params) if one["test_clock"] == clock]


def _list_events(world: World, params: Params) -> list[Json]:
    wanted = set(params.texts("types")) | ({params.must("type")} if "type" in params else set())
    return [one for one in world.all("event") if not wanted or one["type"] in wanted]


def _endpoints(world: World, params: Params) -> list[Json]:
    del params
    return [
        {name: value for name, value in one.items() if name != "secret"}
        for one in world.all("webhook_endpoint")
        if not one.get("deleted")
    ]


_METERED: Final = "event_name payload identifier timestamp"
_PRICE: Final = (
    "active billing_scheme currency lookup_key metadata nickname product recurring tax_behavior tiers tiers_mode "
    "transfer_lookup_key unit_amount unit_amount_decimal"
)
_SUBSCRIPTION: Final = (
    "billing_cycle_anchor cancel_at_period_end customer default_payment_method default_tax_rates description discounts "
    "items metadata off_session payment_behavior trial_end trial_period_days trial_settings"
)
_CHANGE: Final = (
    "billing_cycle_anchor cancel_at cancel_at_period_end default_payment_method discounts items metadata off_session "
    "payment_behavior proration_behavior proration_date trial_end"
)
_SESSION: Final = (
    "cancel_url client_reference_id customer customer_email discounts expires_at line_items metadata mode "
    "payment_method_collection subscription_data success_url"
)
_COUPON: Final = (
    "amount_off currency duration duration_in_months id max_redemptions metadata name percent_off redeem_by"
)

ROUTES: Final = (
    _route("POST", "/v1/products", catalogue.create_product, "id name description metadata unit_label"),
    _route("GET", "/v1/products", _list("product"), found=True),
    _route("GET", "/v1/products/:id", _get("product")),
    _route("POST", "/v1/products/:id", catalogue.update_product, "name active metadata"),
    _route("POST", "/v1/prices", catalogue.create_price, _PRICE),
    _route("GET", "/v1/prices", catalogue.list_prices, "lookup_keys active product", found=True),
    _route("GET", "/v1/prices/:id", _get("price")),
    _route(
        "POST", "/v1/prices/:id", catalogue.update_price, "active lookup_key metadata transfer_lookup_key"
    ),
    _route("POST", "/v1/coupons", catalogue.create_coupon, _COUPON),
    _route("GET", "/v1/coupons", _list("coupon"), found=True),
    _route("GET", "/v1/coupons/:id", _get("coupon")),
    _route(
        "POST",
        "/v1/promotion_codes",
        catalogue.create_promotion_code,
        "promotion code customer expires_at max_redemptions metadata",
    ),
    _route(
        "GET", "/v1/promotion_codes", _list("promotion_code", "code", "active"), "code active", found=True
    ),
    _route(
        "POST",
        "/v1/tax_rates",
        catalogue.create_tax_rate,
        "display_name percentage inclusive country metadata",
    ),
    _route("GET", "/v1/tax_rates/:id", _get("tax_rate")),
    _route(
        "POST",
        "/v1/customers",
        customers.create_customer,
        "name email description metadata test_clock payment_method invoice_settings",
    ),
    _route("GET", "/v1/customers", _list_customers, "email test_clock", found=True),
    _route("GET", "/v1/customers/:id", customers.get_customer),
    _route(
        "POST",
        "/v1/customers/:id",
        customers.update_customer,
        "name email description metadata invoice_settings balance",
    ),
    _route("DELETE", "/v1/customers/:id", subscriptions.delete_customer),
    _route("GET", "/v1/customers/:id/payment_methods", customers.list_methods, "type", found=True),
    _route("GET", "/v1/payment_methods", _list("payment_method", "customer"), "customer type", found=True),
    _route("GET", "/v1/payment_methods/:id", _get("payment_method")),
    _route("POST", "/v1/payment_methods/:id/attach", customers.attach_method, "customer"),
    _route("POST", "/v1/payment_methods/:id/detach", customers.detach_method),
    _route("POST", "/v1/subscriptions", subscriptions.create_subscription, _SUBSCRIPTION),
    _route("GET", "/v1/subscriptions", subscriptions.list_subscriptions, "customer status", found=True),
    _route("GET", "/v1/subscriptions/:id", _get("subscription")),
    _route("POST", "/v1/subscriptions/:id", changes.update_subscription, _CHANGE),
    _route(
        "DELETE",
        "/v1/subscriptions/:id",
        subscriptions.cancel_subscription,
        "cancellation_details invoice_now prorate",
    ),
    _route(
        "POST",
        "/v1/subscriptions/:id/resume",
        subscriptions.resume_subscription,
        "billing_cycle_anchor proration_behavior",
    ),
    _route("POST", "/v1/subscription_schedules", schedules.create_schedule, "from_subscription metadata"),
    _route("GET", "/v1/subscription_schedules/:id", _get("subscription_schedule")),
    _route(
        "POST",
        "/v1/subscription_schedules/:id",
        schedules.update_schedule,
        "phases end_behavior metadata proration_behavior",
    ),
    _route("POST", "/v1/subscription_schedules/:id/release", schedules.release_schedule),
    _route(
        "POST",
        "/v1/invoices/create_preview",
        invoices.preview,
        "customer subscription subscription_details discounts",
    ),
    _route("GET", "/v1/invoices", invoices.list_invoices, "customer status subscription", found=True),
    _route("GET", "/v1/invoices/:id", _get("invoice")),
    _route("GET", "/v1/invoices/:id/lines", invoices.list_lines, found=True, newest_first=False),
    _route("POST", "/v1/invoices/:id/pay", invoices.pay_invoice),
    _route("POST", "/v1/invoices/:id/finalize", invoices.finalize_invoice),
    _route("POST", "/v1/invoices/:id/void", invoices.void_invoice),
    _route("POST", "/v1/invoices/:id/mark_uncollectible", invoices.write_off_invoice),
    _route("GET", "/v1/invoice_payments", invoices.list_payments, "invoice payment status", found=True),
    _route(
        "GET", "/v1/invoiceitems", _list("invoiceitem", "customer", "invoice"), "customer invoice", found=True
    ),
    _route("GET", "/v1/payment_intents/:id", _get("payment_intent")),
    _route("POST", "/v1/payment_intents/:id/confirm", payments.confirm_intent, "payment_method"),
    _route(
        "GET",
        "/v1/charges",
        _list("charge", "customer", "payment_intent"),
        "customer payment_intent",
        found=True,
    ),
    _route("GET", "/v1/charges/:id", _get("charge")),
    _route("GET", "/v1/balance_transactions/:id", _get("balance_transaction")),
    _route("POST", "/v1/refunds", payments.create_refund, "charge payment_intent amount reason metadata"),
    _route(
        "GET", "/v1/refunds", _list("refund", "charge", "payment_intent"), "charge payment_intent", found=True
    ),
    _route("GET", "/v1/refunds/:id", _get("refund")),
    _route(
        "GET",
        "/v1/disputes",
        _list("dispute", "charge", "payment_intent"),
        "charge payment_intent",
        found=True,
    ),
    _route("GET", "/v1/disputes/:id", _get("dispute")),
    _route("POST", "/v1/disputes/:id", disputes.update_dispute, "evidence submit metadata"),
    _route("POST", "/v1/disputes/:id/close", disputes.close_dispute),
    _route("POST", "/v1/checkout/sessions", checkout.create_session, _SESSION, addressed=True),
    _route(
        "GET",
        "/v1/checkout/sessions",
        _list("checkout.session", "customer", "status"),
        "customer status",
        found=True,
    ),
    _route("GET", "/v1/checkout/sessions/:id", _get("checkout.session")),
    _route("POST", "/v1/checkout/sessions/:id/expire", checkout.expire_session),
    _route(
        "POST", "/v1/billing_portal/sessions", checkout.create_portal, "customer return_url", addressed=True
    ),
    _route(
        "POST",
        "/v1/billing/meters",
        usage.create_meter,
        "event_name display_name default_aggregation customer_mapping event_time_window value_settings",
    ),
    _route("GET", "/v1/billing/meters", _list("billing.meter", "status"), "status", found=True),
    _route("GET", "/v1/billing/meters/:id", _get("billing.meter")),
    _route(
        "GET",
        "/v1/billing/meters/:id/event_summaries",
        usage.list_summaries,
        "customer start_time end_time",
        found=True,
        newest_first=False,
    ),
    _route("POST", "/v1/billing/meter_events", usage.create_meter_event, _METERED),
    _route("GET", "/v1/events", _list_events, "type types delivery_success", found=True),
    _route("GET", "/v1/events/:id", _get("event")),
    _route(
        "POST",
        "/v1/webhook_endpoints",
        hooks.create_endpoint,
        "url enabled_events api_version description metadata",
    ),
    _route("GET", "/v1/webhook_endpoints", _endpoints, found=True),
    _route("POST", "/v1/webhook_endpoints/:id", hooks.update_endpoint, "url enabled_events disabled"),
    _route("DELETE", "/v1/webhook_endpoints/:id", hooks.delete_endpoint),
    _route("POST", "/v1/test_helpers/test_clocks", clocks.create_clock, "frozen_time name"),
    _route("GET", "/v1/test_helpers/test_clocks/:id", _get("test_helpers.test_clock")),
    _route("POST", "/v1/test_helpers/test_clocks/:id/advance", clocks.advance_clock, "frozen_time"),
    _route("DELETE", "/v1/test_helpers/test_clocks/:id", clocks.delete_clock),
)
