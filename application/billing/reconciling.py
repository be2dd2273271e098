"""What the provider has of a tenant, held against the tenant's log: every difference named, and ours repaired.

Compared are subscriptions (their terms as they hold now), final invoices (their sums, and what became of them) and
payments (their amounts, fees, and what went back). Repairing enters what the provider has, by the same commands that
its events are entered with; what it does not have, or has as somebody else's, is never removed here, but named. What
was entered is looked at again: repaired is what no longer differs then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import ValidationError

from application.billing import totals
from application.billing.differing import (
    MISSING,
    Difference,
    again_with,
    of_invoice,
    of_payment,
    of_subscription,
    parts_of_ours,
    standing,
    unreadable,
)
from application.billing.placing import (
    ANOTHER_TENANT,
    NOT_AT_PROVIDER,
    UNREADABLE,
    own,
    owner_of,
    step,
    tenant_of,
    with_use,
)
from application.billing.remedies import LOG_SAYS_MORE
from application.billing.telling import GOING, LAST, ended_by, invoice_told, payment_told, thing_id
from application.counting import named
from application.ports.payments import NotAtProvider
from domain.billing.account import EnterReconciliation
from domain.billing.change import SubscribedTwice
from domain.billing.gateway import STRIPE
from domain.billing.overage import OverageWrittenOff, WrittenOff
from domain.billing.payment import Payment
from domain.billing.subscription import ReportSubscription, Teller
from domain.billing.terms import PriceUnknown
from domain.kernel.errors import Refusal
from domain.kernel.ids import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from application.billing.totals import Total
    from application.commanding import Commands
    from application.ports import payment_values as shown_values
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.account_state import Account, Customer
    from domain.billing.invoice import Invoice
    from domain.billing.subscription import Subscription
    from domain.billing.terms import Terms
    from domain.billing.usage import Usage
    from domain.kernel.commands import Command

_BEGIN: Final = ("billing.invoice_finalised", "billing.payment_received")
"""With these an invoice or a payment stands in the log."""
WRITTEN_OFF: Final = "written_off"
"""Used beyond a limit, and billed to nobody: `ours` is how many messages."""
DOUBLED: Final = "doubled"
"""Paid beside another: `theirs` is how many there are."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of it. `repaired`: references of what differs in nothing any more.

    `unrepaired`: references of what still differs, and the codes of why; `application.billing.remedies` says what next.
    `totals`: what all of it came to as it was found, at the provider and here.
    """

    compared: int
    differences: tuple[Difference, ...] = ()
    repaired: tuple[str, ...] = ()
    unrepaired: tuple[tuple[str, str], ...] = ()
    totals: tuple[Total, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing of the provider's: how it differs, and what enters it here, or the code of why nothing does.

    `again`: how it differs from a later state of ours. `amounts`: what it adds to the totals.
    """

    reference: str
    differences: tuple[Difference, ...]
    command: Command | None
    target: UUID
    code: str = ""
    again: Callable[[Any], tuple[Difference, ...]] | None = None
    amounts: tuple[Total, ...] = ()

    def after(self, left: tuple[Difference, ...]) -> _Found:
        """The same, once all but what is `left` was repaired."""
        still = {(one.kind, one.field) for one in left}
        told = (replace(one, repaired=(one.kind, one.field) not in still) for one in self.differences)
        return replace(self, differences=tuple(told))


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
            return Reconciliation(0)
        customer = account.customer.reference
        found = [
            *await self._subscriptions(tenant_id, customer, account),
            *await self._invoices(tenant_id, customer, since),
            *await self._payments_of(tenant_id, customer, since),
        ]
        found += await self._ours_alone(account.customer, tenant_id, since, {one.target for one in found})
        found += await self._lost(tenant_id, since)
        sums = totals.summed(amount for one in found for amount in one.amounts)
        if repair:
            await self._owned(workflow, customer, account, found)
        repaired, unrepaired = list[str](), list[tuple[str, str]]()
        for at, one in enumerate(found if repair else ()):
            if not one.differences:
                continue
            found[at], code = await self._repaired(workflow, one)
            if code is None:
                repaired.append(one.reference)
            else:
                unrepaired.append((one.reference, code))
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
        return Reconciliation(compared, differences, tuple(repaired), tuple(unrepaired), sums)

    async def _owned(self, workflow: Workflow, customer: str, account: Account, found: list[_Found]) -> None:
        """Enter whose subscriptions are that were never told since that is entered: they become nobody else's."""
        references = {one.reference for one in found if isinstance(one.command, ReportSubscription)}
        for subscription_id in account.subscriptions:
            ours: Subscription = await self._commands.state(
                workflow.tenant_id, "subscription", subscription_id
            )
            references |= {ours.reference} if ours.reference is not None else set()
        for reference in sorted(references):
            if await owner_of(self._commands, STRIPE, reference) is None:
                await own(self._commands, workflow, reference, customer, TenantId(workflow.tenant_id))

    async def _repaired(self, workflow: Workflow, one: _Found) -> tuple[_Found, str | None]:
        """What the provider has, entered; and the code of why something differs still, if anything does."""
        if one.command is None or one.again is None:
            return one, one.code
        try:
            await workflow.execute(one.command, one.target, key=step(one.reference, one.command))
        except Refusal as refusal:
            return one, refusal.code
        kind = one.differences[0].kind
        left = one.again(await self._commands.state(workflow.tenant_id, kind, one.target))
        return one.after(left), LOG_SAYS_MORE if left else None

    async def _subscriptions(self, tenant_id: UUID, customer: str, account: Account) -> list[_Found]:
        found, now = list[_Found](), self._commands.clock()
        theirs = await self._payments.subscriptions(customer)
        for shown in theirs:
            target = thing_id(tenant_id, shown.ref)
            state: Subscription = await self._commands.state(tenant_id, "subscription", target)
            owner = await owner_of(self._commands, STRIPE, shown.ref)
            if {owner or tenant_id, shown.tenant_id or tenant_id} != {tenant_id}:
                differs = (Difference("subscription", shown.ref, MISSING, shown.status, None),)
                found.append(_Found(shown.ref, differs, None, target, ANOTHER_TENANT))
                continue
            try:
                terms = shown.terms()
            except PriceUnknown:
                differs = (Difference("subscription", shown.ref, "price", "unknown", None),)
                found.append(_Found(shown.ref, differs, None, target, PriceUnknown.code))
                continue
            terms = await with_use(self._payments, customer, shown.ref, terms, shown.ended_at or now)
            command = ReportSubscription(
                teller=Teller.RECONCILIATION,
                told_as=f"reconciled/{now.isoformat()}/{_digest(terms)}",
                reference=shown.ref,
                effective_at=latest_of(shown.ended_at or now, state),
                rank=LAST if shown.ended_at else LAST - 1,
                terms=terms,
            )
            again = again_with(of_subscription, shown.ref, terms)
            found.append(_Found(shown.ref, again(state), command, target, again=again))
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
            amounts = totals.of_invoice(shown, state)
            try:
                command = invoice_told(tenant_id, shown, failed_at=failed_at)
            except ValidationError as error:
                differs = unreadable("invoice", shown.ref, error)
                found.append(_Found(shown.ref, differs, None, target, UNREADABLE, amounts=amounts))
                continue
            if command is None:
                continue
            again = again_with(of_invoice, shown.ref, command, shown.status)
            found.append(_Found(shown.ref, again(state), command, target, again=again, amounts=amounts))
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
            refunded, disputed = shown.refunded or state.refunded, shown.disputed or state.disputes
            refunds = await self._payments.refunds(payment=shown.ref) if refunded else ()
            disputes = await self._payments.disputes(since=shown.created) if disputed else ()
            own = [one for one in disputes if one.payment == shown.ref]
            ended = ended_by(self._commands.clock(), own)
            amounts = totals.of_payment(shown, refunds, own, state)
            try:
                command = payment_told(tenant_id, shown, refunds, own, ended)
            except ValidationError as error:
                differs = unreadable("payment", shown.ref, error)
                found.append(_Found(shown.ref, differs, None, target, UNREADABLE, amounts=amounts))
                continue
            if command is None:
                continue
            again = again_with(of_payment, shown.ref, command)
            found.append(_Found(shown.ref, again(state), command, target, again=again, amounts=amounts))
            alone, _ = parts_of_ours(command, state)
            found.extend(_Found(one.reference, (one,), None, target, NOT_AT_PROVIDER) for one in alone)
        return found

    async def _ours_alone(
        self, customer: Customer, tenant_id: UUID, since: datetime | None, listed: set[UUID]
    ) -> list[_Found]:
        """Invoices and payments in the log that the provider did not list: it is asked for each before it is named.

        It lists by when a thing was made there, which is before an invoice is final.
        """
        found = list[_Found]()
        async for row in named(self._commands.log, tenant_id, _BEGIN, since):
            target = UUID(row.stream.partition(":")[2])
            if target in listed:
                continue
            state: Invoice | Payment = await self._commands.state(tenant_id, row.category, target)
            ours = standing(state)
            if ours is None or (since is not None and ours.since < since):
                continue
            code = await self._astray(row.category, ours.reference, customer, tenant_id)
            if code is not None:
                differs = (Difference(row.category, ours.reference, MISSING, None, ours.amount),)
                amounts = (
                    totals.of_payment(None, (), (), state)
                    if isinstance(state, Payment)
                    else totals.of_invoice(None, state)
                )
                found.append(_Found(ours.reference, differs, None, target, code, amounts=amounts))
        return found

    async def _lost(self, tenant_id: UUID, since: datetime | None) -> list[_Found]:
        """What was used beyond a limit and is billed to nobody: the provider has the customer no more."""
        found = dict[UUID, _Found]()
        async for row in named(self._commands.log, tenant_id, (OverageWrittenOff.name,), since):
            target = UUID(row.stream.partition(":")[2])
            state: Usage = await self._commands.state(tenant_id, row.category, target)
            for period, messages in state.lost.items():
                differs = (Difference("usage", period, WRITTEN_OFF, None, messages),)
                found[target] = _Found(period, differs, None, target, WrittenOff.CUSTOMER_GONE)
        return list(found.values())

    async def _astray(self, kind: str, reference: str, customer: Customer, tenant_id: UUID) -> str | None:
        """Why the provider does not have a thing as this tenant's; None: it does."""
        try:
            shown = await (self._payments.invoice if kind == "invoice" else self._payments.payment)(reference)
        except NotAtProvider:
            return NOT_AT_PROVIDER
        if shown.customer == customer.reference:
            return None
        whose = shown.customer and await tenant_of(self._commands, customer.gateway, shown.customer)
        return None if whose == tenant_id else ANOTHER_TENANT


def _digest(terms: Terms) -> str:
    return sha256(terms.model_dump_json().encode()).hexdigest()[:16]


def latest_of(moment: datetime, state: Subscription) -> datetime:
    """The moment of what is known by looking: not before anything that was told, whoever's clock is ahead."""
    whole = moment.replace(microsecond=0)
    return whole if state.latest is None else max(whole, state.latest[0])
