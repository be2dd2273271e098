"""The pages that customers see: Checkout and the portal, plain, without a script or anything from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.customers import CARDS, method_for
from domain.kernel.money import CURRENCIES

if TYPE_CHECKING:
    from adapters.stripe.fake.world import Json, World

_ABOUT: Final = {
    "pays": "pays",
    "generic_decline": "is kept, then declined",
    "authentication_required": "asks the bank, which wants a confirmation",
    "disputed": "pays, then disputes",
    "refused:generic_decline": "is declined",
    "refused:insufficient_funds": "has no money",
    "refused:expired_card": "has expired",
}
_LATEST: Final = 20
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#1a1f36}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd}"
    "button,select{font:inherit;padding:.4rem .8rem}.wrong{color:#a00}.note{color:#555}"
)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        '<p class="note">A Stripe of PenguinMails\'s own, for development and tests: no money moves here.</p>'
        f"{body}</body></html>"
    )


def money(amount: int, currency: str) -> str:
    """An amount as people read it."""
    digits = CURRENCIES[currency.upper()]
    whole = f"{amount / 10**digits:,.{digits}f}" if digits else f"{amount:,}"
    return f"{whole} {currency.upper()}"


def _day(moment: int | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _cards() -> str:
    options = "".join(
        f'<option value="{escape(token)}">{escape(brand)} ···· {last4}: {_ABOUT[behaviour]}</option>'
        for token, (brand, last4, behaviour) in CARDS.items()
    )
    return f'<label>Test card <select name="card">{options}</select></label>'


def front_page(world: World) -> str:
    """What is going on here: checkouts that wait for somebody, and what was told last."""
    waiting = "".join(
        f'<li><a href="{escape(one["url"])}">{money(one["amount_total"], one["currency"])}</a></li>'
        for one in reversed(world.all("checkout.session", status="open"))
    )
    told = "".join(
        f"<tr><td>{_day(one['created'])}</td><td>{escape(one['type'])}</td>"
        f"<td>{'brought' if not one['pending_webhooks'] else 'on its way'}</td></tr>"
        for one in list(reversed(world.all("event")))[:_LATEST]
    )
    return _page(
        "Payments",
        f"<h2>Checkouts that wait</h2><ul>{waiting}</ul>"
        f"<h2>Told last</h2><table>{told}</table>"
        "<p>The address of a checkout, or of a customer's invoices and card, is what PenguinMails answers: "
        "POST /v1/billing/checkout and /v1/billing/portal.</p>",
    )


def checkout_page(world: World, session: Json, wrong: str | None = None) -> str:
    """The page of an open session."""
    rows = ""
    for item in session["_order"]["items"]:
        price = world.get("price", item["price"])
        name = world.kinds["product"][price["product"]]["name"]
        amount = "by use" if price["unit_amount"] is None else money(price["unit_amount"], price["currency"])
        rows += (
            f"<tr><td>{escape(name)}</td><td>{escape(str(item.get('quantity', '')))}</td>"
            f"<td>{amount} / {price['recurring']['interval']}</td></tr>"
        )
    trial = session["_order"]["trial_end"]
    about = f"<p>Free until {_day(trial)}; then the prices above.</p>" if trial else ""
    problem = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    away = session["cancel_url"]
    back = f'<p><a href="{escape(away)}">Back</a></p>' if away else ""
    return _page(
        "Subscribe",
        f"{problem}<table><tr><th>What</th><th>How many</th><th>Price</th></tr>{rows}</table>"
        f"<p>Due today: <strong>{money(session['amount_total'], session['currency'])}</strong></p>{about}"
        f'<form method="post"><p>{_cards()}</p><p><button name="do" value="pay">Subscribe</button></p></form>{back}',
    )


def _charged(world: World, customer: Json) -> list[str]:
    """The cards that the customer's subscriptions are charged to; without one, that of the customer."""
    going: list[Json | None] = [
        one
        for one in world.all("subscription", customer=customer["id"])
        if one["status"] not in ("canceled", "incomplete_expired")
    ]
    methods = [method_for(world, customer, one) for one in going or [None]]
    return list(
        dict.fromkeys(f"{one['card']['brand']} ···· {one['card']['last4']}" for one in methods if one)
    )


def portal_page(world: World, session: Json, wrong: str | None = None) -> str:
    """The page of a portal session."""
    customer = world.get("customer", session["customer"])
    problem = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    subscriptions = ""
    for one in world.all("subscription", customer=customer["id"]):
        action = "resume" if one["cancel_at_period_end"] else "cancel"
        word = "Keep it" if one["cancel_at_period_end"] else "Cancel at the end of the period"
        ended = one["status"] in ("canceled", "incomplete_expired")
        form = (
            ""
            if ended
            else f'<form method="post"><input type="hidden" name="subscription" value="{escape(one["id"])}">'
            f'<button name="do" value="{action}">{word}</button></form>'
        )
        names = ", ".join(
            escape(world.kinds["product"][item["price"]["product"]]["name"]) for item in one["items"]["data"]
        )
        subscriptions += (
            f"<tr><td>{names}</td><td>{one['status']}</td>"
            f"<td>{_day(one['items']['data'][0]['current_period_end'])}</td><td>{form}</td></tr>"
        )
    invoices = ""
    for one in reversed(world.all("invoice", customer=customer["id"])):
        form = (
            f'<form method="post"><input type="hidden" name="invoice" value="{escape(one["id"])}">'
            '<button name="do" value="pay">Pay</button></form>'
            if one["status"] == "open"
            else ""
        )
        invoices += (
            f"<tr><td>{escape(one['number'] or 'draft')}</td><td>{_day(one['created'])}</td>"
            f"<td>{money(one['total'], one['currency'])}</td><td>{one['status']}</td><td>{form}</td></tr>"
        )
    card = ", ".join(_charged(world, customer)) or "none"
    back = session["return_url"]
    return _page(
        "Your subscription",
        f"{problem}<h2>Subscriptions</h2><table>{subscriptions}</table><h2>Card</h2><p>{escape(card)}</p>"
        f'<form method="post"><p>{_cards()} <button name="do" value="card">Use this card</button></p></form>'
        f"<h2>Invoices</h2><table>{invoices}</table>"
        + (f'<p><a href="{escape(back)}">Back</a></p>' if back else ""),
    )
