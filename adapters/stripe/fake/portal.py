"""What the portal's page does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.fake.changes import update_subscription
from adapters.stripe.fake.customers import attach
from adapters.stripe.fake.forms import Params
from adapters.stripe.fake.invoices import pay_invoice
from adapters.stripe.fake.problems import Problem
from adapters.stripe.fake.schedules import release_schedule

if TYPE_CHECKING:
    from adapters.stripe.fake.world import Json, World


def act(world: World, session: Json, form: dict[str, str]) -> None:
    """Do what a button of the page says. Raises `Problem`."""
    customer = world.get("customer", session["customer"])
    match form.get("do"):
        case "card":
            method = attach(world, form.get("card", ""), customer)
            with world.changing(customer, "customer.updated"):
                settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
                customer["invoice_settings"] = settings
            for one in world.all("subscription", customer=customer["id"]):
                if one["default_payment_method"] is not None:
                    with world.changing(one, "customer.subscription.updated"):
                        one["default_payment_method"] = method["id"]
        case "pay":
            invoice = _own(world, "invoice", form.get("invoice", ""), customer)
            pay_invoice(world, Params({}), invoice["id"])
        case "cancel" | "resume" as what:
            subscription = _own(world, "subscription", form.get("subscription", ""), customer)
            if subscription["schedule"] is not None:
                release_schedule(world, Params({}), subscription["schedule"])
            wanted = "true" if what == "cancel" else "false"
            update_subscription(world, Params({"cancel_at_period_end": wanted}), subscription["id"])
        case _:
            raise Problem("The page has no such button.", param="do")


def _own(world: World, kind: str, ref: str, customer: Json) -> Json:
    found = world.get(kind, ref)
    if found["customer"] != customer["id"]:
        raise Problem("This is another customer's.", param=kind)
    return found
