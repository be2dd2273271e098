"""How the register follows from events. An entry's number is the version of its event in the addressee's stream."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from domain.audience.addressee_state import FIRST_ZONE
from domain.law.facts import ConsentKind, Scope, SuppressionKind
from projections.operational.consents.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

CONSENTS: Final = Projection("consents", version=3, tables=TABLES, reveals=False)


def _enter(event: Fact, rows: Rows, what: str, *told: str, **fields: Any) -> None:
    """Add a row with the fields of the payload that are `told`, and `fields`."""
    rows.insert(
        "entries",
        {
            "addressee_id": event.payload["addressee_id"],
            "entry": event.version,
            "what": what,
            **{name: event.payload[name] for name in told},
            **fields,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@CONSENTS.on("audience.consent_recorded")
def consented(event: Fact, rows: Rows) -> None:
    """A consent in one step, of a moment or of a day."""
    when = "occurred_on" if event.payload["occurred_at"] is None else "occurred_at"
    told = (when, "source", "explicit", "documented", "workspace_id")
    _enter(event, rows, "consent", *told, kind=ConsentKind.SINGLE)


@CONSENTS.on("audience.confirmation_requested")
def asked(event: Fact, rows: Rows) -> None:
    """The first step of a double opt-in."""
    told = ("occurred_at", "source", "documented", "workspace_id")
    _enter(event, rows, "confirmation_request", *told, kind=ConsentKind.DOUBLE)


@CONSENTS.on("audience.consent_confirmed")
def confirmed(event: Fact, rows: Rows) -> None:
    """The second step: a consent; source and wording are those of the first."""
    told = ("occurred_at", "workspace_id")
    _enter(event, rows, "consent", *told, kind=ConsentKind.DOUBLE, about=event.payload["request"])


@CONSENTS.on("audience.consent_withdrawn")
def withdrawn(event: Fact, rows: Rows) -> None:
    """One consent was taken back, or all."""
    _enter(event, rows, "withdrawal", "occurred_at", "channel", about=event.payload["entry"])


@CONSENTS.on("audience.opted_out")
def opted_out(event: Fact, rows: Rows) -> None:
    """Somebody said stop."""
    _enter(event, rows, "opt_out", "kind", "occurred_at", "scope", "within", "channel")


@CONSENTS.on("audience.opt_out_told_late")
def told_late(event: Fact, rows: Rows) -> None:
    """Somebody had said stop before a consent that ended it: history, as long as that consent stands."""
    _enter(event, rows, "opt_out_told_late", "kind", "occurred_at", "scope", "within", "channel")


@CONSENTS.on("audience.opt_out_lifted")
def opt_out_lifted(event: Fact, rows: Rows) -> None:
    """A later consent ends what was said before it; one of which the day alone is known, as soon as it begins."""
    day, moment = event.payload["consented_on"], event.payload["consented_at"]
    if moment is None:
        moment = datetime.combine(date.fromisoformat(day), time(), FIRST_ZONE)
    _enter(event, rows, "opt_out_lifted", occurred_on=day, occurred_at=moment)


@CONSENTS.on("audience.opt_out_narrowed")
def opt_out_narrowed(event: Fact, rows: Rows) -> None:
    """What was said of all mail ends; what is left of it is an opt-out of its own."""
    _enter(event, rows, "opt_out_narrowed", "scope", "within", "occurred_at", about=event.payload["entry"])


@CONSENTS.on("audience.relation_recorded")
def related(event: Fact, rows: Rows) -> None:
    """Something between sender and person."""
    told = ("kind", "occurred_on", "ended_on", "refused", "in_writing", "workspace_id")
    _enter(event, rows, "relation", *told)


@CONSENTS.on("audience.relation_ended")
def relation_ended(event: Fact, rows: Rows) -> None:
    """It came to its end, or its end was corrected."""
    _enter(event, rows, "relation_ended", "ended_on", about=event.payload["entry"])


@CONSENTS.on("audience.entry_retracted")
def retracted(event: Fact, rows: Rows) -> None:
    """A consent or a relation counts no more."""
    _enter(event, rows, "retraction", about=event.payload["entry"])


@CONSENTS.on("audience.addressee_suppressed")
def suppressed(event: Fact, rows: Rows) -> None:
    """Nothing goes there, for a reason that is not the person's word."""
    _enter(event, rows, "suppression", "kind", "occurred_at", "scope", "within")


@CONSENTS.on("audience.suppression_lifted")
def suppression_lifted(event: Fact, rows: Rows) -> None:
    """That ended."""
    _enter(event, rows, "suppression_lifted", "occurred_at", about=event.payload["entry"])


@CONSENTS.on("audience.addressee_erased")
def erased(event: Fact, rows: Rows) -> None:
    """Nobody is written to any more; what is in here names nobody, and stays."""
    _enter(event, rows, "suppression", kind=SuppressionKind.ERASURE, scope=Scope.TENANT)
