"""Evidence over HTTP: bundles, streamed, and permission certificates; whoever asks is entered before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.certificates import certify
from api.evidence import gather, written
from api.http.asking import Desk
from api.http.kinds import BODY_INVALID, NOT_FOUND
from api.http.ledger import ENVELOPES
from api.http.numbers import whole
from api.http.problems import Problem, bad_parameter, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, uuid_in
from application.batch import repeated
from application.ports.evidence import EvidenceAsked
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.http.request import Call
    from application.principals import Principal

NAME: Final = "ledger.evidence"
CERTIFICATE: Final = "ledger.certificate"
MEDIA: Final = "application/zip"
MOST_SIZES: Final = 20
ROWS: Final = "penguin-rows"
"""The header that says how many events a bundle holds."""


class EvidenceDesk(Desk):
    """Gives bundles out."""

    def routes(self) -> list[Route]:
        """The bundle, and the checkpoints by which the same bytes are had again."""
        return [
            Route("/v1/ledger/evidence", self.bundle, methods=["POST"]),
            Route("/v1/ledger/evidence/question", self.question, methods=["POST"]),
            Route("/v1/ledger/certificates/{of}", self.certificate, methods=["GET"]),
        ]

    async def bundle(self, request: Request) -> Response:
        """An archive of what was asked for."""
        asked = await self.asked(request, NAME)
        wanted = await self._wanted(asked.call, request, asked.principal)
        found = await gather(self.parts, asked.principal.tenant_id, wanted)
        position = await self.parts.position_of(asked.principal.tenant_id)
        made = found.completeness()
        headers = {
            **await self.exported(asked, NAME, made, position=position, filters=wanted.told()),
            "content-disposition": 'attachment; filename="evidence.zip"',
            ROWS: str(made.rows),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        return StreamingResponse(written(self.parts, found), headers=headers, media_type=MEDIA)

    async def question(self, request: Request) -> Response:
        """How many events a bundle would hold, and the question that gives the same bytes again and again."""
        asked = await self.asked(request, f"{NAME}_question")
        wanted = await self._wanted(asked.call, request, asked.principal)
        found = await gather(self.parts, asked.principal.tenant_id, wanted)
        position = await self.parts.position_of(asked.principal.tenant_id)
        told = {
            "question": {
                **wanted.model_dump(mode="json", exclude_unset=True),
                "checkpoints": found.checkpoints,
            },
            "logs": [
                {
                    "log": one.log.log.value,
                    "size": one.size,
                    "first": one.choice.first,
                    "last": one.choice.last,
                    "rows": one.choice.chosen.count,
                    "hidden": [
                        {"filter": name, "asked": value, "rows": rows}
                        for name, value, rows in one.choice.hidden
                    ],
                }
                for one in found.logs
            ],
        }
        await self.trace(
            asked, f"{NAME}_question", ReadKind.REPLAY, position=position, rows=1, filters=wanted.told()
        )
        return self.answer(asked, {"data": told, "position": position, "as_of": None}, position)

    async def certificate(self, request: Request) -> Response:
        """What proves of one message who decided on it, by which law and on what, and that it was before it went."""
        asked = await self.asked(request, CERTIFICATE, ("whole", "compare"), repeated=("compare",))
        asked.principal.require(Permission.HISTORY_READ)
        text = request.path_params["of"]
        of = uuid_in(text) or whole(text)
        if of is None:
            raise Problem(NOT_FOUND)
        whole_stream = _flag(asked.given.pop("whole", "false"))
        sizes = _sizes(asked.given.pop("compare", None))
        tenant_id = asked.principal.tenant_id
        found, person = await certify(self.parts, tenant_id, of, whole=whole_stream, compare=sizes)
        content = await asyncio.to_thread(lambda: b"".join(written(self.parts, found)))
        position = await self.parts.position_of(tenant_id)
        made = found.completeness()
        certified = await self.exported(
            asked, CERTIFICATE, made, position=position, subjects=[person], filters=found.question
        )
        headers = {
            **certified,
            "content-disposition": 'attachment; filename="certificate.zip"',
            ROWS: str(made.rows),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        return Response(content, headers=headers, media_type=MEDIA)

    async def _wanted(self, call: Call, request: Request, principal: Principal) -> EvidenceAsked:
        must_be(call, b"application/json")
        body = await read_body(call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = EvidenceAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        if twice := repeated(body):
            raise Problem(BODY_INVALID, errors=twice)
        for log in wanted.logs:
            for permission in ENVELOPES[log]:
                principal.require(permission)
        return wanted


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise bad_parameter("whole", "Give true or false.")
    return text == "true"


def _sizes(text: str | None) -> list[int]:
    """Sizes of checkpoints."""
    sizes = [whole(one) for one in text.split(",")] if text else []
    if len(sizes) > MOST_SIZES or None in sizes:
        raise bad_parameter(
            "compare", f"Give the sizes of {MOST_SIZES} checkpoints at most: their second lines."
        )
    return [one for one in sizes if one is not None]
