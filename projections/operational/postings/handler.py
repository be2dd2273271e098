"""How postings follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.operational.postings.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

POSTINGS: Final = Projection("postings", version=1, tables=TABLES)


@POSTINGS.on("ledger.posting_started")
def started(event: Fact, rows: Rows) -> None:
    """Checkpoints are posted."""
    rows.insert("postings", {**_told(event), "status": "active", "created_position": event.position})


@POSTINGS.on("ledger.posting_changed")
def changed(event: Fact, rows: Rows) -> None:
    """It is another from now on."""
    rows.update("postings", _told(event))


@POSTINGS.on("ledger.posting_stopped")
def stopped(event: Fact, rows: Rows) -> None:
    """Nothing will be due any more."""
    posting_id = event.payload["posting_id"]
    rows.update("postings", {"posting_id": posting_id, "status": "stopped", "next_at": None})


@POSTINGS.on("ledger.checkpoints_posted")
def posted(event: Fact, rows: Rows) -> None:
    """They are where they were to be."""
    nothing = {"reason": None, "log": None, "path": None}
    rows.update(
        "postings", {**nothing, **event.payload, "outcome": "posted", "settled_at": event.recorded_at}
    )


@POSTINGS.on("ledger.posting_failed")
def failed(event: Fact, rows: Rows) -> None:
    """They are not, or in part."""
    nothing = {"mailed": 0, "others": 0, "others_failed": 0}
    rows.update(
        "postings", {**nothing, **event.payload, "outcome": "failed", "settled_at": event.recorded_at}
    )


def _told(event: Fact) -> dict[str, Any]:
    told = {name: event.payload[name] for name in ("posting_id", "author_id", "next_at")}
    return {**event.payload["terms"], **told}
