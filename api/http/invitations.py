"""`POST /v1/invitations/accept`: the one door without an API key. Who holds an invitation's token joins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.commands import outcome_of
from api.http.problems import invalid_body
from api.http.request import Call, must_be, parameters, read_body
from application.credentials import parse_invitation
from application.orders import Order
from application.principals import Principal
from application.rate_limits import COMMANDS_BUCKET
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.permissions import Permission
from domain.tenancy.member import AcceptInvitation, InvitationNotYours
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_RATE: Final = 60
_BUCKET: Final = f"{COMMANDS_BUCKET}-of-invitations"


class Acceptance(BaseModel):
    """The token that came with the invitation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class Invitations(Desk):
    """Lets people in."""

    def routes(self) -> list[Route]:
        """One route."""
        return [Route("/v1/invitations/accept", self.accept, methods=["POST"])]

    async def accept(self, request: Request) -> Response:
        """Join with a token. Sixty attempts a minute and tenant, which no guess of 192 bits notices."""
        request.scope["penguin.command"] = "tenancy.accept-invitation"
        call = Call(request.scope)
        parameters(request.scope, frozenset())
        must_be(call, b"application/json")
        body = await read_body(call, request.receive, self.parts.settings.max_body_bytes)
        try:
            token = Acceptance.model_validate_json(body).token
        except ValidationError as error:
            raise invalid_body(error) from None
        parsed = parse_invitation(token.get_secret_value())
        head = None if parsed is None else await self.parts.log.head(parsed.tenant_id)
        if parsed is None or head is None:
            raise InvitationNotYours
        tenant = await self.parts.commands.state(parsed.tenant_id, "tenant", parsed.tenant_id)
        if not isinstance(tenant, Tenant) or tenant.status is not TenantStatus.ACTIVE:
            raise InvitationNotYours
        allowance = await self.parts.rates.take(parsed.tenant_id, _RATE, _BUCKET)
        request.scope["penguin.tenant"] = parsed.tenant_id
        actor = Actor(ActorKind.MEMBER, parsed.key_id, parsed.key_id)
        held = frozenset({Permission.INTERNAL})
        principal = Principal(parsed.tenant_id, actor, held, None, _RATE)
        order = Order(
            principal,
            AcceptInvitation(token=token),
            parsed.key_id,
            body,
            key=call.idempotency_key,
            request_id=call.request_id,
            ip=call.ip,
            reason=call.reason,
        )
        asked = Asked(call, principal, allowance, {})
        answer = outcome_of(await self.parts.commands.execute(order))
        return self.answer(asked, answer, answer["position"])
