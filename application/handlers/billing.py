"""Billing commands: what is told of subscriptions and invoices, and what follows for a tenant's access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.entitlements import beyond_of, exceeding, limit_of, reserve, within
from application.unit import handles
from domain.billing.account import (
    AlreadySubscribed,
    ChooseFreePlan,
    EndTrial,
    GiveUpUnpaid,
    SetOveragePolicy,
    StartTrial,
    SuspendUnpaid,
    dunning,
)
from domain.billing.account_events import (
    AccessChanged,
    ChangeDeclined,
    EntitlementsChanged,
    FreePlanLeft,
    LimitsAgreed,
    LimitsExceeded,
    SubscriptionAdded,
    TrialEnded,
)
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.change import (
    CancelSubscription,
    ChangeSubscription,
    EnterChange,
    ResumeSubscription,
    WithdrawChange,
    chosen,
    decide_change,
    gives_less,
    metered_behind,
    metered_too,
)
from domain.billing.invoice import ReportInvoice
from domain.billing.notices import SetNoticePreferences
from domain.billing.overage import EnterOverage, WriteOffOverage, ceiling_told, entered
from domain.billing.settling import (
    PlanFollowsBilling,
    access_of,
    entitlements_of,
    goes_on,
    is_live,
    limits_of,
    listed,
)
from domain.billing.subscription import AgreeSubscription, EndAgreement, ReportSubscription
from domain.billing.terms import ENDED, SubscriptionStatus
from domain.billing.usage import BlockEnded, ReserveBlock, SettleBlock, alerts, counter_id, settled
from domain.kernel.errors import NotFound
from domain.kernel.ids import InvoiceId, SubscriptionId, TenantId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import ChangePlan, PlanChanged, Tenant, TenantStatus

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.billing.account_state import Account
    from domain.billing.change import ChangeCommand, Going
    from domain.billing.invoice import Invoice
    from domain.billing.subscription import Subscription
    from domain.billing.terms import Terms
    from domain.billing.usage import Block, Usage
    from domain.kernel.commands import Command

_ACCOUNT = "billing_account"


@handles(ReportSubscription)
async def report_subscription(command: ReportSubscription, unit: Unit) -> None:
    """Enter what the gateway told of a subscription, and what follows."""
    await _changed(command, unit)


@handles(EndAgreement)
async def end_agreement(command: EndAgreement, unit: Unit) -> None:
    """Enter the end of an agreement, and what follows."""
    await _changed(command, unit)


@handles(AgreeSubscription)
async def agree_subscription(command: AgreeSubscription, unit: Unit) -> None:
    """Enter what was agreed, with its limits, and what follows."""
    await _account(unit)
    limits = None if command.limits is None else {one.value: most for one, most in command.limits.items()}
    agreed = LimitsAgreed(
        tenant_id=TenantId(unit.tenant_id),
        subscription_id=SubscriptionId(command.stamp.target),
        limits=limits,
    )
    unit.append(_ACCOUNT, unit.tenant_id, agreed)
    await _changed(command, unit)


@handles(ReportInvoice)
async def report_invoice(command: ReportInvoice, unit: Unit) -> None:
    """Enter what the gateway told of an invoice; one that is not paid is asked for."""
    account = await _account(unit)
    await unit.load("invoice", command.stamp.target)
    unit.decide(command)
    invoice: Invoice = unit.state("invoice", command.stamp.target)
    tenant_id, invoice_id = TenantId(unit.tenant_id), InvoiceId(command.stamp.target)
    since, outcome = invoice.failing_since, "dropped" if invoice.paid_at is None else "paid"
    if since is not None and await _is_over(unit, command.subscription_id):
        since, outcome = None, "cancelled"  # who gets nothing any more is asked for nothing
    unit.append(_ACCOUNT, unit.tenant_id, *dunning(account, tenant_id, invoice_id, since, outcome))
    await _settle(unit)


@handles(StartTrial)
async def start_trial(command: StartTrial, unit: Unit) -> None:
    """Try a plan out, where nothing was ever subscribed to."""
    await _own(command, unit)
    account: Account = unit.state(_ACCOUNT, unit.tenant_id)
    terms = await _terms(unit, account)
    if any(goes_on(one) or one.status == SubscriptionStatus.CANCELED for one in terms.values()):
        raise AlreadySubscribed.to(account)
    unit.decide(command)
    await _settle(unit)


@handles(EndTrial)
async def end_trial(command: EndTrial, unit: Unit) -> None:
    """End the trial, whose time is over."""
    await _on_account(command, unit)


@handles(SuspendUnpaid)
async def suspend_unpaid(command: SuspendUnpaid, unit: Unit) -> None:
    """Suspend who has not paid for so long."""
    await _on_account(command, unit)


@handles(GiveUpUnpaid)
async def give_up_unpaid(command: GiveUpUnpaid, unit: Unit) -> None:
    """Ask for the invoice no more."""
    await _on_account(command, unit)


@handles(ChooseFreePlan)
async def choose_free_plan(command: ChooseFreePlan, unit: Unit) -> None:
    """Go on with the free plan, where nothing is subscribed to."""
    await _own(command, unit)
    account: Account = unit.state(_ACCOUNT, unit.tenant_id)
    if any(goes_on(terms) for terms in (await _terms(unit, account)).values()):
        raise AlreadySubscribed.to(account)
    unit.decide(command)
    free = listed(Plan.FREE, unit.stamp.at.date())
    await within(unit, free.limits)
    await _settle(unit)


@handles(ChangeSubscription)
async def change_subscription(command: ChangeSubscription, unit: Unit) -> None:
    """Ask for another plan, interval or add-ons."""
    await _ask(command, unit)


@handles(CancelSubscription)
async def cancel_subscription(command: CancelSubscription, unit: Unit) -> None:
    """Ask for the end of the subscription."""
    await _ask(command, unit)


@handles(ResumeSubscription)
async def resume_subscription(command: ResumeSubscription, unit: Unit) -> None:
    """Ask for going on."""
    await _ask(command, unit)


@handles(WithdrawChange)
async def withdraw_change(command: WithdrawChange, unit: Unit) -> None:
    """Ask for going on as it is, where less was to begin with the next cycle."""
    await _ask(command, unit)


@handles(EnterChange)
async def enter_change(command: EnterChange, unit: Unit) -> None:
    """Enter what the provider answered."""
    await _ask(command, unit)


async def _ask(command: ChangeCommand, unit: Unit) -> None:
    await _own(command, unit)
    account: Account = unit.state(_ACCOUNT, unit.tenant_id)
    going, redeemed = await _going(unit, account)
    asked = decide_change(command, account, going, redeemed)
    unit.append(_ACCOUNT, unit.tenant_id, *asked)
    if isinstance(command, ChangeSubscription) and gives_less(command, chosen(command, going)[1]):
        lines: dict[str, int] = unit.state(_ACCOUNT, unit.tenant_id).asked.lines
        await within(unit, limits_of(Plan(command.plan), lines, unit.stamp.at.date()))


@handles(SetOveragePolicy)
async def set_overage_policy(command: SetOveragePolicy, unit: Unit) -> None:
    """Say what happens at a limit; what is bought by use is asked for, where it is not subscribed to yet."""
    await _own(command, unit)
    unit.decide(command)
    if command.policy is Overage.BUY:
        account: Account = unit.state(_ACCOUNT, unit.tenant_id)
        going, _ = await _going(unit, account)
        unit.append(_ACCOUNT, unit.tenant_id, *metered_too(command, account, going))


async def _going(unit: Unit, account: Account) -> tuple[list[Going], frozenset[str]]:
    """What goes on at the provider, and the coupons that were ever redeemed."""
    states: list[Subscription] = await unit.load_many("subscription", account.subscriptions)
    going = [
        (subscription_id, state.terms)
        for subscription_id, state in zip(account.subscriptions, states, strict=True)
        if state.reference is not None and state.terms is not None and goes_on(state.terms)
    ]
    return going, frozenset[str]().union(*(state.coupons for state in states))


@handles(SetNoticePreferences)
async def set_notice_preferences(command: SetNoticePreferences, unit: Unit) -> None:
    """Say which letters are written, and in which language."""
    await _own(command, unit)
    await unit.load("notice_preferences", unit.tenant_id)
    unit.decide(command)


@handles(ReserveBlock)
async def reserve_block(command: ReserveBlock, unit: Unit) -> None:
    """Reserve messages of a month."""
    await reserve(command, unit)


@handles(EnterOverage)
async def enter_overage(command: EnterOverage, unit: Unit) -> None:
    """Enter what was reported of a block."""
    await _overage(command, unit)


@handles(WriteOffOverage)
async def write_off_overage(command: WriteOffOverage, unit: Unit) -> None:
    """Enter that it is not billed."""
    await _overage(command, unit)


async def _overage(command: EnterOverage | WriteOffOverage, unit: Unit) -> None:
    key = counter_id(unit.tenant_id, Meter.EMAILS, command.period)
    usage: Usage = await unit.load("usage", key)
    unit.append("usage", key, *entered(command, usage))


@handles(SettleBlock)
async def settle_block(command: SettleBlock, unit: Unit) -> None:
    """Enter what was used of a block, end it if nobody has, and say how much of the month is used."""
    key = counter_id(unit.tenant_id, Meter.EMAILS, command.period)
    usage: Usage = await unit.load("usage", key)
    ended = settled(command, usage)
    if not ended:
        return
    unit.append("usage", key, *ended)
    limit = await limit_of(unit, Meter.EMAILS)
    after = unit.state("usage", key)
    told = alerts(unit.tenant_id, Meter.EMAILS, command.period, usage.used, after, limit)
    further = ceiling_told(unit.tenant_id, command.period, after, limit, await beyond_of(unit, Meter.EMAILS))
    unit.append("usage", key, *told, *further)
    block: Block = await unit.load("usage_block", command.block_id)
    if not block.ended:
        unit.append("usage_block", command.block_id, BlockEnded(block_id=command.block_id))


@handles(ChangePlan)
async def change_plan(command: ChangePlan, unit: Unit) -> None:
    """Put a tenant on another plan that pays for none by itself; a rate of its own it can have in any case."""
    tenant, account = await unit.load("tenant", unit.tenant_id), await unit.load(_ACCOUNT, unit.tenant_id)
    if isinstance(tenant, Tenant) and account.entitlements is not None and command.plan is not tenant.plan:
        raise PlanFollowsBilling
    unit.decide(command)


async def _on_account(command: StartTrial | EndTrial | SuspendUnpaid | GiveUpUnpaid, unit: Unit) -> None:
    await _own(command, unit)
    unit.decide(command)
    await _settle(unit)


async def _own(command: Command, unit: Unit) -> None:
    """Load the account; its stream has the tenant's own id, and there is no other one."""
    await unit.load(_ACCOUNT, command.stamp.target)
    if command.stamp.target != unit.tenant_id:
        raise NotFound
    await _account(unit)


async def _changed(command: ReportSubscription | AgreeSubscription | EndAgreement, unit: Unit) -> None:
    account = await _account(unit)
    subscription_id = SubscriptionId(command.stamp.target)
    before: Subscription = await unit.load("subscription", subscription_id)
    unit.decide(command)
    if subscription_id not in account.subscriptions:
        added = SubscriptionAdded(tenant_id=TenantId(unit.tenant_id), subscription_id=subscription_id)
        unit.append(_ACCOUNT, unit.tenant_id, added)
    over = await _is_over(unit, subscription_id)
    if over and account.asked is not None and account.asked.subscription_id == subscription_id:
        change_id = account.asked.change_id  # nobody is left to answer it
        declined = ChangeDeclined(tenant_id=TenantId(unit.tenant_id), change_id=change_id, reason="ended")
        unit.append(_ACCOUNT, unit.tenant_id, declined)
    if account.dunning and over:
        invoices: list[Invoice] = await unit.load_many("invoice", list(account.dunning))
        for invoice_id, invoice in zip(account.dunning, invoices, strict=True):
            if invoice.finalised is not None and invoice.finalised.subscription_id == subscription_id:
                ended = dunning(account, TenantId(unit.tenant_id), invoice_id, None, "cancelled")
                unit.append(_ACCOUNT, unit.tenant_id, *ended)
    await _settle(unit)
    account, tenant = unit.state(_ACCOUNT, unit.tenant_id), unit.state("tenant", unit.tenant_id)
    if tenant.status is TenantStatus.CLOSED or (before.terms is not None and goes_on(before.terms)):
        return
    going, _ = await _going(unit, account)
    began = next((one for one in going if one[0] == subscription_id), None)
    if began is not None:
        unit.append(_ACCOUNT, unit.tenant_id, *metered_behind(command.stamp, account, began, going))


async def _is_over(unit: Unit, subscription_id: SubscriptionId | None) -> bool:
    """Whether a subscription has ended; one that is not known has not."""
    if subscription_id is None:
        return False
    state: Subscription = await unit.load("subscription", subscription_id)
    return state.terms is not None and state.terms.status in ENDED


async def _account(unit: Unit) -> Account:
    """The account of a tenant that is there."""
    if not isinstance(await unit.load("tenant", unit.tenant_id), Tenant):
        raise NotFound
    account: Account = await unit.load(_ACCOUNT, unit.tenant_id)
    return account


async def _terms(unit: Unit, account: Account) -> dict[SubscriptionId, Terms]:
    """The terms of all subscriptions as they hold now."""
    states: list[Subscription] = await unit.load_many("subscription", account.subscriptions)
    return {
        subscription_id: state.terms
        for subscription_id, state in zip(account.subscriptions, states, strict=True)
        if state.terms is not None
    }


async def _settle(unit: Unit) -> None:
    """Enter what has changed for the tenant: its trial, its access, its entitlements, its rate."""
    tenant_id, today = TenantId(unit.tenant_id), unit.stamp.at.date()
    account: Account = unit.state(_ACCOUNT, tenant_id)
    tenant: Tenant = unit.state("tenant", tenant_id)
    if tenant.status is TenantStatus.CLOSED:
        return  # what the gateway tells late is kept, and opens nothing again
    terms = await _terms(unit, account)
    if account.trial is not None and not account.trial.over and any(map(is_live, terms.values())):
        unit.append(_ACCOUNT, tenant_id, TrialEnded(tenant_id=tenant_id, subscribed=True))
        account = unit.state(_ACCOUNT, tenant_id)
    if account.free and any(map(goes_on, terms.values())):
        unit.append(_ACCOUNT, tenant_id, FreePlanLeft(tenant_id=tenant_id))
        account = unit.state(_ACCOUNT, tenant_id)
    access = access_of(account, terms.values())
    if access is not account.access:
        changed = AccessChanged(tenant_id=tenant_id, before=account.access, after=access)
        unit.append(_ACCOUNT, tenant_id, changed)
    entitled = entitlements_of(account, terms, tenant.plan, today)
    if entitled != account.entitlements:
        unit.append(
            _ACCOUNT,
            tenant_id,
            EntitlementsChanged(
                tenant_id=tenant_id,
                plan=entitled.plan,
                catalogue=entitled.catalogue,
                limits=entitled.limits,
                features=entitled.features,
            ),
        )
        if above := await exceeding(unit, entitled.limits):
            exceeded = LimitsExceeded(tenant_id=tenant_id, plan=entitled.plan, above=above)
            unit.append(_ACCOUNT, tenant_id, exceeded)
    if entitled.plan is not tenant.plan:
        unit.append(
            "tenant",
            tenant_id,
            PlanChanged(
                tenant_id=tenant_id,
                before=tenant.plan,
                after=entitled.plan,
                commands_a_minute=tenant.commands_a_minute,
            ),
        )
