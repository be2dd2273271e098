"""How requests follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.operational.subject_requests.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

SUBJECT_REQUESTS: Final = Projection("subject_requests", version=2, tables=TABLES, reveals=False)

_TOLD: Final = (
    "addressee_id",
    "kind",
    "channel",
    "by_agent",
    "place",
    "place_assumed",
    "received_at",
    "submitted_at",
    "terms",
    "due",
    "due_at",
    "acknowledge_by",
)


def _update(event: Fact, rows: Rows, **values: Any) -> None:
    rows.update("subject_requests", {"request_id": event.payload["request_id"], **values})


@SUBJECT_REQUESTS.on("rights.request_received")
def received(event: Fact, rows: Rows) -> None:
    """Somebody asked; the law whose term is the earliest is the one to keep."""
    payload = event.payload
    rows.insert(
        "subject_requests",
        {
            "request_id": payload["request_id"],
            **{name: payload[name] for name in _TOLD},
            "law": payload["terms"][0]["law"],
            "identity": "unchecked",
            "extended": False,
            "state": "open",
            "approaching": False,
            "missed": False,
            "details_destroyed": False,
            "created_position": event.position,
        },
    )


@SUBJECT_REQUESTS.on("rights.subject_named")
def named(event: Fact, rows: Rows) -> None:
    """It is known whose data it is about; whether they ask is not known any more."""
    _update(event, rows, addressee_id=event.payload["addressee_id"], identity="unchecked")


@SUBJECT_REQUESTS.on("rights.request_acknowledged")
def acknowledged(event: Fact, rows: Rows) -> None:
    """The person was told that it came, and somebody entered that, later perhaps."""
    entered_at = event.payload["entered_at"] or event.recorded_at
    told = {"acknowledged_at": event.payload["acknowledged_at"], "acknowledgement_entered_at": entered_at}
    _update(event, rows, **told)


@SUBJECT_REQUESTS.on("rights.identity_asked")
def asked(event: Fact, rows: Rows) -> None:
    """The person was asked who they are."""
    _update(event, rows, identity="asked")


@SUBJECT_REQUESTS.on("rights.identity_checked")
def checked(event: Fact, rows: Rows) -> None:
    """It is known whether the person asks."""
    _update(event, rows, identity="verified" if event.payload["verified"] else "failed")


@SUBJECT_REQUESTS.on("rights.request_extended")
def extended(event: Fact, rows: Rows) -> None:
    """There is more time."""
    told = {name: event.payload[name] for name in ("due", "due_at", "law")}
    _update(event, rows, **told, extended=True, approaching=False, missed=False)


@SUBJECT_REQUESTS.on(
    "rights.data_disclosed",
    "rights.data_rectified",
    "rights.processing_restricted",
    "rights.erasure_confirmed",
)
def done(event: Fact, rows: Rows) -> None:
    """What was asked for was done."""
    _update(event, rows, done_at=event.recorded_at)


@SUBJECT_REQUESTS.on("rights.request_completed")
def completed(event: Fact, rows: Rows) -> None:
    """The person was answered."""
    told = {name: event.payload[name] for name in ("in_time", "entered_late")}
    _closed(event, rows, event.payload["outcome"], "completed_at", **told)


@SUBJECT_REQUESTS.on("rights.request_refused")
def refused(event: Fact, rows: Rows) -> None:
    """The person was told why not."""
    told = {name: event.payload[name] for name in ("ground", "in_time", "entered_late")}
    _closed(event, rows, "refused", "refused_at", **told)


@SUBJECT_REQUESTS.on("rights.request_withdrawn")
def withdrawn(event: Fact, rows: Rows) -> None:
    """The person took it back."""
    _closed(event, rows, "withdrawn", "withdrawn_at")


def _closed(event: Fact, rows: Rows, outcome: str, at: str, **values: Any) -> None:
    told = {"closed_at": event.payload[at], "details_until": event.payload["details_until"]}
    _update(event, rows, state="closed", outcome=outcome, **told, **values)


@SUBJECT_REQUESTS.on("rights.deadline_approaching")
def approaching(event: Fact, rows: Rows) -> None:
    """Its term is near."""
    _update(event, rows, approaching=True)


@SUBJECT_REQUESTS.on("rights.deadline_missed")
def missed(event: Fact, rows: Rows) -> None:
    """Its term is over."""
    _update(event, rows, missed=True)


@SUBJECT_REQUESTS.on("rights.details_destroyed")
def forgotten(event: Fact, rows: Rows) -> None:
    """Who asked can be read by nobody any more."""
    _update(event, rows, details_destroyed=True)
