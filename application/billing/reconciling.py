"""What the provider has of a tenant, held against the tenant's log: every difference named, and ours repaired.

Compared are subscriptions (their terms as they hold now), final invoices (their sums, and what became of them) and
payments (their amounts, fees, and what went back). Repairing enters what the provider has, by the same commands that
its events are entered with; what it does not have is never removed here, but named.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_jsonable_python

from application.billing.placing import NOT_AT_PROVIDER, step
from application.billing.telling import GOING, LAST, invoice_told, payment_told, thing_id
from domain.billing.account import EnterReconciliation
from domain.billing.change import SubscribedTwice
from domain.billing.subscription import ReportSubscription, Teller
from domain.billing.terms import PriceUnknown
from domain.kernel.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports import payment_values as shown_values
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.account_state import Account
    from domain.billing.invoice import Invoice, ReportInvoice
    from domain.billing.payment import Payment, ReportPayment
    from domain.billing.subscription import Subscription
    from domain.billing.terms import Terms
    from domain.kernel.commands import Command

MISSING: Final = "missing"
DOUBLED: Final = "doubled"
"""Paid beside another: `theirs` is how many there are."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the provider has otherwise. `kind`: subscription, invoice or payment; `field`: what differs.

    `theirs`, `ours`: as JSON gives them; None: it has none of it.
    """

    kind: str
    reference: str
    field: str
    theirs: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of it. `unrepaired`: references of what could not be entered here, and the codes of why."""

    compared: int
    differences: tuple[Difference, ...]
    repaired: tuple[str, ...]
    unrepaired: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing of the provider's: how it differs, and what enters it here, or the code of why nothing does."""

    reference: str
    differences: tuple[Difference, ...]
    command: Command | None
    target: UUID
    code: str = ""


class Reconciling:
    """Compares, and repairs where it is asked to."""

    def __init__(self, commands: Commands, payments: PaymentGateway) -> None:
        """Act through `commands`; ask `payments`."""
        self._commands = commands
        self._payments = payments

    async def reconcile(
        self, workflow: Workflow, *, repair: bool, since: datetime | None = None
    ) -> Reconciliation:
        """Hold a tenant's log against the provider: of invoices and payments those made `since`, all without it.

        Raises `PaymentsError`s.
        """
        tenant_id = workflow.tenant_id
        account: Account = await self._commands.state(tenant_id, "billing_account", tenant_id)
        if account.customer is None:
            return Reconciliation(0, (), (), ())
        customer = account.customer.reference
        found = [
            *await self._subscriptions(tenant_id, customer, account),
            *await self._invoices(tenant_id, customer, since),
            *await self._payments_of(tenant_id, customer, since),
        ]
        repaired, unrepaired = list[str](), list[tuple[str, str]]()
        for one in found if repair else ():
            if not one.differences:
                continue
            if one.command is None:
                unrepaired.append((one.reference, one.code))
                continue
            try:
                await workflow.execute(one.command, one.target, key=step(one.reference, one.command))
                repaired.append(one.reference)
            except Refusal as refusal:
                unrepaired.append((one.reference, refusal.code))
        differences = tuple(difference for one in found for difference in one.differences)
        compared = len({one.target for one in found})
        if repair:  # who only looks changes nothing, and puts the next repair off by nothing
            entered = EnterReconciliation(
                compared=compared,
                differed=len({one.target for one in found if one.differences}),
                repaired=len(repaired),
            )
            key = f"reconciled/{tenant_id}/{workflow.workflow_id}"
            await workflow.execute(entered, tenant_id, key=key)
        return Reconciliation(compared, differences, tuple(repaired), tuple(unrepaired))

    async def _subscriptions(self, tenant_id: UUID, customer: str, account: Account) -> list[_Found]:
        found, now = list[_Found](), self._commands.clock()
        theirs = await self._payments.subscriptions(customer)
        for shown in theirs:
            target = thing_id(tenant_id, shown.ref)
            state: Subscription = await self._commands.state(tenant_id, "subscription", target)
            try:
                terms = shown.terms()
            except PriceUnknown:
                differs = (Difference("subscription", shown.ref, "price", "unknown", None),)
                found.append(_Found(shown.ref, differs, None, target, PriceUnknown.code))
                continue
            command = ReportSubscription(
                teller=Teller.RECONCILIATION,
                told_as=f"reconciled/{now.isoformat()}/{_digest(terms)}",
                reference=shown.ref,
                effective_at=latest_of(shown.ended_at or now, state),
                rank=LAST if shown.ended_at else LAST - 1,
                terms=terms,
            )
            found.append(_Found(shown.ref, _terms(shown.ref, terms, state.terms), command, target))
        known = {thing_id(tenant_id, shown.ref) for shown in theirs}
        for subscription_id in account.subscriptions:
            ours: Subscription = await self._commands.state(tenant_id, "subscription", subscription_id)
            if ours.reference is not None and subscription_id not in known:
                status = None if ours.terms is None else ours.terms.status
                differs = (Difference("subscription", ours.reference, MISSING, None, status),)
                found.append(_Found(ours.reference, differs, None, subscription_id, NOT_AT_PROVIDER))
        staying = [one for one in theirs if one.status in GOING and one.cancel_at is None]
        for shown in staying if len(staying) > 1 else ():
            differs = (Difference("subscription", shown.ref, DOUBLED, len(staying), 1),)
            target = thing_id(tenant_id, shown.ref)
            found.append(_Found(shown.ref, differs, None, target, SubscribedTwice.code))
        return found

    async def _invoices(self, tenant_id: UUID, customer: str, since: datetime | None) -> list[_Found]:
        found = list[_Found]()
        for shown in await self._payments.invoices(customer, since=since):
            target = thing_id(tenant_id, shown.ref)
            state: Invoice = await self._commands.state(tenant_id, "invoice", target)
            failed_at = await self._failed(customer, shown, state)
            command = invoice_told(tenant_id, shown, failed_at=failed_at)
            if command is None:
                continue
            found.append(
                _Found(shown.ref, _invoice(shown.ref, command, state, shown.status), command, target)
            )
        return found

    async def _failed(self, customer: str, shown: shown_values.Invoice, ours: Invoice) -> datetime | None:
        """When an open invoice was first tried in vain, where nobody told us that it was."""
        if shown.status != "open" or shown.attempts < 1 or ours.failed:
            return None
        tried = [
            one.created
            for one in await self._payments.payments(customer=customer, since=shown.created)
            if one.invoice == shown.ref and one.status == "failed"
        ]
        return min(tried, default=shown.finalized_at)

    async def _payments_of(self, tenant_id: UUID, customer: str, since: datetime | None) -> list[_Found]:
        found = list[_Found]()
        for shown in await self._payments.payments(customer=customer, since=since):
            target = thing_id(tenant_id, shown.ref)
            state: Payment = await self._commands.state(tenant_id, "payment", target)
            refunded = shown.refunded or state.refunded
            refunds = await self._payments.refunds(payment=shown.ref) if refunded else ()
            disputes = await self._payments.disputes(since=shown.created) if shown.disputed else ()
            own = [one for one in disputes if one.payment == shown.ref]
            command = payment_told(tenant_id, shown, refunds, own, {})
            if command is None:
                continue
            found.append(_Found(shown.ref, _payment(shown.ref, command, state), command, target))
        return found


def _digest(terms: Terms) -> str:
    return sha256(terms.model_dump_json().encode()).hexdigest()[:16]


def latest_of(moment: datetime, state: Subscription) -> datetime:
    """The moment of what is known by looking: not before anything that was told, whoever's clock is ahead."""
    whole = moment.replace(microsecond=0)
    return whole if state.latest is None else max(whole, state.latest[0])


def _terms(reference: str, theirs: Terms, ours: Terms | None) -> tuple[Difference, ...]:
    if ours is None:
        return (Difference("subscription", reference, MISSING, theirs.status, None),)
    return _compared(
        "subscription",
        reference,
        [(name, getattr(theirs, name), getattr(ours, name)) for name in type(theirs).model_fields],
    )


def _invoice(reference: str, told: ReportInvoice, ours: Invoice, status: str) -> tuple[Difference, ...]:
    if ours.finalised is None:
        return (Difference("invoice", reference, MISSING, told.total, None),)
    final = ours.finalised
    ended = {"void": ours.voided_at, "uncollectible": ours.written_off_at}
    return _compared(
        "invoice",
        reference,
        [
            *((name, getattr(told, name), getattr(final, name)) for name in ("currency", "total", "tax")),
            ("paid", told.paid_at is not None, ours.paid_at is not None),
            ("failed", told.failed_at is not None or bool(ours.failed), bool(ours.failed)),
            *((word, status == word, at is not None) for word, at in ended.items()),
        ],
    )


def _payment(reference: str, told: ReportPayment, ours: Payment) -> tuple[Difference, ...]:
    if ours.received is None:
        return (Difference("payment", reference, MISSING, told.amount, None),)
    came = ours.received
    return _compared(
        "payment",
        reference,
        [
            *((name, getattr(told, name), getattr(came, name)) for name in ("currency", "amount", "fee")),
            (
                "refunded",
                sum(one.amount for one in told.refunds if one.failed_at is None),
                sum(ours.refunded.values()),
            ),
            ("disputes", len(told.disputes), len(ours.disputes)),
        ],
    )


def _compared(
    kind: str, reference: str, fields: Sequence[tuple[str, object, object]]
) -> tuple[Difference, ...]:
    return tuple(
        Difference(kind, reference, name, to_jsonable_python(theirs), to_jsonable_python(ours))
        for name, theirs, ours in fields
        if theirs != ours
    )
