"""`GET /v1/ledger/{log}/noted`: where a checkpoint of the tenant's stands in the platform's log, with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from adapters.eventstore.codec import envelope
from api.http.asking import Desk
from api.http.auditing import must_read
from api.http.kinds import NOT_FOUND
from api.http.numbers import whole
from api.http.problems import Problem, bad_parameter
from application.proving import NothingSigned, NotYetSigned, Proving
from domain.access.reads import ReadKind
from domain.audit.origins import LogId, LogKind
from domain.ledger.noted import NOTED_IN

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_NAME: Final = "ledger.noted"


class NotedDesk(Desk):
    """Shows a tenant the events of the platform's log that are about its own."""

    def routes(self) -> list[Route]:
        """One route."""
        return [Route("/v1/ledger/{log}/noted", self.noted, methods=["GET"])]

    async def noted(self, request: Request) -> Response:
        """The event that notes the checkpoint, byte for byte, and the proof that the platform's log holds it."""
        asked = await self.asked(request, _NAME, ("epoch", "size"))
        principal, tenant_id = asked.principal, asked.principal.tenant_id
        try:
            kind = LogKind(request.path_params["log"])
        except ValueError:
            raise Problem(NOT_FOUND) from None
        must_read(principal, kind)
        given = {one: _count(one, text) for one, text in asked.given.items()}
        if "epoch" in given and "size" not in given:
            raise bad_parameter("epoch", "Give the size of the checkpoint with it.")
        position = await self.parts.position_of(tenant_id)
        found = await self.parts.noted.find(LogId(tenant_id, kind), **given)
        if principal.staff:
            filters = {"log": kind, **given}
            await self.trace(asked, _NAME, ReadKind.STAFF, position=position, rows=1, filters=filters)
        proof = await self._proof(found.recorded.position)
        told, against = found.checkpoint, found.contradicted_by
        data = {
            "log": told.log,
            "epoch": told.epoch,
            "size": told.size,
            "root": told.root,
            "noted_at": found.recorded.recorded_at.isoformat(),
            "contradicted_by": None if against is None else against._asdict(),
            "platform_position": found.recorded.position,
            "envelope": envelope(found.recorded).decode(),
            "proof": proof,
        }
        as_of = found.recorded.recorded_at.isoformat()
        return self.answer(asked, {"data": data, "position": position, "as_of": as_of}, position)

    async def _proof(self, position: int) -> str | None:
        """The proof of an event of the platform's log; None until a checkpoint of that holds it."""
        try:
            file = await Proving(self.parts.ledger).proof_file(NOTED_IN, position)
        except (NothingSigned, NotYetSigned):
            return None
        return file.decode()


def _count(name: str, text: str) -> int:
    number = whole(text)
    if number is None or number < 1:
        raise bad_parameter(name, "Give a number from 1 on, as the checkpoint has it.")
    return number
