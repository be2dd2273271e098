"""Looking at one's own billing account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.billing.account_state import Access
from domain.billing.settling import listed
from domain.billing.terms import Terms
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope
    from domain.billing.account_state import Entitlements


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class HeldSubscription(_Part):
    """A subscription and the terms that hold. `reference`: its id at the gateway; null: it was agreed."""

    subscription_id: UUID
    reference: str | None
    effective_at: datetime
    terms: Terms


class AskedFor(_Part):
    """An invoice that nobody has paid, and what follows when."""

    invoice_id: UUID
    began_at: datetime
    retries: int
    retry_at: datetime | None
    suspend_at: datetime
    cancel_at: datetime
    suspended: bool


class AccountRow(Row):
    """What the tenant may do, on which plan, within which limits (what is not named has none), and what it pays.

    `emails_beyond`: whether messages go beyond the month's limit and are counted. `customer`: its id at the gateway.
    """

    id: UUID
    access: Access
    plan: Plan
    catalogue: str | None
    limits: dict[str, int] | None
    features: tuple[str, ...] | None
    trial_plan: str | None
    trial_ends_at: datetime | None
    trial_over: bool | None
    emails_beyond: bool
    customer: str | None
    customer_live: bool | None
    subscriptions: tuple[HeldSubscription, ...]
    dunning: tuple[AskedFor, ...]
    updated_position: int


@query(
    context="billing",
    path="account",
    permission=Permission.BILLING_READ,
    params=Params,
    row=AccountRow,
    projections=("billing_accounts",),
)
async def account(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: Params,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[AccountRow]:
    """The tenant's own billing account, one row."""
    select = Select(
        "billing.account",
        "billing_accounts",
        "accounts",
        computed={"subscriptions": _all_of("subscriptions"), "dunning": _all_of("dunning")},
    )
    found = await page(connection, scope, AccountRow, select, params, cursor, limit)
    today = datetime.now(UTC).date()
    shown = [
        row if row.limits is not None else _by_the_list(row, listed(row.plan, today)) for row in found.rows
    ]
    return Page(shown, found.cursor, found.position, found.auth_epoch)


def _by_the_list(row: AccountRow, entitled: Entitlements) -> AccountRow:
    told = {"catalogue": entitled.catalogue, "limits": entitled.limits, "features": entitled.features}
    return row.model_copy(update=told)


def _all_of(table: str) -> str:
    return (
        f"(SELECT coalesce(jsonb_agg(to_jsonb(s) - 'tenant_id'), '[]') FROM {{billing_accounts}}.{table} s"  # noqa: S608 - names of our own
        " WHERE s.tenant_id = t.tenant_id)"
    )
