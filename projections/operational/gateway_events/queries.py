"""Looking at what the payment provider told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.billing.gateway import Whereabouts
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


_COMPUTED: Final = {
    "waits_until": "CASE WHEN t.state = 'waiting' AND t.happened_at > {now} THEN t.happened_at END"
}


class GatewayEventRow(Row):
    """Something that was told. `kind` is the provider's word, `about` the provider's id of what it is about.

    `state`: waiting, placed (it stands in the log of `of_tenant`) or set_aside (for `reason`, a code).
    `happened_at` is the provider's moment, `received_at` ours. `waits_until`: it tells of a moment that has not come
    yet, as the provider's clock is ahead, and is entered when that has come.
    """

    gateway_event_id: UUID
    gateway: str
    reference: str
    kind: str
    about: str
    customer: str | None
    state: str
    reason: str | None
    of_tenant: UUID | None
    happened_at: datetime
    received_at: datetime
    waits_until: datetime | None
    created_position: int
    updated_position: int


class GatewayEventFilters(Params):
    """Which of them."""

    state: Whereabouts | None = None


@query(
    context="platform",
    path="gateway-events",
    permission=Permission.PLATFORM_BILLING_MANAGE,
    params=GatewayEventFilters,
    row=GatewayEventRow,
    projections=("gateway_events",),
)
async def gateway_events(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: GatewayEventFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[GatewayEventRow]:
    """What the payment provider told, the latest first; with `state=set_aside` what somebody has to look at."""
    select = Select("platform.gateway_events", "gateway_events", "gateway_events", computed=_COMPUTED)
    select.where("t.state = %(state)s", state=params.state)
    return await page(connection, scope, GatewayEventRow, select, params, cursor, limit)
