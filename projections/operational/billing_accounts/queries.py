"""Looking at one's own billing account."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.billing.account_state import Access, Account, Beyond, Entitlements, Overage
from domain.billing.catalogue import Meter
from domain.billing.change import paid_twice
from domain.billing.settling import goes_on, is_live, listed
from domain.billing.tariffs import by_use
from domain.billing.terms import Terms
from domain.kernel.ids import SubscriptionId
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from projections.operational.paging import Select, page
from projections.runtime.reading import clock_of

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class HeldSubscription(_Part):
    """A subscription and the terms that hold. `reference`: its id at the gateway; null: it was agreed."""

    subscription_id: UUID
    reference: str | None
    effective_at: datetime
    terms: Terms


class AskedFor(_Part):
    """An invoice that nobody has paid, and what follows when.

    `retries`: how many of the three retries are over, whoever tried; `retry_at`: the next one, null: there is none.
    """

    invoice_id: UUID
    began_at: datetime
    retries: int
    retry_at: datetime | None
    suspend_at: datetime
    cancel_at: datetime
    suspended: bool


class ChangeShown(_Part):
    """A change that was asked for. `state`: `asked`, `made`, or `declined` for a `reason`; `lines`: all of it then."""

    change_id: UUID
    subscription_id: UUID
    kind: str
    at_once: bool
    plan: str | None
    lines: dict[str, int]
    coupon: str | None
    state: str
    reason: str | None


class AccountRow(Row):
    """What the tenant may do, on which plan, within which limits (what is not named has none), and what it pays.

    `emails_beyond`: whether messages go beyond the month's limit as things stand; `overage`: what was said of that, and
    `overage_ceiling` how many may be bought beyond it in a month, null: as many again. `usage_notices`: whether letters
    tell of usage; `notice_language`: null: by the country. `customer`: its id at the gateway.
    `last_change`: what was asked for last; `ahead`: what begins with the next cycle. `paid_twice`: subscriptions that
    go on beside each other; cancel the one that is not wanted.
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
    overage: Overage
    overage_ceiling: int | None
    usage_notices: bool
    notice_language: str | None
    customer: str | None
    customer_live: bool | None
    subscriptions: tuple[HeldSubscription, ...]
    dunning: tuple[AskedFor, ...]
    last_change: ChangeShown | None
    ahead: ChangeShown | None
    paid_twice: tuple[UUID, ...]
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
        computed={
            "subscriptions": _all_of("subscriptions"),
            "dunning": _all_of("dunning"),
            "last_change": _last_change("true"),
            "ahead": _last_change("c.state = 'made' AND c.kind <> 'resume'"),
            "paid_twice": "'[]'::jsonb",  # follows from the subscriptions, as does:
            "emails_beyond": "false",
        },
    )
    found = await page(connection, scope, AccountRow, select, params, cursor, limit)
    today = clock_of(connection).date()
    shown = [
        _held(row if row.limits is not None else _by_the_list(row, listed(row.plan, today)))
        for row in found.rows
    ]
    return Page(shown, found.cursor, found.position, found.auth_epoch, found.places)


def _by_the_list(row: AccountRow, entitled: Entitlements) -> AccountRow:
    told = {"catalogue": entitled.catalogue, "limits": entitled.limits, "features": entitled.features}
    return row.model_copy(update=told)


def _held(row: AccountRow) -> AccountRow:
    """What goes on beside each other, and what is ahead still: not what has begun, nor was taken back."""
    going = [
        (SubscriptionId(one.subscription_id), one.terms)
        for one in row.subscriptions
        if one.reference is not None and goes_on(one.terms)
    ]
    ahead = row.ahead
    if ahead is not None:
        lines = {
            key: {item.price: item.quantity for item in terms.items}
            for key, terms in going
            if key == ahead.subscription_id
        }
        later = ahead.kind == "change" and not ahead.at_once
        ahead = ahead if later and lines and ahead.lines not in lines.values() else None
    found = {"ahead": ahead, "paid_twice": paid_twice(going), "emails_beyond": _goes_beyond(row)}
    return row.model_copy(update=found)


def _goes_beyond(row: AccountRow) -> bool:
    """By the rule that decides of each message: who said so may not always, as where something is not paid."""
    live = [one.terms for one in row.subscriptions if is_live(one.terms)]
    stands = Account(
        subscriptions=tuple(SubscriptionId(one.subscription_id) for one in row.subscriptions),
        access=row.access,
        entitlements=Entitlements(row.plan, row.catalogue or "", row.limits or {}, row.features or ()),
        overage={Meter.EMAILS: Beyond(row.overage, row.overage_ceiling)},
    )
    return stands.beyond(Meter.EMAILS, metered=by_use(live, Meter.EMAILS) is not None) is not None


def _last_change(condition: str) -> str:
    return (
        "(SELECT to_jsonb(c) - 'tenant_id' - 'asked_position' FROM {billing_accounts}.changes c"  # noqa: S608 - conditions of our own
        f" WHERE c.tenant_id = t.tenant_id AND {condition} ORDER BY c.asked_position DESC LIMIT 1)"
    )


def _all_of(table: str) -> str:
    return (
        f"(SELECT coalesce(jsonb_agg(to_jsonb(s) - 'tenant_id'), '[]') FROM {{billing_accounts}}.{table} s"  # noqa: S608 - names of our own
        " WHERE s.tenant_id = t.tenant_id)"
    )
