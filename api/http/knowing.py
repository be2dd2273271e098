"""What was known when somebody approved, over HTTP. Asking is recorded, as every look at the history is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from api.http.asking import Desk
from api.http.history import asked_of_history
from api.http.problems import bad_parameter
from api.known import known
from application.ports.positions import Position
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class KnownThen(Desk):
    """The pages of an approval as they stood."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/history/known", self.known, methods=["GET"])]

    async def known(self, request: Request) -> Response:
        """What the approver had before them, what of it they opened, and what changed since."""
        asked, seen = await asked_of_history(self, request, "history.known", "position")
        principal = asked.principal
        text = asked.given.get("position")
        if text is None:
            raise bad_parameter("position", "Name the position of an approval.")
        place = await self.place_of(principal.tenant_id, "position", text)
        shows_reads = Permission.ACCESS_READ in principal.permissions
        found = await self.parts.knowing.at(principal.tenant_id, place.n, shows_reads=shows_reads, **seen)
        position = Position(found.head.epoch, found.head.position).token()
        await self.trace(
            asked, "history.known", ReadKind.REPLAY, position=position, rows=1, filters={"position": place.n}
        )
        content = {
            "data": known(found),
            "position": position,
            "as_of": found.head.recorded_at.isoformat(),
        }
        return self.answer(asked, content, position)
