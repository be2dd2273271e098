"""`GET /v1/receipts/{key}`: did it happen? What a key was used for, what came of it, and what has caught up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from api.caught_up import caught_up
from api.http.asking import Desk
from api.http.commands import events_of
from api.http.problems import NO_SUCH_RECEIPT, Problem
from application.commanding import events_of as events_of_receipt
from application.ports.positions import Position
from application.showing import may_see_receipt
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Receipts(Desk):
    """Looks up keys."""

    def routes(self) -> list[Route]:
        """One route; a key may hold slashes."""
        return [Route("/v1/receipts/{key:path}", self.receipt, methods=["GET"])]

    async def receipt(self, request: Request) -> Response:
        """What was accepted under a key, by the caller itself or for those who may read the history."""
        asked = await self.asked(request, "receipts.look_up")
        tenant_id = asked.principal.tenant_id
        hmacs = self.parts.commands.receipt_hmacs(tenant_id, request.path_params["key"])
        receipt = await self.parts.log.receipt(tenant_id, hmacs)
        if receipt is None:
            raise Problem(NO_SUCH_RECEIPT)
        events = await events_of_receipt(self.parts.log, tenant_id, receipt)
        if not may_see_receipt(asked.principal, events, self.parts.codec):
            raise Problem(NO_SUCH_RECEIPT)
        head = await self.parts.log.head(tenant_id)
        epoch = head.epoch if head else 1
        position = Position(epoch, receipt.last_position)
        content = {
            "data": {
                "command": receipt.command,
                "command_id": receipt.command_id,
                "accepted_at": receipt.recorded_at.isoformat(),
                "position": position.token(),
                "events": events_of(events),
                "caught_up": await caught_up(self.parts, tenant_id, position),
            },
            "position": position.token(),
            "as_of": receipt.recorded_at.isoformat(),
        }
        if asked.principal.staff:
            told, rows = {"command_id": str(receipt.command_id)}, len(events)
            at = position.token()
            await self.trace(asked, "receipts.look_up", ReadKind.STAFF, position=at, rows=rows, filters=told)
        return self.answer(asked, content, position.token())
