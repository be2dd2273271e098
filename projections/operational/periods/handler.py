"""How months of the books follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from projections.operational.periods.schema import TABLES
from projections.runtime.facts import Projection
from projections.runtime.recalling import Recall

if TYPE_CHECKING:
    from application.ports.log import Recorded
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

_LOCKED: Final = "finance.period_locked"
_REOPENED: Final = "finance.period_reopened"
_CLOSED: Final = ("locked", "locked_at", "locked_by", "created_position")
_OPENED: Final = ("reopened_at", "reopened_by", "reason")


def _month(event: Recorded) -> tuple[str] | None:
    return (orjson.loads(event.payload)["period"],) if event.name in (_LOCKED, _REOPENED) else None


PERIODS: Final = Projection(
    "periods",
    version=2,
    tables=TABLES,
    reveals=False,
    recalls=(Recall("periods", (*_CLOSED, *_OPENED), _month),),
)


@PERIODS.on(_LOCKED)
def locked(event: Fact, rows: Rows) -> None:
    """A month is closed; closed again, it stands where it was closed last, and says how it was opened before."""
    period = event.payload["period"]
    known = rows.recall("periods", period) or {}
    rows.upsert(
        "periods",
        {
            **{name: known.get(name) for name in _OPENED},
            "period": period,
            "locked": True,
            "locked_at": event.recorded_at,
            "locked_by": event.payload["locked_by"],
            "created_position": event.position,
        },
    )


@PERIODS.on(_REOPENED)
def reopened(event: Fact, rows: Rows) -> None:
    """It is open again; what was said of it stays in the log."""
    told = {name: event.payload[name] for name in ("period", "reopened_by", "reason")}
    known = rows.recall("periods", told["period"])
    if known is not None:
        rows.upsert("periods", {**known, **told, "locked": False, "reopened_at": event.recorded_at})
