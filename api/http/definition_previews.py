"""Previews of changed definitions over HTTP: history as it would be restated, beside what it is. Nothing is kept."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from starlette.routing import Route

from api.http.asking import Desk, latest
from api.http.kinds import BODY_INVALID
from api.http.problems import Problem, invalid_body
from api.http.request import must_be, read_body
from application.as_of import AT, AT_TIME
from application.ports.analytics import InvalidParameters
from application.restating import restated
from domain.access.reads import ReadKind
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from projections.finance.profiles import USUAL, Profile, must_not_be_taken
from projections.olap.mrr_sql import ProfileId
from projections.olap.preview_report import FIGURES, NAME
from projections.olap.report import Day

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.positions import Position
    from application.restating import Month, Movement

PREVIEW: Final = "reports.preview_definition"
MOST_MOVEMENTS: Final = 1_000


class DefinitionAsked(BaseModel):
    """A changed profile, all of it as in profiles.toml, and from which day on it would hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: Profile
    against: Annotated[ProfileId, Field(description="The profile that figures are given under.")] = USUAL
    effective_from: Annotated[
        date | None, Field(description="First day (UTC) of the changed one; the whole history unless given.")
    ] = None
    from_: Annotated[Day | None, Field(alias="from", description="First day (UTC) that is shown.")] = None
    to: Annotated[Day | None, Field(description="Last day (UTC), included; until now unless given.")] = None
    dating: Literal["effective", "posting"] = "posting"
    at_position: Annotated[
        Annotated[int, Field(ge=0)] | Annotated[str, StringConstraints(max_length=100)] | None,
        Field(description="As of this position of the log, as a number or a token."),
    ] = None
    at_time: Annotated[
        Moment | None,
        Field(
            description="As of the last position recorded at or before this moment; in place of a position."
        ),
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("to lies before from; exchange them")
        return self


class DefinitionPreviews(Desk):
    """Answers what a changed definition would do."""

    def routes(self) -> list[Route]:
        """One: of MRR's profiles."""
        return [Route("/v1/reports/definitions/preview", self.preview, methods=["POST"])]

    async def preview(self, request: Request) -> Response:
        """Months as they are and as they would be, with the bridge between them."""
        asked = await self.asked(request, PREVIEW, ("min_position",))
        asked.principal.require(Permission.REPORTS_READ)
        must_be(asked.call, b"application/json")
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = DefinitionAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        must_not_be_taken(wanted.profile)
        tenant = asked.principal.tenant_id
        at = await self._at(tenant, wanted)
        position = latest(at, await self.reachable(asked, asked.position()))
        given = wanted.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"profile", "against", AT, AT_TIME}
        )
        if at is not None:
            given[AT] = at.n
        given |= {"profile": wanted.against, "changed": wanted.profile.model_dump_json()}
        found = await self.parts.analytics.report(NAME, tenant, given, min_position=position)
        if found.truncated:
            detail = "more movements differ than a preview shows; name fewer days"
            raise Problem(BODY_INVALID, errors=[{"pointer": "/from", "code": "invalid", "detail": detail}])
        told, token = restated(found, FIGURES), found.position.token()
        if asked.principal.staff:
            await self.trace(asked, PREVIEW, ReadKind.STAFF, position=token, rows=len(told.months))
        data = {
            "profile": wanted.profile.id,
            "against": wanted.against,
            "effective_from": wanted.effective_from.isoformat() if wanted.effective_from else None,
            "months": [_month(one) for one in told.months],
            "movements": [_movement(one) for one in told.movements[:MOST_MOVEMENTS]],
            "movements_left_out": max(0, len(told.movements) - MOST_MOVEMENTS),
        }
        as_of = found.as_of.isoformat() if found.as_of else None
        return self.answer(asked, {"data": data, "position": token, "as_of": as_of}, token)

    async def _at(self, tenant_id: UUID, wanted: DefinitionAsked) -> Position | None:
        given = {} if wanted.at_position is None else {AT: str(wanted.at_position)}
        if wanted.at_time is not None:
            given[AT_TIME] = wanted.at_time.isoformat()
        try:
            return await self.place_named(tenant_id, given, AT, AT_TIME)
        except InvalidParameters as error:
            errors = [
                {"pointer": pointer, "code": "invalid", "detail": words} for pointer, words in error.problems
            ]
            raise Problem(BODY_INVALID, errors=errors) from None


def _month(one: Month) -> dict[str, Any]:
    return {
        "period": one.period.isoformat(),
        "currency": one.currency,
        "old": one.old,
        "restated": one.restated,
        "difference": one.difference,
        "bridge": [{"switch": switch, **amounts} for switch, amounts in one.by_switch.items()],
        "left_over": one.left_over,
    }


def _movement(one: Movement) -> dict[str, Any]:
    return {**asdict(one), "period": one.period.isoformat(), "day": one.day.isoformat()}
