"""What a history tells of the payment provider: what is asked of it, and what it tells."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.support.history_of_people import LATER
from tests.support.projecting import fresh


def of_account(tenant: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event of a tenant's account."""
    account, own = f"billing_account:{tenant}", {"tenant_id": tenant}
    yield account, "billing.reconciled", {**own, "compared": 3, "differed": 1, "repaired": 1}
    yield account, "billing.trial_reminded", {**own, "days_left": 7, "remind_at": LATER}
    preferred = {**own, "usage": False, "language": "de"}
    yield f"notice_preferences:{tenant}", "billing.notice_preferences_set", preferred
    exceeding = {"meter": "users", "used": 3, "limit": 2}
    yield account, "billing.limits_exceeded", {**own, "plan": "starter", "above": [exceeding]}
    for answer in (None, "billing.change_made", "billing.change_declined"):
        change = {**own, "change_id": fresh()}
        asked = {"subscription_id": fresh(), "kind": "change", "at_once": True, "lines": {"p": 1}}
        yield account, "billing.change_requested", {**change, **asked}
        if answer is not None:
            reason = {"reason": "card_declined"} if answer.endswith("declined") else {}
            yield account, answer, {**change, **reason}


def of_notices(tenant: UUID, notice: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The same of the letter that is owed for the first event of a log."""
    alert = {"tenant_id": tenant, "meter": "users", "period": None, "threshold": 80, "used": 4, "limit": 5}
    yield f"usage:{fresh()}", "billing.usage_alerted", alert
    settled: dict[str, Any] = {
        "outcome": "not_sent",
        "reason": "turned_off",
        "trouble": None,
        "mailed": 0,
        "withheld": [],
    }
    yield f"billing_notice:{notice}", "billing.notice_settled", {"notice_id": notice, **settled}


def of_gateway(tenant: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The same of the platform's log."""
    for ends in ((), ("placed",), ("set_aside",), ("set_aside", "taken_up")):
        event = {"gateway_event_id": fresh()}
        stream = f"gateway_event:{event['gateway_event_id']}"
        told = {"gateway": "stripe", "reference": "e", "kind": "invoice.paid", "about": "i"}
        yield stream, "billing.gateway_event_received", {**event, **told, "created_at": LATER}
        for end in ends:
            more: dict[str, dict[str, Any]] = {
                "placed": {"tenant_id": tenant},
                "set_aside": {"reason": "unknown-customer"},
            }
            yield stream, f"billing.gateway_event_{end}", {**event, **more.get(end, {})}
