"""The addresses of invoices: look, pay, void, preview a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.fake.billing import collect, draft, finalize, subscription_of, void
from adapters.stripe.fake.changes import change_items
from adapters.stripe.fake.items import add_discounts, cycle_lines, set_cycle
from adapters.stripe.fake.problems import Problem, declined

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World


def list_invoices(world: World, params: Params) -> list[Json]:
    """GET /v1/invoices."""
    subscription = params.text("subscription")
    return [
        one
        for one in world.all("invoice")
        if params.text("customer") in (None, one["customer"])
        and params.text("status") in (None, one["status"])
        and subscription in (None, one["parent"]["subscription_details"]["subscription"])
    ]


def list_lines(world: World, params: Params, ref: str) -> list[Json]:
    """GET /v1/invoices/:id/lines, in the order of the invoice."""
    del params
    return list(world.get("invoice", ref)["lines"]["data"])


def list_payments(world: World, params: Params) -> list[Json]:
    """GET /v1/invoice_payments."""
    intent = params.sub("payment").text("payment_intent")
    return [
        one
        for one in world.all("invoice_payment")
        if params.text("invoice") in (None, one["invoice"])
        and params.text("status") in (None, one["status"])
        and intent in (None, one["payment"]["payment_intent"])
    ]


def pay_invoice(world: World, params: Params, ref: str) -> Json:
    """POST /v1/invoices/:id/pay."""
    del params
    invoice = world.get("invoice", ref)
    if invoice["status"] == "paid":
        raise Problem("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        finalize(world, invoice, at=world.now(invoice["test_clock"]))
    if invoice["status"] not in ("open", "uncollectible", "paid"):
        raise Problem(f"Invoices with status {invoice['status']} cannot be paid.", code="invoice_not_open")
    if invoice["status"] != "paid":
        problem = collect(world, invoice, at=world.now(invoice["test_clock"]))
        if problem is not None and problem.code != "resource_missing":
            raise declined(problem.code or "card_declined", problem.message, problem.decline_code)
        if problem is not None:
            raise problem
    return invoice


def finalize_invoice(world: World, params: Params, ref: str) -> Json:
    """POST /v1/invoices/:id/finalize."""
    del params
    invoice = world.get("invoice", ref)
    if invoice["status"] != "draft":
        raise Problem("This invoice is already finalized.", code="invoice_not_editable")
    finalize(world, invoice, at=world.now(invoice["test_clock"]))
    return invoice


def void_invoice(world: World, params: Params, ref: str) -> Json:
    """POST /v1/invoices/:id/void."""
    del params
    invoice = world.get("invoice", ref)
    void(world, invoice, at=world.now(invoice["test_clock"]))
    return invoice


def write_off_invoice(world: World, params: Params, ref: str) -> Json:
    """POST /v1/invoices/:id/mark_uncollectible."""
    del params
    invoice = world.get("invoice", ref)
    if invoice["status"] != "open":
        raise Problem("You can only mark open invoices as uncollectible.", code="invoice_not_open")
    at = world.now(invoice["test_clock"])
    with world.changing(invoice, None):
        invoice["status"] = "uncollectible"
        invoice["next_payment_attempt"] = None
        invoice["status_transitions"] = {**invoice["status_transitions"], "marked_uncollectible_at": at}
    world.tell("invoice.marked_uncollectible", invoice)
    subscription = subscription_of(world, invoice)
    if subscription is not None and subscription["status"] == "past_due":
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["status"] = "active"
    return invoice


def preview(world: World, params: Params) -> Json:
    """POST /v1/invoices/create_preview: of a change, or of the next cycle; nothing is changed by it."""
    held = world.get("subscription", params.must("subscription"), "subscription")
    elsewhere = world.copied(held["customer"])
    subscription = elsewhere.get("subscription", held["id"])
    details = params.sub("subscription_details")
    at = elsewhere.now(subscription["test_clock"])
    if "discounts" in params:
        add_discounts(elsewhere, subscription, params.subs("discounts"), at)
    before = set(elsewhere.kinds["invoice"])
    if "items" in details:
        change_items(elsewhere, subscription, details, at)
        made = [one for ref, one in elsewhere.kinds["invoice"].items() if ref not in before]
        invoice = made[0] if made else draft(elsewhere, subscription, "subscription_update", [], at=at)
    else:
        items = subscription["items"]["data"]
        for item in items:
            set_cycle(subscription, item, item["current_period_end"])
        lines = cycle_lines(elsewhere, subscription, items, at)
        invoice = draft(elsewhere, subscription, "upcoming", lines, at=at)
    invoice["id"] = f"upcoming_{invoice['id']}"
    return invoice
