"""How reviews of the access log follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.access_reviews.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

ACCESS_REVIEWS: Final = Projection("access_reviews", version=1, tables=TABLES, reveals=False)
_SIGNED: Final = ("review_id", "signed_by", "after_position", "to_position", "entries")
_COUNTED: Final = (
    "epoch",
    "own_entries",
    "staff_entries",
    "denied_requests",
    "kinds",
    "readers",
    "readers_count",
    "first_at",
    "last_at",
)
_ALERT: Final = (
    "alert_id",
    "rule",
    "reader_id",
    "staff",
    "counts",
    "measured",
    "threshold",
    "minutes",
    "epoch",
    "first_position",
    "last_position",
    "first_at",
    "last_at",
)


@ACCESS_REVIEWS.on("access.period_signed_off")
def signed_off(event: Fact, rows: Rows) -> None:
    """A period is signed off."""
    told = {name: event.payload[name] for name in (*_SIGNED, *_COUNTED)}
    rows.insert("sign_offs", {**told, "signed_at": event.recorded_at, "created_position": event.position})


@ACCESS_REVIEWS.on("access.own_reads_signed_off")
def own_signed_off(event: Fact, rows: Rows) -> None:
    """What an officer read themselves is signed off by another."""
    told = {name: event.payload[name] for name in _SIGNED}
    who = {"of_reader": event.payload["reader_id"], "signed_at": event.recorded_at}
    rows.insert("sign_offs", {**told, **who, "created_position": event.position})


@ACCESS_REVIEWS.on("access.read_questioned")
def questioned(event: Fact, rows: Rows) -> None:
    """Something is asked about an entry."""
    told = {
        name: event.payload[name] for name in ("question_id", "review_id", "reader_id", "doubt", "asked_by")
    }
    about = {"entry_position": event.payload["position"], "asked_at": event.recorded_at}
    rows.insert("questions", {**told, **about, "created_position": event.position})


@ACCESS_REVIEWS.on("access.question_answered")
def answered(event: Fact, rows: Rows) -> None:
    """It was found out."""
    told = {name: event.payload[name] for name in ("question_id", "outcome", "answered_by")}
    rows.update("questions", {**told, "answered_at": event.recorded_at})


@ACCESS_REVIEWS.on("access.alert_raised")
def raised(event: Fact, rows: Rows) -> None:
    """A rule tells something."""
    told = {name: event.payload[name] for name in _ALERT}
    rows.insert("alerts", {**told, "raised_at": event.recorded_at, "created_position": event.position})


@ACCESS_REVIEWS.on("access.alert_acknowledged")
def acknowledged(event: Fact, rows: Rows) -> None:
    """Somebody looked into it."""
    told = {name: event.payload[name] for name in ("alert_id", "acknowledged_by")}
    rows.update("alerts", {**told, "acknowledged_at": event.recorded_at})
