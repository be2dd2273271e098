"""Looking at standings: person by person, and how many stand how; at the moment of asking, whatever time made of it.

A person stands towards the tenant, and towards each client who has something of theirs; see `schema.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, Field

from application.queries import QUERIES, USUAL_ROWS, NamedByLaw, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.law.pack import Verdict
from projections.operational.contacts.people import AMONG, OWN_OF_PERSON, keep_to_people, workspaces_meant
from projections.operational.paging import Select, page
from projections.operational.standings.schema import PHASE
from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

MOST_DAYS: Final = 366


def _later(moment: str) -> str:
    """The phase that has begun by a moment, of rows that time has moved on since they were written."""
    return f"""
    LEFT JOIN LATERAL (
        SELECT a.* FROM jsonb_to_recordset(t.ahead) AS a(
            begins_at timestamptz, {", ".join(f"{name} {kind}" for name, kind in PHASE.items())})
        WHERE a.begins_at <= {moment} ORDER BY a.begins_at DESC LIMIT 1
    ) later ON t.turns_at <= {moment}
"""  # noqa: S608 - our own words


def _of_then(name: str) -> str:
    return f"CASE WHEN later.begins_at IS NULL THEN t.{name} ELSE later.{name} END"


_OF_ALL: Final = "t.for_the_rest IS NOT TRUE"
"""Where no workspace is meant, the row of those who were given nothing is none of anybody's."""
_OF_SENDERS: Final = f"""(t.sender_id = ANY(%(within)s::uuid[]) OR t.sender_id = t.tenant_id AND EXISTS (
    SELECT FROM {OWN_OF_PERSON} AND NOT coalesce(t.of_clients ? c.workspace_id::text, false)))"""
"""Rows of the workspaces that are meant, and the tenant's for those of them whose people they are, without a row."""
_LAPSES_AT: Final = (
    f"CASE WHEN {_of_then('verdict')} = 'allow' AND t.lapses_at > {{now}} THEN t.lapses_at END"
)

Word = Annotated[str, Field(max_length=60)]


class LawRow(BaseModel):
    """What one law says; `law` null: a suppression, or a fact that nobody knows."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    law: str | None
    rule: str
    basis: str | None
    entries: list[int]
    missing: list[str]


class StandingRow(Row):
    """How somebody stands towards an ordinary advertisement now: nothing is allowed by it, each message is decided.

    `workspace_id`: of the client whose advertisement it is, and somebody stands towards each one apart; null: of the
    tenant, and of every workspace for which there is no row.
    `law`, `rule` and `basis` are those that count most, `laws` all that have a say; `entries` are numbers within the
    addressee's stream, as the register has them. `until` and `days_left`: when an allow ends by itself. `provided`:
    what it supposes of the message. `contact_ids`: those that the caller may see.
    """

    addressee_id: UUID
    workspace_id: UUID | None
    contact_ids: list[UUID]
    verdict: Verdict
    law: str | None
    rule: str | None
    basis: str | None
    until: datetime | None
    days_left: int | None
    entries: list[int]
    missing: list[str]
    provided: list[str]
    laws: list[LawRow]
    created_position: int
    updated_position: int


class StandingFilters(Params):
    """Whose standings. `workspace_id`: those of its people towards it, and towards no other client.

    `law` and `basis`: of the rule that counts most; `missing`: a fact that nobody knows.
    `expiring_within_days`: those whose allow ends by itself within so many days from now.
    """

    addressee_id: UUID | None = None
    workspace_id: UUID | None = None
    verdict: Verdict | None = None
    law: Annotated[Word | None, NamedByLaw("law")] = None
    basis: Annotated[Word | None, NamedByLaw("basis")] = None
    missing: Annotated[Word | None, NamedByLaw("missing")] = None
    expiring_within_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None


@query(
    context="audience",
    path="standings",
    permission=Permission.CONTACTS_READ,
    params=StandingFilters,
    row=StandingRow,
    projections=("standings", "contacts"),
)
async def standings(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: StandingFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[StandingRow]:
    """How people stand towards an ordinary advertisement, and until when; the latest known people first."""
    computed = {name: _of_then(name) for name in PHASE} | {
        "workspace_id": "nullif(t.sender_id, t.tenant_id)",
        "contact_ids": f"ARRAY(SELECT c.contact_id FROM {OWN_OF_PERSON} ORDER BY c.contact_id)",  # noqa: S608 - names of our own
        "until": _LAPSES_AT,
        "days_left": f"floor(extract(epoch FROM {_LAPSES_AT} - {{now}}) / 86400)::int",
    }
    select = Select("audience.standings", "standings", "standings", joined=_later("{now}"), computed=computed)
    within = workspaces_meant(scope, params.workspace_id)
    keep_to_people(select, within)
    select.conditions.append(_OF_ALL if within is None else _OF_SENDERS)
    select.where("t.addressee_id = %(addressee_id)s", addressee_id=params.addressee_id)
    for name in ("verdict", "law", "basis"):
        select.where(f"{_of_then(name)} = %({name})s", **{name: getattr(params, name)})
    select.where(f"{_of_then('missing')} ? %(missing)s", missing=params.missing)
    select.where(
        f"{_of_then('verdict')} = 'allow' AND t.lapses_at > {{now}} "
        "AND t.lapses_at <= {now} + %(days)s * interval '1 day'",
        days=params.expiring_within_days,
    )
    return await page(connection, scope, StandingRow, select, params, cursor, limit)


class CoverageFilters(Params):
    """Whom to count. `workspace_id`: its people, each once, as they stand towards it.

    `in_days`: as it will be in so many days, if nothing is entered meanwhile.
    """

    workspace_id: UUID | None = None
    in_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0


class CoverageRow(Row):
    """How many people stand so. `law` and `basis` are those that count most with each.

    Everybody counts once for each client towards whom they stand, and once for the tenant: most people do so once.
    """

    verdict: Verdict
    law: str | None
    basis: str | None
    people: int


@query(
    context="audience",
    path="standing_coverage",
    permission=Permission.CONTACTS_READ,
    params=CoverageFilters,
    row=CoverageRow,
    projections=("standings", "contacts"),
)
async def standing_coverage(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: CoverageFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[CoverageRow]:
    """How many people may be written to an ordinary advertisement, by law and basis: all that there is, on one page."""
    del cursor, limit
    moment = "({now} + %(days)s * interval '1 day')"
    within = workspaces_meant(scope, params.workspace_id)
    among = _OF_ALL if within is None else f"{_OF_SENDERS} AND {AMONG}"
    text = (
        f"SELECT {_of_then('verdict')} AS verdict, {_of_then('law')} AS law, {_of_then('basis')} AS basis, "  # noqa: S608 - names of our own
        f"count(*) AS people FROM {{standings}}.standings t {_later(moment)} "
        f"WHERE t.tenant_id = %(tenant_id)s AND {among} GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3"
    )
    values = {"tenant_id": scope.tenant_id, "within": within, "days": params.in_days}
    async with snapshot(connection, scope.tenant_id, QUERIES["audience.standing_coverage"].projections) as at:
        async with connection.cursor(row_factory=dict_row) as reading:
            await reading.execute(text.format_map(at.schemas).encode(), values)
            rows = [CoverageRow.model_validate(one) for one in await reading.fetchall()]
        places = [(row.verdict.value, row.law, row.basis) for row in rows]
        return Page(rows, None, at.position, at.auth_epoch, places)
