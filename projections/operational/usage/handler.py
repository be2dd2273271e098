"""How usage follows from what happened: from people, workspaces and messages themselves, and not from counters.

So it is there for every tenant and every month, with or without a limit. A counter holds a limit; it ends at the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from domain.billing.catalogue import Meter
from projections.operational.usage.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
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


def _place(event: Recorded) -> tuple[str, str] | None:
    step = _STEPS.get(event.name)
    if step is None:
        return None
    flows = step[0] is Meter.EMAILS
    return step[0].value, orjson.loads(event.payload)["occurred_at"][:7] if flows else ""


USAGE: Final = Projection(
    "usage",
    version=1,
    tables=TABLES,
    reveals=False,
    recalls=(Recall("usage", ("used", "created_position"), _place),),
)


@USAGE.on(*_STEPS)
def stepped(event: Fact, rows: Rows) -> None:
    """One more, or one less."""
    place = _place(event.recorded)
    if place is None:
        return
    meter, period = place
    known = rows.recall("usage", meter, period) or {"used": 0, "created_position": event.position}
    rows.upsert(
        "usage",
        {
            "meter": meter,
            "period": period,
            "used": known["used"] + _STEPS[event.name][1],
            "created_position": known["created_position"],
        },
    )
