"""`GET /v1/audience/addressees/{id}/links`: what a sender puts into a message, so that its reader can stop it.

Who can have the links made can do what they do: so they need the permission to send, and the one of a confirmation the
permission to enter consents, in the whole tenant where it would end a stop of the person's for more than one client. By
a link of whoever holds that nowhere, or in single workspaces, the person makes no stop less before its message has gone
out to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from starlette.routing import Route

from api.http.asking import Desk
from api.http.problems import bad_parameter
from api.http.request import uuid_in
from application.confining import NeedsWholeTenant
from application.door_tokens import Door, DoorToken
from application.ports.positions import Position
from domain.access.reads import ReadKind
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import Entry
from domain.audience.ledger import CampaignType
from domain.kernel.errors import NotFound
from domain.kernel.ids import MessageId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.tenancy.workspace import NoWorkspace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class AboutLinks(BaseModel):
    """What the links are for. `request`: of a confirmation, the version that the answer to its first step told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workspace_id: WorkspaceId
    message_id: MessageId
    campaign_type: CampaignType | None = None
    request: Entry | None = None


class LinksDesk(Desk):
    """Tells senders the links of a message."""

    def routes(self) -> list[Route]:
        """One route."""
        return [Route("/v1/audience/addressees/{id}/links", self.links, methods=["GET"])]

    async def links(self, request: Request) -> Response:
        """The links of one message to one person."""
        asked = await self.asked(request, "audience.links", (*AboutLinks.model_fields, "min_position"))
        await self.reachable(asked, asked.position())
        principal, tenant_id = asked.principal, asked.principal.tenant_id
        principal.require(Permission.SENDING_AUTHORISE)
        addressee_id = uuid_in(request.path_params["id"])
        about: AboutLinks = asked.read_as(AboutLinks)
        needed = [Permission.SENDING_AUTHORISE]
        client: str | None = None
        if about.request is not None:
            principal.require(Permission.CONSENT_WRITE)
            needed.append(Permission.CONSENT_WRITE)
        confined = [within for one in needed if (within := principal.confined_to(one)) is not None]
        if any(about.workspace_id not in within for within in confined):
            raise NotFound
        head = await self.parts.log.head(tenant_id)
        if addressee_id is None or head is None:
            raise NotFound
        position = Position(head.epoch, head.position)
        addressee = await self.parts.commands.state(tenant_id, "addressee", addressee_id)
        workspace = await self.parts.commands.state(tenant_id, "workspace", about.workspace_id)
        if not isinstance(addressee, Addressee) or addressee.erased or isinstance(workspace, NoWorkspace):
            raise NotFound
        for within in confined:
            await self.parts.commands.meet(principal, within, addressee_id)
        if about.request is not None:
            waits = addressee.asked.get(about.request)
            client = None if waits is None else waits.workspace
            elsewhere = client is not None and client != str(about.workspace_id)
            if waits is None or elsewhere or waits.is_over(self.parts.clock()):
                # A link made ahead would end a stop that is said before it is asked for; one made late opens nothing.
                detail = (
                    "Nothing of this number waits for a confirmation to this workspace, or it did for thirty days. "
                    "Ask anew."
                )
                raise bad_parameter("request", detail)
        consents = about.request is not None and principal.confined_to(Permission.CONSENT_WRITE) is not None
        if consents and client is None and addressee.own_words():
            raise NeedsWholeTenant  # as whoever would enter the confirmation themselves
        token = DoorToken(
            Door.PREFERENCES,
            tenant_id,
            addressee.addressee_id,
            about.workspace_id,
            about.message_id,
            about.campaign_type,
            vouched=Permission.CONSENT_WRITE in principal.permissions,
        )
        links = self.parts.links.of_message(token)
        data = {**links._asdict(), "confirmation": None}
        if about.request is not None:
            of_client = None if client is None else about.workspace_id
            asking = DoorToken(
                Door.CONFIRM, tenant_id, addressee.addressee_id, of_client, request=about.request
            )
            data["confirmation"] = self.parts.links.of_confirmation(asking)
        if principal.staff:
            filters = {"id": str(addressee_id)}
            await self.trace(
                asked, "audience.links", ReadKind.STAFF, position=position.token(), rows=1, filters=filters
            )
        told = {"data": data, "position": position.token(), "as_of": await self.as_of(tenant_id, position)}
        return self.answer(asked, told, position.token())
