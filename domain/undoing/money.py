"""How what happened to money is undone: subscriptions, invoices, usage, costs, the books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.undoing.ways import BECAUSE, By, From, Never, Way, Why, along, by

_GATEWAY: Final = Never(
    Why.TOLD_FROM_OUTSIDE, "Put it right at the payment provider, whose next message is entered by itself."
)
_CLOCK: Final = Never(Why.BY_THE_CLOCK)
_WORK: Final = Never(Why.WORK_DONE)
_COUNTED: Final = Never(Why.RECORD_OF_A_MOMENT, "What was sent counts in its month.")
_MAILED: Final = Never(Why.HANDED_OVER, "What follows can be switched off: set-notice-preferences.")
_UNPAID: Final = Never(Why.BY_THE_CLOCK, "Pay the open invoice: the dunning ends by itself.")

_BILLING: Final[Mapping[str, Way]] = {
    "billing.access_changed": along(
        "billing.dunning_suspended",
        "billing.dunning_ended",
        "billing.trial_started",
        "billing.trial_ended",
        "billing.free_plan_chosen",
        "billing.free_plan_left",
        "billing.subscription_added",
        "billing.subscription_reported",
        "billing.entitlements_changed",
    ),
    "billing.block_ended": _WORK,
    "billing.block_reserved": _COUNTED,
    "billing.block_settled": _COUNTED,
    "billing.ceiling_reached": Never(Why.RECORD_OF_A_MOMENT, "Raise the ceiling: set-overage-policy."),
    "billing.change_declined": Never(Why.TOLD_FROM_OUTSIDE, "Ask for the change anew."),
    "billing.change_made": Never(Why.HANDED_OVER, "Change the subscription back: change-subscription."),
    "billing.change_requested": By(
        "billing/withdraw-change", says="Once the payment provider made it, ask for another change."
    ).alone(),
    "billing.customer_linked": _GATEWAY,
    "billing.dispute_closed": _GATEWAY,
    "billing.dispute_opened": _GATEWAY,
    "billing.dunning_began": _UNPAID,
    "billing.dunning_ended": _WORK,
    "billing.dunning_retried": Never(Why.HANDED_OVER, "Refund at the payment provider what was charged."),
    "billing.dunning_suspended": _UNPAID,
    "billing.entitlements_changed": along(
        "billing.subscription_added",
        "billing.subscription_reported",
        "billing.limits_agreed",
        "billing.trial_started",
        "billing.trial_ended",
        "billing.free_plan_chosen",
        "billing.free_plan_left",
        "billing.change_made",
        "tenancy.plan_changed",
    ),
    "billing.free_plan_chosen": Never(Why.ENDED, "Subscribe to a plan."),
    "billing.free_plan_left": By("billing/choose-free-plan").alone(),
    "billing.gateway_customer_reserved": _GATEWAY,
    "billing.gateway_event_placed": _WORK,
    "billing.gateway_event_received": _GATEWAY,
    "billing.gateway_event_set_aside": by("billing/take-up-gateway-event"),
    "billing.gateway_event_taken_up": _WORK,
    "billing.gateway_subscription_reserved": _GATEWAY,
    "billing.invoice_finalised": _GATEWAY,
    "billing.invoice_paid": _GATEWAY,
    "billing.invoice_payment_failed": _GATEWAY,
    "billing.invoice_voided": _GATEWAY,
    "billing.invoice_written_off": _GATEWAY,
    "billing.limits_agreed": Never(Why.ENDED, "Agree on other limits: agree-subscription."),
    "billing.limits_exceeded": Never(Why.RECORD_OF_A_MOMENT),
    "billing.notice_mailed": _MAILED,
    "billing.notice_preferences_set": By(
        "billing/set-notice-preferences",
        {"usage": From("/earlier/usage"), "language": From("/earlier/language")},
    ).or_else(By("billing/set-notice-preferences", asks=("usage",))),
    "billing.notice_settled": _WORK,
    "billing.overage_policy_set": By(
        "billing/set-overage-policy", {"meter": From("/event/meter")}, asks=("policy", "ceiling")
    ).alone(),
    "billing.overage_reported": Never(
        Why.HANDED_OVER, "Credit it at the payment provider; what follows is stopped by set-overage-policy."
    ),
    "billing.overage_used": _COUNTED,
    "billing.overage_written_off": Never(Why.ENDED),
    "billing.payment_assigned": _GATEWAY,
    "billing.payment_received": Never(
        Why.TOLD_FROM_OUTSIDE, "Refund it at the payment provider; the refund is entered by itself."
    ),
    "billing.reconciled": Never(Why.RECORD_OF_A_MOMENT),
    "billing.refund_failed": _GATEWAY,
    "billing.refund_made": _GATEWAY,
    "billing.subscription_added": Never(Why.TOLD_FROM_OUTSIDE, "Cancel it: cancel-subscription."),
    "billing.subscription_reported": Never(
        Why.TOLD_FROM_OUTSIDE,
        "Cancel it (cancel-subscription), or, where it was agreed without a provider, end it (end-agreement).",
    ),
    "billing.trial_ended": _CLOCK,
    "billing.trial_reminded": _MAILED,
    "billing.trial_started": Never(Why.ENDED, "Subscribe, or choose the free plan: the trial ends with it."),
    "billing.unit_released": along(
        "tenancy.workspace_archived",
        "tenancy.member_removed",
        "tenancy.invitation_revoked",
        "audience.contact_removed",
        "audience.contact_erased",
    ),
    "billing.unit_taken": along(
        "tenancy.workspace_created",
        "tenancy.member_invited",
        "tenancy.member_joined",
        "tenancy.tenant_opened",
        "audience.contact_created",
    ),
    "billing.usage_alerted": _MAILED,
    "billing.usage_counted": _COUNTED,
}

_BOOKS: Final[Mapping[str, Way]] = {
    "costs.allocation_ruled": By(
        "costs/rule-allocation",
        {"pool": From("/event/pool")},
        asks=("by", "from_month", "shares"),
        says="The rule before it stands in the stream's history; closed months keep theirs.",
    ).alone(),
    "costs.cost_confirmed": By(
        "costs/reverse-cost",
        {"reason": "wrong_amount"},
        says="The whole cost is taken back; enter the estimate anew.",
    ).alone(),
    "costs.cost_entered": By(
        "costs/reverse-cost",
        {"reason": "other"},
        says="A month that is closed keeps it, and the first open one takes it off.",
    ).alone(),
    "costs.cost_reversed": Never(Why.ENDED, "Enter the cost anew; its invoice is free again."),
    "costs.reference_freed": along("costs.cost_reversed", "costs.cost_confirmed"),
    "costs.reference_taken": along("costs.cost_entered", "costs.cost_confirmed"),
    "finance.exchange_rate_recorded": By(
        "finance/record-exchange-rate",
        {
            "base": From("/event/base"),
            "quote": From("/event/quote"),
            "day": From("/event/day"),
            "rate": From("/earlier/rate"),
            "source": From("/earlier/source"),
        },
    ).or_else(
        By(
            "finance/record-exchange-rate",
            {"base": From("/event/base"), "quote": From("/event/quote"), "day": From("/event/day")},
            asks=("rate", "source"),
            says="There was none before it: a rate can be replaced, and is never taken away.",
        )
    ),
    "finance.period_locked": By(
        "finance/reopen-period",
        {"period": From("/event/period"), "reason": "mistake", "explanation": BECAUSE},
        says="Only the last closed month opens; what was posted after it meanwhile stays there.",
    ).alone(),
    "finance.period_reopened": by("finance/lock-period", period=From("/event/period")),
    "finance.target_set": By(
        "finance/set-target",
        {
            "metric": From("/event/metric"),
            "period": From("/event/period"),
            "segment": From("/event/segment"),
            "comparison": From("/earlier/comparison"),
            "value": From("/earlier/value"),
            "value_to": From("/earlier/value_to"),
            "unit": From("/earlier/unit"),
            "source": From("/earlier/source"),
        },
    ).or_else(By("finance/withdraw-target")),
    "finance.target_withdrawn": By(
        "finance/set-target",
        {
            name: From(f"/earlier/{name}")
            for name in (
                "metric",
                "period",
                "segment",
                "comparison",
                "value",
                "value_to",
                "unit",
                "source",
            )
        },
    ).alone(),
    "finance.targets_adopted": By(
        "finance/withdraw-target", to=From("/each/target_ids"), says="One command a target."
    ).alone(),
}

WAYS: Final[Mapping[str, Way]] = {**_BILLING, **_BOOKS}
