"""Causes: the command behind an event, what else it led to, and whence it came itself, as a tree.

A command makes events; an event makes jobs due, whose ids follow from it; a job gives commands under its id, and so on.
All of them have the correlation of the first command. The log has no index of correlations, so stretches of it are
looked at: from when the first command was given (its id tells), around the event that is asked about, and from when
each job was due. Which stretches these were is told, and whether they were all there is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

import orjson

from application.as_of import last_before
from application.replay import PSEUDONYMOUS, BeyondTheLog
from domain.kernel.errors import NotFound
from domain.kernel.moments import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from application.ports.codec import EventCodec
    from application.ports.log import Head, Recorded, TenantLog

    Span = tuple[int, int]

FROM_THE_FIRST: Final = 30_000
AROUND: Final = 10_000
FROM_A_JOB: Final = 2_000
JOBS_FOLLOWED: Final = 20
MOST_EVENTS: Final = 1_000
ABOVE: Final = 8
BELOW: Final = 20
_ROUNDS: Final = 3
_SKEW: Final = timedelta(minutes=1)
_CHUNK: Final = 1_000
_VERSION_7: Final = 7
_LAST: Final = LATEST.timestamp() * 1000


class DueJob(Protocol):
    """A job that an event makes due."""

    @property
    def job_id(self) -> UUID:
        """Under which its commands act."""

    @property
    def workflow(self) -> str:
        """What it does."""

    @property
    def subject_id(self) -> str:
        """The thing that it is about."""

    @property
    def position(self) -> int:
        """Of the event."""

    @property
    def due_at(self) -> Any:
        """When it is due: a moment, or the text of one."""


@dataclass(slots=True)
class Job:
    """A job, and the commands that it gave."""

    due: DueJob
    commands: list[Command] = field(default_factory=list)


@dataclass(slots=True)
class Event:
    """An event, and the jobs that it made due."""

    recorded: Recorded
    jobs: list[Job] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """Its stream; of one whose id is a pseudonym, the kind alone."""
        category = self.recorded.category
        return category if category in PSEUDONYMOUS else self.recorded.stream


@dataclass(slots=True)
class Command:
    """A command: its events, and the commands that it gave itself, without a job. `context`: its metadata."""

    id: str
    context: Mapping[str, Any]
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    above: Command | None = None

    @property
    def begins(self) -> int:
        """Position of its first event."""
        return self.events[0].recorded.position

    def below(self) -> Iterable[Command]:
        """The commands that follow from it at once."""
        for event in self.events:
            for job in event.jobs:
                yield from job.commands
        yield from self.commands


@dataclass(frozen=True, slots=True)
class Causes:
    """A tree. `first` is the uppermost command that is shown, `above` how many lie above it.

    `looked_at`: stretches of positions (exclusive, inclusive); `complete`: they are all in which anything of it can be.
    """

    position: int
    correlation: str
    first: Command
    above: int
    events: int
    looked_at: tuple[Span, ...]
    complete: bool
    head: Head


class Tracing:
    """Finds causes in the log of one tenant at a time."""

    def __init__(
        self,
        log: TenantLog,
        codec: EventCodec,
        begun: Callable[[Sequence[Recorded]], Iterable[DueJob]],
    ) -> None:
        """`begun` tells the jobs that events make due."""
        self._log = log
        self._codec = codec
        self._begun = begun

    async def of_position(
        self, tenant_id: UUID, position: int, *, reveal: bool = False, evidence: bool = False
    ) -> Causes:
        """The tree that the event at a position is in. Raises `BeyondTheLog`, `NotFound` for position 0."""
        head = await self._log.head(tenant_id)
        if head is None or position > head.position:
            raise BeyondTheLog
        rows = await self._log.read_log(tenant_id, after=position - 1, limit=1, up_to=position)
        if position < 1 or not rows or not _ids_of(rows[0])[0]:
            raise NotFound
        return await self._of(head, rows[0], reveal=reveal, evidence=evidence)

    async def of_id(
        self, tenant_id: UUID, id_: UUID, *, reveal: bool = False, evidence: bool = False
    ) -> Causes:
        """The tree of a command, by its id or by the correlation that all of it has.

        Looks from the moment that the id tells. Raises `NotFound` where no event of it is near.
        """
        head, at = await self._log.head(tenant_id), moment_of(id_)
        if head is None or at is None:
            raise NotFound
        start = await last_before(self._log, head, at - _SKEW, inclusive=False)
        for after in range(start, min(head.position, start + AROUND), _CHUNK):
            for row in await self._log.read_log(tenant_id, after=after, limit=_CHUNK):
                if str(id_).encode() in row.metadata and str(id_) in _ids_of(row):
                    return await self._of(head, row, reveal=reveal, evidence=evidence)
        raise NotFound

    async def _of(self, head: Head, asked: Recorded, *, reveal: bool, evidence: bool) -> Causes:
        correlation, _ = _ids_of(asked)
        looking = _Looking(self._log, head, correlation, {asked.position: asked})
        at = moment_of(UUID(correlation))
        since = 0
        if at is not None and at - _SKEW <= asked.recorded_at:
            since = await last_before(self._log, head, at - _SKEW, inclusive=False)
            await looking.at((since, since + FROM_THE_FIRST))
        await looking.at((max(since, asked.position - AROUND), asked.position + AROUND))
        jobs: dict[int, list[DueJob]] = {}
        for _ in range(_ROUNDS):
            new = [looking.found[n] for n in sorted(looking.found) if n not in jobs]
            if not new or looking.full:
                break
            jobs |= {row.position: [] for row in new}
            for due in self._begun(new):
                jobs[due.position].append(due)
                if len(looking.spans) < JOBS_FOLLOWED:
                    start = await last_before(self._log, head, _moment(due.due_at), inclusive=False)
                    await looking.at((start, start + FROM_A_JOB))
        rows = [looking.found[n] for n in sorted(looking.found)]
        contexts = self._codec.metadata(rows, reveal=reveal, evidence=evidence)
        commands = _grown(rows, contexts, jobs)
        (mine,) = (one for one in commands if any(e.recorded.position == asked.position for e in one.events))
        path = [mine]
        while (over := path[-1].above) is not None:
            path.append(over)
        shown = path[min(ABOVE, len(path) - 1)]
        spans = looking.merged()
        return Causes(
            position=asked.position,
            correlation=correlation,
            first=shown,
            above=len(path) - 1 - path.index(shown),
            events=len(rows),
            looked_at=spans,
            complete=not looking.full and at is not None and spans == ((since, head.position),),
            head=head,
        )


@dataclass(slots=True)
class _Looking:
    """What was found of a correlation so far, and where it was looked for."""

    log: TenantLog
    head: Head
    correlation: str
    found: dict[int, Recorded] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether no more is taken."""
        return len(self.found) >= MOST_EVENTS

    async def at(self, span: Span) -> None:
        """Look at a stretch, but for what was looked at."""
        needle = self.correlation.encode()
        for low, high in self._new(span[0], min(span[1], self.head.position)):
            at = low
            while at < high and not self.full:
                rows = await self.log.read_log(self.head.tenant_id, after=at, limit=_CHUNK, up_to=high)
                for row in rows:
                    if needle in row.metadata and _ids_of(row)[0] == self.correlation:
                        self.found[row.position] = row
                at = rows[-1].position
            if at > low:
                self.spans.append((low, at))

    def _new(self, low: int, high: int) -> Iterable[Span]:
        for begin, end in self.merged():
            if begin > low:
                yield low, min(begin, high)
            low = max(low, end)
        if low < high:
            yield low, high

    def merged(self) -> tuple[Span, ...]:
        """The stretches, in order, those that touch as one."""
        merged: list[Span] = []
        for low, high in sorted(self.spans):
            if merged and low <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(high, merged[-1][1])
            else:
                merged.append((low, high))
        return tuple(merged)


def _grown(
    rows: Sequence[Recorded], contexts: Sequence[Mapping[str, Any]], jobs: Mapping[int, Sequence[DueJob]]
) -> list[Command]:
    """The commands, each under the job or the command that gave it; one whose cause was not found has none above."""
    commands: dict[str, Command] = {}
    of_job: dict[str, tuple[Command, Job]] = {}
    for row, context in zip(rows, contexts, strict=True):
        id_ = str(context.get("command") or row.position)
        command = commands.setdefault(id_, Command(id_, context))
        event = Event(row, [Job(due) for due in jobs.get(row.position, ())])
        command.events.append(event)
        of_job |= {str(job.due.job_id): (command, job) for job in event.jobs}
    for command in commands.values():
        actor = command.context.get("actor") or {}
        given = of_job.get(str(actor.get("id")))
        cause = commands.get(str(command.context.get("causation")))
        if given is not None and given[0].begins < command.begins:
            command.above = given[0]
            given[1].commands.append(command)
        elif cause is not None and cause.begins < command.begins:
            command.above = cause
            cause.commands.append(command)
    return list(commands.values())


def _ids_of(row: Recorded) -> tuple[str, str]:
    """Correlation and command of an event."""
    metadata = orjson.loads(row.metadata) if row.metadata else {}
    return str(metadata.get("correlation") or ""), str(metadata.get("command") or "")


def moment_of(id_: UUID) -> datetime | None:
    """When an id of version 7 was made; others do not tell."""
    milliseconds = id_.int >> 80
    if id_.version != _VERSION_7 or milliseconds > _LAST:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _moment(told: Any) -> datetime:
    return told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
