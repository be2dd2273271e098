"""How staff follow from events of the platform's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.staff.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

STAFF: Final = Projection("staff", version=1, tables=TABLES)


@STAFF.on("platform.staff_added")
def added(event: Fact, rows: Rows) -> None:
    """Somebody works for the platform."""
    payload = event.payload
    rows.insert(
        "staff",
        {
            **{name: payload[name] for name in ("staff_id", "role", "email", "full_name")},
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@STAFF.on("platform.staff_role_changed")
def role_changed(event: Fact, rows: Rows) -> None:
    """Their role changed."""
    rows.update("staff", {"staff_id": event.payload["staff_id"], "role": event.payload["after"]})


@STAFF.on("platform.staff_removed")
def removed(event: Fact, rows: Rows) -> None:
    """They work for the platform no more."""
    rows.delete("staff", {"staff_id": event.payload["staff_id"]})
