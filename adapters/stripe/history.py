"""What there is at Stripe: customers, subscriptions, invoices, payments, refunds, disputes and events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from adapters.stripe import reading
from adapters.stripe.changes import EXPANDED
from adapters.stripe.client import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    import stripe

    from adapters.stripe.reading import Json
    from application.ports.payment_values import (
        CheckoutSession,
        Customer,
        Dispute,
        GatewayEvent,
        Invoice,
        Payment,
        Refund,
        Subscription,
    )
    from domain.billing.terms import Discount

_PAGE: Final = 100
_BEFORE: Final = timedelta(days=60)
"""An invoice may wait so long for the charge that pays it, retries included."""

_LINE_PRICE: Final = "data.pricing.price_details.price"


async def _each(listed: Any) -> list[Json]:
    """All pages of a list, oldest first."""
    found = [one.to_dict() async for one in listed.auto_paging_iter()]
    found.reverse()
    return found


def _since(since: datetime | None) -> Json:
    return {"limit": _PAGE} | ({} if since is None else {"created": {"gte": int(since.timestamp())}})


class History:
    """The reading half of the gateway."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """Take the client."""
        self._client = client

    async def _held(self, ref: str) -> Json:
        with translated():
            found = await self._client.v1.subscriptions.retrieve_async(ref, {"expand": list(EXPANDED)})
        return found.to_dict()

    async def customers(self) -> AsyncIterator[Customer]:
        """See `PaymentGateway.customers`."""
        with translated():
            listed = await self._client.v1.customers.list_async({"limit": _PAGE})
            async for one in listed.auto_paging_iter():
                yield reading.customer(one.to_dict())

    async def open_checkouts(self, customer: str) -> tuple[CheckoutSession, ...]:
        """See `PaymentGateway.open_checkouts`."""
        request: Any = {"customer": customer, "status": "open", "limit": _PAGE}
        with translated():
            found = await _each(await self._client.v1.checkout.sessions.list_async(request))
        return tuple(reading.checkout_session(one) for one in reversed(found))

    async def subscription(self, ref: str) -> Subscription:
        """See `PaymentGateway.subscription`."""
        return reading.subscription(await self._held(ref))

    async def discounts(self, ref: str, refs: Sequence[str]) -> tuple[Discount, ...]:
        """See `PaymentGateway.discounts`."""
        held = await self._held(ref)
        found: Json = {one["id"]: one for one in held.get("discounts") or () if isinstance(one, dict)}
        if set(refs) - found.keys():
            request: Any = {"type": "customer.discount.created", "limit": _PAGE}
            request["created"] = {"gte": held["created"]}
            with translated():
                for event in await _each(await self._client.v1.events.list_async(request)):
                    about = event["data"]["object"]
                    if about["id"] in refs and about["id"] not in found:
                        found[about["id"]] = await self._with_coupon(about)
        return tuple(filter(None, (reading.discount(found[one]) for one in refs if one in found)))

    async def _with_coupon(self, discount: Json) -> Json:
        """A discount of an event, which tells the id of its coupon alone."""
        coupon = reading.ref_of(discount["source"]["coupon"])
        made = await self._client.v1.coupons.retrieve_async(str(coupon))
        return {**discount, "source": {**discount["source"], "coupon": made.to_dict()}}

    async def subscriptions(self, customer: str) -> tuple[Subscription, ...]:
        """See `PaymentGateway.subscriptions`."""
        with translated():
            listed = await self._client.v1.subscriptions.list_async(
                {
                    "customer": customer,
                    "status": "all",
                    "limit": _PAGE,
                    "expand": ["data.discounts.source.coupon"],
                }
            )
            found = await _each(listed)
        whole = []
        for one in found:
            # Of a schedule, lists do not go deep enough to tell what is ahead.
            ahead = one["schedule"] is not None
            whole.append(await self.subscription(one["id"]) if ahead else reading.subscription(one))
        return tuple(whole)

    async def invoice(self, ref: str) -> Invoice:
        """See `PaymentGateway.invoice`."""
        with translated():
            found = await self._client.v1.invoices.retrieve_async(ref, {"expand": ["payments"]})
        return await self._whole(found.to_dict())

    async def _whole(self, found: Json) -> Invoice:
        with translated():
            listed = await self._client.v1.invoices.line_items.list_async(
                found["id"], {"limit": _PAGE, "expand": [_LINE_PRICE]}
            )
            lines = [one.to_dict() async for one in listed.auto_paging_iter()]
        return reading.invoice(found, lines)

    async def invoices(self, customer: str, *, since: datetime | None = None) -> tuple[Invoice, ...]:
        """See `PaymentGateway.invoices`."""
        request: Any = {"customer": customer, "expand": ["data.payments"], **_since(since)}
        with translated():
            found = await _each(await self._client.v1.invoices.list_async(request))
        return tuple([await self._whole(one) for one in found])

    async def payment(self, ref: str) -> Payment:
        """See `PaymentGateway.payment`."""
        with translated():
            found = await self._client.v1.charges.retrieve_async(ref, {"expand": ["balance_transaction"]})
        charge = found.to_dict()
        return reading.payment(charge, await self._invoice_of(reading.ref_of(charge.get("payment_intent"))))

    async def _invoice_of(self, intent: str | None) -> str | None:
        if intent is None:
            return None
        with translated():
            listed = await self._client.v1.invoice_payments.list_async(
                {"payment": {"type": "payment_intent", "payment_intent": intent}, "limit": 1}
            )
        return next((reading.ref_of(one.to_dict()["invoice"]) for one in listed.data), None)

    async def payments(
        self, *, since: datetime | None = None, customer: str | None = None
    ) -> tuple[Payment, ...]:
        """See `PaymentGateway.payments`."""
        request: Any = {"expand": ["data.balance_transaction"], **_since(since)}
        if customer is not None:
            request["customer"] = customer
        with translated():
            charges = await _each(await self._client.v1.charges.list_async(request))
        known: dict[str, str | None] = {}
        if customer is None and charges:
            asked: Any = _since(None if since is None else since - _BEFORE)
            with translated():
                for one in await _each(await self._client.v1.invoice_payments.list_async(asked)):
                    intent = reading.ref_of(one["payment"].get("payment_intent"))
                    if intent is not None:
                        known[intent] = reading.ref_of(one["invoice"])
        found = []
        for charge in charges:
            intent = reading.ref_of(charge.get("payment_intent"))
            if intent is not None and intent not in known:
                known[intent] = await self._invoice_of(intent)
            found.append(reading.payment(charge, known.get(intent or "")))
        return tuple(found)

    async def refunds(
        self, *, since: datetime | None = None, payment: str | None = None
    ) -> tuple[Refund, ...]:
        """See `PaymentGateway.refunds`."""
        request: Any = {"expand": ["data.failure_balance_transaction"], **_since(since)}
        if payment is not None:
            request["charge"] = payment
        with translated():
            found = await _each(await self._client.v1.refunds.list_async(request))
        return tuple(reading.refund(one) for one in found if one.get("charge") is not None)

    async def disputes(self, *, since: datetime | None = None) -> tuple[Dispute, ...]:
        """See `PaymentGateway.disputes`."""
        request: Any = _since(since)
        with translated():
            found = await _each(await self._client.v1.disputes.list_async(request))
        return tuple(reading.dispute(one) for one in found)

    async def events(self, *, since: datetime, until: datetime | None = None) -> AsyncIterator[GatewayEvent]:
        """See `PaymentGateway.events`."""
        request: Any = _since(since)
        if until is not None:
            request["created"]["lte"] = int(until.timestamp())
        with translated():
            listed = await self._client.v1.events.list_async(request)
            async for one in listed.auto_paging_iter():
                yield reading.event(one.to_dict())
