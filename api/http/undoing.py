"""Undo with consequences, over HTTP. Asking changes nothing; it is recorded, as every look at the history is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from starlette.routing import Route

from api.http.asking import Desk
from api.http.history import asked_of_history
from api.http.problems import bad_parameter
from api.undone import undone
from application.ports.positions import Position
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.http.asking import Asked

_ONE = ("position", "command")


class Undo(Desk):
    """What would take back what a command did."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/history/undo", self.undo, methods=["GET"])]

    async def undo(self, request: Request) -> Response:
        """Whether a command may be undone, by what, and what rests on it."""
        asked, seen = await asked_of_history(self, request, "history.undo", *_ONE)
        principal = asked.principal
        found = await self.parts.undoing.of(principal, await self._named(asked), **seen)
        data = await undone(self.parts, principal, found)
        head = found.causes.head
        position = Position(head.epoch, head.position).token()
        await self.trace(
            asked,
            "history.undo",
            ReadKind.REPLAY,
            position=position,
            rows=len(found.events),
            filters={"command": found.command.id},
        )
        content = {"data": data, "position": position, "as_of": head.recorded_at.isoformat()}
        return self.answer(asked, content, position)

    async def _named(self, asked: Asked) -> int | UUID:
        named = [name for name in _ONE if name in asked.given]
        if len(named) != 1:
            raise bad_parameter(named[-1] if named else "position", f"Name one of {', '.join(_ONE)}.")
        name, text = named[0], asked.given[named[0]]
        if name == "position":
            return (await self.place_of(asked.principal.tenant_id, name, text)).n
        try:
            return UUID(text)
        except ValueError:
            raise bad_parameter(name, "Give the id of a command, a UUID.") from None
