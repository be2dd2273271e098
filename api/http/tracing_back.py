"""Why things are as they are, over HTTP: which event gave each field its value, and what led to what."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.routing import Route

from api.http.asking import Desk
from api.http.history import asked_of_history, stream_in
from api.http.problems import bad_parameter
from application.causes import BELOW
from application.ports.positions import Position
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.http.asking import Asked
    from application.causes import Causes, Command, Event

_ONE: tuple[str, ...] = ("position", "command", "correlation")
_WHY = ("actor", "command_name", "channel", "request", "reason", "causation")


class TracingBack(Desk):
    """Answers from the log itself; every answer is recorded, as all of the history are."""

    def routes(self) -> list[Route]:
        """Blame, and causes."""
        return [
            Route("/v1/history/blame", self.blame, methods=["GET"]),
            Route("/v1/history/causes", self.causes, methods=["GET"]),
        ]

    async def blame(self, request: Request) -> Response:
        """For each field of a stream the event that gave it its value."""
        asked, seen = await asked_of_history(self, request, "history.blame", "stream", "at")
        stream = stream_in(asked)
        tenant_id = asked.principal.tenant_id
        past = await self.past(tenant_id, asked.given, "at")
        found = await self.parts.blame.of_stream(
            tenant_id, stream, at=None if past is None else past.position, **seen
        )
        head = await self.parts.log.head(tenant_id)
        position = Position(head.epoch if head else 1, found.position).token()
        await self.trace(
            asked, "history.blame", ReadKind.REPLAY, position=position, rows=1, filters={"stream": stream}
        )
        content = {
            "data": {
                "stream": found.stream,
                "version": found.version,
                "fields": [asdict(line) for line in found.lines],
            },
            "position": position,
            "as_of": found.as_of.isoformat(),
        }
        return self.answer(asked, content, position)

    async def causes(self, request: Request) -> Response:
        """The tree of commands, events and jobs that an event or a command is in."""
        asked, seen = await asked_of_history(self, request, "history.causes", *_ONE)
        found = await self._found(asked, seen)
        position = Position(found.head.epoch, found.head.position).token()
        await self.trace(
            asked,
            "history.causes",
            ReadKind.REPLAY,
            position=position,
            rows=found.events,
            filters={"correlation": found.correlation},
        )
        content = {
            "data": drawn(found),
            "position": position,
            "as_of": found.head.recorded_at.isoformat(),
        }
        return self.answer(asked, content, position)

    async def _found(self, asked: Asked, seen: dict[str, bool]) -> Causes:
        tenant_id, given = asked.principal.tenant_id, asked.given
        named = [name for name in _ONE if name in given]
        if len(named) != 1:
            raise bad_parameter(named[-1] if named else "position", f"Name one of {', '.join(_ONE)}.")
        name, text = named[0], given[named[0]]
        if name == "position":
            place = await self.place_of(tenant_id, name, text)
            return await self.parts.causes.of_position(tenant_id, place.n, **seen)
        try:
            id_ = UUID(text)
        except ValueError:
            raise bad_parameter(name, "Give the id of a command, a UUID.") from None
        return await self.parts.causes.of_id(tenant_id, id_, **seen)


def drawn(found: Causes) -> dict[str, Any]:
    """A tree as JSON."""
    return {
        "asked": found.position,
        "correlation": found.correlation,
        "events": found.events,
        "above": found.above,
        "tree": _command(found.first, BELOW),
        "looked_at": [{"after": after, "up_to": up_to} for after, up_to in found.looked_at],
        "complete": found.complete,
    }


def _command(command: Command, deep: int) -> dict[str, Any]:
    """A command with what follows from it; `more`: so many commands follow that are not shown."""
    told = {"command": command.id, **{name: command.context.get(name) for name in _WHY}}
    if not deep:
        return {**told, "events": [], "commands": [], "more": sum(1 for _ in command.below())}
    return {
        **told,
        "events": [_event(event, deep) for event in command.events],
        "commands": [_command(one, deep - 1) for one in command.commands],
        "more": 0,
    }


def _event(event: Event, deep: int) -> dict[str, Any]:
    row = event.recorded
    return {
        "position": row.position,
        "recorded_at": row.recorded_at.isoformat(),
        "event": row.name,
        "stream": event.stream,
        "version": row.version,
        "jobs": [
            {
                "job": str(job.due.job_id),
                "workflow": job.due.workflow,
                "subject": job.due.subject_id,
                "due_at": job.due.due_at if isinstance(job.due.due_at, str) else job.due.due_at.isoformat(),
                "commands": [_command(one, deep - 1) for one in job.commands],
            }
            for job in event.jobs
        ],
    }
