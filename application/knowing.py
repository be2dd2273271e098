"""What was known when somebody approved: the pages as they stood, which of them were opened, and what changed since.

Which pages belong to an approval is data (`domain.access.approvals`). That a page was opened is known of reads that
leave an entry in the log `access`; of others nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

import orjson

from application.ports.positions import MalformedPosition, Position
from application.queries import QUERIES
from application.replay import BeyondTheLog, Direction, HistoryFilters
from domain.access.approvals import APPROVALS, PageOf
from domain.kernel.errors import NotFound, Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.plain import FieldChange
    from application.ports.codec import EventCodec
    from application.ports.log import Head, Recorded, TenantLog
    from application.replay import HistoryEvent, Replay, StateAt

LOOKED_BACK: Final = timedelta(hours=1)
MOST_READS: Final = 1_000
_OF_ONE_COMMAND: Final = 100


class NotAnApproval(Refusal):
    """At this position nobody approved anything. Name the position of an event that is among `approvals`."""

    code = "not-an-approval"
    kind = RefusalKind.INVALID
    field = "/position"


@dataclass(frozen=True, slots=True)
class Opened:
    """A read of the approver's: when, and made from which position. `surely`: of this row, or of a list."""

    at: str
    query: str
    position: str | None
    entry: int
    surely: bool


@dataclass(frozen=True, slots=True)
class PageThen:
    """A page of the matter, with the address that opens it as it stood."""

    name: str
    route: str
    address: str
    opened: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What was known at an approval. `reads` None: who asks may not see who read what; `all_reads`: there are no more.

    `then`: the state of what was approved, with the approval; `changes`: to now.
    """

    recorded: Recorded
    payload: Mapping[str, Any]
    context: Mapping[str, Any]
    stood_at: Position
    pages: tuple[PageThen, ...]
    reads: tuple[Opened, ...] | None
    all_reads: bool
    then: StateAt
    changes: tuple[FieldChange, ...]
    head: Head


class Knowing:
    """Looks back at approvals, in the logs of one tenant at a time."""

    def __init__(self, log: TenantLog, codec: EventCodec, replay: Replay, accesses: Replay) -> None:
        """`accesses` replays the tenants' second logs."""
        self._log = log
        self._codec = codec
        self._replay = replay
        self._accesses = accesses

    async def at(
        self,
        tenant_id: UUID,
        position: int,
        *,
        shows_reads: bool = False,
        reveal: bool = False,
        evidence: bool = False,
    ) -> Known:
        """What was known at the approval at a position. Raises `NotAnApproval`, `BeyondTheLog`, `NotFound`."""
        head = await self._log.head(tenant_id)
        if head is None or position > head.position:
            raise BeyondTheLog
        if position < 1:
            raise NotFound
        after = max(0, position - _OF_ONE_COMMAND)
        rows = await self._log.read_log(tenant_id, after=after, limit=_OF_ONE_COMMAND, up_to=position)
        row = rows[-1]
        approval = APPROVALS.get(row.name)
        if approval is None:
            raise NotAnApproval(approvals=sorted(APPROVALS))
        (payload,) = self._codec.payloads([row], reveal=reveal, evidence=evidence)
        (context,) = self._codec.metadata([row], reveal=reveal, evidence=evidence)
        stood = _stood(head, rows, payload.get(approval.at) if approval.at else None)
        reads, complete = await self._reads(row, context, evidence=evidence) if shows_reads else (None, False)
        pages = tuple(
            _page(one, payload, stood, reads or ())
            for one in approval.pages
            if all(payload.get(name) == value for name, value in one.only.items())
        )
        _, then, _ = await self._replay.difference(
            tenant_id,
            row.stream,
            Position(head.epoch, 0),
            Position(head.epoch, position),
            reveal=reveal,
            evidence=evidence,
        )
        _, _, changes = await self._replay.difference(
            tenant_id, row.stream, Position(head.epoch, position), reveal=reveal, evidence=evidence
        )
        told = None if reads is None else tuple(opened for opened, _ in reads)
        return Known(row, payload, context, stood, pages, told, complete, then, changes, head)

    async def _reads(
        self, row: Recorded, context: Mapping[str, Any], *, evidence: bool
    ) -> tuple[list[tuple[Opened, HistoryEvent]], bool]:
        """What the approver read in the hour before, by themselves or with a key that speaks for them."""
        actor = context.get("actor") or {}
        who = [str(actor[name]) for name in ("id", "member") if actor.get(name)]
        filters = HistoryFilters(
            actor=who,
            name=["access.read_recorded"],
            after=row.recorded_at - LOOKED_BACK,
            before=row.recorded_at,
        )
        try:
            page = await self._accesses.history(
                row.tenant_id,
                filters,
                direction=Direction.BACKWARD,
                limit=MOST_READS,
                reveal=True,
                evidence=evidence,
            )
        except NotFound:
            return [], True  # nobody has read anything
        found = [
            (
                Opened(
                    one.recorded_at.isoformat(),
                    str(one.payload["query"]),
                    one.payload.get("position"),
                    one.position,
                    surely=True,
                ),
                one,
            )
            for one in reversed(page.events)
        ]
        return found, page.next is None


def _stood(head: Head, rows: Sequence[Recorded], told: str | None) -> Position:
    """Where the log stood when they looked: as the event says, or before its command."""
    if told is not None:
        try:
            return Position(head.epoch, Position.parse(told).n)
        except MalformedPosition:
            pass
    command = _command(rows[-1])
    first = rows[-1].position
    for row in reversed(rows):
        if _command(row) != command:
            break
        first = row.position
    return Position(head.epoch, first - 1)


def _command(row: Recorded) -> str | None:
    metadata = orjson.loads(row.metadata) if row.metadata else {}
    found = metadata.get("command")
    return None if found is None else str(found)


def _page(
    page: PageOf,
    payload: Mapping[str, Any],
    stood: Position,
    reads: Sequence[tuple[Opened, HistoryEvent]],
) -> PageThen:
    params = {
        name: str(payload[field]) for name, field in page.params.items() if payload.get(field) is not None
    }
    if page.view is None:
        name, route = f"reports.{page.report}", f"/v1/reports/{page.report}"
        asked = urlencode({**params, "at_position": stood.n})
        return PageThen(name, route, f"{route}?{asked}", _opened(name, None, reads))
    query = QUERIES[page.view]
    row_id = None if page.id is None else str(payload.get(page.id))
    address = query.route if row_id is None else query.route.replace("{id}", row_id)
    asked = urlencode({**params, "at": stood.n})
    return PageThen(query.name, query.route, f"{address}?{asked}", _opened(query.name, row_id, reads))


def _opened(
    name: str, row_id: str | None, reads: Sequence[tuple[Opened, HistoryEvent]]
) -> tuple[Opened, ...]:
    """The reads that were of a page; of one row: those of which it is known, or not known, that they were of it."""
    found = []
    for opened, event in reads:
        if opened.query != name:
            continue
        of = _row_of(event)
        if row_id is None or of == row_id:
            found.append(opened)
        elif of is None:
            found.append(Opened(opened.at, opened.query, opened.position, opened.entry, surely=False))
    return tuple(found)


def _row_of(event: HistoryEvent) -> str | None:
    """The row that a read was of, where its filters may be seen."""
    try:
        told = orjson.loads(event.payload.get("filters") or "null")
    except orjson.JSONDecodeError:
        return None
    return str(told["id"]) if isinstance(told, dict) and told.get("id") else None
