"""How an account follows from events: what is told of subscriptions in whatever order, and what that led to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.billing.account import RETRIES
from domain.billing.account_state import Overage
from projections.operational.billing_accounts.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
    from application.ports.log import Recorded
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

_TOLD: Final = "billing.subscription_reported"


def _subscription(event: Recorded) -> tuple[str, ...] | None:
    return (orjson.loads(event.payload)["subscription_id"],) if event.name == _TOLD else None


_FAILED: Final = "billing.invoice_payment_failed"
_ASKED: Final = (_FAILED, *(f"billing.dunning_{what}" for what in ("began", "retried", "suspended")))


def _invoice(event: Recorded) -> tuple[str, ...] | None:
    return (orjson.loads(event.payload)["invoice_id"],) if event.name in _ASKED else None


_DUNNING: Final = ("invoice_id", "began_at", "retries", "retry_at", "suspend_at", "cancel_at", "suspended")
_ROW: Final = ("subscription_id", "teller", "reference", "effective_at", "rank", "told_as", "terms")
BILLING_ACCOUNTS: Final = Projection(
    "billing_accounts",
    version=5,
    tables=TABLES,
    reveals=False,
    recalls=(Recall("subscriptions", _ROW, _subscription), Recall("dunning", _DUNNING, _invoice)),
)


def _update(event: Fact, rows: Rows, **values: Any) -> None:
    rows.update("accounts", {"id": str(event.tenant_id), **values})


@BILLING_ACCOUNTS.on("tenancy.tenant_opened")
def opened(event: Fact, rows: Rows) -> None:
    """A tenant is there, on the plan that it was registered under."""
    rows.insert(
        "accounts",
        {
            "id": str(event.tenant_id),
            "access": "active",
            "plan": event.payload["plan"],
            "overage": Overage.ASK.value,
            "usage_notices": True,
            "created_position": event.position,
        },
    )


@BILLING_ACCOUNTS.on("tenancy.plan_changed")
def plan_changed(event: Fact, rows: Rows) -> None:
    """It is on another plan."""
    _update(event, rows, plan=event.payload["after"])


@BILLING_ACCOUNTS.on("billing.entitlements_changed")
def entitlements_changed(event: Fact, rows: Rows) -> None:
    """It may use something else."""
    told = {name: event.payload[name] for name in ("plan", "catalogue", "limits", "features")}
    _update(event, rows, **told)


@BILLING_ACCOUNTS.on("billing.access_changed")
def access_changed(event: Fact, rows: Rows) -> None:
    """It may do more, or less."""
    _update(event, rows, access=event.payload["after"])


@BILLING_ACCOUNTS.on("billing.customer_linked")
def customer_linked(event: Fact, rows: Rows) -> None:
    """It is a customer at the gateway."""
    _update(event, rows, customer=event.payload["reference"], customer_live=event.payload["live"])


@BILLING_ACCOUNTS.on("billing.trial_started")
def trial_started(event: Fact, rows: Rows) -> None:
    """It tries a plan out."""
    payload = event.payload
    _update(event, rows, trial_plan=payload["plan"], trial_ends_at=payload["ends_at"], trial_over=False)


@BILLING_ACCOUNTS.on("billing.trial_ended")
def trial_ended(event: Fact, rows: Rows) -> None:
    """It does no more."""
    _update(event, rows, trial_over=True)


@BILLING_ACCOUNTS.on("billing.overage_policy_set")
def overage_policy_set(event: Fact, rows: Rows) -> None:
    """It goes beyond a limit, or stops there."""
    policy, ceiling = event.payload["policy"], event.payload["ceiling"]
    _update(event, rows, overage=policy, overage_ceiling=ceiling)


@BILLING_ACCOUNTS.on("billing.notice_preferences_set")
def notice_preferences_set(event: Fact, rows: Rows) -> None:
    """It is written to otherwise."""
    _update(event, rows, usage_notices=event.payload["usage"], notice_language=event.payload["language"])


@BILLING_ACCOUNTS.on(_TOLD)
def subscription_reported(event: Fact, rows: Rows) -> None:
    """A subscription has these terms from a moment on; those of the latest moment hold, whenever they were told."""
    told = {name: event.payload[name] for name in _ROW}
    known = rows.recall("subscriptions", told["subscription_id"])
    if known is None or _order(known) <= _order(told):
        reference = told["reference"] or (known or {}).get("reference")
        rows.upsert("subscriptions", {**told, "reference": reference})
    elif told["reference"] is not None:
        kept = {"subscription_id": told["subscription_id"], "reference": told["reference"]}
        rows.upsert("subscriptions", {**known, **kept})


def _order(row: dict[str, Any]) -> tuple[datetime, int, str]:
    at = row["effective_at"]
    return at if isinstance(at, datetime) else datetime.fromisoformat(at), row["rank"], row["told_as"]


@BILLING_ACCOUNTS.on("billing.dunning_began")
def dunning_began(event: Fact, rows: Rows) -> None:
    """An invoice is asked for; where an earlier failure became known, what was done for it stays done."""
    told = ("invoice_id", "began_at", "retry_at", "suspend_at", "cancel_at")
    known = rows.recall("dunning", event.payload["invoice_id"]) or {"retries": 0, "suspended": False}
    done = {name: known[name] for name in ("retries", "suspended")}
    rows.upsert("dunning", {**{name: event.payload[name] for name in told}, **done})


@BILLING_ACCOUNTS.on("billing.dunning_retried")
def dunning_retried(event: Fact, rows: Rows) -> None:
    """It was asked for once more."""
    _dunned(event, rows, event.payload["retry"], retry_at=event.payload["retry_at"])


@BILLING_ACCOUNTS.on(_FAILED)
def payment_failed(event: Fact, rows: Rows) -> None:
    """It was tried: the provider may have done so before anybody here came to it, and more often."""
    _dunned(event, rows, min(event.payload["attempt"] - 1, len(RETRIES)))


@BILLING_ACCOUNTS.on("billing.dunning_suspended")
def dunning_suspended(event: Fact, rows: Rows) -> None:
    """It was asked for so long that the tenant may only read."""
    _dunned(event, rows, suspended=True)


def _dunned(event: Fact, rows: Rows, retries: int = 0, **values: Any) -> None:
    invoice_id = event.payload["invoice_id"]
    known = rows.recall("dunning", invoice_id)
    if known is not None:
        told = {**values, "retries": max(known["retries"], retries)}
        # A row that was read has its key in another form than events do: within a batch it would be another row.
        rows.upsert("dunning", {**known, **told, "invoice_id": invoice_id})


@BILLING_ACCOUNTS.on("billing.dunning_ended")
def dunning_ended(event: Fact, rows: Rows) -> None:
    """Nothing is asked for by it."""
    rows.delete("dunning", {"invoice_id": event.payload["invoice_id"]})


@BILLING_ACCOUNTS.on("billing.change_requested")
def change_requested(event: Fact, rows: Rows) -> None:
    """A change is asked of the provider."""
    told = ("change_id", "subscription_id", "kind", "at_once", "plan", "lines", "coupon")
    asked = {name: event.payload.get(name) for name in told}
    rows.insert("changes", {**asked, "state": "asked", "asked_position": event.position})


@BILLING_ACCOUNTS.on("billing.change_made")
def change_made(event: Fact, rows: Rows) -> None:
    """It was done."""
    rows.update("changes", {"change_id": event.payload["change_id"], "state": "made"})


@BILLING_ACCOUNTS.on("billing.change_declined")
def change_declined(event: Fact, rows: Rows) -> None:
    """It was not."""
    declined = {"state": "declined", "reason": event.payload["reason"]}
    rows.update("changes", {"change_id": event.payload["change_id"], **declined})
