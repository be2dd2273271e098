"""Stripe, by its own client: the payment gateway. What Stripe's objects look like, `reading` knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from adapters.stripe import reading
from adapters.stripe.changes import EXPANDED, item_changes, phases, preview
from adapters.stripe.client import make_client, translated
from adapters.stripe.history import History
from adapters.stripe.signatures import verify
from adapters.stripe.wares import ensure_wares, meters_by_name, prices_of
from application.ports.payment_values import When
from application.ports.payments import BadEvent, InvalidPaymentRequest, NotAtProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import httpx

    from adapters.stripe.reading import Json
    from adapters.stripe.settings import StripeSettings
    from application.ports.payment_values import (
        CheckoutOrder,
        CheckoutSession,
        GatewayEvent,
        Invoice,
        Line,
        Preview,
        Refund,
        Subscription,
        Wares,
    )

_ENDED: Final = frozenset({"canceled", "incomplete_expired"})
_MINUTE: Final = 60
_MISSING: Final = "resource_missing"
_COUNTED_ALREADY: Final = "already exists with identifier"


class StripeGateway(History):
    """Implements `PaymentGateway`."""

    def __init__(self, settings: StripeSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport`: instead of a network, in tests."""
        client, self._http = make_client(settings, transport)
        super().__init__(client)
        self._settings = settings

    @property
    def livemode(self) -> bool:
        """See `PaymentGateway.livemode`."""
        return self._settings.livemode

    async def close(self) -> None:
        """See `PaymentGateway.close`."""
        await self._http.close()

    async def ensure_wares(self, wares: Wares) -> Mapping[str, str]:
        """See `PaymentGateway.ensure_wares`."""
        return await ensure_wares(self._client, wares)

    async def create_customer(self, tenant_id: UUID, *, key: str) -> str:
        """See `PaymentGateway.create_customer`."""
        with translated():
            made = await self._client.v1.customers.create_async(
                {"metadata": {"tenant_id": str(tenant_id)}}, {"idempotency_key": key}
            )
        return made.id

    async def has_customer(self, customer: str) -> bool:
        """See `PaymentGateway.has_customer`."""
        try:
            with translated():
                found = await self._client.v1.customers.retrieve_async(customer)
        except NotAtProvider:
            return False
        return not found.to_dict().get("deleted", False)

    async def checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutSession:
        """See `PaymentGateway.checkout`."""
        prices = await prices_of(self._client, order.lines)
        metadata = {"tenant_id": str(order.tenant_id), "plan": order.plan}
        about: Json = {"metadata": metadata}
        if order.trial_end is not None:
            about["trial_end"] = int(order.trial_end.timestamp())
        request: Any = {
            "mode": "subscription",
            "customer": order.customer,
            "client_reference_id": str(order.tenant_id),
            "line_items": [
                {
                    "price": prices[line.price]["id"],
                    **({} if line.quantity is None else {"quantity": line.quantity}),
                }
                for line in order.lines
            ],
            "metadata": metadata,
            "subscription_data": about,
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }
        if order.coupon is not None:
            request["discounts"] = [{"coupon": order.coupon}]
        with translated():
            made = await self._client.v1.checkout.sessions.create_async(request, {"idempotency_key": key})
        return reading.checkout_session(made.to_dict())

    async def checkout_session(self, ref: str) -> CheckoutSession:
        """See `PaymentGateway.checkout_session`."""
        with translated():
            found = await self._client.v1.checkout.sessions.retrieve_async(ref)
        return reading.checkout_session(found.to_dict())

    async def expire_checkout(self, ref: str, *, key: str) -> CheckoutSession:
        """See `PaymentGateway.expire_checkout`."""
        try:
            with translated():
                await self._client.v1.checkout.sessions.expire_async(ref, {}, {"idempotency_key": key})
        except InvalidPaymentRequest:
            # It is open no more: somebody paid on it, or its time was over.
            found = await self.checkout_session(ref)
            if found.status == "open":
                raise
            return found
        return await self.checkout_session(ref)

    async def portal(self, customer: str, return_url: str, *, key: str) -> str:
        """See `PaymentGateway.portal`."""
        with translated():
            made = await self._client.v1.billing_portal.sessions.create_async(
                {"customer": customer, "return_url": return_url}, {"idempotency_key": key}
            )
        return made.url

    async def change_subscription(
        self, ref: str, lines: Sequence[Line], *, plan: str, when: When, coupon: str | None = None, key: str
    ) -> Subscription:
        """See `PaymentGateway.change_subscription`."""
        if not lines:
            raise InvalidPaymentRequest("a subscription has at least one line", param="/lines")
        held = await self._held(ref)
        if when is When.NOW:
            await self._let_go(held, key)
            return await self._change_now(held, lines, plan, coupon, key)
        return await self._change_later(held, lines, plan, coupon, key)

    async def _change_now(
        self, held: Json, lines: Sequence[Line], plan: str, coupon: str | None, key: str
    ) -> Subscription:
        update: Any = await item_changes(self._client, held, lines)
        if update:
            update |= {"proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
        if coupon is not None and _coupons(held) != [coupon]:
            update["discounts"] = [{"coupon": coupon}]
        if (held.get("metadata") or {}).get("plan") != plan:
            update["metadata"] = {"plan": plan}
        if not update:
            return await self.subscription(held["id"])
        return await self._updated(held["id"], update, key)

    async def _change_later(
        self, held: Json, lines: Sequence[Line], plan: str, coupon: str | None, key: str
    ) -> Subscription:
        if held["cancel_at_period_end"]:
            raise InvalidPaymentRequest(
                "it ends with the period: resume it before it is changed", code="ends_already"
            )
        schedule = held["schedule"]
        with translated():
            if schedule is None:
                made = await self._client.v1.subscription_schedules.create_async(
                    {"from_subscription": held["id"]}, {"idempotency_key": f"{key}/schedule"}
                )
                schedule = made.to_dict()
        wanted = await phases(self._client, schedule, held, lines, plan, coupon)
        with translated():
            await self._client.v1.subscription_schedules.update_async(
                schedule["id"],
                {"end_behavior": "release", "phases": wanted},
                {"idempotency_key": f"{key}/phases"},
            )
        return await self.subscription(held["id"])

    async def preview_change(self, ref: str, lines: Sequence[Line], *, at: datetime) -> Preview:
        """See `PaymentGateway.preview_change`."""
        details: Any = await item_changes(self._client, await self._held(ref), lines)
        if details:
            details["proration_behavior"] = "always_invoice"
            if "billing_cycle_anchor" not in details:
                details["proration_date"] = int(at.timestamp())
        with translated():
            found = await self._client.v1.invoices.create_preview_async(
                {"subscription": ref, "subscription_details": details}
            )
        return preview(found.to_dict(), at)

    async def withdraw_change(self, ref: str, *, key: str) -> Subscription:
        """See `PaymentGateway.withdraw_change`."""
        await self._let_go(await self._held(ref), key)
        return await self.subscription(ref)

    async def _let_go(self, held: Json, key: str) -> None:
        """Without a schedule, a subscription goes on as it is and can be changed."""
        if held["schedule"] is not None:
            with translated():
                await self._client.v1.subscription_schedules.release_async(
                    held["schedule"]["id"], {}, {"idempotency_key": f"{key}/release"}
                )

    async def cancel(self, ref: str, *, when: When, key: str) -> Subscription:
        """See `PaymentGateway.cancel`."""
        held = await self._held(ref)
        if held["status"] in _ENDED:
            return reading.subscription(held)
        if when is When.PERIOD_END:
            await self._let_go(held, key)
            return await self._updated(ref, {"cancel_at_period_end": True}, key)
        try:
            with translated():
                await self._client.v1.subscriptions.cancel_async(ref, {}, {"idempotency_key": key})
        except NotAtProvider:
            # It ended in between, or an earlier attempt ended it and its answer was lost.
            found = await self.subscription(ref)
            if found.status not in _ENDED:
                raise
            return found
        return await self.subscription(ref)

    async def resume(self, ref: str, *, key: str) -> Subscription:
        """See `PaymentGateway.resume`."""
        held = await self._held(ref)
        if held["status"] == "paused":
            with translated():
                await self._client.v1.subscriptions.resume_async(ref, {}, {"idempotency_key": key})
            return await self.subscription(ref)
        if not held["cancel_at_period_end"]:
            return reading.subscription(held)
        return await self._updated(ref, {"cancel_at_period_end": False}, key)

    async def _updated(self, ref: str, update: Any, key: str) -> Subscription:
        request: Any = {**update, "expand": list(EXPANDED)}
        with translated():
            after = await self._client.v1.subscriptions.update_async(ref, request, {"idempotency_key": key})
        return reading.subscription(after.to_dict())

    async def pay_invoice(self, ref: str, *, key: str) -> Invoice:
        """See `PaymentGateway.pay_invoice`."""
        with translated():
            await self._client.v1.invoices.pay_async(ref, {}, {"idempotency_key": key})
        return await self.invoice(ref)

    async def refund(self, payment: str, *, amount: int | None = None, key: str) -> Refund:
        """See `PaymentGateway.refund`."""
        request: Any = {"charge": payment}
        if amount is not None:
            request["amount"] = amount
        with translated():
            made = await self._client.v1.refunds.create_async(request, {"idempotency_key": key})
        return reading.refund(made.to_dict())

    async def report_usage(
        self, meter: str, customer: str, value: int, *, identifier: str, at: datetime
    ) -> None:
        """See `PaymentGateway.report_usage`: the identifier makes it one; the key only joins attempts of one call."""
        moment = int(at.timestamp())
        try:
            with translated():
                await self._client.v1.billing.meter_events.create_async(
                    {
                        "event_name": meter,
                        "identifier": identifier,
                        "payload": {"stripe_customer_id": customer, "value": str(value)},
                        "timestamp": moment,
                    },
                    {"idempotency_key": f"usage/{identifier}/{moment}"},
                )
        except InvalidPaymentRequest as error:
            if error.code == _MISSING:
                raise NotAtProvider(str(error), request=error.request) from None
            if _COUNTED_ALREADY not in str(error):
                raise

    async def counted_usage(self, meter: str, customer: str, *, since: datetime, until: datetime) -> int:
        """See `PaymentGateway.counted_usage`."""
        ref = (await meters_by_name(self._client)).get(meter)
        if ref is None:
            raise NotAtProvider(f"no such meter: {meter}")
        start, end = (
            int(since.timestamp()) // _MINUTE * _MINUTE,
            -(-int(until.timestamp()) // _MINUTE) * _MINUTE,
        )
        with translated():
            found = await self._client.v1.billing.meters.event_summaries.list_async(
                ref, {"customer": customer, "start_time": start, "end_time": end}
            )
        return sum(int(one.aggregated_value) for one in found.data)

    def read_webhook(self, body: bytes, signature: str | None, now: datetime) -> GatewayEvent:
        """See `PaymentGateway.read_webhook`."""
        verify(body, signature, self._settings.webhook_secrets, int(now.timestamp()))
        try:
            told = json.loads(body)
            if told["object"] != "event":
                raise BadEvent("signed, but no event: is the endpoint one of thin events?")
            event = reading.event(told)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise BadEvent(
                f"an event that cannot be read ({type(error).__name__}): which version is the endpoint of?"
            ) from None
        if event.livemode is not self.livemode:
            raise BadEvent(
                "an event of the other mode: the endpoint's secret and the secret key are of two modes"
            )
        return event


def _coupons(held: Json) -> list[str]:
    return [one["source"]["coupon"]["id"] for one in held.get("discounts") or ()]
