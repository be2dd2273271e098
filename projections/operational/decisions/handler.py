"""How decisions follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.decisions.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

DECISIONS: Final = Projection("decisions", version=1, tables=TABLES, reveals=False)

_TOLD: Final = (
    "addressee_id",
    "message_id",
    "workspace_id",
    "sender_country",
    "verdict",
    "decided_at",
    "expires_at",
)
_SHORT: Final = ("verdict", "law", "rule", "missing")


@DECISIONS.on("audience.permission_decided")
def decided(event: Fact, rows: Rows) -> None:
    """It was decided on a message."""
    payload = event.payload
    message, reasons = payload["message"], payload["reasons"]
    first = reasons[0] if reasons else {"law": None, "rule": None}
    rows.insert(
        "decisions",
        {
            **{name: payload[name] for name in _TOLD},
            "entry": event.version,
            "purpose": message["purpose"],
            "campaign_type": message["campaign_type"],
            "law": first["law"],
            "rule": first["rule"],
            "reasons": [{name: reason[name] for name in _SHORT} for reason in reasons],
            "created_position": event.position,
        },
    )


@DECISIONS.on("audience.message_dispatched")
def dispatched(event: Fact, rows: Rows) -> None:
    """A message was handed over, under the allow that the event names."""
    payload = event.payload
    rows.update(
        "decisions",
        {
            "addressee_id": payload["addressee_id"],
            "entry": payload["allowed_by"],
            "dispatched_at": payload["occurred_at"],
        },
    )
