"""Disclosed values over HTTP: a file apart from any bundle, of single values with the openings of their commitments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from adapters.evidence.disclosures import Disclosed, Withheld, disclosure
from api.http.asking import Desk
from api.http.kinds import BODY_INVALID
from api.http.ledger import ENVELOPES
from api.http.problems import Problem, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, uuid_in
from application.batch import repeated
from application.openings import DisclosureAsked, Openings
from application.principals import MissingPermission
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.requests import Request

    from api.http.request import Call
    from application.openings import Opened, Value
    from application.principals import Principal

NAME: Final = "ledger.disclosure"
MEDIA: Final = "application/json"
OPENED: Final = "penguin-rows"
"""The header that says how many values the file holds."""


class OpeningDesk(Desk):
    """Gives single values out, to whoever may see them and says why."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/ledger/disclosures", self.disclose, methods=["POST"])]

    async def disclose(self, request: Request) -> Response:
        """The file. Who may not see all that is asked for is given nothing of it."""
        asked = await self.asked(request, NAME)
        principal = asked.principal
        _hold(principal, Permission.HISTORY_READ_PERSONAL)
        wanted = await self._wanted(asked.call, request)
        for permission in {one for of in wanted.events for one in ENVELOPES[of.log]}:
            _hold(principal, permission)
        openings = Openings(self.parts.ledger, self.parts.codec)
        values = await openings.find(principal.tenant_id, wanted)
        for permission in dict.fromkeys(one.permission for one in values if one.permission is not None):
            _hold(principal, permission)
        opened, withheld = await asyncio.to_thread(openings.open, principal.tenant_id, values)
        position = await self.parts.position_of(principal.tenant_id)
        asked.call.reason = wanted.reason
        await self.trace(
            asked,
            NAME,
            ReadKind.PERSONAL,
            position=position,
            rows=len(opened),
            subjects=_subjects(opened),
            filters={"events": wanted.told()},
        )
        content = disclosure(
            principal.tenant_id, map(_disclosed, opened), [_withheld(one, why) for one, why in withheld]
        )
        headers = {
            **self.headers(asked, position),
            "content-disposition": 'attachment; filename="disclosure.json"',
            OPENED: str(len(opened)),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        return Response(b"".join(content), headers=headers, media_type=MEDIA)

    async def _wanted(self, call: Call, request: Request) -> DisclosureAsked:
        must_be(call, b"application/json")
        body = await read_body(call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = DisclosureAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        if twice := repeated(body):
            raise Problem(BODY_INVALID, errors=twice)
        return wanted


def _hold(principal: Principal, permission: Permission) -> None:
    """Refuse, unless the permission is held in the whole tenant: a log tells of all its workspaces."""
    principal.require(permission)
    if principal.confined_to(permission) is not None:
        raise MissingPermission(
            f"needs the permission {permission} in the whole tenant", permission=permission
        )


def _subjects(opened: Iterable[Opened]) -> Sequence[UUID]:
    """Whose values are told."""
    told = (uuid_in(one.value.sealed.subject) for one in opened if one.value.sealed is not None)
    return [one for one in dict.fromkeys(told) if one is not None]


def _disclosed(one: Opened) -> Disclosed:
    value = one.value
    return Disclosed(value.log, value.position, value.part, value.field, one.opening, one.content)


def _withheld(value: Value, why: str) -> Withheld:
    return Withheld(value.log, value.position, value.part, value.field, why)
