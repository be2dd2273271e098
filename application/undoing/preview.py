"""What undoing a command would take, what it would do now, and what it leaves as it is. Asking changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from application.batch import problems_of
from application.orders import Order
from application.plain import differences
from application.ports.positions import Position
from application.replay import PSEUDONYMOUS
from application.showing import is_pseudonym
from application.undoing.filling import Filled, Told, filled
from application.undoing.following import Following, following
from domain.kernel.commands import DECIDERS
from domain.kernel.errors import NotFound, Refusal
from domain.undoing.table import WAYS
from domain.undoing.ways import WORDS, Along, Never, Undone, Way, along_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
    from uuid import UUID

    from application.causes import Causes, Command, Tracing
    from application.commanding import Commands
    from application.orders import Outcome
    from application.ports.codec import EventCodec
    from application.ports.log import Recorded, TenantLog
    from application.principals import Principal
    from application.replay import Replay
    from application.state_cache import Folded

MOST_EVENTS: Final = 100
MOST_COMMANDS: Final = 20
MOST_STREAMS: Final = 10
_EARLIER: Final = 100


class Verdict(StrEnum):
    """Whether a command may be undone, as things are now."""

    YES = "yes"
    WITH_CONSEQUENCES = "with_consequences"
    NEEDS_WORDS = "needs_words"
    """Fields are missing that somebody has to give."""
    NOT_NOW = "not_now"
    """The rules refuse what would undo it."""
    NO_NEED = "no_need"
    """What would undo it would change nothing: it is undone."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event of the command, and how it is undone."""

    recorded: Recorded
    stream: str
    way: Way
    along: bool
    """Undone along with another event of the same command."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A command that would undo it, and what the dry run said. Neither: it lacks fields."""

    filled: Filled
    outcome: Outcome | None = None
    refusal: Refusal | None = None
    errors: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is not undone, or not wholly. `position`: of the event that stands in the way, or does not go back."""

    code: str
    detail: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What undoing a command would take."""

    verdict: Verdict
    command: Command
    events: tuple[EventLine, ...]
    by: tuple[Rehearsed, ...]
    reasons: tuple[Reason, ...]
    rests: Following
    causes: Causes
    complete: bool
    """Whether nothing else can rest on it than what is told."""


class Undoing:
    """Looks at what undoing would take, in the log of one tenant at a time."""

    def __init__(
        self, log: TenantLog, codec: EventCodec, replay: Replay, causes: Tracing, commands: Commands
    ) -> None:
        """Rehearse with `commands`."""
        self._log = log
        self._codec = codec
        self._replay = replay
        self._causes = causes
        self._commands = commands

    async def of(
        self,
        principal: Principal,
        asked: int | UUID,
        *,
        reveal: bool = False,
        evidence: bool = False,
    ) -> Preview:
        """Of the command that made the event at a position, or of a command by its id.

        Raises as `Tracing` does.
        """
        tenant_id, seen = principal.tenant_id, {"reveal": reveal, "evidence": evidence}
        if isinstance(asked, int):
            causes = await self._causes.of_position(tenant_id, asked, **seen)
        else:
            causes = await self._causes.of_id(tenant_id, asked, **seen)
        command = _named(causes.first, causes.position, None if isinstance(asked, int) else str(asked))
        rows = [event.recorded for event in command.events]
        shown = rows[:MOST_EVENTS]
        names = {row.name for row in rows}
        lines = tuple(_line(row, names) for row in shown)
        rests = await following(self._log, causes.head, command)
        proposals = [one for line in reversed(lines) for one in await self._proposed(line, seen)]
        told = {one.of for one in proposals}
        proposals = _each_once(proposals)
        rehearsed = tuple(await self._rehearsed(principal, proposals[:MOST_COMMANDS]))
        reasons = [*_why_not(lines, told), *_refused(rehearsed), *_gone(rests)]
        reasons += [one async for one in self._superseded(causes, rows, seen)]
        complete = causes.complete and not rests.more
        if not complete:
            reasons.append(Reason("not_all_looked_at", "More may rest on it than what was looked at."))
        if len(rows) > len(shown) or len(proposals) > MOST_COMMANDS:
            reasons.append(
                Reason(
                    "too_many", f"Only the first {MOST_EVENTS} events and {MOST_COMMANDS} commands are shown."
                )
            )
        verdict = _verdict(rehearsed, reasons, rests)
        return Preview(verdict, command, lines, rehearsed, tuple(reasons), rests, causes, complete)

    async def _proposed(self, line: EventLine, seen: Mapping[str, bool]) -> tuple[Filled, ...]:
        if line.along or not isinstance(line.way, Undone):
            return ()
        row, tenant_id = line.recorded, line.recorded.tenant_id
        sources = {
            value.pointer.split("/")[1]
            for one in line.way.by
            for value in (*one.fields.values(), *one.spread)
            if hasattr(value, "pointer")
        }
        (event,) = self._codec.payloads([row], reveal=seen["reveal"], evidence=seen["evidence"])
        before: Mapping[str, Any] = {}
        earlier: Sequence[Mapping[str, Any]] = ()
        if "before" in sources and row.version > 1:
            head = await self._log.head(tenant_id)
            at = Position(head.epoch if head else 1, row.position - 1)
            before = (await self._replay.state(tenant_id, row.stream, at=at, **seen)).state
        if "earlier" in sources and row.version > 1:
            rows = await self._log.read_stream(
                tenant_id, row.stream, up_to=row.version - 1, limit=_EARLIER, newest_first=True
            )
            earlier = self._codec.payloads(rows, reveal=seen["reveal"], evidence=seen["evidence"])
        key = row.stream.partition(":")[2]
        return filled(line.way, Told(row.position, row.name, key, row.version, event, before, earlier))

    async def _rehearsed(self, principal: Principal, proposals: Sequence[Filled]) -> list[Rehearsed]:
        """What each would do after those before it. A dry run, as its door makes one: for who asks, and as they may."""
        overlay: MutableMapping[str, Folded] = {}
        done: list[Rehearsed] = []
        for one in proposals:
            if one.lacks:
                done.append(Rehearsed(one))
                continue
            try:
                command = one.kind.model_validate_json(orjson.dumps(one.body))
                order = Order(principal, command, one.target, b"")
                done.append(Rehearsed(one, outcome=await self._commands.rehearse(order, overlay)))
            except ValidationError as error:
                done.append(Rehearsed(one, errors=tuple(problems_of(error))))
            except Refusal as refusal:
                done.append(Rehearsed(one, refusal=refusal))
        return done

    async def _superseded(
        self, causes: Causes, rows: Sequence[Recorded], seen: Mapping[str, bool]
    ) -> AsyncIterator[Reason]:
        """Fields that these events changed and that something later changed again: undoing would overwrite that.

        Of values that who asks may not read nobody tells whether they changed.
        """
        tenant_id, epoch = causes.head.tenant_id, causes.head.epoch
        first, last = rows[0].position, rows[-1].position
        streams = dict.fromkeys(row.stream for row in rows if row.category not in PSEUDONYMOUS)
        for stream in list(streams)[:MOST_STREAMS]:
            if stream.partition(":")[0] not in DECIDERS:
                continue
            try:
                before = (
                    await self._replay.state(tenant_id, stream, at=Position(epoch, first - 1), **seen)
                ).state
            except NotFound:
                continue  # it begins here: whatever came later is listed as what rests on it
            then = (await self._replay.state(tenant_id, stream, at=Position(epoch, last), **seen)).state
            now = (await self._replay.state(tenant_id, stream, at=None, **seen)).state
            mine = {one.path for one in differences(before, then)}
            later = {one.path for one in differences(then, now)}
            for path in sorted(mine & later - {"/version"}):
                if not is_pseudonym(path):
                    yield Reason("changed_since", f"{path} of {stream} was changed again since.")


def _named(command: Command, position: int, id_: str | None) -> Command:
    """The command of a tree that has an id, or the event at a position."""
    waiting = [command]
    by_position: Command | None = None
    while waiting:
        one = waiting.pop()
        if id_ is not None and one.id == id_:
            return one
        if any(event.recorded.position == position for event in one.events):
            by_position = one
        waiting += one.below()
    if by_position is None:
        raise NotFound
    return by_position


def _line(row: Recorded, names: set[str]) -> EventLine:
    way = WAYS[row.name]
    stream = row.category if row.category in PSEUDONYMOUS else row.stream
    return EventLine(row, stream, way, not names.isdisjoint(along_with(way)))


def _each_once(proposals: Sequence[Filled]) -> list[Filled]:
    found: list[Filled] = []
    for one in proposals:
        if not any(
            (one.kind, one.target, one.body, one.lacks) == (other.kind, other.target, other.body, other.lacks)
            for other in found
        ):
            found.append(one)
    return found


def _why_not(lines: Sequence[EventLine], told: set[int]) -> list[Reason]:
    """`told`: positions of the events for which there is a command."""
    found = []
    for line in lines:
        at, way = line.recorded.position, line.way
        if line.along:
            continue
        if isinstance(way, Never):
            found.append(Reason(way.why.value, f"{WORDS[way.why]} {way.instead}".strip(), at))
        elif isinstance(way, Along):
            found.append(
                Reason("follows_from_others", f"It is undone along with {', '.join(way.events)}.", at)
            )
        elif at not in told:
            found.append(Reason("not_told", "The log does not tell what was before it.", at))
    return found


def _refused(rehearsed: Sequence[Rehearsed]) -> list[Reason]:
    found = []
    for one in rehearsed:
        command = f"{one.filled.kind.context}/{one.filled.kind.slug}"
        if one.refusal is not None:
            found.append(Reason(one.refusal.code, f"{command}: {one.refusal.detail}", one.filled.of))
        elif one.errors:
            found.append(Reason("body-invalid", f"{command}: {one.errors[0].get('detail')}", one.filled.of))
    return found


_GONE: Final = {
    "messages": "A message was handed over: mail that is sent stays sent.",
    "letters": "A letter was handed over: it stays sent.",
    "checkpoints": "Checkpoints were posted outside: they stay there.",
    "deliveries": "Files were delivered: they stay where they are.",
    "asked_of_the_gateway": "The payment provider was asked to change something.",
    "disclosures": "Data were disclosed to the person: that stays so.",
    "keys_destroyed": "A key was destroyed: what it opened is gone.",
    "files_destroyed": "Files were destroyed.",
    "secrets_destroyed": "A secret was destroyed.",
}


def _gone(rests: Following) -> list[Reason]:
    return [Reason(f"out_of_reach.{kind}", _GONE[kind], row.position) for kind, row in rests.out_of_reach()]


def _verdict(rehearsed: Sequence[Rehearsed], reasons: Sequence[Reason], rests: Following) -> Verdict:
    if not rehearsed:
        return Verdict.NEVER
    tried = [one for one in rehearsed if not one.filled.lacks]
    taken = [one for one in tried if one.outcome is not None]
    if not tried:
        return Verdict.NEEDS_WORDS
    if not taken:
        return Verdict.NOT_NOW
    if not any(one.outcome is not None and one.outcome.rehearsed for one in taken):
        return Verdict.NO_NEED
    if len(taken) < len(rehearsed) or reasons or rests.events or rests.jobs or rests.made_from:
        return Verdict.WITH_CONSEQUENCES
    return Verdict.YES
