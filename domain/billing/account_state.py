"""A tenant's billing account as its events leave it.

Access is kept apart from how subscriptions stand at the gateway: `trial`, `active`, `past_due` (all goes on, and
somebody has to pay), `suspended`, `cancelled` and `expired` (reading and exporting alone).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from domain.billing.account_events import (
    AccessChanged,
    AccountEvent,
    ChangeDeclined,
    ChangeMade,
    ChangeRequested,
    CustomerLinked,
    DunningBegan,
    DunningEnded,
    DunningRetried,
    DunningSuspended,
    EntitlementsChanged,
    FreePlanChosen,
    FreePlanLeft,
    LimitsAgreed,
    LimitsExceeded,
    OveragePolicySet,
    Reconciled,
    SubscriptionAdded,
    TrialEnded,
    TrialReminded,
    TrialStarted,
)
from domain.kernel.ids import InvoiceId, SubscriptionId
from domain.tenancy.plans import Plan


class Access(StrEnum):
    """Whether a tenant may use the product."""

    ACTIVE = "active"
    TRIAL = "trial"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Overage(StrEnum):
    """What happens where a limit is reached."""

    BLOCK = "block"
    """Nothing goes beyond it."""
    ASK = "ask"
    """Nothing goes beyond it, and letters say what to buy. So it is where nobody said anything."""
    BUY = "buy"
    """What goes beyond it is billed by what was used."""
    ALLOW = "allow"
    """As much again, which nobody is billed for: it could be said before there was a price, and holds where it was."""


READING_ALONE: Final = frozenset({Access.SUSPENDED, Access.CANCELLED, Access.EXPIRED})
"""Who may read, export, and pay."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What was said of going beyond a limit. `ceiling`: how far in a month; None: as far again as the limit."""

    policy: Overage
    ceiling: int | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who the tenant is at the gateway."""

    gateway: str
    reference: str
    live: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """The one trial that a tenant has."""

    plan: Plan
    ends_at: datetime
    remind_at: datetime | None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Dunning:
    """An invoice that is asked for again and again."""

    began_at: datetime
    retry_at: datetime | None
    suspend_at: datetime
    cancel_at: datetime
    retries: int = 0
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What may be used. `limits`: the most by meter; what is not named is without limit."""

    plan: Plan
    catalogue: str
    limits: dict[str, int]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A billing account as it stands. `asked`: the change that the provider was asked for and has not answered.

    `ahead`: the last change that was to begin with the next cycle; it has begun where the subscription is like it.

    `entitlements` None: those of the plan under which the tenant was registered.
    """

    customer: Customer | None = None
    subscriptions: tuple[SubscriptionId, ...] = ()
    agreed: dict[SubscriptionId, dict[str, int] | None] = field(default_factory=dict)
    trial: Trial | None = None
    free: bool = False
    dunning: dict[InvoiceId, Dunning] = field(default_factory=dict)
    asked: ChangeRequested | None = None
    ahead: ChangeRequested | None = None
    access: Access = Access.ACTIVE
    entitlements: Entitlements | None = None
    overage: dict[str, Beyond] = field(default_factory=dict)

    @property
    def pays(self) -> bool:
        """Whether what goes beyond a limit could be billed: a plan is subscribed to, and none is tried out."""
        paid = self.entitlements is not None and self.entitlements.plan is not Plan.FREE
        return bool(self.subscriptions) and paid and self.access in (Access.ACTIVE, Access.PAST_DUE)

    def beyond(self, meter: str, *, metered: bool) -> Beyond | None:
        """How the tenant goes beyond the limit of a meter, if it wants to and may.

        `metered`: whether its subscription has the price by which that is billed. Who has not paid buys no more of it.
        """
        said = self.overage.get(meter)
        if said is None or not self.pays:
            return None
        buys = said.policy is Overage.BUY and metered and self.access is Access.ACTIVE
        return said if buys or said.policy is Overage.ALLOW else None


def evolve(state: Account, event: AccountEvent) -> Account:
    """The account after `event`."""
    match event:
        case CustomerLinked():
            return replace(state, customer=Customer(event.gateway, event.reference, event.live))
        case SubscriptionAdded():
            return replace(state, subscriptions=(*state.subscriptions, event.subscription_id))
        case LimitsAgreed():
            return replace(state, agreed={**state.agreed, event.subscription_id: event.limits})
        case TrialStarted() | TrialReminded() | TrialEnded():
            return replace(state, trial=_tried(state.trial, event))
        case FreePlanChosen() | FreePlanLeft() | Reconciled() | LimitsExceeded():
            told_only = isinstance(event, Reconciled | LimitsExceeded)
            return replace(state, free=state.free if told_only else isinstance(event, FreePlanChosen))
        case DunningBegan() | DunningRetried() | DunningSuspended() | DunningEnded():
            return replace(state, dunning=_dunned(state.dunning, event))
        case ChangeRequested() | ChangeMade() | ChangeDeclined():
            return _changing(state, event)
        case AccessChanged():
            return replace(state, access=Access(event.after))
        case EntitlementsChanged():
            now = Entitlements(Plan(event.plan), event.catalogue, event.limits, event.features)
            return replace(state, entitlements=now)
        case OveragePolicySet():
            said = Beyond(Overage(event.policy), event.ceiling)
            return replace(state, overage={**state.overage, event.meter: said})
        case _:
            assert_never(event)


def _changing(state: Account, event: ChangeRequested | ChangeMade | ChangeDeclined) -> Account:
    if isinstance(event, ChangeRequested):
        return replace(state, asked=event)
    asked = state.asked
    if asked is None or isinstance(event, ChangeDeclined):
        return replace(state, asked=None)
    later = asked.kind == "change" and not asked.at_once
    ahead = asked if later else state.ahead if asked.kind == "resume" else None
    return replace(state, asked=None, ahead=ahead)


def _tried(trial: Trial | None, event: TrialStarted | TrialReminded | TrialEnded) -> Trial | None:
    if isinstance(event, TrialStarted):
        return Trial(Plan(event.plan), event.ends_at, event.remind_at)
    if trial is None:
        return None
    match event:
        case TrialReminded():
            return replace(trial, remind_at=event.remind_at)
        case TrialEnded():
            return replace(trial, over=True, remind_at=None)
        case _:
            assert_never(event)


def _dunned(
    dunning: dict[InvoiceId, Dunning], event: DunningBegan | DunningRetried | DunningSuspended | DunningEnded
) -> dict[InvoiceId, Dunning]:
    one = dunning.get(event.invoice_id)
    if isinstance(event, DunningBegan):
        begun = Dunning(event.began_at, event.retry_at, event.suspend_at, event.cancel_at)
        if one is not None:  # an earlier failure became known; what was done already stays done
            begun = replace(begun, retries=one.retries, suspended=one.suspended)
        return {**dunning, event.invoice_id: begun}
    if one is None:
        return dunning
    match event:
        case DunningRetried():
            return {**dunning, event.invoice_id: replace(one, retries=event.retry, retry_at=event.retry_at)}
        case DunningSuspended():
            return {**dunning, event.invoice_id: replace(one, suspended=True)}
        case DunningEnded():
            return {invoice: other for invoice, other in dunning.items() if invoice != event.invoice_id}
        case _:
            assert_never(event)
