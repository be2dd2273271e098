"""Replay: what happened in a tenant, in order; what a stream was at any moment; what changed between two moments.

Everything is answered from the log itself. Positions are in the order of time, so a moment is found by bisection.
Erased values show as `[erased]`, also before the erasure; sealed ones as `[sealed]` to those who may not see them.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from application.as_of import last_before
from application.plain import FieldChange, differences, plain
from application.ports.positions import Position
from application.queries import CursorMismatch
from domain.kernel.commands import DECIDERS
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.moments import Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from application.ports.codec import EventCodec
    from application.ports.log import Head, Recorded, TenantLog

_SCAN: Final = 1_000
_SCAN_AT_MOST: Final = 50_000
PSEUDONYMOUS: Final = frozenset(
    {"address_hash", "cost_reference", "email_claim", "member_email", "platform_address", "slug"}
)
"""Streams whose ids are pseudonyms: personal data, which leaves the log in no answer."""


class Direction(StrEnum):
    """From the first event on, or from the last one back."""

    FORWARD = "forward"
    BACKWARD = "backward"


class BeyondTheLog(Refusal):
    """The log has not got there yet, or this position is of another epoch. Ask for an earlier one."""

    code = "beyond-the-log"
    kind = RefusalKind.INVALID


class HistoryFilters(BaseModel):
    """Which events to show; all that are named must hold. Lists match any of their values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stream: str | None = Field(default=None, description="One stream, as `category:id`.")
    category: str | None = Field(default=None, description="All streams of one kind.")
    name: list[str] = Field(default_factory=list, description="Event names; `-name` leaves one out.")
    actor: list[str] = Field(
        default_factory=list, description="Actor ids or kinds; `-` before one leaves it out."
    )
    correlation: UUID | None = Field(default=None, description="Everything that one command led to.")
    command: UUID | None = Field(default=None, description="The events of one command.")
    after: Moment | None = Field(default=None, description="From this moment on (with its offset).")
    before: Moment | None = Field(default=None, description="Until before this moment (with its offset).")

    def digest(self) -> str:
        """What a cursor remembers of the filters."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An event as it is shown."""

    position: int
    recorded_at: datetime
    stream: str
    version: int
    name: str
    schema_version: int
    payload: dict[str, Any]
    actor: dict[str, Any]
    command: str | None
    command_name: str | None
    correlation: str | None
    causation: str | None
    request: str | None
    channel: str | None
    reason: str | None
    ip: str | None


SHOWN: Final = tuple(field.name for field in dataclasses.fields(HistoryEvent))
CONTEXT: Final = SHOWN[SHOWN.index("command") :]
"""What led to an event, by the names that its metadata have; each may be unknown."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some events, and how to go on. `scanned` counts the events looked at, so that a filter that hides says so."""

    events: tuple[HistoryEvent, ...]
    next: str | None
    head: Head
    scanned: int


@dataclass(frozen=True, slots=True)
class StateAt:
    """A stream's state after the events up to a position, and the last event that shaped it."""

    stream: str
    version: int
    position: int
    as_of: datetime | None
    state: dict[str, Any]


class Replay:
    """Answers from the log of one tenant at a time."""

    def __init__(self, log: TenantLog, codec: EventCodec) -> None:
        """Read from `log`."""
        self._log = log
        self._codec = codec

    async def history(
        self,
        tenant_id: UUID,
        filters: HistoryFilters,
        *,
        direction: Direction = Direction.FORWARD,
        cursor: str | None = None,
        limit: int = 50,
        until: int | None = None,
        reveal: bool = False,
        evidence: bool = False,
    ) -> HistoryPage:
        """A page of events, of those up to the position `until` where that is given.

        Looks at no more than 50,000 events for one page; then `next` goes on from there.
        """
        head = await self._head(tenant_id)
        low, high = await self._bounds(head, filters)
        high = high if until is None else min(high, until)
        if cursor is not None:
            reached = _reached(cursor, filters, direction, head)
            low, high = (
                (max(low, reached), high) if direction is Direction.FORWARD else (low, min(high, reached - 1))
            )
        rows: list[Recorded] = []
        scanned, at = 0, low if direction is Direction.FORWARD else high + 1
        more = False
        async for chunk in self._chunks(tenant_id, filters, low, high, direction):
            for row in chunk:
                scanned += 1
                if self._matches(row, filters):
                    if len(rows) == limit:
                        more = True
                        break
                    rows.append(row)
                at = row.position
            if more or scanned >= _SCAN_AT_MOST:
                more = True
                break
        ends = high if direction is Direction.FORWARD else low + 1
        going_on = more and at != ends
        following = _cursor(filters, direction, head.epoch, at) if going_on else None
        return HistoryPage(
            tuple(self._shown(rows, reveal=reveal, evidence=evidence)), following, head, scanned
        )

    async def events(
        self, tenant_id: UUID, filters: HistoryFilters, *, reveal: bool = False, evidence: bool = False
    ) -> AsyncIterator[HistoryEvent]:
        """Every matching event up to the head at the start, in order, in bounded memory: for exports."""
        head = await self._head(tenant_id)
        low, high = await self._bounds(head, filters)
        async for chunk in self._chunks(tenant_id, filters, low, high, Direction.FORWARD):
            for shown in self._shown(
                [row for row in chunk if self._matches(row, filters)], reveal=reveal, evidence=evidence
            ):
                yield shown

    async def positions(
        self, tenant_id: UUID, after: datetime | None, before: datetime | None
    ) -> tuple[int, int]:
        """The positions (exclusive, inclusive) of a period, from `after` on until before `before`."""
        head = await self._head(tenant_id)
        return await self._bounds(head, HistoryFilters(after=after, before=before))

    async def state(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        at: Position | datetime | None = None,
        reveal: bool = False,
        evidence: bool = False,
    ) -> StateAt:
        """A stream's state as of a position or a moment (both included); now, without either."""
        rows, last = await self.events_of(tenant_id, stream, at)
        state = DECIDERS[rows[0].category].fold(self._codec.decode(rows, reveal=reveal, evidence=evidence))
        return StateAt(stream, rows[-1].version, last, rows[-1].recorded_at, plain(state))

    async def events_of(
        self, tenant_id: UUID, stream: str, at: Position | datetime | None
    ) -> tuple[list[Recorded], int]:
        """A stream's events up to a position or a moment, one at least, and the position that this is of the log.

        Raises `NotFound` where it was not there, and for streams whose ids are pseudonyms.
        """
        head = await self._head(tenant_id)
        category, _, key = stream.partition(":")
        if category not in DECIDERS or category in PSEUDONYMOUS or not key:
            raise NotFound
        last = await self._position(head, at)
        (rows,) = await self._log.read_streams(tenant_id, [(stream, 0)], up_to_position=last)
        if not rows:
            raise NotFound
        return rows, last

    async def difference(
        self,
        tenant_id: UUID,
        stream: str,
        earlier: Position | datetime,
        later: Position | datetime | None = None,
        *,
        reveal: bool = False,
        evidence: bool = False,
    ) -> tuple[StateAt | None, StateAt, tuple[FieldChange, ...]]:
        """What changed in a stream between two moments, field by field; it may not have been there at the first."""
        after = await self.state(tenant_id, stream, at=later, reveal=reveal, evidence=evidence)
        try:
            before = await self.state(tenant_id, stream, at=earlier, reveal=reveal, evidence=evidence)
        except NotFound:
            before = None
        return before, after, tuple(differences(before.state if before else {}, after.state))

    async def _head(self, tenant_id: UUID) -> Head:
        head = await self._log.head(tenant_id)
        if head is None:
            raise NotFound
        return head

    async def _bounds(self, head: Head, filters: HistoryFilters) -> tuple[int, int]:
        """The positions (exclusive, inclusive) that the filters' moments leave."""
        low, high = 0, head.position
        if filters.after is not None:
            low = await last_before(self._log, head, filters.after, inclusive=False)
        if filters.before is not None:
            high = await last_before(self._log, head, filters.before, inclusive=False)
        return low, high

    async def _position(self, head: Head, at: Position | datetime | None) -> int:
        if at is None:
            return head.position
        if isinstance(at, Position):
            if at.epoch > head.epoch or at.n > head.position:
                raise BeyondTheLog
            return at.n
        return await last_before(self._log, head, at, inclusive=True)

    async def _chunks(
        self, tenant_id: UUID, filters: HistoryFilters, low: int, high: int, direction: Direction
    ) -> AsyncIterator[list[Recorded]]:
        """The rows between two positions, some at a time: of the whole log, or by version of the stream asked for."""
        stream = filters.stream
        if stream is not None:
            low = await self._version_at(tenant_id, stream, low)
            high = await self._version_at(tenant_id, stream, high)
        while low < high:
            forward = direction is Direction.FORWARD
            start, end = (low, min(low + _SCAN, high)) if forward else (max(low, high - _SCAN), high)
            low, high = (end, high) if forward else (low, start)
            if stream is None:
                rows = await self._log.read_log(tenant_id, after=start, limit=_SCAN, up_to=end)
            else:
                rows = await self._log.read_stream(tenant_id, stream, after=start, limit=_SCAN, up_to=end)
            yield rows if forward else rows[::-1]

    async def _version_at(self, tenant_id: UUID, stream: str, position: int) -> int:
        """A stream's version as of a position, without reading what lies between; 0 before its first event."""
        newest = await self._log.read_stream(tenant_id, stream, limit=1, newest_first=True)
        if not newest or position <= 0:
            return 0
        low, high = 0, newest[0].version
        if newest[0].position <= position:
            return high
        (at,) = await self._log.read_log(tenant_id, after=position - 1, limit=1, up_to=position)
        if at.stream == stream:
            return at.version
        while low < high:
            middle = (low + high + 1) // 2
            (row,) = await self._log.read_stream(tenant_id, stream, after=middle - 1, limit=1, up_to=middle)
            low, high = (middle, high) if row.position <= position else (low, middle - 1)
        return low

    def _matches(self, row: Recorded, filters: HistoryFilters) -> bool:
        if filters.category is not None and row.category != filters.category:
            return False
        if filters.name and not _picked([row.name], filters.name):
            return False
        if not (filters.actor or filters.correlation or filters.command):
            return True
        metadata = orjson.loads(row.metadata) if row.metadata else {}
        actor = metadata.get("actor") or {}
        who = [str(actor[part]) for part in ("id", "kind", "member", "grant") if actor.get(part)]
        return (
            (not filters.actor or _picked(who, filters.actor))
            and (filters.correlation is None or metadata.get("correlation") == str(filters.correlation))
            and (filters.command is None or metadata.get("command") == str(filters.command))
        )

    def _shown(self, rows: list[Recorded], *, reveal: bool, evidence: bool) -> Iterable[HistoryEvent]:
        payloads = self._codec.payloads(rows, reveal=reveal, evidence=evidence)
        contexts = self._codec.metadata(rows, reveal=reveal, evidence=evidence)
        for row, payload, context in zip(rows, payloads, contexts, strict=True):
            yield HistoryEvent(
                position=row.position,
                recorded_at=row.recorded_at.astimezone(UTC),
                stream=row.category if row.category in PSEUDONYMOUS else row.stream,
                version=row.version,
                name=row.name,
                schema_version=row.schema_version,
                payload=payload,
                actor=context.get("actor") or {},
                **{part: context.get(part) for part in CONTEXT},
            )


def _picked(values: list[str], wanted: list[str]) -> bool:
    """Whether any value is wanted and none is left out by a leading `-`."""
    excluded = {word[1:] for word in wanted if word.startswith("-")}
    included = {word for word in wanted if not word.startswith("-")}
    return not excluded.intersection(values) and (not included or bool(included.intersection(values)))


def _cursor(filters: HistoryFilters, direction: Direction, epoch: int, position: int) -> str:
    raw = f"h1.{filters.digest()}.{direction.value}.{epoch}.{position}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _reached(cursor: str, filters: HistoryFilters, direction: Direction, head: Head) -> int:
    """The position a cursor stands at. Raises `CursorMismatch`."""
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        kind, digest, way, epoch, position = raw.decode("ascii").split(".")
        if (kind, digest, way, int(epoch)) != ("h1", filters.digest(), direction.value, head.epoch):
            raise CursorMismatch
        return int(position)
    except ValueError as error:
        raise CursorMismatch from error
