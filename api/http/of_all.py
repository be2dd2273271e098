"""What the doors for questions about all customers share: who may ask, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.http.asking import Asked, Desk
from api.http.kinds import NOT_FOUND
from api.http.problems import Problem
from application.figures import plain
from domain.access.reads import ReadKind
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

    from application.ports.analytics import ReportInfo
    from application.ports.platform import PlatformAnalytics, Standing


class OfAll(Desk):
    """Base of these doors: who asks holds the permission in the platform's own log, or is refused."""

    @property
    def platform(self) -> PlatformAnalytics:
        """Who answers."""
        return self.parts.analytics.platform

    async def staff(self, request: Request, name: str, known: Collection[str] = ()) -> Asked:
        """Who of the staff asks what."""
        asked = await self.asked(request, f"platform.{name}", known)
        asked.principal.require(Permission.PLATFORM_REPORTS_READ)
        if asked.principal.tenant_id != PLATFORM:
            # Whatever a credential of another log may hold one day: of all customers it learns nothing.
            raise Problem(NOT_FOUND)
        return asked

    def info(self, request: Request) -> ReportInfo:
        """The report that the path names."""
        info = self.platform.reports().get(request.path_params["name"])
        if info is None:
            raise Problem(NOT_FOUND)
        return info

    async def record(
        self,
        asked: Asked,
        query: str,
        rows: int,
        standing: Standing,
        filters: Mapping[str, str] | None = None,
    ) -> None:
        """Everything that staff read of customers is recorded, in the platform's log, before it is answered."""
        told = {**asked.given, **(filters or {}), "digest": standing.digest}
        await self.trace(asked, f"platform.{query}", ReadKind.STAFF, position=None, rows=rows, filters=told)


def stood(standing: Standing) -> dict[str, Any]:
    """What an answer was made from; no single position says it."""
    return {
        "position": None,
        "as_of": plain(standing.as_of),
        "tenants": standing.tenants,
        "digest": standing.digest,
        "stopped": standing.stopped,
    }
