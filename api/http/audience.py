"""The audience preview over HTTP: JSON lines, so that who waits for a hundred thousand people sees how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import Field
from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.http.asking import Desk
from api.http.replies import ALWAYS, NDJSON, dumps
from application.queries import Params, Scope
from domain.access.reads import ReadKind
from domain.audience.ledger import CampaignType
from domain.kernel.permissions import Permission
from domain.law.facts import Message, Purpose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from application.previewing import Preview

_NAME: Final = "audience.preview"


class Asked(Params):
    """The audience, and what is to be sent to it; what nobody says of the message is not known."""

    workspace_id: UUID = Field(description="The workspace whose contacts they are.")
    list_id: UUID | None = Field(default=None, description="Those on this list alone.")
    purpose: Purpose = Purpose.MARKETING
    campaign_type: CampaignType | None = None
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    names_referrer: bool | None = None
    bulk: bool | None = None


class Audience(Desk):
    """How many may be mailed, how many not, and why."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/audience/preview", self.preview, methods=["GET"])]

    async def preview(self, request: Request) -> Response:
        """Lines with how far it is, then one with the answer."""
        asked = await self.asked(request, _NAME, tuple(Asked.model_fields))
        principal = asked.principal
        principal.require(Permission.CONTACTS_READ)
        wanted: Asked = asked.read_as(Asked)
        scope = Scope(
            principal.tenant_id, personal=False, workspaces=principal.confined_to(Permission.CONTACTS_READ)
        )
        message = Message(
            workspace=str(wanted.workspace_id),
            **wanted.model_dump(exclude={"workspace_id", "list_id"}),
        )
        answers = self.parts.previewing.answers(
            scope, wanted.workspace_id, wanted.list_id, message, self.parts.clock()
        )
        first = await anext(answers)  # what is wrong with the question is told before an answer begins
        if principal.staff:
            told = wanted.model_dump(mode="json", exclude_none=True)
            await self.trace(
                asked, _NAME, ReadKind.STAFF, position=first.position, rows=first.people, filters=told
            )
        headers = {
            **self.headers(asked, first.position),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        return StreamingResponse(_lines(first, answers), headers=headers, media_type=NDJSON)


async def _lines(preview: Preview, more: AsyncIterator[Preview]) -> AsyncIterator[bytes]:
    yield _far(preview)
    async for one in more:
        preview = one
        yield _far(preview)
    yield dumps({"preview": preview.told(), "position": preview.position, "as_of": preview.at}) + b"\n"


def _far(preview: Preview) -> bytes:
    told: dict[str, Any] = {"progress": {"judged": preview.judged, "people": preview.people}}
    return dumps(told) + b"\n"
