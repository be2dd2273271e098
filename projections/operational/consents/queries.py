"""Looking at the register: the entries with what became of them, and the timeline that also shows what changed them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.law.facts import OPT_OUTS
from domain.law.facts import Scope as Reach
from projections.operational.contacts.people import OWN, keep_to_people, workspaces_meant
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class What(StrEnum):
    """What was entered."""

    CONSENT = "consent"
    CONFIRMATION_REQUEST = "confirmation_request"
    RELATION = "relation"
    OPT_OUT = "opt_out"
    SUPPRESSION = "suppression"
    WITHDRAWAL = "withdrawal"
    OPT_OUT_TOLD_LATE = "opt_out_told_late"
    OPT_OUT_LIFTED = "opt_out_lifted"
    OPT_OUT_NARROWED = "opt_out_narrowed"
    RELATION_ENDED = "relation_ended"
    RETRACTION = "retraction"
    SUPPRESSION_LIFTED = "suppression_lifted"


class State(StrEnum):
    """What became of an entry. An ended relation has an end, which may lie ahead."""

    STANDING = "standing"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    LIFTED = "lifted"
    ENDED = "ended"
    RETRACTED = "retracted"


_THE_PERSONS_WORD: Final = ", ".join(f"'{kind}'" for kind in sorted(OPT_OUTS))


def later(until: str | None = None) -> str:
    """What later rows of the same person say of `t`, as `domain.audience.addressee_state` understands them.

    `until`: SQL of a position; rows that came after it say nothing.
    """
    known = "" if until is None else f"AND e.created_position <= {until}"
    return f"""
    CROSS JOIN LATERAL (
        SELECT
            bool_or(e.what = 'retraction' AND e.about = t.entry) AS retracted,
            bool_or(e.what = 'consent' AND e.about = t.entry) AS confirmed,
            (array_agg(e.occurred_at ORDER BY e.entry) FILTER (
                WHERE CASE
                    WHEN t.what = 'consent' THEN e.what = 'withdrawal' AND coalesce(e.about, t.entry) = t.entry
                    WHEN t.what NOT IN ('opt_out', 'suppression') THEN false
                    WHEN t.kind IN ({_THE_PERSONS_WORD}) AND t.scope <> 'platform'
                        THEN (e.what = 'opt_out_lifted' AND t.occurred_at < e.occurred_at)
                            OR (e.what = 'opt_out_narrowed' AND t.kind = 'unsubscribe' AND t.scope = 'tenant')
                    ELSE e.what = 'suppression_lifted' AND e.about = t.entry
                END
            ))[1] AS ended_at,
            (array_agg(e.ended_on ORDER BY e.entry DESC) FILTER (
                WHERE e.what = 'relation_ended' AND e.about = t.entry
            ))[1] AS ended_on
        FROM {{consents}}.entries e
        WHERE e.tenant_id = %(tenant_id)s AND e.addressee_id = t.addressee_id AND e.entry > t.entry {known}
    ) later
"""  # noqa: S608 - words of the domain


_STATE: Final = """CASE
        WHEN t.what = 'confirmation_request' AND later.confirmed THEN 'confirmed'
        WHEN t.what NOT IN ('confirmation_request', 'consent', 'relation', 'opt_out', 'suppression') THEN NULL
        WHEN later.retracted THEN 'retracted'
        WHEN t.what = 'confirmation_request' THEN 'pending'
        WHEN t.what = 'consent' AND later.ended_at IS NOT NULL THEN 'withdrawn'
        WHEN later.ended_at IS NOT NULL THEN 'lifted'
        WHEN coalesce(later.ended_on, t.ended_on) IS NOT NULL THEN 'ended'
        ELSE 'standing'
    END"""


# What can come to a state, and the rows that bring it there: the few of those are looked up first.
_WAYS: Final[dict[State, tuple[tuple[What, ...], tuple[What, ...]]]] = {
    State.PENDING: ((What.CONFIRMATION_REQUEST,), ()),
    State.CONFIRMED: ((What.CONFIRMATION_REQUEST,), ()),
    State.WITHDRAWN: ((What.CONSENT,), (What.WITHDRAWAL,)),
    State.LIFTED: (
        (What.OPT_OUT, What.SUPPRESSION),
        (What.OPT_OUT_LIFTED, What.OPT_OUT_NARROWED, What.SUPPRESSION_LIFTED),
    ),
    State.ENDED: ((What.RELATION,), ()),
    State.RETRACTED: ((What.CONSENT, What.CONFIRMATION_REQUEST, What.RELATION), (What.RETRACTION,)),
}


def _of_request(column: str) -> str:
    """A value of a confirmed consent stands with its first step."""
    return (
        f"coalesce(t.{column}, (SELECT r.{column} FROM {{consents}}.entries r WHERE r.tenant_id = %(tenant_id)s "  # noqa: S608 - our own column names
        "AND r.addressee_id = t.addressee_id AND r.entry = t.about AND t.what = 'consent'))"
    )


_COMPUTED: Final = {
    "state": _STATE,
    "ended_at": "later.ended_at",
    "ended_on": "coalesce(later.ended_on, t.ended_on)",
    "source": _of_request("source"),
    "documented": _of_request("documented"),
}


class ConsentRow(Row):
    """An entry, by its number within the addressee's stream; `about`: the number of the entry that it speaks of.

    `occurred_on` where a civil day was given, else `occurred_at`. `state`, `ended_on` and `ended_at` say what became of
    it, in the whole tenant; they are null for rows that only change others. `workspace_id`: of the client to whom alone
    it was given; null: to the tenant, or no matter of one client.
    """

    addressee_id: UUID
    entry: int
    what: What
    kind: str | None
    about: int | None
    state: State | None
    occurred_on: date | None
    occurred_at: datetime | None
    ended_on: date | None
    ended_at: datetime | None
    scope: str | None
    within: str | None
    channel: str | None
    source: str | None
    explicit: bool | None
    documented: bool | None
    refused: bool | None
    in_writing: bool | None
    workspace_id: UUID | None
    created_position: int
    updated_position: int
    created_at: datetime


class PersonFilters(Params):
    """Whose entries: an addressee's, or those of the addressee behind a contact."""

    addressee_id: UUID | None = None
    contact_id: UUID | None = None


class ConsentFilters(PersonFilters):
    """Which entries. `kind`: single or double, a kind of opt-out, suppression or relation.

    `workspace_id`: what was given to that client alone.
    """

    what: What | None = None
    kind: Annotated[str, Field(max_length=40)] | None = None
    state: State | None = None
    scope: Reach | None = None
    workspace_id: UUID | None = None


def _entries(name: str, scope: Scope, params: PersonFilters) -> Select:
    select = Select(name, "consents", "entries", joined=later(), computed=_COMPUTED)
    within = workspaces_meant(scope)
    keep_to_people(select, within)
    if within is not None:
        # People are the tenant's; a workspace sees those of its contacts, less what is of another workspace alone.
        select.conditions.append(
            "NOT EXISTS (SELECT FROM {consents}.entries o WHERE o.tenant_id = %(tenant_id)s "
            "AND o.addressee_id = t.addressee_id AND o.entry IN (t.entry, t.about) "
            "AND ((o.scope = 'workspace' AND o.within <> ALL(%(within)s::text[])) "
            "OR o.workspace_id <> ALL(%(within)s::uuid[])))"
        )
    select.where("t.addressee_id = %(addressee_id)s", addressee_id=params.addressee_id)
    select.where(
        "t.addressee_id IN (SELECT c.addressee_id FROM {contacts}.contacts c "  # noqa: S608 - names of our own
        f"WHERE c.tenant_id = %(tenant_id)s AND c.contact_id = %(contact_id)s AND {OWN})",
        contact_id=params.contact_id,
    )
    return select


@query(
    context="audience",
    path="consents",
    permission=Permission.CONTACTS_READ,
    params=ConsentFilters,
    row=ConsentRow,
    projections=("consents", "contacts"),
)
async def consents(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ConsentFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ConsentRow]:
    """The consent register, the newest entries first: what was entered and what became of it."""
    select = _entries("audience.consents", scope, params)
    select.conditions.append(
        "t.what IN ('consent', 'confirmation_request', 'relation', 'opt_out', 'suppression')"
    )
    select.where("t.what = %(what)s", what=params.what)
    select.where("t.kind = %(kind)s", kind=params.kind)
    select.where("t.scope = %(scope)s", scope=params.scope)
    select.where("t.workspace_id = %(client)s", client=params.workspace_id)
    if params.state is not None:
        come_to, brought = _WAYS.get(params.state, ((), ()))
        select.where(f"{_STATE} = %(state)s", state=params.state)
        select.where("t.what = ANY(%(come_to)s)", come_to=list(come_to) or None)
        select.where(
            "t.addressee_id IN (SELECT b.addressee_id FROM {consents}.entries b "
            "WHERE b.tenant_id = %(tenant_id)s AND b.what = ANY(%(brought)s))",
            brought=list(brought) or None,
        )
    return await page(connection, scope, ConsentRow, select, params, cursor, limit)


@query(
    context="audience",
    path="consent_timeline",
    permission=Permission.CONTACTS_READ,
    params=PersonFilters,
    row=ConsentRow,
    projections=("consents", "contacts"),
)
async def consent_timeline(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: PersonFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ConsentRow]:
    """All that was entered, the newest first, with what withdrew, lifted, ended or retracted earlier entries."""
    select = _entries("audience.consent_timeline", scope, params)
    return await page(connection, scope, ConsentRow, select, params, cursor, limit)
