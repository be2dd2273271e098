"""Looking at webhook endpoints: what they are, and how far sending has come, read from `ops.webhook_runs`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class WebhookEndpointRow(Row):
    """An endpoint, and how sending to it goes.

    `cursor_position`: everything up to there was sent or passed over; `lag` events of the log lie behind it.
    `failures` counts failed attempts in a row, `given_up` messages that failed for good. `next_at`: when the message
    at hand is tried again. `replays`: ranges that are not sent through yet. How sending goes is no part of the log: as
    of an earlier moment all of these are null.
    """

    endpoint_id: UUID
    url: str
    events: list[str]
    description: str | None
    state: str
    pause_reason: str | None
    cursor_position: int | None
    lag: int | None
    failures: int | None
    given_up: int | None
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_at: datetime | None
    replays: int | None
    created_position: int
    updated_position: int
    created_at: datetime


class WebhookEndpointFilters(Params):
    """Which endpoints."""

    state: Literal["active", "paused", "removed"] | None = None


def _of_run(what: str) -> str:
    """Something of the endpoint's own run; null before its first turn."""
    return f"(SELECT {what} FROM ops.webhook_runs d WHERE d.tenant_id = t.tenant_id AND d.run_id = t.endpoint_id)"  # noqa: S608 - our own names


_CURSOR: Final = f"coalesce({_of_run('d.position')}, t.created_position)"
_BESIDE_THE_LOG: Final = {
    "cursor_position": _CURSOR,
    "lag": "greatest(0, (SELECT h.position FROM log.heads h WHERE h.tenant_id = t.tenant_id) - "  # noqa: S608 - our own names
    f"{_CURSOR})",
    "failures": f"coalesce({_of_run('d.failures')}, 0)",
    "given_up": f"coalesce({_of_run('d.given_up')}, 0)",
    "next_at": _of_run("CASE WHEN d.attempts > 0 THEN d.next_at END"),
    "last_status": _of_run("d.last_status"),
    "last_error": _of_run("d.last_error"),
    "last_at": _of_run("d.last_at"),
    "replays": "(SELECT count(*) FROM {webhook_endpoints}.webhook_runs r LEFT JOIN ops.webhook_runs d "
    "ON d.tenant_id = r.tenant_id AND d.run_id = r.run_id WHERE r.tenant_id = t.tenant_id "
    "AND r.endpoint_id = t.endpoint_id AND coalesce(d.position, r.after_position) < r.last_position)",
}
_COMPUTED: Final = {name: f"CASE WHEN {{of_now}} THEN {found} END" for name, found in _BESIDE_THE_LOG.items()}


@query(
    context="webhooks",
    path="webhook-endpoints",
    permission=Permission.WEBHOOKS_READ,
    params=WebhookEndpointFilters,
    row=WebhookEndpointRow,
    projections=("webhook_endpoints",),
)
async def webhook_endpoints(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: WebhookEndpointFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[WebhookEndpointRow]:
    """Webhook endpoints, the newest first."""
    select = Select(
        "webhooks.webhook_endpoints", "webhook_endpoints", "webhook_endpoints", computed=_COMPUTED
    )
    select.where("t.state = %(state)s", state=params.state)
    return await page(connection, scope, WebhookEndpointRow, select, params, cursor, limit)


@query(
    context="webhooks",
    path="webhook-endpoints/{id}",
    permission=Permission.WEBHOOKS_READ,
    params=ById,
    row=WebhookEndpointRow,
    projections=("webhook_endpoints",),
)
async def webhook_endpoint(
    connection: AsyncConnection[Any], scope: Scope, params: ById
) -> Page[WebhookEndpointRow]:
    """One webhook endpoint."""
    select = Select("webhooks.webhook_endpoint", "webhook_endpoints", "webhook_endpoints", computed=_COMPUTED)
    select.where("t.endpoint_id = %(id)s", id=params.id)
    return await one(connection, scope, WebhookEndpointRow, select, params)
