"""How letters follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.notices import TOLD, kind_of, notice_of
from projections.jobs.due import job_id
from projections.operational.billing_notices.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

BILLING_NOTICES: Final = Projection("billing_notices", version=2, tables=TABLES, reveals=False)
_SHOWN: Final = ("meter", "threshold", "invoice_id")
_BECAME: Final = ("reason", "trouble", "mailed", "withheld")


@BILLING_NOTICES.on(*TOLD)
def owed(event: Fact, rows: Rows) -> None:
    """A letter is owed, if one is for such an event."""
    kind = kind_of(event.name, event.payload)
    if kind is not None:
        rows.insert(
            "notices",
            {
                "notice_id": str(notice_of(event.tenant_id, event.position)),
                "job_id": str(job_id(event.tenant_id, event.position, "billing.notify")),
                "kind": kind.value,
                "status": "owed",
                "happened_at": event.recorded_at,
                **{name: event.payload.get(name) for name in _SHOWN},
                "created_position": event.position,
            },
        )


@BILLING_NOTICES.on("billing.notice_settled")
def settled(event: Fact, rows: Rows) -> None:
    """It is owed no more."""
    rows.update(
        "notices",
        {
            "notice_id": event.payload["notice_id"],
            "status": event.payload["outcome"],
            "settled_at": event.recorded_at,
            **{name: event.payload[name] for name in _BECAME},
        },
    )
