"""What changed in a view between two moments: `GET /v1/{context}/{view}/difference`, for each list of the registry."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from psycopg import OperationalError
from psycopg.errors import QueryCanceled
from starlette.routing import Match, Route

from api.http.asking import Asked, Past
from api.http.kinds import SEARCH_TOO_SLOW
from api.http.problems import Problem, bad_parameter
from api.http.views import Views, is_view, kept, query_of, subject_of
from application.blame import becauses
from application.ports.log import LogUnavailable
from application.ports.positions import Position
from application.queries import MOST_ROWS, QUERIES, CursorMismatch
from application.replay import BeyondTheLog
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission
from projections.runtime.lookback import Span

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from application.queries import Page, Params, Query
    from projections.runtime.differing import RowChange
    from projections.runtime.reading import RebuiltConnection

_OWN = ("from", "to", "cursor", "limit")
_PARTS = 2


class _OfViews(Route):
    """The route of a view, which leaves the reports alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE:
            named = child["path_params"]
            if not is_view(named["context"], named["view"]):
                return Match.NONE, {}
        return match, child


class ViewDifferences(Views):
    """Answers what changed, and by which events."""

    def routes(self) -> list[Route]:
        """One for all views, and one for the list that has no name within its context."""
        return [
            Route("/v1/packs/difference", self.of_packs, methods=["GET"]),
            _OfViews("/v1/{context}/{view}/difference", self.of_view, methods=["GET"]),
        ]

    async def of_packs(self, request: Request) -> Response:
        """Of the sealed packs."""
        return await self.between(request, QUERIES["packs.sealed_packs"])

    async def of_view(self, request: Request) -> Response:
        """Of a view."""
        return await self.between(request, query_of(request, single=False))

    async def between(self, request: Request, query: Query) -> Response:
        """The rows that differ between `from` and `to` (now unless given), each field with the event that did it."""
        asked = await self.asked(request, f"{query.name}_difference", (*query.params.model_fields, *_OWN))
        asked.principal.require(Permission.HISTORY_READ)
        query.scope(asked.principal)
        span = await self._span(asked)
        cursor, limit = asked.given.pop("cursor", None), asked.limit()
        params = asked.read_as(query.params)
        await self.known(params)
        asked_for = _digest(query, params, span)
        after = None if cursor is None else _place(cursor, asked_for)
        changes, more = await self._changes(asked, query, params, span, after, limit)
        position = span.last.token()
        rows = [row for change in changes for row in (change.before, change.after) if row is not None]
        await self.trace(
            asked,
            f"{query.name}_difference",
            ReadKind.REPLAY,
            position=position,
            rows=len(changes),
            subjects=[subject for row in rows if (subject := subject_of(row)) is not None],
            filters={**kept(params), "from": span.first.token()},
        )
        tenant_id = asked.principal.tenant_id
        content = {
            "data": await self._shown(asked, changes),
            "next": _cursor(changes[-1].place, asked_for) if more else None,
            "from": {
                "position": span.first.token(),
                "as_of": await self.as_of(tenant_id, span.first),
            },
            "position": position,
            "as_of": await self.as_of(tenant_id, span.last),
        }
        return self.answer(asked, content, position)

    async def _span(self, asked: Asked) -> Span:
        tenant_id, given = asked.principal.tenant_id, asked.given
        first = await self.past(tenant_id, given, "from")
        if first is None:
            raise bad_parameter("from", "Name a position or a moment to compare with.")
        last = await self.past(tenant_id, given, "to")
        if last is None:
            head = await self.parts.log.head(tenant_id)
            if head is None:
                raise BeyondTheLog
            last = Past(Position(head.epoch, head.position), self.parts.clock())
        if last.position < first.position:
            raise bad_parameter("to", "Name a moment after that of `from`.")
        return Span(first.position, last.position, first.moment, last.moment)

    async def _changes(
        self,
        asked: Asked,
        query: Query,
        params: Params,
        span: Span,
        after: tuple[Any, ...] | None,
        limit: int,
    ) -> tuple[list[RowChange], bool]:
        scope = query.scope(asked.principal)

        async def page(connection: RebuiltConnection, cursor: str | None) -> Page[Any]:
            return await query.run(connection, scope, params, cursor, MOST_ROWS)

        look = self.parts.lookback
        try:
            return await look.difference(page, query.projections, scope.tenant_id, span, after, limit)
        except QueryCanceled:
            raise Problem(SEARCH_TOO_SLOW) from None
        except OperationalError as error:
            raise LogUnavailable("the database cannot be reached; try again") from error

    async def _shown(self, asked: Asked, changes: list[RowChange]) -> list[dict[str, Any]]:
        positions = {change.position for change in changes}
        positions |= {one.position for change in changes for one in change.fields}
        why = await self._why(asked, sorted(one for one in positions if one is not None))
        return [
            {
                "change": _kind(change),
                "before": None if change.before is None else change.before.model_dump(mode="json"),
                "after": None if change.after is None else change.after.model_dump(mode="json"),
                "because": why.get(change.position or 0),
                "fields": [
                    {
                        "path": one.path,
                        "before": one.before,
                        "after": one.after,
                        "because": why.get(one.position or 0),
                    }
                    for one in change.fields
                ],
                "since": change.since,
            }
            for change in changes
        ]

    async def _why(self, asked: Asked, positions: list[int]) -> dict[int, dict[str, Any]]:
        """The events at some positions, as far as the reader may see them."""
        principal = asked.principal
        tenant_id: UUID = principal.tenant_id
        log = self.parts.log
        found = await asyncio.gather(
            *(log.read_log(tenant_id, after=one - 1, limit=1, up_to=one) for one in positions)
        )
        told = becauses(
            [row for rows in found for row in rows],
            self.parts.codec,
            reveal=Permission.HISTORY_READ_PERSONAL in principal.permissions,
            evidence=Permission.EVIDENCE_READ in principal.permissions,
        )
        return {one.position: asdict(one) for one in told}


def _kind(change: RowChange) -> str:
    if change.before is None:
        return "added"
    return "gone" if change.after is None else "changed"


def _digest(query: Query, params: Params, span: Span) -> str:
    told = [query.name, params.model_dump(mode="json"), span.first.token(), span.last.token()]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _cursor(place: tuple[Any, ...], asked_for: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([asked_for, place])).decode().rstrip("=")


def _place(cursor: str, asked_for: str) -> tuple[Any, ...]:
    """Where a cursor goes on. Raises `CursorMismatch`."""
    try:
        content = orjson.loads(base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_"))
    except ValueError as error:
        raise CursorMismatch from error
    if not isinstance(content, list) or len(content) != _PARTS or content[0] != asked_for:
        raise CursorMismatch
    place = content[1]
    if not isinstance(place, list) or not all(isinstance(one, int | str | None) for one in place):
        raise CursorMismatch
    return tuple(place)
