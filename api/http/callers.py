"""Who calls: from the Authorization header to a principal, and anew when what was known is not the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.standing import CALLER, KNOWN, PRINCIPAL
from application.ports.positions import Position
from application.principals import Unauthenticated

if TYPE_CHECKING:
    from api.http.request import Call
    from application.authentication import Authenticator
    from application.ports.log import TenantLog
    from application.principals import Principal

_SCHEME: Final = b"bearer "
_LONGEST: Final = 200


class Callers:
    """Identifies callers."""

    def __init__(self, authenticator: Authenticator, log: TenantLog) -> None:
        """`log` tells whether what is known of a caller is still so."""
        self._authenticator = authenticator
        self._log = log

    async def identify(self, call: Call, *, fresh: bool = False) -> Principal:
        """The principal of a request, maybe from what was known; an append or a read checks that it still holds.

        Staff that name a tenant, or a grant, are always looked up anew: their own standing is in another log than the
        one they act on. Raises `Unauthenticated`, `StaffAlone`, `GrantNotActive`, `NotFound`.
        """
        named = call.tenant is not None or call.grant is not None
        principal = await self._authenticator.api_key(_bearer(call.authorization), fresh=fresh or named)
        if not named:
            call.scope["penguin.tenant"] = call.scope[CALLER] = principal.tenant_id
            call.scope[PRINCIPAL] = principal
            return principal
        grant = call.grant_ids()
        if grant is not None:
            principal = await self._authenticator.under_grant(principal, *grant)
        elif (tenant_id := call.tenant_id()) is not None:
            principal = await self._authenticator.staff_in(principal, tenant_id)
        call.scope["penguin.tenant"] = call.scope[CALLER] = principal.tenant_id
        call.scope[PRINCIPAL] = principal
        return principal

    async def identify_now(self, call: Call) -> Principal:
        """The principal as it stands in the log at this moment, for doors whose own reads do not check it.

        The scope tells from then on the position that this moment had.
        """
        principal = await self.identify(call)
        head = await self._log.head(principal.tenant_id)
        if head is not None:
            call.scope[KNOWN] = Position(head.epoch, head.position).token()
        if head is None or head.auth_epoch != principal.auth_epoch:
            return await self.identify(call, fresh=True)
        return principal


def _bearer(header: bytes | None) -> str:
    if header is None or header[:7].lower() != _SCHEME or len(header) > _LONGEST:
        raise Unauthenticated
    return header[7:].strip().decode("latin-1")
