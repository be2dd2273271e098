"""Evidence bundles over HTTP: a question is asked, a zip archive is streamed, whoever asked is entered before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from starlette.responses import StreamingResponse
from starlette.routing import Route

from api.evidence import gather, written
from api.http.asking import Desk
from api.http.kinds import BODY_INVALID
from api.http.ledger import ENVELOPES
from api.http.problems import Problem, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body
from application.batch import repeated
from application.ports.evidence import EvidenceAsked
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.http.request import Call
    from application.principals import Principal

NAME: Final = "ledger.evidence"
MEDIA: Final = "application/zip"
ROWS: Final = "penguin-rows"
"""The header that says how many events a bundle holds."""


class EvidenceDesk(Desk):
    """Gives bundles out."""

    def routes(self) -> list[Route]:
        """The bundle, and the checkpoints by which the same bytes are had again."""
        return [
            Route("/v1/ledger/evidence", self.bundle, methods=["POST"]),
            Route("/v1/ledger/evidence/question", self.question, methods=["POST"]),
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
