"""What happened to a tenant's billing account."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import ChangeId, InvoiceId, SubscriptionId, TenantId


class CustomerLinked(Event, name="billing.customer_linked", version=1):
    """The tenant is a customer at the gateway, under this reference. `live`: real money moves there."""

    tenant_id: TenantId
    gateway: str
    reference: str
    live: bool


class SubscriptionAdded(Event, name="billing.subscription_added", version=1):
    """The tenant has one more subscription."""

    tenant_id: TenantId
    subscription_id: SubscriptionId


class LimitsAgreed(Event, name="billing.limits_agreed", version=1):
    """With a subscription these limits were agreed, by meter; what is not named is without limit.

    None: none of its own were agreed, those of its plan hold.
    """

    tenant_id: TenantId
    subscription_id: SubscriptionId
    limits: dict[str, int] | None


class TrialStarted(Event, name="billing.trial_started", version=1):
    """The tenant tries a plan out, once, until `ends_at`. `remind_at`: when it is spoken of first."""

    tenant_id: TenantId
    plan: str
    ends_at: datetime
    remind_at: datetime


class TrialReminded(Event, name="billing.trial_reminded", version=1):
    """It was said that the trial ends in so many days. `remind_at`: when it is said again; None: no more."""

    tenant_id: TenantId
    days_left: int
    remind_at: datetime | None = None


class TrialEnded(Event, name="billing.trial_ended", version=1):
    """The trial is over: its time was, or a subscription took its place. `subscribed`: the latter."""

    tenant_id: TenantId
    subscribed: bool


class FreePlanChosen(Event, name="billing.free_plan_chosen", version=1):
    """The tenant goes on with the free plan."""

    tenant_id: TenantId


class FreePlanLeft(Event, name="billing.free_plan_left", version=1):
    """A subscription took the place of the free plan; when it ends, the free plan has to be chosen again."""

    tenant_id: TenantId


class DunningBegan(Event, name="billing.dunning_began", version=1):
    """A payment failed first at `began_at`; it is tried again at `retry_at`, and what follows if it is not paid.

    It is said anew where an earlier failure becomes known.
    """

    tenant_id: TenantId
    invoice_id: InvoiceId
    began_at: datetime
    retry_at: datetime
    suspend_at: datetime
    cancel_at: datetime


class DunningRetried(Event, name="billing.dunning_retried", version=1):
    """The payment was tried again, the `retry`th time. `retry_at`: when it is tried next; None: no more."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    retry: int
    retry_at: datetime | None = None


class DunningSuspended(Event, name="billing.dunning_suspended", version=1):
    """The invoice was not paid for so long that the tenant may only read and export."""

    tenant_id: TenantId
    invoice_id: InvoiceId


class DunningEnded(Event, name="billing.dunning_ended", version=1):
    """Nothing is asked for by an invoice now. `outcome`: `paid`, `dropped`, or `cancelled` with its subscription."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    outcome: str


class ChangeRequested(Event, name="billing.change_requested", version=1):
    """The tenant wants another plan, interval or add-ons, or an end; the provider is asked for it.

    `kind`: `change`, `cancel`, `resume`, or `withdraw` of what was to change with the next cycle. `lines`: all that is
    subscribed to then, how many of each price. `at_once`: now, with what is left of the cycle credited; else at the
    cycle's end.
    """

    tenant_id: TenantId
    change_id: ChangeId
    subscription_id: SubscriptionId
    kind: str
    at_once: bool
    plan: str | None = None
    lines: dict[str, int]
    coupon: str | None = None


class ChangeMade(Event, name="billing.change_made", version=1):
    """The provider did what was asked of it; how the subscription stands then, it tells by itself."""

    tenant_id: TenantId
    change_id: ChangeId


class ChangeDeclined(Event, name="billing.change_declined", version=1):
    """The provider did not do what was asked, and everything is as before. `reason`: its code of why."""

    tenant_id: TenantId
    change_id: ChangeId
    reason: str


class Reconciled(Event, name="billing.reconciled", version=1):
    """All that the provider has of the tenant was held against this log.

    `compared`: how many subscriptions, invoices and payments; `differed`: how many of them the provider has otherwise;
    `repaired`: how many of those were entered here as the provider has them.
    """

    tenant_id: TenantId
    compared: int
    differed: int
    repaired: int


class AccessChanged(Event, name="billing.access_changed", version=1, changes_access=True):
    """The tenant may use the product otherwise than before. `before`, `after`: an `Access`."""

    tenant_id: TenantId
    before: str
    after: str


class EntitlementsChanged(Event, name="billing.entitlements_changed", version=1):
    """What the tenant may use changed. `limits`: the most by meter; what is not named is without limit.

    `catalogue`: the version that the plan is of.
    """

    tenant_id: TenantId
    plan: str
    catalogue: str
    limits: dict[str, int]
    features: tuple[str, ...]


class Exceeding(BaseModel):
    """More of a meter than its limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meter: str
    used: int
    limit: int


class LimitsExceeded(Event, name="billing.limits_exceeded", version=1):
    """More stands than what the tenant is entitled to from now on: it stays, and no more of it is taken."""

    tenant_id: TenantId
    plan: str
    above: tuple[Exceeding, ...]


class OveragePolicySet(Event, name="billing.overage_policy_set", version=2):
    """What happens where a limit is reached: an `Overage`. `ceiling`: how many may be bought beyond it in a month."""

    tenant_id: TenantId
    meter: str
    policy: str
    ceiling: int | None


@EVENTS.upcaster("billing.overage_policy_set", 1)
def _nobody_said_a_ceiling(payload: Payload) -> Payload:
    return {**payload, "ceiling": None}


AccountEvent: TypeAlias = (
    CustomerLinked
    | SubscriptionAdded
    | LimitsAgreed
    | TrialStarted
    | TrialReminded
    | TrialEnded
    | FreePlanChosen
    | FreePlanLeft
    | DunningBegan
    | DunningRetried
    | DunningSuspended
    | DunningEnded
    | ChangeRequested
    | ChangeMade
    | ChangeDeclined
    | Reconciled
    | AccessChanged
    | EntitlementsChanged
    | LimitsExceeded
    | OveragePolicySet
)
