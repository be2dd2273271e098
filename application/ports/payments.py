"""Payments: what is asked of whoever takes our customers' money, whose word on it is final.

Every write takes a key: the same key again is the same write, answered as it was the first time, for a day at least. A
decline is such an answer: another attempt, with another card, has another key.
The provider's client waits and tries again within bounds; what is raised here was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.ports.payment_values import (
        CheckoutOrder,
        CheckoutSession,
        Customer,
        Dispute,
        GatewayEvent,
        Invoice,
        Line,
        Payment,
        Preview,
        Refund,
        Subscription,
        Wares,
        When,
    )
    from domain.billing.terms import Discount


class PaymentsError(Exception):
    """The provider did not do what was asked. `request`: its id of the request, for its support."""

    def __init__(self, about: str, *, request: str | None = None) -> None:
        """Say what to do next, never what was sent."""
        super().__init__(about)
        self.request = request


class CardDeclined(PaymentsError):
    """The bank did not pay; nothing was changed. `code` says why; the customer gives another card, or confirms."""

    def __init__(self, code: str, *, request: str | None = None) -> None:
        """Take the bank's code, such as `insufficient_funds`."""
        super().__init__(f"declined: {code}", request=request)
        self.code = code


class RateLimited(PaymentsError):
    """The provider takes no more requests for a moment. `retry_after`: seconds, where it said so."""

    def __init__(self, retry_after: float | None, *, request: str | None = None) -> None:
        """Take how long to wait."""
        super().__init__("too many requests: try again later", request=request)
        self.retry_after = retry_after


class PaymentsUnavailable(PaymentsError):
    """The provider cannot be reached or failed. What was asked may have been done: ask again with the same key."""


class InvalidPaymentRequest(PaymentsError):
    """The provider does not take this request. `param` names the field and `code` the reason, where it said so."""

    def __init__(
        self, about: str, *, param: str | None = None, code: str | None = None, request: str | None = None
    ) -> None:
        """Take the provider's words."""
        super().__init__(about, request=request)
        self.param = param
        self.code = code


class NotAtProvider(PaymentsError):
    """The provider has no such thing, in this mode. Check the id, and whether it is of test or of live mode."""


class KeyReused(PaymentsError):
    """The key was used for another write. Nothing was done; a write of its own has a key of its own."""


class NotOurAccount(PaymentsError):
    """The provider does not take our secret key, or the key may not do this. Look at the settings."""


class BadSignature(PaymentsError):
    """A webhook was not signed by the provider with our secret, or too long ago. Nothing of it was looked at."""


class BadEvent(PaymentsError):
    """A webhook was signed, but is no event that can be read. Its endpoint or its version is set up wrongly."""


class PaymentGateway(Protocol):
    """Sell, bill and ask. Every method but `read_webhook` may raise any `PaymentsError`."""

    @property
    def livemode(self) -> bool:
        """Whether money is real."""

    async def ensure_wares(self, wares: Wares) -> Mapping[str, str]:
        """Make the products, prices, coupons and meters that are not there; our price ids to the provider's refs.

        Doing it again changes nothing. A price or coupon that is there with other terms is `InvalidPaymentRequest`:
        sold terms are never edited.
        """

    async def create_customer(self, tenant_id: UUID, *, key: str) -> str:
        """A customer for a tenant: its ref. The provider learns the tenant's id, and nothing else of it."""

    async def has_customer(self, customer: str) -> bool:
        """Whether the customer is there: one that was deleted is not."""

    def customers(self) -> AsyncIterator[Customer]:
        """All customers that are there, newest first, whoever made them; those of a test clock are not listed."""

    async def checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutSession:
        """A page on which the customer subscribes and pays."""

    async def checkout_session(self, ref: str) -> CheckoutSession:
        """How a checkout stands."""

    async def open_checkouts(self, customer: str) -> tuple[CheckoutSession, ...]:
        """A customer's checkout pages that can be paid on, newest first."""

    async def expire_checkout(self, ref: str, *, key: str) -> CheckoutSession:
        """Close a checkout page: how it stands then. What was paid on it, or had expired, stays as it is."""

    async def portal(self, customer: str, return_url: str, *, key: str) -> str:
        """The address of a page, for minutes, on which the customer sees invoices, changes the card, or cancels."""

    async def subscription(self, ref: str) -> Subscription:
        """A subscription, with the change ahead of it."""

    async def discounts(self, ref: str, refs: Sequence[str]) -> tuple[Discount, ...]:
        """Discounts of a subscription by their refs; of ended ones those that the provider has events of still."""

    async def subscriptions(self, customer: str) -> tuple[Subscription, ...]:
        """A customer's subscriptions, ended ones too, oldest first."""

    async def change_subscription(
        self, ref: str, lines: Sequence[Line], *, plan: str, when: When, coupon: str | None = None, key: str
    ) -> Subscription:
        """Make `lines` all that is subscribed to.

        Now: what is left of the cycle is credited and charged at once, and nothing changes where the charge is
        declined; a change that was ahead is dropped. At the period's end: nothing is charged before. `coupon` takes
        the place of those on the subscription; None leaves them.
        """

    async def preview_change(self, ref: str, lines: Sequence[Line], *, at: datetime) -> Preview:
        """What `change_subscription` would charge now, at a moment."""

    async def withdraw_change(self, ref: str, *, key: str) -> Subscription:
        """Drop the change that is ahead; without one nothing happens."""

    async def cancel(self, ref: str, *, when: When, key: str) -> Subscription:
        """End it, without a credit. What has ended stays as it is. A change that was ahead is dropped."""

    async def resume(self, ref: str, *, key: str) -> Subscription:
        """Take back the end at the period's end, or go on after a pause."""

    async def invoice(self, ref: str) -> Invoice:
        """An invoice with all its lines and the payments tried."""

    async def invoices(self, customer: str, *, since: datetime | None = None) -> tuple[Invoice, ...]:
        """A customer's invoices made since a moment, oldest first, each as `invoice` gives it."""

    async def pay_invoice(self, ref: str, *, key: str) -> Invoice:
        """Try to collect an open invoice again, now."""

    async def payment(self, ref: str) -> Payment:
        """A payment with its fee and its invoice."""

    async def payments(
        self, *, since: datetime | None = None, customer: str | None = None
    ) -> tuple[Payment, ...]:
        """Payments made since a moment, failed ones too, oldest first, each with its fee and its invoice."""

    async def refund(self, payment: str, *, amount: int | None = None, key: str) -> Refund:
        """Give back an amount of a payment, all that is left of it without one."""

    async def refunds(
        self, *, since: datetime | None = None, payment: str | None = None
    ) -> tuple[Refund, ...]:
        """Refunds made since a moment, oldest first."""

    async def disputes(self, *, since: datetime | None = None) -> tuple[Dispute, ...]:
        """Disputes opened since a moment, oldest first."""

    async def report_usage(
        self, meter: str, customer: str, value: int, *, identifier: str, at: datetime
    ) -> None:
        """Count what a customer used. The same identifier again counts nothing, for a day at least."""

    async def counted_usage(self, meter: str, customer: str, *, since: datetime, until: datetime) -> int:
        """What was counted of a customer between two moments, by the minute; the last minutes may be missing still."""

    def events(self, *, since: datetime, until: datetime | None = None) -> AsyncIterator[GatewayEvent]:
        """What happened since a moment, and not after `until`, newest first; the provider keeps thirty days."""

    def read_webhook(self, body: bytes, signature: str | None, now: datetime) -> GatewayEvent:
        """What a webhook tells, of its raw body. Raises `BadSignature` or `BadEvent`."""

    async def close(self) -> None:
        """Give connections back."""
