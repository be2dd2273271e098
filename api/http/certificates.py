"""`GET /v1/audience/erasures/{id}/certificate`: a certificate of an erasure as plain text, made from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api.http.asking import Desk
from api.http.request import uuid_in
from application.certificate import as_text
from application.ports.positions import Position
from domain.access.reads import ReadKind
from domain.audience.erasure_events import ErasureCertified
from domain.kernel.commands import stream_name
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PERMISSION: Final = Permission.CONTACTS_ERASE
_NAME: Final = "audience.certificate"


class CertificateDesk(Desk):
    """Hands out certificates to be read by people."""

    def routes(self) -> list[Route]:
        """One route."""
        return [Route("/v1/audience/erasures/{id}/certificate", self.certificate, methods=["GET"])]

    async def certificate(self, request: Request) -> Response:
        """The certificate in words; not found until there is one."""
        asked = await self.asked(request, _NAME, ())
        principal, tenant_id = asked.principal, asked.principal.tenant_id
        principal.require(PERMISSION)
        addressee_id = uuid_in(request.path_params["id"])
        head = await self.parts.log.head(tenant_id)
        if addressee_id is None or head is None or principal.confined_to(PERMISSION) is not None:
            raise NotFound
        recorded = await self.parts.log.read_stream(tenant_id, stream_name("addressee", addressee_id))
        told = [event for event in recorded if event.name == ErasureCertified.name]
        if not told:
            raise NotFound
        (event,) = self.parts.codec.decode(told[-1:])
        if not isinstance(event, ErasureCertified):
            raise NotFound
        position = Position(head.epoch, head.position).token()
        if principal.staff:
            filters = {"id": str(addressee_id)}
            await self.trace(asked, _NAME, ReadKind.STAFF, position=position, rows=1, filters=filters)
        return PlainTextResponse(as_text(event), headers=self.headers(asked, position))
