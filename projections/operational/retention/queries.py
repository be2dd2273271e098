"""Looking at retention: the schedule, what is due and what keeps it, holds with what they keep, and plans."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.law.periods import Period
from domain.retention.kinds import Disposal, Kind, Over, Standing
from domain.retention.plan import LeftOut, ObjectTold, PlanStatus
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

# As `due_at` in domain/retention/retained.py says it: a day is over when it is over twelve hours behind UTC.
_DUE: Final = (
    "CASE WHEN t.ended_at IS NULL OR (t.promised IS NOT NULL AND NOT r.chosen) THEN t.promised "
    "WHEN r.period IS NULL THEN NULL "
    """WHEN r.period = '{{"years": 0, "months": 0, "days": 0}}' THEN greatest(t.promised, t.ended_at) """
    "ELSE greatest(t.promised, ((t.ended_on + make_interval("
    "years => (r.period->>'years')::int, months => (r.period->>'months')::int, days => (r.period->>'days')::int"
    "))::date + 1)::timestamp AT TIME ZONE interval '-12:00') END"
)
_RULE: Final = "LEFT JOIN {retention}.rules r ON r.tenant_id = t.tenant_id AND r.kind = t.kind"
_STANDS: Final = (
    "h.released_at IS NULL AND NOT EXISTS (SELECT FROM {retention}.settled s "
    "WHERE s.tenant_id = h.tenant_id AND s.hold_id = h.hold_id)"
)
_OVER: Final = (
    "t.under ?| ARRAY(SELECT jsonb_array_elements_text(h.keeps)) "
    "AND (t.first_day IS NULL OR h.last_day IS NULL OR t.first_day <= h.last_day) "
    "AND (t.last_day IS NULL OR h.first_day IS NULL OR t.last_day >= h.first_day)"
)
_HOLDS: Final = f"FROM {{retention}}.holds h WHERE h.tenant_id = t.tenant_id AND {_STANDS} AND {_OVER}"
_HELD: Final = f"EXISTS (SELECT {_HOLDS})"
_HELD_BY: Final = (
    "(SELECT coalesce(jsonb_agg(jsonb_build_object('hold_id', h.hold_id, 'addressee_id', h.addressee_id, "
    "'entry', h.entry, 'matter', h.matter, 'over', h.over_what, 'subject', h.subject, 'placed_at', h.placed_at) "
    f"ORDER BY h.created_position, h.number), '[]') {_HOLDS})"
)


class RuleRow(Row):
    """How long things of a kind are kept, and why. `period` null: without end; `chosen`: set by the tenant.

    `floor`: nobody sets a shorter one. `agreed_above`: how many things one person may have destroyed alone.
    """

    kind: Kind
    what: str
    why: str
    counted_from: str
    period: Period | None
    default_period: Period | None
    chosen: bool
    changed_at: datetime | None
    floor: Period
    endless: bool
    disposal: Disposal
    source: str
    confidence: str
    checked: date
    divided_by: list[Over]
    kept_by: list[Over]
    agreed_above: int
    updated_position: int


class HeldBy(Row):
    """A hold that keeps a thing: of a matter by `hold_id`, over one person alone by `addressee_id` and `entry`."""

    hold_id: UUID | None
    addressee_id: UUID | None
    entry: int | None
    matter: str | None
    over: Over
    subject: UUID | None
    placed_at: datetime


class DueRow(Row):
    """A thing that is kept for a time. `due_at`: when nothing but a hold keeps it any more, by the rule of its kind.

    `promised`: until when an event of its own says that it is kept. `expired`: it is being destroyed.
    """

    kind: Kind
    object_id: UUID
    counted_from: datetime | None
    promised: datetime | None
    period: Period | None
    due_at: datetime | None
    disposal: Disposal
    held: bool
    held_by: list[HeldBy]
    expired: bool
    destroyed_at: datetime | None
    created_position: int
    updated_position: int


class DueFilters(Params):
    """Which things. Without `state`: those that are due, held or not. `before`: due by then, and not by now.

    `state`: `due` and free to go, `held`, `kept` for its period still, `destroyed`, or `any`.
    """

    kind: Kind | None = None
    object_id: UUID | None = None
    state: Standing | None = None
    before: Moment | None = None
    hold_id: UUID | None = None


class MatterRow(Row):
    """What a legal hold is over: a row for each thing, and so for each person whose proof it keeps.

    `keeps` counts things that nothing else keeps any more; `since`: when the first of them would have been due.
    """

    hold_id: UUID | None
    addressee_id: UUID | None
    entry: int | None
    matter: str | None
    over: Over
    subject: UUID | None
    first_day: date | None
    last_day: date | None
    placed_at: datetime
    placed_by: UUID | None
    released_at: datetime | None
    keeps: int
    since: datetime | None
    created_position: int
    updated_position: int


class MatterFilters(Params):
    """Which legal holds."""

    hold_id: UUID | None = None
    over: Over | None = None
    subject: UUID | None = None
    standing: bool | None = None


class PlanRow(Row):
    """A plan of disposal. `counts`: things by kind; `destroyed` and `left_out`: what came of it."""

    plan_id: UUID
    status: PlanStatus
    planned_by: UUID
    planned_at: datetime
    agreed_by: UUID | None
    counts: dict[str, int]
    destroyed: dict[str, int] | None
    done_at: datetime | None
    created_position: int
    updated_position: int


class WholePlanRow(PlanRow):
    """A plan with everything that it names, and what of it was left out and why."""

    objects: list[ObjectTold]
    left_out: list[LeftOut] | None


class PlanFilters(Params):
    """Which plans."""

    status: PlanStatus | None = None


def _of_the_tenant(select: Select, scope: Scope) -> Select:
    """What is kept is the tenant's, and no workspace's: who is kept to workspaces sees nothing of it."""
    if scope.workspaces is not None:
        select.conditions.append("false")
    return select


@query(
    context="retention",
    path="schedule",
    permission=Permission.RETENTION_READ,
    params=Params,
    row=RuleRow,
    projections=("retention",),
)
async def rules(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: Params,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[RuleRow]:
    """How long things of each kind are kept, why, and how short a period may be."""
    words = ("what", "why", "counted_from", "source", "confidence", "disposal", "checked")
    lists = ("floor", "divided_by", "kept_by", "default_period")
    computed = {name: f"t.terms->>'{name}'" for name in words}
    computed |= {name: f"nullif(t.terms->'{name}', 'null')" for name in lists}
    computed["endless"] = "(t.terms->>'endless')::boolean"
    select = Select("retention.rules", "retention", "rules", order=("number",), ascending=True)
    select.computed = computed
    return await page(connection, scope, RuleRow, _of_the_tenant(select, scope), params, cursor, limit)


@query(
    context="retention",
    path="due",
    permission=Permission.RETENTION_READ,
    params=DueFilters,
    row=DueRow,
    projections=("retention",),
)
async def due(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: DueFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[DueRow]:
    """What is due to be destroyed, since when, by which rule, and which holds keep it; the newest things first."""
    select = Select("retention.due", "retention", "retained", joined=_RULE)
    select.computed = {
        "counted_from": "t.ended_at",
        "period": "r.period",
        "due_at": _DUE,
        "disposal": "coalesce(r.terms->>'disposal', 'automatic')",
        "held": _HELD,
        "held_by": _HELD_BY,
    }
    select.where("t.kind = %(kind)s", kind=params.kind)
    select.where("t.object_id = %(object_id)s", object_id=params.object_id)
    over = f"EXISTS (SELECT {_HOLDS} AND h.hold_id = %(hold_id)s)"
    select.where(over, hold_id=params.hold_id)
    moment = "now()" if params.before is None else "%(before)s"
    select.values["before"] = params.before
    if params.state is Standing.DESTROYED:
        select.conditions.append("t.destroyed")
    elif params.state is Standing.KEPT:
        select.conditions.append(f"NOT t.destroyed AND ({_DUE} > {moment} OR {_DUE} IS NULL)")
    elif params.state is not Standing.ANY:
        select.conditions.append(f"NOT t.destroyed AND {_DUE} <= {moment}")
        if params.state is not None:
            select.conditions.append(_HELD if params.state is Standing.HELD else f"NOT {_HELD}")
    return await page(connection, scope, DueRow, _of_the_tenant(select, scope), params, cursor, limit)


@query(
    context="retention",
    path="holds",
    permission=Permission.RETENTION_READ,
    params=MatterFilters,
    row=MatterRow,
    projections=("retention",),
)
async def holds(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: MatterFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[MatterRow]:
    """Legal holds, the newest first: what each is over, and what it keeps that would have been due."""
    kept = (
        f"FROM {{retention}}.retained t {_RULE} WHERE t.tenant_id = h.tenant_id AND NOT t.destroyed "
        f"AND {_STANDS} AND {_OVER} AND {_DUE} <= now()"
    )
    joined = (
        f"CROSS JOIN LATERAL (SELECT count(*) AS keeps, min({_DUE}) AS since {kept}) k "
        "LEFT JOIN {retention}.settled e ON e.tenant_id = h.tenant_id AND e.hold_id = h.hold_id"
    )
    # The table goes by `t` outside and by `h` in what it shares with the query of what is due.
    select = Select("retention.holds", "retention", "holds", order=("created_position", "number"))
    select.joined = f"CROSS JOIN LATERAL (SELECT t.*) h {joined}"
    released = "coalesce(t.released_at, e.released_at)"
    select.computed = {"keeps": "k.keeps", "since": "k.since", "released_at": released, "over": "t.over_what"}
    select.where("t.hold_id = %(hold_id)s", hold_id=params.hold_id)
    select.where("t.over_what = %(over)s", over=params.over)
    select.where("t.subject = %(subject)s", subject=params.subject)
    select.where(f"({released} IS NULL) = %(standing)s", standing=params.standing)
    return await page(connection, scope, MatterRow, _of_the_tenant(select, scope), params, cursor, limit)


@query(
    context="retention",
    path="plans",
    permission=Permission.RETENTION_READ,
    params=PlanFilters,
    row=PlanRow,
    projections=("retention",),
)
async def plans(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: PlanFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[PlanRow]:
    """Plans of disposal, the newest first."""
    select = _of_the_tenant(Select("retention.plans", "retention", "plans"), scope)
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, PlanRow, select, params, cursor, limit)


@query(
    context="retention",
    path="plans/{id}",
    permission=Permission.RETENTION_READ,
    params=ById,
    row=WholePlanRow,
    projections=("retention",),
)
async def plan(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[WholePlanRow]:
    """One plan, with everything that it names and what came of it."""
    select = _of_the_tenant(Select("retention.plan", "retention", "plans"), scope)
    select.where("t.plan_id = %(id)s", id=params.id)
    return await one(connection, scope, WholePlanRow, select, params)
