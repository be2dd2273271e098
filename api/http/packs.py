"""Board packs over HTTP: which there are, sealing one, and what was sealed, with how far its figures have moved."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.commands import order_of, outcome_of
from api.http.kinds import BODY_INVALID, NOT_FOUND
from api.http.problems import Problem, bad_parameter, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, uuid_in
from api.http.views import Views
from application.batch import repeated
from application.completeness import Completeness
from application.orders import in_one_form
from application.packs.sealing import FIGURES, PDF, PackAsked, Sealing, may_read, pack_under
from application.ports.analytics import AnalyticsError
from application.ports.positions import Position
from application.queries import QUERIES
from application.rate_limits import COMMANDS_BUCKET
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission
from domain.reporting.pack import SealPack

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request

    from application.orders import Order
    from application.packs.definition import PackDefinition
    from application.packs.drift import Drift
    from domain.kernel.commands import Command
    from domain.reporting.pack import PackSealed

MEDIA: Final = {PDF: "application/pdf", FIGURES: "application/json"}
CHECKS: Final = ("true", "false")


class PacksDesk(Desk):
    """Seals packs and gives them back."""

    def routes(self) -> list[Route]:
        """Definitions, the list, sealing, a seal, its two files."""
        return [
            Route("/v1/packs/definitions", self.definitions, methods=["GET"]),
            Route("/v1/packs", self.listed, methods=["GET"]),
            Route("/v1/packs", self.seal, methods=["POST"]),
            Route("/v1/packs/{id}", self.sealed, methods=["GET"]),
            Route("/v1/packs/{id}/pdf", self.pdf, methods=["GET"]),
            Route("/v1/packs/{id}/figures", self.figures, methods=["GET"]),
        ]

    async def definitions(self, request: Request) -> Response:
        """The packs there are, and what is in them."""
        asked = await self.asked(request, "packs.definitions")
        asked.principal.require(Permission.REPORTS_READ)
        position = await self.parts.position_of(asked.principal.tenant_id)
        told = [described(one) for one in self.parts.packs.definitions()]
        if asked.principal.staff:
            await self.trace(asked, "packs.definitions", ReadKind.STAFF, position=position, rows=len(told))
        return self.answer(asked, {"data": told, "next": None, "position": position, "as_of": None}, position)

    async def listed(self, request: Request) -> Response:
        """The packs that were sealed."""
        return await Views(self.parts).listed(request, QUERIES["packs.sealed_packs"])

    async def seal(self, request: Request) -> Response:
        """Make a pack of a period, and keep it for ever."""
        asked = await self.asked(request, "packs.seal")
        call, principal = asked.call, asked.principal
        principal.require(SealPack.permission)
        asked.allowance = await self.parts.rates.take(
            principal.tenant_id, principal.rate_per_minute, COMMANDS_BUCKET
        )
        must_be(call, b"application/json")
        body = await read_body(call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = PackAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        if twice := repeated(body):
            raise Problem(BODY_INVALID, errors=twice)
        meant = in_one_form(wanted.model_dump(mode="json", by_alias=True))

        def template(command: Command, target: UUID) -> Order:
            return order_of(call, self.parts.callers, principal, command, target, meant)

        sealing = Sealing(principal, wanted, pack_under(principal.tenant_id, call.idempotency_key), template)
        outcome, seal = await self.parts.packs.seal(sealing)
        content = outcome_of(outcome) | {"data": shown(seal)}
        headers = {"idempotent-replayed": "true"} if outcome.replayed else {}
        return self.answer(asked, content, content["position"], status=201, headers=headers)

    async def sealed(self, request: Request) -> Response:
        """A seal, and how far the figures in it have moved since; `check`: what its own position gives today."""
        asked, seal = await self._asked(request, "packs.sealed", ("check",))
        tenant_id, check = asked.principal.tenant_id, asked.given.get("check", "false")
        if check not in CHECKS:
            raise bad_parameter("check", f"Say one of {', '.join(CHECKS)}.")
        position = await self.parts.position_of(tenant_id)
        told = shown(seal)
        try:
            told["drift"] = drifted(await self.parts.packs.drift(tenant_id, seal, at_seal=False))
            told["checked"] = None
            if check == "true":
                told["checked"] = drifted(await self.parts.packs.drift(tenant_id, seal, at_seal=True))
            told["not_computed"] = None
        except AnalyticsError as error:
            # What was sealed is told whether or not figures can be computed anew just now.
            told |= {"drift": None, "checked": None, "not_computed": str(error)}
        if asked.principal.staff:
            await self.trace(asked, "packs.sealed", ReadKind.STAFF, position=position, rows=1)
        as_of = await self.as_of(tenant_id, Position.parse(position))
        return self.answer(asked, {"data": told, "position": position, "as_of": as_of}, position)

    async def pdf(self, request: Request) -> Response:
        """The pack itself: the same bytes for ever."""
        return await self._file(request, "packs.pdf", PDF)

    async def figures(self, request: Request) -> Response:
        """Every figure in it, as JSON: the same bytes for ever."""
        return await self._file(request, "packs.figures", FIGURES)

    async def _file(self, request: Request, name: str, ending: str) -> Response:
        asked, seal = await self._asked(request, name)
        content = await self.parts.packs.content(asked.principal.tenant_id, seal, ending)
        position = Position.parse(seal.position)
        made = Completeness(
            asked.principal.tenant_id, position, seal.figures, await self.signed(asked, position)
        )
        headers = await self.exported(asked, name, made)
        digest = seal.pdf_sha256 if ending == PDF else seal.figures_sha256
        file = f"{seal.definition}-{seal.period_from}-{seal.period_to}.{ending}"
        told = {
            **headers,
            **{key.decode(): value.decode() for key, value in ALWAYS},
            "content-disposition": f'attachment; filename="{file}"',
            "penguin-sha256": digest,
        }
        return Response(content, headers=told, media_type=MEDIA[ending])

    async def _asked(
        self, request: Request, name: str, known: tuple[str, ...] = ()
    ) -> tuple[Asked, PackSealed]:
        asked = await self.asked(request, name, known)
        asked.principal.require(Permission.REPORTS_READ)
        pack_id = uuid_in(request.path_params["id"])
        if pack_id is None:
            raise Problem(NOT_FOUND)
        seal = await self.parts.packs.sealed(asked.principal.tenant_id, pack_id)
        may_read(asked.principal, seal.needs)
        return asked, seal


def described(one: PackDefinition) -> dict[str, Any]:
    """A definition as the list shows it."""
    return {
        "name": one.name,
        "version": one.version,
        "title": one.title,
        "about": one.about,
        "sections": [
            {"id": section.id, "title": section.title, "report": section.report} for section in one.section
        ],
    }


def shown(seal: PackSealed) -> dict[str, Any]:
    """A seal as it is told, with where its files are."""
    told = seal.model_dump(mode="json")
    path = f"/v1/packs/{seal.pack_id}"
    return told | {"pdf": f"{path}/pdf", "figures_file": f"{path}/figures"}


def drifted(found: Drift) -> dict[str, Any]:
    """How far figures have moved, as it is told."""
    return {
        "compared": found.compared,
        "differ": found.differ,
        "moved": [asdict(one) for one in found.moved],
        "not_compared": found.not_compared,
        "position": None if found.position is None else found.position.token(),
    }
