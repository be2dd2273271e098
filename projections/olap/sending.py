"""Who sent how much, to divide shared costs by, as a table for report SQL: holder_id, day, position, messages.

A tenant sees its workspaces, message by message. The platform sees its customers, by whole days of the roll-up; the
positions of their logs mean nothing in its own, so `position` is NULL there.
"""

from __future__ import annotations

from typing import Final

from domain.audience.addressee_events import MessageDispatched
from domain.kernel.ids import PLATFORM
from projections.olap.sql import quoted

SENDING: Final = "sent_by_holder"


def sending() -> str:
    """The query that makes the table. It reads a tenant's own facts, and those of others for the platform alone."""
    return f"""
        SELECT workspace_id AS holder_id, day, position, 1 AS messages FROM fact_dispatch
        UNION ALL
        SELECT tenant_id AS holder_id, day, NULL AS position, events AS messages
        FROM main.fact_event_daily JOIN main.dim_tenant USING (tenant_key)
        WHERE $tenant_id::UUID = {quoted(str(PLATFORM))}::UUID AND name = {quoted(MessageDispatched.name)}
    """  # noqa: S608 - our own names
