"""`GET /v1/access/review`: how far the access log is signed off, what is open, and by which rules it is watched."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from api.http.asking import Desk
from application.ports.positions import Position
from domain.access.reads import ReadKind
from domain.access.review import MOST_ENTRIES, MOST_READERS
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from domain.access.alerts import Watch
    from domain.access.entries import Tally
    from domain.access.review import Review

_NAME = "access.review"


class ReviewDesk(Desk):
    """Tells reviewers what is theirs to do."""

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/v1/access/review", self.standing, methods=["GET"])]

    async def standing(self, request: Request) -> Response:
        """Where the review stands: counted from the access log itself, a hundred thousand entries of it at most."""
        asked = await self.asked(request, _NAME)
        principal, entries = asked.principal, self.parts.entries
        principal.require(Permission.ACCESS_READ)
        tenant_id = principal.tenant_id
        position = await self.parts.position_of(tenant_id)
        review: Review = await self.parts.commands.state(tenant_id, "access_review", tenant_id)
        watch: Watch = await self.parts.commands.state(tenant_id, "access_watch", tenant_id)
        head = await entries.head(tenant_id)
        last = 0 if head is None else head.position
        to = min(last, review.signed_to + MOST_ENTRIES)
        tally = await entries.tally(tenant_id, review.signed_to, to)
        if principal.staff:
            await self.trace(asked, _NAME, ReadKind.STAFF, position=position, rows=1)
        data = told(review, watch, tally, last, to, self.parts.clock())
        as_of = await self.as_of(tenant_id, Position.parse(position))
        return self.answer(asked, {"data": data, "position": position, "as_of": as_of}, position)


def told(review: Review, watch: Watch, tally: Tally, last: int, to: int, now: datetime) -> dict[str, Any]:
    """Where a review stands, as it is told. `last`: where the access log stands; the tally goes up to `to`."""
    due = None if tally.first_at is None else tally.first_at + timedelta(days=review.cadence_days)
    return {
        "signed_to": review.signed_to,
        "last_position": last,
        "cadence_days": review.cadence_days,
        "due_at": None if due is None else due.isoformat(),
        "overdue": due is not None and due <= now,
        "open": {
            "after_position": review.signed_to,
            "to_position": to,
            "entries": tally.entries,
            "staff_entries": tally.staff,
            "denied_requests": tally.denied,
            "kinds": dict(sorted(tally.kinds.items())),
            "readers": [
                {"reader_id": reader, "entries": count}
                for reader, count in tally.readers.most_common(MOST_READERS)
            ],
            "readers_count": len(tally.readers),
            "first_at": None if tally.first_at is None else tally.first_at.isoformat(),
            "last_at": None if tally.last_at is None else tally.last_at.isoformat(),
        },
        "own_reads": [
            {"reader_id": reader, **reads.model_dump()} for reader, reads in sorted(review.own.items())
        ],
        "open_questions": len(review.questions),
        "open_alerts": len(watch.open),
        "rules": [rule.model_dump(mode="json") for rule in watch.rules.values()],
    }
