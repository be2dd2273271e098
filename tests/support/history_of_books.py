"""What a history tells of the books: costs, rules, months that were closed, targets."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.support.projecting import fresh

ENTRY: dict[str, Any] = {
    "category": "server",
    "amount": 999,
    "currency": "USD",
    "covers_from": "2026-10-01",
    "covers_to": "2026-10-31",
    "incurred_on": "2026-10-01",
    "provider": "Hostwinds",
    "resource": "vps-1",
    "assigned": "tenant",
    "workspace_id": None,
    "customer_id": None,
    "pool": None,
    "acquires": None,
    "approximate": True,
    "basis": "list_price",
    "reference": None,
    "minutes": None,
    "hourly_rate": None,
}


def of_books(
    workspace: UUID, first: UUID, aim: UUID, rate: UUID
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event."""
    invoiced = {**ENTRY, "amount": 1_049, "basis": "invoice", "approximate": False, "reference": "H-1"}
    for cost, end in ((first, None), (fresh(), "confirmed"), (fresh(), "reversed")):
        stream, of = f"cost:{cost}", {"cost_id": cost}
        yield stream, "costs.cost_entered", {**of, "entry": ENTRY}
        if end == "confirmed":
            yield "cost_reference:ab", "costs.reference_taken", of
            yield stream, "costs.cost_confirmed", {**of, "before": ENTRY, "after": invoiced}
        if end == "reversed":
            yield stream, "costs.cost_reversed", {**of, "reason": "duplicate", "entry": ENTRY}
    shares = [{"holder_id": workspace, "weight": 3}]
    for by, told in (("equal", []), ("weights", shares)):
        ruled = {"pool": "shared-servers", "by": by, "from_day": "2026-10-01", "shares": told}
        yield "allocation:books", "costs.allocation_ruled", ruled
    who = fresh()
    locked = {"period": "2026-10", "closed_through": "2026-10", "locked_by": who}
    again = {"closed_through": None, "reopened_by": who, "reason": "mistake", "explanation": "A bill."}
    yield "period:books", "finance.period_locked", locked
    yield "period:books", "finance.period_reopened", {"period": "2026-10", **again}
    yield "period:books", "finance.period_locked", locked
    stream = f"exchange_rate:{rate}"
    dollars = {"rate_id": rate, "base": "EUR", "quote": "USD", "day": "2026-10-01", "source": "ECB"}
    for figure in ("1.0842", "1.0843"):
        yield stream, "finance.exchange_rate_recorded", {**dollars, "rate": figure}
    for target, end in ((aim, None), (fresh(), "again"), (fresh(), "withdrawn")):
        stream, of = f"target:{target}", {"target_id": target}
        what = {"metric": "mrr", "period_kind": "quarter", "period": "2026-Q4", "segment": None}
        value = {"comparison": "at_least", "value": "250000", "value_to": None, "unit": "USD", "source": None}
        yield stream, "finance.target_set", {**of, **what, **value}
        if end == "again":
            yield stream, "finance.target_set", {**of, **what, **value, "value": "260000"}
        if end == "withdrawn":
            yield stream, "finance.target_withdrawn", of
