"""How saved queries follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.saved_queries.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

SAVED_QUERIES: Final = Projection("saved_queries", version=1, tables=TABLES)
_TOLD: Final = ("query_id", "author_id", "sql")


@SAVED_QUERIES.on("reporting.query_saved")
def saved(event: Fact, rows: Rows) -> None:
    """A query is there."""
    rows.insert(
        "saved_queries",
        {
            **{name: event.payload[name] for name in _TOLD},
            "title": event.payload["title"],
            "saved_at": event.recorded_at,
            "changed_at": event.recorded_at,
            "created_position": event.position,
        },
    )


@SAVED_QUERIES.on("reporting.query_renamed")
def renamed(event: Fact, rows: Rows) -> None:
    """It took another title."""
    told = {"query_id": event.payload["query_id"], "title": event.payload["after"]}
    rows.update("saved_queries", {**told, "changed_at": event.recorded_at})


@SAVED_QUERIES.on("reporting.query_changed")
def changed(event: Fact, rows: Rows) -> None:
    """It asks something else."""
    told = {name: event.payload[name] for name in _TOLD}
    rows.update("saved_queries", {**told, "changed_at": event.recorded_at})


@SAVED_QUERIES.on("reporting.query_deleted")
def deleted(event: Fact, rows: Rows) -> None:
    """It is gone."""
    rows.delete("saved_queries", {"query_id": event.payload["query_id"]})
