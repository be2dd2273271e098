"""Why a report of all customers differs between two moments: cell by cell, the events that did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from api.http.differences import MOST, not_summed, number_asked, then_and_now
from api.http.of_all import OfAll, stood
from api.http.problems import bad_parameter
from api.http.reports import parameters_of
from application.figures import plain
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.platform_differences import CellOfAll, EventOfAll, MeasureOfAll

AT_TIME = "at_time"
_MOVING: Final = "Give `as_of` of the answer before: until now, rows move from page to page."


class PlatformDifferences(OfAll):
    """Answers what made figures of all customers differ."""

    def routes(self) -> list[Route]:
        """One: of any report."""
        return [Route("/v1/platform/reports/{name}/difference", self.difference, methods=["GET"])]

    async def difference(self, request: Request) -> Response:
        """The cells that differ between `from_time` and `to_time` (now unless given), with what did it."""
        info = self.info(request)
        own = [name for name in parameters_of(info) if name != AT_TIME]
        query = f"reports.{info.name}_difference"
        asked = await self.staff(request, query, (*own, "from_time", "to_time", "limit", "after"))
        asked.principal.require(Permission.REPORTS_DRILL)
        limit, after = (
            number_asked(asked, "limit", "10", 1, MOST),
            number_asked(asked, "after", "0", 0, 10**18),
        )
        between = asked.taken("from_time", "to_time")
        if "from_time" not in between:
            raise bad_parameter("from_time", "Say as of which moment the figures were seen.")
        if after and "to_time" not in between:
            raise bad_parameter("to_time", _MOVING)
        found = await self.platform.difference(
            info.name,
            (between["from_time"], between.get("to_time")),
            asked.given,
            after=after,
            limit=limit,
        )
        filters = {**between, "from_digest": found.first.digest}
        await self.record(asked, query, len(found.cells), found.last, filters)
        content = {
            "report": info.name,
            "differing": found.differing,
            "from_as_of": plain(found.first.as_of),
            "from_digest": found.first.digest,
            "data": [_cell(cell) for cell in found.cells],
            "next": None if found.next_after is None else str(found.next_after),
            **stood(found.last),
        }
        return self.answer(asked, content, None)


def _cell(cell: CellOfAll) -> dict[str, Any]:
    return {
        "cell": cell.cell,
        "measures": [_measure(measure) for measure in cell.measures],
        "not_summed": [not_summed(other) for other in cell.not_summed],
    }


def _measure(measure: MeasureOfAll) -> dict[str, Any]:
    return {
        **then_and_now(measure),
        "difference": measure.difference,
        "events": [_event(event) for event in measure.events],
        "left_out": {"events": measure.left_out, "weight": measure.left_out_weight},
    }


def _event(event: EventOfAll) -> dict[str, Any]:
    return {
        "tenant_id": str(event.tenant_id),
        "position": event.position,
        "name": event.name,
        "recorded_at": event.recorded_at.isoformat(),
        "effective_on": plain(event.effective_on),
        "arrived": event.arrived,
        "before": event.before,
        "after": event.after,
    }
