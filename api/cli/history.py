"""`penguinmails replay` and `penguinmails receipt`: what happened, what was, and whether something happened."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import Data, Key, settings_of
from api.cli.output import Json, NotThere, as_json, data, listed, words
from api.http.numbers import whole
from application.ports.positions import MalformedPosition, Position
from application.showing import events_shown, is_pseudonym, may_see_receipt, without_pseudonyms
from domain.kernel.moments import EARLIEST, LATEST

if TYPE_CHECKING:
    from uuid import UUID

    from api.cli.inside import Inside
    from application.principals import Principal
    from application.replay import HistoryEvent, StateAt

_COLUMNS = ("position", "recorded_at", "name", "stream", "actor", "channel", "payload")


def moment(text: str) -> Position | datetime | int:
    """A position token, a bare position of the present epoch, or a time (UTC where it names no offset)."""
    number = whole(text)
    if number is not None:
        return number
    try:
        return Position.parse(text)
    except MalformedPosition:
        pass
    return time(text, "no position and no time")


def time(text: str, lacking: str = "no time") -> datetime:
    """A time, in UTC where it names no offset; within the years that the API takes."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is {lacking} such as 2026-11-23T14:00:00Z") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if not EARLIEST <= at <= LATEST:
        raise typer.BadParameter(f"{text!r} is out of reach: times lie between 2000-01-01 and 2100-01-01")
    return at


def replay(
    *,
    stream: Annotated[
        str | None, typer.Option("--stream", help="One stream, as category:id.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Show the stream's state at a position or time.", show_default=False),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", help="Show what changed in the stream between two positions or times."),
    ] = None,
    blame: Annotated[
        bool,
        typer.Option("--blame", help="For each field of the stream: which event gave it its value, and why."),
    ] = False,
    tree: Annotated[
        int | None,
        typer.Option(
            "--tree",
            min=1,
            help="Draw what led to the event at a position, and what it led to.",
            show_default=False,
        ),
    ] = None,
    undo: Annotated[
        int | None,
        typer.Option(
            "--undo",
            min=1,
            help="Show what would undo the command behind a position, and what rests on it.",
            show_default=False,
        ),
    ] = None,
    known: Annotated[
        int | None,
        typer.Option(
            "--known",
            min=1,
            help="Show what was known at an approval: the pages as they stood, and which were opened.",
            show_default=False,
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option("--category", help="All streams of a kind, such as contact.", show_default=False),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Event names; -NAME leaves one out; may be repeated.")
    ] = None,
    actor: Annotated[
        list[str] | None,
        typer.Option("--actor", help="Actor ids or kinds; - leaves one out; may be repeated."),
    ] = None,
    correlation: Annotated[
        str | None,
        typer.Option("--correlation", help="Everything that one command led to.", show_default=False),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="From this time on.", show_default=False)
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Until before this time.", show_default=False)
    ] = None,
    backward: Annotated[bool, typer.Option("--backward", help="The latest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many events at most.")] = 50,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Go on where an earlier page ended.", show_default=False)
    ] = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show a tenant's history, a stream's state as of any moment, who gave it its values, or what led to what.

    Personal values show if the key may read them; erased ones show as [erased], always. Reading is recorded.
    """
    from api.cli.inside import working
    from application.replay import HistoryFilters

    del json_
    if (as_of or diff or blame) and stream is None:
        raise typer.BadParameter(
            "name the stream with --stream category:id", param_hint="--as-of/--diff/--blame"
        )
    filters = HistoryFilters.model_validate(
        {
            "stream": stream,
            "category": category,
            "name": name or [],
            "actor": actor or [],
            "correlation": correlation,
            "after": None if after is None else time(after),
            "before": None if before is None else time(before),
        }
    )

    async def work(inside: Inside) -> None:
        reader = _Reader(inside, await inside.principal(key))
        if tree is not None:
            await reader.tree(tree)
        elif undo is not None:
            await reader.undo(undo)
        elif known is not None:
            await reader.known(known)
        elif stream is not None and blame:
            await reader.blame(stream, as_of)
        elif stream is not None and diff is not None:
            await reader.difference(stream, *diff)
        elif stream is not None and as_of is not None:
            await reader.state(stream, as_of)
        else:
            await reader.history(filters, backward=backward, limit=limit, cursor=cursor)

    working(settings_of(data_folder), work)


class _Reader:
    """Reads the log for somebody, and records that they read."""

    def __init__(self, inside: Inside, who: Principal) -> None:
        from domain.kernel.permissions import Permission

        who.require(Permission.HISTORY_READ)
        self._parts = inside.parts
        self._who = who
        self._seen = {
            "reveal": Permission.HISTORY_READ_PERSONAL in who.permissions,
            "evidence": Permission.EVIDENCE_READ in who.permissions,
        }

    async def history(self, filters: Any, *, backward: bool, limit: int, cursor: str | None) -> None:
        from application.replay import Direction

        direction = Direction.BACKWARD if backward else Direction.FORWARD
        page = await self._parts.replay.history(
            self._who.tenant_id, filters, direction=direction, cursor=cursor, limit=limit, **self._seen
        )
        token = Position(page.head.epoch, page.head.position).token()
        told = filters.model_dump(mode="json", exclude_defaults=True)
        await self._record("history.events", token, len(page.events), told)
        listed([_shown(event) for event in page.events], _COLUMNS, position=token, following=page.next)
        if not page.events:
            given = ", ".join(sorted(told)) or "none"
            words(
                f"No events. Looked at {page.scanned} up to position {page.head.position}; filters: {given}."
            )

    async def state(self, stream: str, at: str) -> None:
        found = await self._parts.replay.state(
            self._who.tenant_id, stream, at=await self._moment(at), **self._seen
        )
        await self._record("history.state", await self._token(found.position), 1, {"stream": stream})
        data(_state(found), _lines(_state(found)))

    async def difference(self, stream: str, earlier: str, later: str) -> None:
        first, second = await self._moment(earlier), await self._moment(later)
        before, now, changes = await self._parts.replay.difference(
            self._who.tenant_id, stream, first, second, **self._seen
        )
        await self._record("history.difference", await self._token(now.position), 1, {"stream": stream})
        kept = [change for change in changes if not is_pseudonym(change.path)]
        told = {
            "from": None if before is None else _state(before),
            "to": _state(now),
            "changes": [asdict(change) for change in kept],
        }
        data(told, [f"{one.path}: {_text(one.before)} -> {_text(one.after)}" for one in kept])
        if not kept:
            words("Nothing changed in between.")

    async def blame(self, stream: str, at: str | None) -> None:
        from api.cli.trees import blame_lines

        when = None if at is None else await self._moment(at)
        found = await self._parts.blame.of_stream(self._who.tenant_id, stream, at=when, **self._seen)
        await self._record("history.blame", await self._token(found.position), 1, {"stream": stream})
        told = asdict(found)
        data({**told, "fields": told.pop("lines")}, blame_lines(found))

    async def tree(self, position: int) -> None:
        from api.cli.trees import tree_lines
        from api.http.tracing_back import drawn

        found = await self._parts.causes.of_position(self._who.tenant_id, position, **self._seen)
        token = Position(found.head.epoch, found.head.position).token()
        await self._record("history.causes", token, found.events, {"correlation": found.correlation})
        told = drawn(found)
        data(told, tree_lines(told))

    async def undo(self, position: int) -> None:
        from api.cli.undoing import undo_lines
        from api.undone import undone

        found = await self._parts.undoing.of(self._who, position, **self._seen)
        head = found.causes.head
        token = Position(head.epoch, head.position).token()
        told = await undone(self._parts, self._who, found)
        await self._record("history.undo", token, len(found.events), {"command": found.command.id})
        data(told, undo_lines(told))

    async def known(self, position: int) -> None:
        from api.cli.knowing import known_lines
        from api.known import known
        from domain.kernel.permissions import Permission

        shows_reads = Permission.ACCESS_READ in self._who.permissions
        found = await self._parts.knowing.at(
            self._who.tenant_id, position, shows_reads=shows_reads, **self._seen
        )
        token = Position(found.head.epoch, found.head.position).token()
        await self._record("history.known", token, 1, {"position": position})
        told = known(found)
        data(told, known_lines(told))

    async def _moment(self, text: str) -> Position | datetime:
        found = moment(text)
        if not isinstance(found, int):
            return found
        head = await self._parts.log.head(self._who.tenant_id)
        return Position(head.epoch if head else 1, found)

    async def _token(self, position: int) -> str:
        head = await self._parts.log.head(self._who.tenant_id)
        return Position(head.epoch if head else 1, position).token()

    async def _record(self, query: str, position: str, count: int, filters: dict[str, Any]) -> None:
        from application.reading import Read
        from domain.access.reads import ReadKind

        read = Read(
            principal=self._who,
            query=query,
            kind=ReadKind.REPLAY,
            position=position,
            rows=count,
            filters=json.dumps(filters, sort_keys=True),
            channel="cli",
        )
        await self._parts.access.record(read)


def _shown(event: HistoryEvent) -> dict[str, Any]:
    told = asdict(event)
    told["recorded_at"] = event.recorded_at.isoformat()
    told["payload"] = without_pseudonyms(event.payload)
    if not as_json():
        told["actor"] = event.actor.get("kind")
        told["payload"] = _text(told["payload"])
    return told


def _state(found: StateAt) -> dict[str, Any]:
    told = asdict(found)
    told["state"] = without_pseudonyms(found.state)
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    head = [f"{told['stream']} version {told['version']} at position {told['position']} ({told['as_of']})"]
    return [*head, *(f"  {name}: {_text(value)}" for name, value in told["state"].items())]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def receipt(
    idempotency_key: Annotated[str, typer.Argument(help="The Idempotency-Key that a command was sent with.")],
    *,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Did it happen? What was accepted under an idempotency key, ever; exit code 3 when nothing was.

    It says also which views, analytics among them, show what the command did.
    """
    from api.cli.inside import working

    del json_

    async def work(inside: Inside) -> None:
        told = await _receipt(inside, await inside.principal(key), idempotency_key)
        events = [f"  {one['position']:>8}  {one['name']}" for one in told["events"]]
        behind = sorted(name for name, view in told["caught_up"].items() if not view["reached"])
        shown = f"not shown yet by {', '.join(behind)}" if behind else "shown by every view"
        lines = [f"{told['command']} accepted {told['accepted_at']} as {told['command_id']}", *events, shown]
        data(told, lines)

    working(settings_of(data_folder), work)


async def _receipt(inside: Inside, who: Principal, text: str) -> dict[str, Any]:
    from api.caught_up import caught_up
    from application.receipts import events_of

    parts, tenant_id = inside.parts, who.tenant_id
    found = await parts.log.receipt(tenant_id, parts.commands.receipt_hmacs(tenant_id, text))
    if found is None:
        raise NotThere("Nothing was ever accepted under this key.")
    events = await events_of(parts.log, tenant_id, found)
    head = await parts.log.head(tenant_id)
    position = Position(head.epoch if head else 1, found.last_position)
    if not may_see_receipt(who, events, parts.codec):
        raise NotThere("Nothing was ever accepted under this key.")
    return {
        "command": found.command,
        "command_id": _plain(found.command_id),
        "accepted_at": found.recorded_at.astimezone(UTC).isoformat(),
        "position": position.token(),
        "events": [
            {"name": row.name, "version": row.version, "position": row.position}
            for row in events_shown(who, found.command, events)
        ],
        "caught_up": await caught_up(parts, tenant_id, position),
    }


def _plain(found: UUID) -> str:
    return str(found)
