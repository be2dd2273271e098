"""How schedules and deliveries follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.operational.deliveries.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

DELIVERIES: Final = Projection("deliveries", version=5, tables=TABLES)


@DELIVERIES.on("reporting.schedule_created")
def created(event: Fact, rows: Rows) -> None:
    """A schedule is there."""
    rows.insert("schedules", {**_told(event), "status": "active", "created_position": event.position})


@DELIVERIES.on("reporting.schedule_changed")
def changed(event: Fact, rows: Rows) -> None:
    """It is another from now on."""
    rows.update("schedules", _told(event))
    _dropped(event, rows)


@DELIVERIES.on("reporting.schedule_paused")
def paused(event: Fact, rows: Rows) -> None:
    """Nothing is due."""
    _set(event, rows, status="paused", next_at=None)
    _dropped(event, rows)


@DELIVERIES.on("reporting.schedule_resumed")
def resumed(event: Fact, rows: Rows) -> None:
    """Something is due again."""
    _set(event, rows, status="active", next_at=event.payload["next_at"])


@DELIVERIES.on("reporting.schedule_removed")
def removed(event: Fact, rows: Rows) -> None:
    """Nothing will be due any more."""
    _set(event, rows, status="removed", next_at=None)
    _dropped(event, rows)


@DELIVERIES.on("reporting.delivery_prepared")
def prepared(event: Fact, rows: Rows) -> None:
    """The files of a due time are made."""
    told = event.payload
    rows.upsert(
        "deliveries",
        {
            **_due(event),
            "status": "under_way",
            "log_position": told["position"],
            "as_of": told["as_of"],
            "files": told["files"],
            "refused": told["refused"],
            "mailed": 0,
        },
    )


@DELIVERIES.on("reporting.delivery_mailed")
def mailed(event: Fact, rows: Rows) -> None:
    """One more has it, while others may still wait."""
    rows.add("deliveries", {"delivery_id": event.payload["delivery_id"]}, mailed=1)


@DELIVERIES.on("reporting.delivery_made")
def made(event: Fact, rows: Rows) -> None:
    """They are where they were to be."""
    told = event.payload
    missed = told["withheld"] or told["refused"] or told["folder_failed"]
    status = "partly" if missed else "delivered"
    where = {name: told[name] for name in ("folder", "mailed", "withheld", "folder_failed")}
    _settled(event, rows, told["delivery_id"], status=status, **where)
    _set(event, rows, next_at=told["next_at"])


@DELIVERIES.on("reporting.delivery_failed")
def failed(event: Fact, rows: Rows) -> None:
    """They are not, and will not be."""
    told = event.payload
    row = {"status": "failed", **{name: told[name] for name in ("reason", "mailed", "withheld", "refused")}}
    if told["prepared"]:
        _settled(event, rows, told["delivery_id"], **row)
    else:
        rows.upsert("deliveries", {**_due(event), **row, "settled_at": event.recorded_at})
    _set(event, rows, next_at=told["next_at"])


@DELIVERIES.on("reporting.deliveries_skipped")
def skipped(event: Fact, rows: Rows) -> None:
    """Due times passed while nothing ran."""
    told = event.payload
    row = {**_due(event), "status": "skipped", "skipped": told["skipped"], "settled_at": event.recorded_at}
    rows.upsert("deliveries", row)
    _set(event, rows, next_at=told["next_at"])


def _told(event: Fact) -> dict[str, Any]:
    payload = event.payload
    return {
        **payload["terms"],
        "schedule_id": payload["schedule_id"],
        "author_id": payload["author_id"],
        "next_at": payload["next_at"],
    }


def _set(event: Fact, rows: Rows, **values: Any) -> None:
    rows.update("schedules", {"schedule_id": event.payload["schedule_id"], **values})


def _dropped(event: Fact, rows: Rows) -> None:
    """What was prepared is not delivered, since the schedule is another."""
    dropped = event.payload["dropped"]
    if dropped is not None:
        _settled(event, rows, dropped, status="dropped")


def _settled(event: Fact, rows: Rows, delivery_id: str, **values: Any) -> None:
    rows.update("deliveries", {"delivery_id": delivery_id, "settled_at": event.recorded_at, **values})


def _due(event: Fact) -> dict[str, Any]:
    names = ("delivery_id", "schedule_id", "day", "due_at")
    told = {name: event.payload[name] for name in names}
    return {**told, "created_position": event.position}
