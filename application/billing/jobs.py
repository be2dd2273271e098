"""The jobs of billing: trials that end, invoices that are asked for, and what the provider is asked to change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.billing.placing import step, with_use
from application.billing.reconciling import latest_of
from application.billing.telling import LAST, invoice_told
from application.ports.payment_values import Line, When
from application.ports.payments import CardDeclined, InvalidPaymentRequest
from application.workflow import NotYet
from domain.billing.account import (
    RETRIES,
    EndTrial,
    EnterRetry,
    GiveUpUnpaid,
    RemindOfTrial,
    SuspendUnpaid,
)
from domain.billing.catalogues import price_of
from domain.billing.change import EnterChange, ahead_of
from domain.billing.subscription import ReportSubscription, Teller
from domain.billing.terms import ENDED, ItemKind
from domain.kernel.ids import ChangeId, InvoiceId
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.payment_values import Invoice as ShownInvoice
    from application.ports.payment_values import Subscription as ShownSubscription
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.account_events import ChangeRequested
    from domain.billing.account_state import Account
    from domain.billing.change import Going
    from domain.billing.invoice import Invoice
    from domain.billing.subscription import Subscription
    from domain.kernel.ids import SubscriptionId

_REFUSED: Final = "invalid-request"


def _lines(asked: Mapping[str, int]) -> list[Line]:
    """The lines of so many of each price: of what is billed by use there is no number."""
    return [
        Line(price.id, None)
        if price is not None and price.kind is ItemKind.METERED
        else Line(price_id, quantity)
        for price_id, quantity, price in ((one, number, price_of(one)) for one, number in asked.items())
    ]


class BillingJobs:
    """Does them; each step is done once, however often it is begun."""

    def __init__(self, commands: Commands, payments: PaymentGateway | None) -> None:
        """Act through `commands`. Without `payments` what needs the provider waits."""
        self._commands = commands
        self._gateway = payments

    @property
    def _payments(self) -> PaymentGateway:
        if self._gateway is None:
            raise NotYet(timedelta(hours=1))
        return self._gateway

    async def remind_of_trial(self, workflow: Workflow, tenant_id: UUID, position: int) -> None:
        """Say that a trial ends soon."""
        trial = (await self._account(workflow)).trial
        if trial is None or trial.remind_at is None:
            return
        self._due(trial.remind_at)
        await workflow.execute(RemindOfTrial(), tenant_id, key=f"trial/{tenant_id}/reminded/{position}")

    async def end_trial(self, workflow: Workflow, tenant_id: UUID) -> None:
        """End a trial whose time is over."""
        trial = (await self._account(workflow)).trial
        if trial is None or trial.over:
            return
        self._due(trial.ends_at)
        await workflow.execute(EndTrial(), tenant_id, key=f"trial/{tenant_id}/ended")

    async def retry(self, workflow: Workflow, invoice_id: InvoiceId, position: int = 0) -> None:
        """Try to collect an invoice again; what comes of it is entered."""
        dunning = (await self._account(workflow)).dunning.get(invoice_id)
        if dunning is None or dunning.retries >= len(RETRIES):
            return
        self._due(dunning.retry_at)
        tenant = await self._commands.state(workflow.tenant_id, "tenant", workflow.tenant_id)
        if not isinstance(tenant, Tenant) or tenant.status is TenantStatus.CLOSED:
            return
        number = dunning.retries + 1
        shown = await self._collected(workflow, invoice_id, number)
        if shown is not None:  # several may have been made before anybody came to look
            number = max(number, min(shown.attempts - 1, len(RETRIES)))
        if shown is not None and (command := invoice_told(workflow.tenant_id, shown)) is not None:
            await workflow.execute(command, invoice_id, key=step(shown.ref, command))
        if invoice_id in (await self._account(workflow)).dunning:
            entered = EnterRetry(invoice_id=invoice_id, retry=number)
            key = f"dunning/{invoice_id}/retried/{number}/{position}"
            await workflow.execute(entered, workflow.tenant_id, key=key)

    async def _collected(self, workflow: Workflow, invoice_id: InvoiceId, number: int) -> ShownInvoice | None:
        """The invoice, tried again unless the provider has done so by itself, or is about to."""
        reference = await self._reference_of(workflow, invoice_id)
        if reference is None:
            return None
        shown = await self._payments.invoice(reference)
        if shown.attempts > number or shown.next_attempt is not None or shown.paid_at is not None:
            return shown
        try:
            return await self._payments.pay_invoice(reference, key=f"pay/{workflow.workflow_id}")
        except CardDeclined:
            return None
        except InvalidPaymentRequest:
            return await self._payments.invoice(reference)  # it was ended meanwhile: what it is, it shows

    async def suspend(self, workflow: Workflow, invoice_id: InvoiceId, position: int = 0) -> None:
        """Suspend who has not paid an invoice for so long."""
        dunning = (await self._account(workflow)).dunning.get(invoice_id)
        if dunning is not None:
            self._due(dunning.suspend_at)
            if self._commands.clock() >= dunning.cancel_at:
                return  # nobody worked for a week: all of it ends, and that is told alone
            command = SuspendUnpaid(invoice_id=invoice_id)
            await workflow.execute(
                command, workflow.tenant_id, key=f"dunning/{invoice_id}/suspended/{position}"
            )

    async def give_up(self, workflow: Workflow, invoice_id: InvoiceId, position: int = 0) -> None:
        """Cancel the subscription of an invoice that nobody pays."""
        dunning = (await self._account(workflow)).dunning.get(invoice_id)
        if dunning is None:
            return
        self._due(dunning.cancel_at)
        invoice: Invoice = await self._commands.state(workflow.tenant_id, "invoice", invoice_id)
        subscription_id = None if invoice.finalised is None else invoice.finalised.subscription_id
        if subscription_id is None:
            return  # there is nothing to end: who owes it stays suspended until it is paid or taken back
        await self._end(workflow, subscription_id)
        if invoice_id not in (await self._account(workflow)).dunning:
            return  # with the subscription its invoices ended
        command = GiveUpUnpaid(invoice_id=invoice_id)
        await workflow.execute(command, workflow.tenant_id, key=f"dunning/{invoice_id}/given-up/{position}")

    async def has_any(self, workflow: Workflow) -> bool:
        """Whether the tenant ever had a subscription."""
        return bool((await self._account(workflow)).subscriptions)

    async def end_all(self, workflow: Workflow) -> None:
        """End all that a tenant that closed pays for."""
        for subscription_id in (await self._account(workflow)).subscriptions:
            await self._end(workflow, subscription_id)

    async def _end(self, workflow: Workflow, subscription_id: SubscriptionId) -> None:
        state: Subscription = await self._commands.state(workflow.tenant_id, "subscription", subscription_id)
        if state.reference is None or state.terms is None or state.terms.status in ENDED:
            return
        key = f"cancel/{workflow.workflow_id}/{subscription_id}"
        shown = await self._payments.cancel(state.reference, when=When.NOW, key=key)
        await self._ended(workflow, subscription_id, shown)

    async def _ended(self, workflow: Workflow, subscription_id: UUID, shown: ShownSubscription) -> None:
        """Enter the end before its event comes, so that there is no moment at which all is well again."""
        if shown.ended_at is None:
            raise NotYet(timedelta(minutes=1))
        state: Subscription = await self._commands.state(workflow.tenant_id, "subscription", subscription_id)
        command = ReportSubscription(
            teller=Teller.RECONCILIATION,
            told_as=f"cancelled/{subscription_id}",
            reference=shown.ref,
            effective_at=latest_of(shown.ended_at, state),
            rank=LAST,
            terms=await with_use(self._payments, shown.customer, shown.ref, shown.terms(), shown.ended_at),
        )
        await workflow.execute(command, subscription_id, key=step(shown.ref, command))

    async def change(self, workflow: Workflow, asked: ChangeRequested) -> None:
        """Ask the provider for a change, and enter its answer."""
        subscription: Subscription = await self._commands.state(
            workflow.tenant_id, "subscription", asked.subscription_id
        )
        reason = None
        if subscription.reference is None:
            reason = _REFUSED
        else:
            try:
                await self._changed(subscription.reference, asked)
            except CardDeclined as declined:
                reason = declined.code
            except InvalidPaymentRequest as refused:
                reason = refused.code or _REFUSED
            if reason is not None and subscription.terms is not None:
                going = (asked.subscription_id, subscription.terms)
                await self._restored(workflow, subscription.reference, asked, going)
        entered = EnterChange(change_id=ChangeId(asked.change_id), reason=reason)
        await workflow.execute(entered, workflow.tenant_id, key=f"change/{asked.change_id}/entered")

    async def _restored(
        self, workflow: Workflow, reference: str, asked: ChangeRequested, going: Going
    ) -> None:
        """Have what was to begin with the next cycle still begin: to try another change, the provider let go of it."""
        ahead = ahead_of(await self._account(workflow), going)
        if asked.kind == "change" and ahead is not None:
            lines = _lines(ahead.lines)
            await self._payments.change_subscription(
                reference,
                lines,
                plan=ahead.plan or "",
                when=When.PERIOD_END,
                coupon=ahead.coupon,
                key=f"change/{asked.change_id}/ahead",
            )

    async def _changed(self, reference: str, asked: ChangeRequested) -> None:
        key = f"change/{asked.change_id}"
        when = When.NOW if asked.at_once else When.PERIOD_END
        match asked.kind:
            case "change":
                lines = _lines(asked.lines)
                await self._payments.change_subscription(
                    reference, lines, plan=asked.plan or "", when=when, coupon=asked.coupon, key=key
                )
            case "withdraw":
                await self._payments.withdraw_change(reference, key=key)
            case "cancel":
                await self._payments.cancel(reference, when=When.PERIOD_END, key=key)
            case _:
                await self._payments.resume(reference, key=key)

    def _due(self, at: datetime | None) -> None:
        """Wait for a moment that has not come by the clock that commands are stamped with; None: there is none."""
        now = self._commands.clock()
        if at is not None and now < at:
            raise NotYet(at - now)

    async def _account(self, workflow: Workflow) -> Account:
        account: Account = await self._commands.state(
            workflow.tenant_id, "billing_account", workflow.tenant_id
        )
        return account

    async def _reference_of(self, workflow: Workflow, invoice_id: InvoiceId) -> str | None:
        invoice: Invoice = await self._commands.state(workflow.tenant_id, "invoice", invoice_id)
        return None if invoice.finalised is None else invoice.finalised.reference
