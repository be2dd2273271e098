"""Why a report differs from what was seen: cell by cell, the events between two positions that did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from api.http.asking import Asked, Desk, latest
from api.http.kinds import NOT_FOUND, PARAMETER_INVALID
from api.http.numbers import whole
from api.http.problems import Problem, bad_parameter
from api.http.reports import parameters_of
from application.as_of import AT, AT_TIME
from application.ports.analytics import InvalidParameters
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.differences import CellDifference, Difference, MeasureDifference, Named, NotSummed
    from application.ports.platform_differences import MeasureOfAll
    from application.ports.positions import Position

MOST = 20
_MOVING: Final = "Give `position` of the answer before: until now, rows move from page to page."
_FROM = ("from_position", "from_time")
_TO = ("to_position", "to_time")


class Differences(Desk):
    """Answers what made figures differ."""

    def routes(self) -> list[Route]:
        """One: of any report."""
        return [Route("/v1/reports/{name}/difference", self.difference, methods=["GET"])]

    async def difference(self, request: Request) -> Response:
        """The cells that differ between two positions, with what did it: from `from_position` or `from_time` on.

        Until `to_position` or `to_time`; now unless given.
        """
        info = self.parts.analytics.reports().get(request.path_params["name"])
        if info is None:
            raise Problem(NOT_FOUND)
        own = [name for name in parameters_of(info) if name not in (AT, AT_TIME)]
        known = (*own, *_FROM, *_TO, "min_position", "limit", "after")
        asked = await self.asked(request, f"reports.{info.name}_difference", known)
        asked.principal.require(Permission(info.permission))
        asked.principal.require(Permission.REPORTS_DRILL)
        limit, after = (
            number_asked(asked, "limit", "10", 1, MOST),
            number_asked(asked, "after", "0", 0, 10**18),
        )
        names = [position if moment not in asked.given else moment for position, moment in (_FROM, _TO)]
        first = await self._position(asked, _FROM)
        if first is None:
            raise bad_parameter(
                _FROM[0], "Say as of which position the figures were seen, or by from_time when."
            )
        last = await self._position(asked, _TO)
        if after and last is None:
            raise bad_parameter(_TO[0], _MOVING)
        if last is not None and first > last:
            raise bad_parameter(names[0], f"It lies after {names[1]}. Exchange them.")
        wanted = latest(first, last, await self.reachable(asked, asked.position()))
        filters = dict(asked.given)
        found = await self.parts.analytics.difference(
            info.name,
            asked.principal.tenant_id,
            (first.n, None if last is None else last.n),
            asked.given,
            after=after,
            limit=limit,
            min_position=wanted,
        )
        position = found.to_position.token()
        if asked.principal.staff:
            query, rows = f"reports.{info.name}_difference", len(found.cells)
            await self.trace(asked, query, ReadKind.STAFF, position=position, rows=rows, filters=filters)
        return self.answer(asked, {"report": info.name, **_shown(found)}, position)

    async def _position(self, asked: Asked, named: tuple[str, str]) -> Position | None:
        """A position by its number, by a token of the log as it is, or by a moment."""
        try:
            return await self.place_named(asked.principal.tenant_id, asked.given, *named)
        except InvalidParameters as error:
            errors = [
                {"parameter": pointer[1:], "code": "invalid", "detail": words}
                for pointer, words in error.problems
            ]
            raise Problem(PARAMETER_INVALID, errors=errors) from None


def number_asked(asked: Asked, name: str, usual: str, least: int, most: int) -> int:
    """A whole number that is given, or the usual one; taken out of what was given."""
    number = whole(asked.given.pop(name, usual))
    if number is None or not least <= number <= most:
        raise bad_parameter(name, f"Give a number from {least} to {most}.")
    return number


def _shown(found: Difference) -> dict[str, Any]:
    return {
        "differing": found.differing,
        "from_position": found.from_position.token(),
        "from_as_of": None if found.from_as_of is None else found.from_as_of.isoformat(),
        "data": [_cell(cell) for cell in found.cells],
        "next": None if found.next_after is None else str(found.next_after),
        "position": found.to_position.token(),
        "as_of": None if found.to_as_of is None else found.to_as_of.isoformat(),
    }


def _cell(cell: CellDifference) -> dict[str, Any]:
    return {
        "cell": cell.cell,
        "changed": [
            {"dimension": one.dimension, "before": one.before, "after": one.after} for one in cell.changed
        ],
        "measures": [_measure(measure) for measure in cell.measures],
        "not_summed": [not_summed(other) for other in cell.not_summed],
    }


def not_summed(other: NotSummed) -> dict[str, Any]:
    """A figure that differs and is no sum of events, as it is shown."""
    return {**then_and_now(other), "parts": list(other.parts)}


def then_and_now(figure: NotSummed | MeasureDifference | MeasureOfAll) -> dict[str, Any]:
    """What is shown of every figure that differs: which it is, what it was and what it is."""
    return {
        "measure": figure.measure,
        "unit": figure.unit,
        "before": figure.before,
        "after": figure.after,
    }


def _measure(measure: MeasureDifference) -> dict[str, Any]:
    return {
        **then_and_now(measure),
        "scale": measure.scale,
        "difference": measure.difference,
        "events": [{**_named(one.event), "before": one.before, "after": one.after} for one in measure.events],
        "moved_by": [{**_named(one.event), "moved": one.moved} for one in measure.moved_by],
        "left_out": {"events": measure.left_out, "weight": measure.left_out_weight},
    }


def _named(event: Named) -> dict[str, Any]:
    return {
        "position": event.position,
        "name": event.name,
        "recorded_at": event.recorded_at.isoformat(),
        "effective_on": None if event.effective_on is None else event.effective_on.isoformat(),
        "arrived": event.arrived,
    }
