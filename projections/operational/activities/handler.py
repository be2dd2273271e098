"""How the record of processing activities follows from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.operational.activities.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

ACTIVITIES: Final = Projection("activities", version=1, tables=TABLES)


def _told(record: dict[str, Any]) -> dict[str, Any]:
    return {"title": record["title"], "role": record["role"], "record": record}


@ACTIVITIES.on("rights.activity_entered")
def entered(event: Fact, rows: Rows) -> None:
    """Something is done with people's data."""
    rows.insert(
        "activities",
        {
            "activity_id": event.payload["activity_id"],
            **_told(event.payload["record"]),
            "contacts": event.payload["contacts"],
            "entered_at": event.recorded_at,
            "changed_at": event.recorded_at,
            "created_position": event.position,
        },
    )


@ACTIVITIES.on("rights.activity_changed")
def changed(event: Fact, rows: Rows) -> None:
    """It is as told now."""
    contacts = {"contacts": event.payload["contacts_after"]} if event.payload["contacts_changed"] else {}
    told = {**_told(event.payload["after"]), **contacts, "changed_at": event.recorded_at}
    rows.update("activities", {"activity_id": event.payload["activity_id"], **told})


@ACTIVITIES.on("rights.activity_reviewed")
def reviewed(event: Fact, rows: Rows) -> None:
    """Somebody looked at it."""
    told = {"activity_id": event.payload["activity_id"], "reviewed_at": event.payload["reviewed_at"]}
    rows.update("activities", told)


@ACTIVITIES.on("rights.activity_ended")
def ended(event: Fact, rows: Rows) -> None:
    """It is over."""
    told = {"activity_id": event.payload["activity_id"], "ended_at": event.payload["ended_at"]}
    rows.update("activities", told)
