"""Batches: one command a line, thousands a request, answers in the order of the lines.

Each line is `{"id": ..., "command": "audience/create-contact", "target": "<uuid>" | "new", "body": {...}}`. Its `id` is
its idempotency key: after a broken connection the same lines are sent again. Lines about one stream apply in their
order; a line that fails stops no other.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from application.orders import in_one_form
from application.ports.log import LogError
from domain.kernel.commands import COMMANDS
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.personal import BRANCH_MARK, BRANCH_VALUE
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic_core import ErrorDetails

    from application.commanding import Commands
    from application.orders import Order, Outcome
    from application.unit import Folded
    from domain.kernel.commands import Command

_UNDER_WAY: Final = 128


class LineUnreadable(Refusal):
    """The line is not what a batch takes: a JSON object with `id`, `command`, `target` and `body`."""

    code = "line-unreadable"
    kind = RefusalKind.INVALID


class UnknownCommand(Refusal):
    """There is no such command. The OpenAPI document lists them all."""

    code = "unknown-command"
    kind = RefusalKind.NOT_FOUND


class NotInABatch(Refusal):
    """A command whose answer holds a secret is not for batches. Send it by itself."""

    code = "not-in-a-batch"
    kind = RefusalKind.INVALID


class BodyInvalid(Refusal):
    """The body is not what this command takes. See `errors`: each names a field and what is wrong with it."""

    code = "body-invalid"
    kind = RefusalKind.INVALID


class Line(BaseModel):
    """One line of a batch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
    command: Annotated[str, StringConstraints(pattern=r"^[a-z_]+/[a-z-]+$")]
    target: UUID | Literal["new"]
    body: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What became of a line: an outcome, or an error for the door to put into words."""

    number: int
    id: str | None
    outcome: Outcome | None = None
    error: Exception | None = None


class Batches:
    """Runs batches over the one command path."""

    def __init__(self, commands: Commands) -> None:
        """Execute with `commands`."""
        self._commands = commands

    async def run(
        self,
        template: Callable[[Command, UUID | None, bytes, str], Order],
        lines: AsyncIterator[bytes | Refusal],
        *,
        dry_run: bool = False,
        admit: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[LineAnswer]:
        """Answer each line in order. `template` makes the order of a command, its target, its body and its id.

        A line may be a refusal already (too long, say). `admit` is awaited before each command (rate limits); what it
        raises is that line's answer. At most 128 lines are under way; when the reader of the answers goes away, those
        are finished and no more begun. A dry run folds the accepted lines before it in, virtually.
        """
        run = _Run(self._commands, template, admit, overlay={} if dry_run else None)
        window: deque[asyncio.Task[LineAnswer]] = deque()
        coming = _Coming(lines)
        number = 0
        try:
            while True:
                coming.moved.clear()
                while len(window) < _UNDER_WAY and coming.ready():
                    raw = coming.take()
                    if isinstance(raw, bytes) and not raw.strip():
                        continue
                    number += 1
                    task = run.begin(number, raw)
                    task.add_done_callback(coming.note)
                    window.append(task)
                while window and window[0].done():
                    yield window.popleft().result()
                if coming.over() and not window:
                    coming.check()
                    return
                if not (window and window[0].done()) and (len(window) >= _UNDER_WAY or not coming.ready()):
                    await coming.moved.wait()
        finally:
            await coming.stop()
            await asyncio.gather(*window, return_exceptions=True)


class _Coming:
    """Lines on their way in, read ahead; `moved` is set when one came, when they end, and when an answer is ready.

    So an answer goes out when it is there, whether or not another line has come.
    """

    def __init__(self, lines: AsyncIterator[bytes | Refusal]) -> None:
        self.moved = asyncio.Event()
        self._kept: deque[bytes | Refusal] = deque()
        self._room = asyncio.Event()
        self._reading = asyncio.create_task(self._read(lines))
        self._reading.add_done_callback(self.note)

    def note(self, _: object) -> None:
        """Something is to be looked at."""
        self.moved.set()

    async def _read(self, lines: AsyncIterator[bytes | Refusal]) -> None:
        async for line in lines:
            self._kept.append(line)
            self.moved.set()
            while len(self._kept) >= _UNDER_WAY:
                self._room.clear()
                await self._room.wait()

    def ready(self) -> bool:
        """Whether a line is there."""
        return bool(self._kept)

    def take(self) -> bytes | Refusal:
        """The next line."""
        self._room.set()
        return self._kept.popleft()

    def over(self) -> bool:
        """Whether the last line was taken."""
        return not self._kept and self._reading.done()

    def check(self) -> None:
        """Raise what broke the lines off, if anything did."""
        self._reading.result()

    async def stop(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


class _Run:
    """One batch under way: who must wait for whom."""

    def __init__(
        self,
        commands: Commands,
        template: Callable[[Command, UUID | None, bytes, str], Order],
        admit: Callable[[], Awaitable[None]] | None,
        overlay: dict[str, Folded] | None,
    ) -> None:
        self._commands = commands
        self._template = template
        self._admit = admit
        self._overlay = overlay
        self._last: dict[UUID, asyncio.Task[LineAnswer]] = {}
        self._previous: asyncio.Task[LineAnswer] | None = None

    def begin(self, number: int, raw: bytes | Refusal) -> asyncio.Task[LineAnswer]:
        """Start a line after those it must follow: of its stream, or all before it in a dry run."""
        try:
            line, command = read_line(raw)
        except Refusal as refusal:
            return asyncio.create_task(_answered(LineAnswer(number, _id_of(raw), error=refusal)))
        target = None if line.target == "new" else line.target
        after = self._previous
        if self._overlay is None:
            after = None if target is None else self._last.get(target)
        task = asyncio.create_task(self._one(number, line, command, target, after))
        self._previous = task
        if target is not None:
            self._last[target] = task
            if len(self._last) > 4 * _UNDER_WAY:
                self._last = {key: kept for key, kept in self._last.items() if not kept.done()}
        return task

    async def _one(
        self,
        number: int,
        line: Line,
        command: Command,
        target: UUID | None,
        after: asyncio.Task[LineAnswer] | None,
    ) -> LineAnswer:
        if after is not None:
            await asyncio.wait([after])
        try:
            if self._admit is not None:
                await self._admit()
            order = self._template(command, target, in_one_form(line.body), line.id)
            if self._overlay is None:
                return LineAnswer(number, line.id, await self._commands.execute(order))
            return LineAnswer(number, line.id, await self._commands.rehearse(order, self._overlay))
        except (Refusal, LogError) as error:
            return LineAnswer(number, line.id, error=error)


async def _answered(answer: LineAnswer) -> LineAnswer:
    return answer


def read_line(raw: bytes | Refusal) -> tuple[Line, Command]:
    """A line and its command. Raises a `Refusal` that names the field."""
    if isinstance(raw, Refusal):
        raise raw
    try:
        line = Line.model_validate_json(raw)
    except ValidationError as error:
        raise LineUnreadable(errors=problems_of(error)) from None
    if twice := repeated(raw):
        raise LineUnreadable(errors=twice)
    context, _, slug = line.command.partition("/")
    kind = COMMANDS.by_route.get((context, slug))
    if kind is None or kind.internal:
        raise UnknownCommand
    if issubclass(kind, SecretCommand):
        raise NotInABatch
    try:
        return line, kind.model_validate_json(in_one_form(line.body))
    except ValidationError as error:
        raise BodyInvalid(errors=problems_of(error, "/body")) from None


def problems_of(error: ValidationError, under: str = "") -> list[dict[str, str]]:
    """Field errors as JSON pointers, codes and words, at most 50; never the value."""
    return [
        {
            "pointer": under + _pointer(one["loc"]),
            "code": one["type"],
            "detail": words_of(one),
        }
        for one in error.errors(include_input=False, include_url=False, include_context=False)[:_ERRORS_TOLD]
        if BRANCH_MARK not in one["loc"]
    ]


def words_of(fault: ErrorDetails) -> str:
    """What is wrong with a field, in our words: a rule's own, without what the library puts before them."""
    words = _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    if fault["type"] == _PATTERN:
        words = next((form for pattern, form in _FORMS.items() if f"'{pattern}'" in fault["msg"]), words)
    return _MEMBER.sub(r"\1", words)


def repeated(body: bytes) -> list[dict[str, str]]:
    """The fault of a body, which is JSON, that names one thing twice; none where it is too long to look through."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, object]]) -> None:
        if len(pairs) > len({name for name, _ in pairs}):
            counted = Counter(name for name, _ in pairs)
            twice.extend(name for name, times in counted.items() if times > 1)

    if len(body) > _LOOKED_THROUGH or b'"' not in body:
        return []
    try:
        json.loads(body, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return []
    return [
        {
            "pointer": _pointer((name,)),
            "code": "repeated",
            "detail": "This field stands here twice. Send it once.",
        }
        for name in dict.fromkeys(twice[:_ERRORS_TOLD])
    ]


def _pointer(parts: tuple[int | str, ...]) -> str:
    """A JSON pointer of at most a line: names of fields may be the caller's own, and long."""
    told = (str(part).replace("~", "~0").replace("/", "~1") for part in parts if part != BRANCH_VALUE)
    return "".join(f"/{part}" for part in told)[:_POINTER_TOLD]


_ERRORS_TOLD: Final = 50
_MEMBER: Final = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How a value of an enumeration is written in Python, where the value itself is what a caller sends."""
_POINTER_TOLD: Final = 200
_LOOKED_THROUGH: Final = 65_536
_PATTERN: Final = "string_pattern_mismatch"
_FORMS: Final = {
    r"^[a-z][a-z0-9_]*$": "Write it in small letters, digits and _, a letter first, as costs_by_category.",
    r"^[a-z0-9][a-z0-9_-]*$": "Write it in small letters, digits, - and _, as monthly-costs.",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "Write hour and minute with two digits each, from 00:00 to 23:59, as 06:30.",
    r"^https?://[^\s]+$": "Write a whole address without blanks, as https://app.example.com/billing.",
    r"^[a-z]{2}$": "Write two small letters, as en.",
    r"^[A-Z]{2}$": "Write two capital letters, as DE.",
    r"^[0-9a-f]{64}$": "Write a SHA-256: 64 digits, each 0 to 9 or a to f.",
    r"^\d{4}-(0[1-9]|1[0-2])$": "Write a month as 2026-10.",
}
"""How a field is written, by the pattern that it has."""
_WORDS: Final = {
    "uuid_parsing": "This is no UUID. Write it as 0198c0de-0000-7000-8000-000000000000.",
    "extra_forbidden": "There is no such field. Leave it out; the OpenAPI document lists the fields.",
    "missing": "This field is needed.",
    _PATTERN: "It is not written as this field is. The OpenAPI document tells how, with an example.",
    **dict.fromkeys(
        ("date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact", "date_type"),
        "This is no day. Write one of the calendar, as 2026-02-28.",
    ),
    **dict.fromkeys(
        ("datetime_parsing", "datetime_from_date_parsing", "datetime_type", "datetime_object_invalid"),
        "This is no moment. Write one of the calendar with its zone, as 2026-02-28T09:30:00Z.",
    ),
    "timezone_aware": "Name the zone of this moment: 2026-02-28T09:30:00Z, or 2026-02-28T10:30:00+01:00.",
}
"""Plainer words for the most frequent faults, and for those whose own words show what was sent."""


def _id_of(raw: bytes | Refusal) -> str | None:
    """The id of a line that is otherwise unreadable, so that its answer can be told apart."""
    if isinstance(raw, Refusal):
        return None
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    found = line.get("id") if isinstance(line, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[\x21-\x7e]{1,255}", found) else None
