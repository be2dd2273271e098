"""How usage follows from what happened: from people, workspaces and messages themselves, and not from counters.

So it is there for every tenant and every month, with or without a limit. A counter holds a limit; it ends at the same.
What went beyond a limit, and what is billed of that, only counters know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.billing.catalogue import Meter
from projections.operational.usage.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.ports.log import Recorded
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

_STEPS: Final = {
    "tenancy.tenant_opened": (Meter.USERS, 1),  # its first owner comes with it
    "tenancy.member_invited": (Meter.USERS, 1),
    "tenancy.invitation_revoked": (Meter.USERS, -1),
    "tenancy.member_removed": (Meter.USERS, -1),
    "tenancy.workspace_created": (Meter.WORKSPACES, 1),
    "tenancy.workspace_archived": (Meter.WORKSPACES, -1),
    "audience.message_dispatched": (Meter.EMAILS, 1),
}


_BEYOND: Final = ("billing.block_settled", "billing.overage_reported")


def _place(event: Recorded) -> tuple[str, str] | None:
    if event.name in _BEYOND:
        told = orjson.loads(event.payload)
        return told["meter"], told["period"]
    step = _STEPS.get(event.name)
    if step is None:
        return None
    flows = step[0] is Meter.EMAILS
    return step[0].value, orjson.loads(event.payload)["occurred_at"][:7] if flows else ""


_NONE: Final = {"used": 0, "beyond": 0, "reported": 0, "amount": None, "currency": None}

USAGE: Final = Projection(
    "usage",
    version=2,
    tables=TABLES,
    reveals=False,
    recalls=(Recall("usage", (*_NONE, "created_position"), _place),),
)


def _changed(event: Fact, rows: Rows, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    place = _place(event.recorded)
    if place is None:
        return
    meter, period = place
    known = rows.recall("usage", meter, period) or {**_NONE, "created_position": event.position}
    kept = {name: known[name] for name in (*_NONE, "created_position")}
    rows.upsert("usage", {"meter": meter, "period": period, **kept, **change(kept)})


@USAGE.on(*_STEPS)
def stepped(event: Fact, rows: Rows) -> None:
    """One more, or one less."""
    _changed(event, rows, lambda known: {"used": known["used"] + _STEPS[event.name][1]})


@USAGE.on("billing.block_settled")
def block_settled(event: Fact, rows: Rows) -> None:
    """So much of it went beyond the limit."""
    over = event.payload["over"]
    if over:
        _changed(event, rows, lambda known: {"beyond": known["beyond"] + over})


@USAGE.on("billing.overage_reported")
def overage_reported(event: Fact, rows: Rows) -> None:
    """So much of that is billed, at a price; of two currencies in a month, that of the later report is told."""
    told = event.payload
    amount = told["units"] * told["unit_amount"]

    def change(known: dict[str, Any]) -> dict[str, Any]:
        before = known["amount"] or 0 if known["currency"] in (None, told["currency"]) else 0
        return {
            "reported": known["reported"] + told["messages"],
            "amount": before + amount,
            "currency": told["currency"],
        }

    _changed(event, rows, change)
