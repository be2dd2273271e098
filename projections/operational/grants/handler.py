"""How grants follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.grants.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

GRANTS: Final = Projection("grants", version=1, tables=TABLES)


@GRANTS.on("tenancy.grant_requested")
def requested(event: Fact, rows: Rows) -> None:
    """Staff asked."""
    payload = event.payload
    rows.insert(
        "grants",
        {
            **{
                name: payload[name]
                for name in ("grant_id", "requested_by", "scope", "ticket", "reason", "hours")
            },
            "status": "requested",
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@GRANTS.on("tenancy.grant_approved")
def approved(event: Fact, rows: Rows) -> None:
    """A second person agreed."""
    payload = event.payload
    rows.update(
        "grants",
        {
            "grant_id": payload["grant_id"],
            "status": "approved",
            "decided_by": payload["approved_by"],
            "expires_at": payload["expires_at"],
        },
    )


@GRANTS.on("tenancy.grant_denied")
def denied(event: Fact, rows: Rows) -> None:
    """A second person did not agree."""
    payload = event.payload
    rows.update(
        "grants",
        {"grant_id": payload["grant_id"], "status": "denied", "decided_by": payload["denied_by"]},
    )


@GRANTS.on("tenancy.grant_revoked")
def revoked(event: Fact, rows: Rows) -> None:
    """It was ended early."""
    payload = event.payload
    rows.update(
        "grants",
        {
            "grant_id": payload["grant_id"],
            "status": "revoked",
            "revoked_by_tenant": payload["by_tenant"],
        },
    )


@GRANTS.on("tenancy.grant_expired")
def expired(event: Fact, rows: Rows) -> None:
    """Its time was over."""
    rows.update("grants", {"grant_id": event.payload["grant_id"], "status": "expired"})
