"""`GET /v1/receipts/{key}`: did it happen? What a key was used for, what came of it, and what has caught up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from api.caught_up import caught_up
from api.http.asking import Desk
from api.http.commands import events_of
from api.http.kinds import NO_SUCH_RECEIPT
from api.http.problems import Problem
from application.ports.positions import Position
from application.receipts import events_of as events_of_receipt
from application.showing import events_shown, may_see_receipt
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.principals import Principal

_NOT_YOURS: Final = (
    "No command of yours was accepted under this idempotency key. Somebody else's may have been: who may read the "
    "history can look."
)


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
            raise _not_here(asked.principal)
        events = await events_of_receipt(self.parts.log, tenant_id, receipt)
        if not may_see_receipt(asked.principal, events, self.parts.codec):
            raise _not_here(asked.principal)
        head = await self.parts.log.head(tenant_id)
        epoch = head.epoch if head else 1
        position = Position(epoch, receipt.last_position)
        content = {
            "data": {
                "command": receipt.command,
                "command_id": receipt.command_id,
                "accepted_at": receipt.recorded_at.isoformat(),
                "position": position.token(),
                "events": events_of(events_shown(asked.principal, receipt.command, events)),
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


def _not_here(principal: Principal) -> Problem:
    """The same whether there is none, or one that is somebody else's to see."""
    return Problem(NO_SUCH_RECEIPT, None if Permission.HISTORY_READ in principal.permissions else _NOT_YOURS)
