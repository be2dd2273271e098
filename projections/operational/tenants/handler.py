"""How tenants follow from events: from each tenant's own log, and the register from the platform's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.tenants.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

TENANTS: Final = Projection("tenants", version=2, tables=TABLES, reveals=False)


@TENANTS.on("tenancy.tenant_opened")
def opened(event: Fact, rows: Rows) -> None:
    """A tenant's log began."""
    payload = event.payload
    rows.insert(
        "tenants",
        {
            "id": payload["tenant_id"],
            "name": payload["tenant_name"],
            "slug": payload["slug"],
            "plan": payload["plan"],
            "status": "active",
            "country": payload["country"],
            "sends_for": payload["sends_for"],
            "commands_a_minute": payload["commands_a_minute"],
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@TENANTS.on("tenancy.tenant_renamed")
def renamed(event: Fact, rows: Rows) -> None:
    """It took another name."""
    rows.update("tenants", {"id": event.payload["tenant_id"], "name": event.payload["after"]})


@TENANTS.on("tenancy.plan_changed")
def plan_changed(event: Fact, rows: Rows) -> None:
    """It went to another plan, or got a rate of its own."""
    rows.update(
        "tenants",
        {
            "id": event.payload["tenant_id"],
            "plan": event.payload["after"],
            "commands_a_minute": event.payload["commands_a_minute"],
        },
    )


_STATUS: Final = {
    "tenancy.tenant_suspended": "suspended",
    "tenancy.tenant_reinstated": "active",
    "tenancy.tenant_closed": "closed",
}


@TENANTS.on(*_STATUS)
def status_changed(event: Fact, rows: Rows) -> None:
    """It may act, or not."""
    rows.update("tenants", {"id": event.payload["tenant_id"], "status": _STATUS[event.name]})


@TENANTS.on("platform.tenant_registered")
def registered(event: Fact, rows: Rows) -> None:
    """A customer signed up."""
    payload = event.payload
    rows.insert(
        "registrations",
        {
            "id": payload["tenant_id"],
            "name": payload["tenant_name"],
            "slug": payload["slug"],
            "plan": payload["plan"],
            "status": "open",
            "country": payload["country"],
            "sends_for": payload["sends_for"],
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@TENANTS.on("platform.tenant_closed")
def closed(event: Fact, rows: Rows) -> None:
    """A customer is gone."""
    rows.update("registrations", {"id": event.payload["tenant_id"], "status": "closed"})
