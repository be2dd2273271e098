"""The audience preview over HTTP: JSON lines, so that who waits for a hundred thousand people sees how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import Field
from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.http.asking import Desk
from api.http.problems import bad_parameter
from api.http.replies import ALWAYS, NDJSON, dumps
from application.previewing import Audience
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
    """The audience, and what is to be sent to it; what nobody says of the message is not known.

    A campaign says all of that itself.
    """

    workspace_id: UUID | None = Field(
        default=None, description="The workspace whose contacts they are; needed without a campaign."
    )
    list_id: UUID | None = Field(default=None, description="Those on this list alone.")
    campaign_id: UUID | None = Field(
        default=None,
        description="In place of everything else: whom the campaign's lists name, each once, and what it says.",
    )
    purpose: Purpose = Purpose.MARKETING
    campaign_type: CampaignType | None = None
    similar_goods: bool | None = None
    role_relevant: bool | None = None
    names_referrer: bool | None = None
    bulk: bool | None = None
    charitable: bool | None = None


class Audiences(Desk):
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
        within = principal.confined_to(Permission.CONTACTS_READ)
        if wanted.campaign_id is not None:
            principal.require(Permission.CAMPAIGNS_READ)
            seen = principal.confined_to(Permission.CAMPAIGNS_READ)
            within = seen if within is None else within if seen is None else within & seen
        scope = Scope(principal.tenant_id, personal=False, workspaces=within)
        answers = self.parts.previewing.answers(scope, _audience(wanted), self.parts.clock())
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


def _audience(wanted: Asked) -> Audience | UUID:
    """Who is asked about: an audience, or a campaign. Raises a `Problem` for both, and for neither."""
    if wanted.campaign_id is not None:
        if others := sorted(wanted.model_fields_set - {"campaign_id"}):
            raise bad_parameter(others[0], "A campaign says this itself. Leave it out, or the campaign.")
        return wanted.campaign_id
    if wanted.workspace_id is None:
        raise bad_parameter("workspace_id", "Name a workspace, or a campaign as campaign_id.")
    message = Message(
        workspace=str(wanted.workspace_id),
        **wanted.model_dump(exclude={"workspace_id", "list_id", "campaign_id"}),
    )
    return Audience(wanted.workspace_id, None if wanted.list_id is None else (wanted.list_id,), message)


async def _lines(preview: Preview, more: AsyncIterator[Preview]) -> AsyncIterator[bytes]:
    yield _far(preview)
    async for one in more:
        preview = one
        yield _far(preview)
    yield dumps({"preview": preview.told(), "position": preview.position, "as_of": preview.at}) + b"\n"


def _far(preview: Preview) -> bytes:
    told: dict[str, Any] = {"progress": {"judged": preview.judged, "people": preview.people}}
    return dumps(told) + b"\n"
