"""What is done with a tenant's billing account: a trial, the free plan, and what follows when nobody pays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, assert_never

from pydantic import Field

from domain.billing.account_events import (
    CustomerLinked,
    DunningBegan,
    DunningEnded,
    DunningRetried,
    DunningSuspended,
    FreePlanChosen,
    OveragePolicySet,
    Reconciled,
    TrialEnded,
    TrialReminded,
    TrialStarted,
)
from domain.billing.account_state import Access, Account, Beyond, Overage, evolve
from domain.billing.catalogue import Meter
from domain.billing.catalogues import sold_on
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import InvoiceId, TenantId
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText
from domain.tenancy.plans import Plan

if TYPE_CHECKING:
    from datetime import datetime

    from domain.billing.account_state import Dunning
    from domain.kernel.events import Event

RETRIES: Final = (timedelta(days=3), timedelta(days=5), timedelta(days=7))
"""When a failed payment is tried again, from its first failure on."""
SUSPENDED_AFTER: Final = timedelta(days=7)
CANCELLED_AFTER: Final = timedelta(days=14)
MOST_BEYOND: Final = 100_000_000
"""The highest ceiling of a month."""
REMINDERS: Final = (7, 1)
"""How many days before its end a trial is spoken of."""

TriedPlan: TypeAlias = Literal[Plan.STARTER, Plan.PROFESSIONAL, Plan.BUSINESS]


class TrialUsed(Refusal):
    """A tenant tries the product out once. Choose a plan, or go on with the free one."""

    code = "trial-used"


class AlreadySubscribed(Refusal):
    """Who has a subscription neither tries out nor takes the free plan. Change the subscription, or cancel it first.

    What is not paid is paid on the portal (`POST /v1/billing/portal`), not subscribed to anew.
    """

    code = "already-subscribed"

    @classmethod
    def to(cls, account: Account) -> AlreadySubscribed:
        """The refusal in the words of how the account stands."""
        said = _SUBSCRIBED.get(account.access)
        return cls() if said is None else cls(said, access=account.access.value)


class FreePlanTaken(Refusal):
    """Who goes on with the free plan has had the time for a trial. Subscribe to the plan that is wanted."""

    code = "free-plan-taken"


class TrialNotOver(Refusal):
    """A trial ends when its time is over, or with a subscription. Nothing is to be done."""

    code = "trial-not-over"


class CustomerLinkedAlready(Refusal):
    """A tenant is one customer at the gateway. Use the one that is linked."""

    code = "customer-linked-already"


class OverageNeedsPlan(Refusal):
    """Only who pays for a plan may go beyond its limits. Subscribe to one first; pay for the one that is not paid."""

    code = "overage-needs-plan"
    field = "/policy"

    @classmethod
    def of(cls, account: Account) -> OverageNeedsPlan:
        """The refusal in the words of how the account stands."""
        return cls(_NO_PLAN.get(account.access), access=account.access.value)


_PAY: Final = "`POST /v1/billing/portal` has the page"
_SUBSCRIBED: Final = {
    Access.PAST_DUE: (
        "There is a subscription, and an invoice of it is not paid. Pay that"
        f" ({_PAY}); then change the subscription, or cancel it first."
    ),
    Access.SUSPENDED: (
        "There is a subscription, which is not paid, or paused. Pay what is open"
        f" ({_PAY}): access comes back at once, and nothing is subscribed to anew."
    ),
}
_NO_PLAN: Final = {
    Access.TRIAL: "Only who pays for a plan may go beyond its limits, and this one is tried out. Subscribe first.",
    Access.SUSPENDED: (
        "There is a subscription, which is not paid, or paused: nothing goes beyond its limits. Pay what is open"
        f" ({_PAY}), then say it again."
    ),
    Access.CANCELLED: (
        "The subscription has ended: nothing goes beyond its limits. Subscribe again"
        " (`POST /v1/billing/checkout` has the page) first."
    ),
}


class CeilingNeedsBuying(Refusal):
    """A ceiling is one of what is bought. Leave it out, or say `buy`."""

    code = "ceiling-needs-buying"
    kind = RefusalKind.INVALID
    field = "/ceiling"


class NotDunned(Refusal):
    """Nothing is asked for by this invoice, or not for so long yet. Nothing is to be done."""

    code = "not-dunned"


class StartTrial(Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE):
    """Try a plan out, once, without a card. When the trial is over, what is there can be read and exported."""

    plan: TriedPlan


class ChooseFreePlan(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """Go on with the free plan; what is used has to be within its limits."""


class SetOveragePolicy(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """Say what happens where a month's limit is reached: `block`, `ask` for what is to be bought, or `buy` by use.

    `ceiling`: how many may be bought beyond the limit in a month; left out, as many again as the limit.
    """

    meter: Literal[Meter.EMAILS]
    policy: Literal[Overage.BLOCK, Overage.ASK, Overage.BUY]
    ceiling: Annotated[int, Field(ge=1, le=MOST_BEYOND)] | None = None


class RemindOfTrial(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Say that a trial ends soon."""


class EndTrial(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Enter that a trial's time is over."""


class LinkCustomer(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Enter under which reference the tenant is a customer at the gateway."""

    gateway: ShortText
    reference: ShortText
    live: bool


class EnterRetry(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Enter that a payment was tried again; what came of it, the gateway tells."""

    invoice_id: InvoiceId
    retry: Annotated[int, Field(ge=1, le=len(RETRIES))]


class SuspendUnpaid(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Let the tenant read and export alone, because an invoice was not paid for so long."""

    invoice_id: InvoiceId


class GiveUpUnpaid(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Ask for an invoice no more: its subscription was cancelled for it."""

    invoice_id: InvoiceId


class EnterReconciliation(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Enter that the provider was held against this log, and what came of it."""

    compared: Annotated[int, Field(ge=0)]
    differed: Annotated[int, Field(ge=0)]
    repaired: Annotated[int, Field(ge=0)]


AccountCommand: TypeAlias = (
    EnterReconciliation
    | StartTrial
    | ChooseFreePlan
    | SetOveragePolicy
    | RemindOfTrial
    | EndTrial
    | LinkCustomer
    | EnterRetry
    | SuspendUnpaid
    | GiveUpUnpaid
)


def decide(command: AccountCommand, state: Account) -> tuple[Event, ...]:
    """What a command does to the account itself; what follows for access and entitlements is settled after it."""
    tenant_id = TenantId(command.stamp.target)
    match command:
        case StartTrial():
            return (_trial(command, state, tenant_id),)
        case ChooseFreePlan():
            tried = state.trial is not None and not state.trial.over
            ended = (TrialEnded(tenant_id=tenant_id, subscribed=False),) if tried else ()
            return () if state.free else (*ended, FreePlanChosen(tenant_id=tenant_id))
        case SetOveragePolicy():
            return _policy(command, state, tenant_id)
        case RemindOfTrial():
            return _reminded(command, state, tenant_id)
        case EndTrial():
            return _ended(command, state, tenant_id)
        case LinkCustomer():
            return _linked(command, state, tenant_id)
        case EnterReconciliation():
            done = Reconciled(
                tenant_id=tenant_id,
                compared=command.compared,
                differed=command.differed,
                repaired=command.repaired,
            )
            return (done,)
        case EnterRetry():
            return _retried(command, _dunned(state, command.invoice_id), tenant_id)
        case SuspendUnpaid():
            one = _dunned(state, command.invoice_id)
            if command.stamp.at < one.suspend_at:
                raise NotDunned
            return () if one.suspended else (_suspended(tenant_id, command.invoice_id),)
        case GiveUpUnpaid():
            if command.stamp.at < _dunned(state, command.invoice_id).cancel_at:
                raise NotDunned
            return (_over(tenant_id, command.invoice_id, "cancelled"),)
        case _:
            assert_never(command)


def dunning(
    state: Account, tenant_id: TenantId, invoice_id: InvoiceId, since: datetime | None, outcome: str
) -> tuple[Event, ...]:
    """What follows for an invoice that has not been paid `since` the first attempt failed.

    None: nobody is asked for it, or not any more, with this `outcome`.
    """
    known = state.dunning.get(invoice_id)
    done = 0 if known is None else known.retries
    if since is None:
        return () if known is None else (_over(tenant_id, invoice_id, outcome),)
    if known is not None and since >= known.began_at:
        return ()
    return (
        DunningBegan(
            tenant_id=tenant_id,
            invoice_id=invoice_id,
            began_at=since,
            retry_at=since + RETRIES[min(done, len(RETRIES) - 1)],
            suspend_at=since + SUSPENDED_AFTER,
            cancel_at=since + CANCELLED_AFTER,
        ),
    )


def _trial(command: StartTrial, state: Account, tenant_id: TenantId) -> TrialStarted:
    if state.trial is not None:
        raise TrialUsed
    if state.free:
        raise FreePlanTaken
    ends_at = command.stamp.at + timedelta(days=sold_on(command.stamp.at.date()).trial_days)
    return TrialStarted(
        tenant_id=tenant_id,
        plan=command.plan,
        ends_at=ends_at,
        remind_at=ends_at - timedelta(days=REMINDERS[0]),
    )


def _policy(command: SetOveragePolicy, state: Account, tenant_id: TenantId) -> tuple[Event, ...]:
    buys = command.policy is Overage.BUY
    if command.ceiling is not None and not buys:
        raise CeilingNeedsBuying
    if buys and not state.pays:
        raise OverageNeedsPlan.of(state)
    said = Beyond(command.policy, command.ceiling)
    if said == state.overage.get(command.meter, Beyond(Overage.ASK)):
        return ()
    return (
        OveragePolicySet(
            tenant_id=tenant_id, meter=command.meter, policy=command.policy, ceiling=command.ceiling
        ),
    )


def _reminded(command: RemindOfTrial, state: Account, tenant_id: TenantId) -> tuple[Event, ...]:
    trial, at = state.trial, command.stamp.at
    if trial is None or trial.remind_at is None or at < trial.remind_at:
        return ()
    if at >= trial.ends_at:
        return ()
    to_come = (trial.ends_at - timedelta(days=days) for days in REMINDERS)
    after = next((moment for moment in to_come if moment > at), None)  # what was missed is not made up for
    left = (trial.ends_at - at).days
    return (TrialReminded(tenant_id=tenant_id, days_left=left, remind_at=after),)


def _ended(command: EndTrial, state: Account, tenant_id: TenantId) -> tuple[Event, ...]:
    if state.trial is None or state.trial.over:
        return ()
    if command.stamp.at < state.trial.ends_at:
        raise TrialNotOver
    return (TrialEnded(tenant_id=tenant_id, subscribed=False),)


def _linked(command: LinkCustomer, state: Account, tenant_id: TenantId) -> tuple[Event, ...]:
    if state.customer is not None:
        if state.customer.reference == command.reference:
            return ()
        raise CustomerLinkedAlready
    return (
        CustomerLinked(
            tenant_id=tenant_id, gateway=command.gateway, reference=command.reference, live=command.live
        ),
    )


def _retried(command: EnterRetry, one: Dunning, tenant_id: TenantId) -> tuple[Event, ...]:
    if command.retry <= one.retries:
        return ()
    to_come = (one.began_at + days for days in RETRIES)
    after = next((at for at in to_come if at > command.stamp.at), None)  # what was missed is not made up for
    return (
        DunningRetried(
            tenant_id=tenant_id, invoice_id=command.invoice_id, retry=command.retry, retry_at=after
        ),
    )


def _dunned(state: Account, invoice_id: InvoiceId) -> Dunning:
    one = state.dunning.get(invoice_id)
    if one is None:
        raise NotDunned
    return one


def _suspended(tenant_id: TenantId, invoice_id: InvoiceId) -> DunningSuspended:
    return DunningSuspended(tenant_id=tenant_id, invoice_id=invoice_id)


def _over(tenant_id: TenantId, invoice_id: InvoiceId, outcome: str) -> DunningEnded:
    return DunningEnded(tenant_id=tenant_id, invoice_id=invoice_id, outcome=outcome)


BILLING_ACCOUNT: Final[Decider[Account]] = Decider(
    category="billing_account", initial=Account(), evolve=evolve, decide=decide, remembers_empty=True
)
