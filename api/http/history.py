"""Replay over HTTP: what happened, what a stream was at any moment, and what changed between two moments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError
from starlette.routing import Route

from api.http.asking import Asked, Desk, position_of
from api.http.auditing import bounded, must_read
from api.http.numbers import whole
from api.http.problems import bad_parameter
from api.http.standing import KNOWN
from application.completeness import Completeness, Hidden
from application.ports.positions import Position
from application.queries import CursorMismatch
from application.replay import PSEUDONYMOUS, SHOWN, Direction, HistoryFilters
from application.showing import is_pseudonym, without_pseudonyms
from domain.access.reads import ReadKind
from domain.audit.origins import LogKind
from domain.kernel.errors import NotFound
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.replay import HistoryEvent, HistoryPage, StateAt

FILTERS: Final = tuple(HistoryFilters.model_fields)
_LISTS: Final = ("name", "actor")
_PAGES: Final = ("direction", "cursor", "limit")
_UNTIL: Final = "~"
_NOBODY_READ: Final[dict[str, Any]] = {
    "data": [],
    "next": None,
    "position": Position(1, 0).token(),
    "as_of": None,
    "looked_at": 0,
}
_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(Moment)


async def asked_of_history(
    desk: Desk, request: Request, name: str, *known: str
) -> tuple[Asked, dict[str, bool]]:
    """Who asks of the history, and what they may see in the clear. Raises `MissingPermission`."""
    asked = await desk.asked(request, name, known)
    principal, audit = asked.principal, asked.principal.audit
    must_read(principal, LogKind.EVENTS)
    if audit is not None:
        return asked, {"reveal": audit.shows_personal, "evidence": audit.shows_evidence}
    seen = {
        "reveal": Permission.HISTORY_READ_PERSONAL in principal.permissions,
        "evidence": Permission.EVIDENCE_READ in principal.permissions,
    }
    return asked, seen


class History(Desk):
    """Answers from the log itself. Every answer is recorded: it may show personal values of any time."""

    def routes(self) -> list[Route]:
        """Three for the log, one for the log of reads."""
        return [
            Route("/v1/history", self.events, methods=["GET"]),
            Route("/v1/history/state", self.state, methods=["GET"]),
            Route("/v1/history/difference", self.difference, methods=["GET"]),
            Route("/v1/access", self.accesses, methods=["GET"]),
        ]

    async def events(self, request: Request) -> Response:
        """A page of the history."""
        asked, seen = await asked_of_history(self, request, "history.events", *FILTERS, *_PAGES)
        filters, ways = _wanted(asked, LogKind.EVENTS)
        found = await self.parts.replay.history(asked.principal.tenant_id, filters, **(ways | seen))
        content = _page(found)
        told = filters.model_dump(mode="json", exclude_defaults=True)
        position, rows = content["position"], len(found.events)
        await self.trace(asked, "history.events", ReadKind.REPLAY, position=position, rows=rows, filters=told)
        made = await self._completeness(asked, content, told, LogKind.EVENTS)
        return self.answer(asked, content, position, headers=self.certified(asked, made))

    async def accesses(self, request: Request) -> Response:
        """A page of the tenant's second log: who read what. `position` is that log's own; the header the tenant's.

        Reading it is a read too, entered once for each page after the page was made; a walk through the pages ends
        where the log stood at the first.
        """
        asked = await self.asked(request, "access.reads", (*FILTERS, *_PAGES))
        principal, audit = asked.principal, asked.principal.audit
        must_read(principal, LogKind.ACCESS)
        filters, ways = _wanted(asked, LogKind.ACCESS)
        ways["cursor"], until = _walk(ways["cursor"])
        evidence = (
            Permission.EVIDENCE_READ in principal.permissions if audit is None else audit.shows_evidence
        )
        reveal = audit is None or audit.shows_personal
        try:
            found = await self.parts.accesses.history(
                principal.tenant_id, filters, **ways, until=until, reveal=reveal, evidence=evidence
            )
        except NotFound:
            content = _NOBODY_READ
        else:
            content = _page(found)
            if found.next is not None:
                content["next"] = f"{found.next}{_UNTIL}{until or found.head.position}"
        told = filters.model_dump(mode="json", exclude_defaults=True)
        position, rows = content["position"], len(content["data"])
        await self.trace(asked, "access.reads", ReadKind.ACCESS, position=position, rows=rows, filters=told)
        known = asked.call.scope.get(KNOWN)
        made = await self._completeness(asked, content, told, LogKind.ACCESS)
        return self.answer(asked, content, known, headers=self.certified(asked, made, known))

    async def _completeness(
        self, asked: Asked, content: dict[str, Any], filters: dict[str, Any], log: LogKind
    ) -> Completeness:
        """Of a page: the events that were looked at and are not in it are those that its filters hid."""
        position, rows = Position.parse(content["position"]), len(content["data"])
        names, hid = ",".join(sorted(filters)), content["looked_at"] - rows
        hidden = (Hidden(names, "see the address", hid),) if filters else ()
        checkpoint, whole = await self.signed(asked, position, log), content["next"] is None
        return Completeness(asked.principal.tenant_id, position, rows, checkpoint, hidden, whole, log)

    async def state(self, request: Request) -> Response:
        """What a stream was."""
        asked, seen = await asked_of_history(self, request, "history.state", "stream", "at")
        stream = stream_in(asked)
        found = await self.parts.replay.state(
            asked.principal.tenant_id, stream, at=_moment(asked, "at"), **seen
        )
        position = await self._position(asked, found)
        await self.trace(
            asked, "history.state", ReadKind.REPLAY, position=position, rows=1, filters={"stream": stream}
        )
        content = {"data": _state(found), "position": position, "as_of": _iso(found.as_of)}
        return self.answer(asked, content, position)

    async def difference(self, request: Request) -> Response:
        """What changed in a stream."""
        asked, seen = await asked_of_history(self, request, "history.difference", "stream", "from", "to")
        stream, earlier = stream_in(asked), _moment(asked, "from")
        if earlier is None:
            raise bad_parameter("from", "Name a position or a moment to compare with.")
        before, after, changes = await self.parts.replay.difference(
            asked.principal.tenant_id, stream, earlier, _moment(asked, "to"), **seen
        )
        position = await self._position(asked, after)
        await self.trace(
            asked,
            "history.difference",
            ReadKind.REPLAY,
            position=position,
            rows=1,
            filters={"stream": stream},
        )
        content = {
            "data": {
                "from": None if before is None else _state(before),
                "to": _state(after),
                "changes": [
                    {"path": change.path, "before": change.before, "after": change.after}
                    for change in changes
                    if not is_pseudonym(change.path)
                ],
            },
            "position": position,
            "as_of": _iso(after.as_of),
        }
        return self.answer(asked, content, position)

    async def _position(self, asked: Asked, found: StateAt) -> str:
        head = await self.parts.log.head(asked.principal.tenant_id)
        return Position(head.epoch if head else 1, found.position).token()


def _walk(cursor: str | None) -> tuple[str | None, int | None]:
    """A cursor of the access log taken apart: where to go on, and where the walk ends. Raises `CursorMismatch`."""
    if cursor is None:
        return None, None
    reached, _, until = cursor.partition(_UNTIL)
    last = whole(until)
    if last is None:
        raise CursorMismatch
    return reached, last


def _wanted(asked: Asked, log: LogKind) -> tuple[HistoryFilters, dict[str, Any]]:
    """The filters, and how to page through what they leave."""
    ways = {
        "direction": _direction(asked.given.pop("direction", Direction.FORWARD.value)),
        "cursor": asked.given.pop("cursor", None),
        "limit": asked.limit(),
    }
    filters: HistoryFilters = asked.read_as(HistoryFilters, _LISTS)
    if filters.stream is not None:
        _public(filters.stream)
    return bounded(asked.principal, log, filters), ways


def _page(found: HistoryPage) -> dict[str, Any]:
    return {
        "data": [_event(event) for event in found.events],
        "next": found.next,
        "position": Position(found.head.epoch, found.head.position).token(),
        "as_of": found.head.recorded_at.isoformat(),
        "looked_at": found.scanned,
    }


def _event(event: HistoryEvent) -> dict[str, Any]:
    told = {name: getattr(event, name) for name in SHOWN}
    return told | {
        "recorded_at": event.recorded_at.isoformat(),
        "payload": without_pseudonyms(event.payload),
    }


def _state(found: StateAt) -> dict[str, Any]:
    return {
        "stream": found.stream,
        "version": found.version,
        "state": without_pseudonyms(found.state),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _direction(text: str) -> Direction:
    try:
        return Direction(text)
    except ValueError:
        raise bad_parameter("direction", "Say forward or backward.") from None


def stream_in(asked: Asked) -> str:
    """The stream that is asked for. Raises a `Problem`, and `NotFound` for one whose id is a pseudonym."""
    stream = asked.given.get("stream")
    if stream is None:
        raise bad_parameter("stream", "Name a stream, as category:id.")
    return _public(stream)


def _public(stream: str) -> str:
    """Streams whose ids are pseudonyms are not asked for by name."""
    if stream.partition(":")[0] in PSEUDONYMOUS:
        raise NotFound
    return stream


def _moment(asked: Asked, name: str) -> Position | datetime | None:
    """A position token, or a moment with its offset."""
    text = asked.given.get(name)
    if text is None:
        return None
    try:
        return _MOMENT.validate_python(text)
    except ValidationError:
        return position_of(name, text)
