"""How months of the books follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.periods.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

PERIODS: Final = Projection("periods", version=1, tables=TABLES, reveals=False)


@PERIODS.on("finance.period_locked")
def locked(event: Fact, rows: Rows) -> None:
    """A month is closed; closed again, it stands where it was closed last."""
    rows.upsert(
        "periods",
        {
            "period": event.payload["period"],
            "locked": True,
            "locked_at": event.recorded_at,
            "locked_by": event.payload["locked_by"],
            "created_position": event.position,
        },
    )


@PERIODS.on("finance.period_reopened")
def reopened(event: Fact, rows: Rows) -> None:
    """It is open again; what was said of it stays in the log."""
    told = {name: event.payload[name] for name in ("period", "reopened_by", "reason")}
    rows.update("periods", {**told, "locked": False, "reopened_at": event.recorded_at})
