"""What undoing would take, as every door tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.http.commands import events_of, sealed
from application.queries import MOST_ROWS, QUERIES, ViewNotReady
from application.replay import Direction, HistoryFilters
from application.undoing.following import MOST_SHOWN, made_at_or_after
from application.undoing.preview import Verdict
from domain.access.reads import ReadKind
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.undoing.ways import WORDS, Along, Never, along_with
from domain.webhooks.address import wanted

if TYPE_CHECKING:
    from api.parts import Composition
    from application.principals import Principal
    from application.undoing.following import Dependent
    from application.undoing.preview import EventLine, Preview, Rehearsed

_ENDPOINTS: Final = "webhooks.webhook_endpoints"
_READS_A_PAGE: Final = 1_000
_PAGES_OF_READS: Final = 10


async def undone(parts: Composition, principal: Principal, found: Preview) -> dict[str, Any]:
    """A preview as JSON, with who was told of the events meanwhile."""
    rests = found.rests
    after, up_to = rests.looked_at
    webhooks, exports = await _webhooks(parts, principal, found), await _exports(parts, principal, found)
    told_outside = found.verdict is Verdict.YES and (webhooks or exports)
    return {
        "asked": found.causes.position,
        "command": found.command.id,
        "command_name": found.command.context.get("command_name"),
        "actor": found.command.context.get("actor"),
        "reason": found.command.context.get("reason"),
        "verdict": (Verdict.WITH_CONSEQUENCES if told_outside else found.verdict).value,
        "reasons": [
            {"code": one.code, "detail": one.detail, "position": one.position} for one in found.reasons
        ],
        "events": [_line(one) for one in found.events],
        "by": [_rehearsed(one) for one in found.by],
        "rests_on_it": {
            "events": [_dependent(one) for one in rests.events],
            "jobs": [
                {
                    "job": str(job.due.job_id),
                    "workflow": job.due.workflow,
                    "subject": job.due.subject_id,
                    "done": bool(job.commands),
                }
                for job in rests.jobs[:MOST_SHOWN]
            ],
            "made_from": [_dependent(one) for one in rests.made_from],
            "webhooks": webhooks,
            "exports": exports,
            "looked_at": {"after": after, "up_to": up_to},
            "complete": found.complete and len(rests.jobs) <= MOST_SHOWN,
        },
    }


def _line(line: EventLine) -> dict[str, Any]:
    row, way = line.recorded, line.way
    told: dict[str, Any] = {
        **events_of([row])[0],
        "recorded_at": row.recorded_at.isoformat(),
        "undone": "by_commands",
        "why": None,
        "detail": None,
        "along_with": [],
    }
    if line.along:
        told |= {"undone": "along_with_others", "along_with": list(along_with(way))}
    elif isinstance(way, Never):
        told |= {"undone": "never", "why": way.why.value, "detail": f"{WORDS[way.why]} {way.instead}".strip()}
    elif isinstance(way, Along):
        told |= {"undone": "with_another_command", "along_with": list(way.events)}
    return told


def _rehearsed(one: Rehearsed) -> dict[str, Any]:
    filled, outcome, refusal = one.filled, one.outcome, one.refusal
    kind = filled.kind
    events = None
    if outcome is not None:
        events = [{"name": event.name, "data": sealed(event)} for event in outcome.rehearsed]
    return {
        "undoes": filled.of,
        "command": f"{kind.context}/{kind.slug}",
        "path": f"/v1/{kind.context}/{filled.target}/{kind.slug}",
        "body": dict(filled.body),
        "lacks": [{"field": f"/{lack.field}", "why": lack.why} for lack in filled.lacks],
        "note": filled.says or None,
        "would_append": events,
        "refused": None if refusal is None else {"code": refusal.code, "detail": refusal.detail},
        "errors": [dict(error) for error in one.errors],
    }


def _dependent(one: Dependent) -> dict[str, Any]:
    return {
        **events_of([one.recorded])[0],
        "recorded_at": one.recorded.recorded_at.isoformat(),
        "how": one.how,
    }


async def _webhooks(parts: Composition, principal: Principal, found: Preview) -> list[dict[str, Any]] | None:
    """The endpoints that were sent one of the events; None: who asks may not see that, or the view is being made."""
    if Permission.WEBHOOKS_READ not in principal.permissions:
        return None
    query, cursor, told = QUERIES[_ENDPOINTS], None, []
    rows = [line.recorded for line in found.events]
    while True:
        try:
            async with parts.views.connection() as connection:
                page = await query.run(connection, query.scope(principal), query.params(), cursor, MOST_ROWS)
        except ViewNotReady:
            return None
        for endpoint in page.rows:
            sent = [
                row.position
                for row in rows
                if wanted(endpoint.events, row.name)
                and endpoint.created_position < row.position <= (endpoint.cursor_position or 0)
            ]
            if sent:
                told.append({"endpoint_id": str(endpoint.endpoint_id), "positions": sent})
        cursor = page.cursor
        if cursor is None:
            return told


async def _exports(parts: Composition, principal: Principal, found: Preview) -> list[dict[str, Any]] | None:
    """Exports that were made from positions at or after the events; None for those who may not see who read what."""
    if Permission.ACCESS_READ not in principal.permissions:
        return None
    first = found.events[0].recorded
    filters = HistoryFilters(after=first.recorded_at)
    told: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_PAGES_OF_READS):
        try:
            page = await parts.accesses.history(
                principal.tenant_id,
                filters,
                direction=Direction.BACKWARD,
                cursor=cursor,
                limit=_READS_A_PAGE,
            )
        except NotFound:
            return []  # nobody has read anything
        told += [
            {
                "query": one.payload["query"],
                "reader_id": one.payload["reader_id"],
                "position": one.payload["position"],
                "recorded_at": one.recorded_at.isoformat(),
            }
            for one in page.events
            if one.payload.get("kind") == ReadKind.EXPORT
            and made_at_or_after(one.payload.get("position"), first.position)
        ]
        cursor = page.next
        if cursor is None or len(told) >= MOST_SHOWN:
            break
    return told[:MOST_SHOWN]
