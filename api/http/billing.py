"""Paying: the provider's pages to which a tenant's people are sent, and the door at which the provider tells us things.

What the provider tells is verified on the bytes that came, kept in the platform's log, and answered; a job enters it in
the tenant's log. So the provider never waits for us, and what it tells twice stands once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.routing import Route

from api.compared import compared
from api.http.asking import Asked, Desk
from api.http.kinds import PAYMENTS_NOT_SET_UP, SIGNATURE_INVALID, WEBHOOK_UNREADABLE
from api.http.problems import Problem, invalid_body
from api.http.replies import Answer
from api.http.request import Call, must_be, parameters, read_body
from application.billing.buying import Buying
from application.billing.placing import Placing
from application.billing.reconciling import Reconciling
from application.ports.payments import BadEvent, BadSignature
from application.workflow import Asking, Because, Workflow
from domain.billing.change import Wanted
from domain.billing.gateway import STRIPE, gateway_event_id
from domain.kernel.ids import PLATFORM, new_id
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.payments import PaymentGateway

LARGEST_WEBHOOK: Final = 1_048_576
_JSON: Final = b"application/json"

Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_000)]


class CheckoutAsked(Wanted):
    """What is to be bought, and where the provider's page leads back to."""

    success_url: Address
    cancel_url: Address


class PortalAsked(BaseModel):
    """Where the provider's page leads back to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    return_url: Address


class ReconciliationAsked(BaseModel):
    """Whether what differs is entered as the provider has it, or only shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repair: bool = False


class BillingDesk(Desk):
    """Sends people to pay, and listens to the provider."""

    def routes(self) -> list[Route]:
        """Four."""
        return [
            Route("/v1/billing/checkout", self.checkout, methods=["POST"]),
            Route("/v1/billing/portal", self.portal, methods=["POST"]),
            Route("/v1/billing/reconciliation", self.reconcile, methods=["POST"]),
            Route("/v1/gateways/stripe", self.hear, methods=["POST"]),
        ]

    @property
    def _payments(self) -> PaymentGateway:
        if self.parts.payments is None:
            raise Problem(PAYMENTS_NOT_SET_UP)
        return self.parts.payments

    async def checkout(self, request: Request) -> Response:
        """The address of a page on which to subscribe."""
        asked, wanted = await self._asked(request, "billing.checkout", CheckoutAsked)
        buying = Buying(self.parts.commands, self._payments)
        session = await buying.checkout(
            asked.principal,
            Wanted.model_validate(wanted.model_dump(exclude={"success_url", "cancel_url"})),
            success_url=wanted.success_url,
            cancel_url=wanted.cancel_url,
            key=self._key(asked),
            asking=_asking(asked),
        )
        return await self._told(asked, {"checkout": session.ref, "url": session.url})

    async def portal(self, request: Request) -> Response:
        """The address of a page with invoices and cards."""
        asked, wanted = await self._asked(request, "billing.portal", PortalAsked)
        buying = Buying(self.parts.commands, self._payments)
        url = await buying.portal(asked.principal, wanted.return_url, key=self._key(asked))
        return await self._told(asked, {"url": url})

    async def reconcile(self, request: Request) -> Response:
        """What the provider has otherwise than the tenant's log; entered here, where that is wanted."""
        asked, wanted = await self._asked(request, "billing.reconciliation", ReconciliationAsked)
        tenant_id = asked.principal.tenant_id
        because = Because(tenant_id, None, asked.principal.actor.member, _asking(asked))
        workflow = Workflow(self.parts.commands, tenant_id, new_id(self.parts.clock()), because)
        found = await Reconciling(self.parts.commands, self._payments).reconcile(
            workflow, repair=wanted.repair
        )
        return await self._told(asked, compared(tenant_id, found))

    async def hear(self, request: Request) -> Response:
        """Something that the provider tells."""
        request.scope["penguin.command"] = "billing.hear"
        call, payments = Call(request.scope), self._payments
        parameters(request.scope, frozenset())
        body = await read_body(call, request.receive, LARGEST_WEBHOOK)
        signature = request.headers.get("stripe-signature")
        try:
            event = payments.read_webhook(body, signature, self.parts.clock())
        except BadSignature:
            raise Problem(SIGNATURE_INVALID) from None
        except BadEvent:
            raise Problem(WEBHOOK_UNREADABLE) from None
        if event.livemode is not payments.livemode:
            raise Problem(WEBHOOK_UNREADABLE)
        target = gateway_event_id(STRIPE, event.ref)
        workflow = Workflow(self.parts.commands, PLATFORM, target, Because(target))
        kept = await Placing(self.parts.commands, payments).receive(workflow, event)
        return Answer({"kept": kept}, 200, {"request-id": call.request_id})

    async def _asked(self, request: Request, name: str, model: type[BaseModel]) -> tuple[Asked, Any]:
        asked = await self.asked(request, name)
        manages = model is not ReconciliationAsked
        asked.principal.require(Permission.BILLING_MANAGE if manages else Permission.BILLING_READ)
        must_be(asked.call, _JSON)
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = model.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        if isinstance(wanted, ReconciliationAsked) and wanted.repair:
            asked.principal.require(Permission.BILLING_MANAGE)
        return asked, wanted

    def _key(self, asked: Asked) -> str:
        """The caller's own key, under which asking again gives the same page; else this request's."""
        return asked.call.idempotency_key or asked.call.request_id

    async def _told(self, asked: Asked, data: dict[str, Any]) -> Response:
        position = await self.parts.position_of(asked.principal.tenant_id)
        return self.answer(asked, {"data": data, "position": position}, position)


def _asking(asked: Asked) -> Asking:
    call, principal = asked.call, asked.principal
    return Asking(principal.actor, call.request_id, call.ip, principal.because(call.reason))
