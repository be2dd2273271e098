"""The suppression list going out as a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.http.asking import Desk
from api.http.problems import bad_parameter
from api.http.replies import ALWAYS
from application.completeness import Completeness, Hidden
from application.exporting import BY_HASH, NOT_KEPT, Written
from application.ports.positions import Position
from application.principals import MissingPermission
from application.queries import ViewNotReady
from domain.kernel.permissions import Permission
from projections.operational.consents.suppressed import PROJECTIONS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.principals import Principal

NAME: Final = "audience.export_suppressions"
NEEDED: Final = (Permission.CONTACTS_EXPORT, Permission.CONTACTS_READ_PERSONAL)


class SuppressionsDesk(Desk):
    """Gives the list out."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/audience/suppressions/export", self.export, methods=["GET"])]

    async def export(self, request: Request) -> Response:
        """Every suppressed address of the tenant; recorded before it begins."""
        asked = await self.asked(request, NAME, ("as", "min_position"))
        for permission in NEEDED:
            _in_whole_tenant(asked.principal, permission)
        written = _written(asked.given.pop("as", Written.ADDRESS.value))
        tenant_id = asked.principal.tenant_id
        wanted = await self.reachable(asked, asked.position())
        head = Position.parse(await self.parts.position_of(tenant_id))
        timeout = self.parts.settings.min_position_wait
        try:
            await self.parts.waiting.wait_for(PROJECTIONS, tenant_id, wanted or head, timeout)
        except ViewNotReady:
            # A list that lacks somebody does harm, so whoever asks gets what was entered before, if that can be had
            # soon. Who must have it names the position.
            if wanted is not None:
                raise
        until, hashes = await self.parts.suppressions.begun(tenant_id)
        checkpoint = await self.signed(asked, until)
        hidden = (Hidden(NOT_KEPT, "no"), Hidden(BY_HASH, "no", hashes))
        made = Completeness(tenant_id, until, None, checkpoint, hidden)
        headers = {
            **await self.exported(asked, NAME, made, filters={"as": written.value}),
            "content-disposition": 'attachment; filename="suppressions.csv"',
            "penguin-known-by-hash-alone": str(hashes),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        lines = self.parts.suppressions.lines(tenant_id, written, until, hashes, checkpoint)
        return StreamingResponse(lines, headers=headers, media_type="text/csv; charset=utf-8")


def _in_whole_tenant(principal: Principal, permission: Permission) -> None:
    """The list is the tenant's: who holds a permission in some workspaces alone does not get it."""
    principal.require(permission)
    if principal.confined_to(permission) is not None:
        raise MissingPermission(
            f"needs the permission {permission} in the whole tenant", permission=permission
        )


def _written(text: str) -> Written:
    try:
        return Written(text)
    except ValueError:
        raise bad_parameter("as", f"Say one of {', '.join(Written)}.") from None
