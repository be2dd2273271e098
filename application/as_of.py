"""As of a moment: the last position that was recorded at or before it, found in the log itself.

The moments of a log never go back: each append takes the later of the clock and of its head's last moment, under the
head's lock. So positions are in the order of time, and a moment is found by bisection. Events of one append share a
moment; as of it, all of them were there. What will be known by a moment that has not come nobody knows: it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.ports.analytics import InvalidParameters
from application.ports.positions import Position

if TYPE_CHECKING:
    from datetime import datetime

    from application.ports.analytics import ReportInfo
    from application.ports.log import Head, TenantLog

AT: Final = "at_position"
AT_TIME: Final = "at_time"
_TAKEN: Final = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
    "default": None,
    "description": "As of the last position recorded by this moment (with its offset, and not to come); in place of a "
    "position.",
    "title": "At Time",
}


def not_known(name: str, last: datetime | None) -> InvalidParameters:
    """The refusal of a moment that lies after all that is known, the last of which was recorded at `last`."""
    known = "there are none yet" if last is None else f"the last was recorded at {last.isoformat()}"
    return InvalidParameters(((f"/{name}", f"events are known up to a moment before it: {known}"),))


def must_have_come(name: str, moment: datetime, head: Head, now: datetime) -> None:
    """Raises `InvalidParameters` for a moment to come: what is known by then may be more.

    One between the log's last event and now is known: nothing was recorded since. The log's clock may be ahead of ours.
    """
    if moment > max(now, head.recorded_at):
        raise not_known(name, head.recorded_at if head.position else None)


async def position_at(log: TenantLog, head: Head, moment: datetime) -> Position:
    """The last position recorded at or before a moment; 0 before the first event, the head's after the last."""
    return Position(head.epoch, await last_before(log, head, moment, inclusive=True))


async def last_before(log: TenantLog, head: Head, moment: datetime, *, inclusive: bool) -> int:
    """The last position before a moment, or at it too."""

    def earlier(recorded_at: datetime) -> bool:
        return recorded_at <= moment if inclusive else recorded_at < moment

    if earlier(head.recorded_at):
        return head.position
    low, high = 0, head.position
    while low < high:
        middle = (low + high + 1) // 2
        (row,) = await log.read_log(head.tenant_id, after=middle - 1, limit=1, up_to=middle)
        low, high = (middle, high) if earlier(row.recorded_at) else (low, middle - 1)
    return low


def taken_by(info: ReportInfo) -> dict[str, Any]:
    """What a report takes, as JSON Schema: where it takes a position, a moment too.

    Reports themselves know positions only: whoever is given a moment looks for its position first. So an answer as of a
    moment is the one as of a position, and what is kept or cited of it too.
    """
    fields: dict[str, Any] = info.parameters.get("properties", {})
    if AT not in fields:
        return dict(info.parameters)
    return {**info.parameters, "properties": {AT: fields[AT], AT_TIME: _TAKEN, **fields}}
