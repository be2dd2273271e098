"""How erasures and legal holds follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.erasures.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

ERASURES: Final = Projection("erasures", version=2, tables=TABLES, reveals=False)


@ERASURES.on("audience.addressee_erased")
def erased(event: Fact, rows: Rows) -> None:
    """A person was erased."""
    told = ("addressee_id", "evidence_ends", "evidence_until", "evidence_by")
    rows.insert(
        "erasures",
        {
            **{name: event.payload[name] for name in told},
            "status": "erased",
            "erased_at": event.recorded_at,
            "created_position": event.position,
        },
    )


@ERASURES.on("audience.profile_key_destroyed")
def key_destroyed(event: Fact, rows: Rows) -> None:
    """Nobody can read their values any more."""
    who = {"addressee_id": event.payload["addressee_id"]}
    rows.update("erasures", {**who, "status": "key_destroyed", "key_destroyed_at": event.recorded_at})


@ERASURES.on("audience.erasure_certified")
def certified(event: Fact, rows: Rows) -> None:
    """It is told what became of each store."""
    told = ("addressee_id", "certified_at", "complete_by", "stores", "kept", "positions")
    rows.update("erasures", {"status": "certified", **{name: event.payload[name] for name in told}})


@ERASURES.on("audience.evidence_key_destroyed")
def evidence_destroyed(event: Fact, rows: Rows) -> None:
    """Nobody can read the proof about them any more."""
    who = {"addressee_id": event.payload["addressee_id"]}
    rows.update("erasures", {**who, "evidence_until": None, "evidence_destroyed_at": event.recorded_at})


@ERASURES.on("audience.legal_hold_placed")
def held(event: Fact, rows: Rows) -> None:
    """The proof is kept for longer: until when is open."""
    payload = event.payload
    who = {"addressee_id": payload["addressee_id"]}
    rows.insert(
        "legal_holds",
        {
            **who,
            "entry": event.version,
            "placed_at": payload["occurred_at"],
            "created_position": event.position,
        },
    )
    rows.update("erasures", {**who, "evidence_until": None})


@ERASURES.on("audience.legal_hold_released")
def released(event: Fact, rows: Rows) -> None:
    """A hold ended."""
    payload = event.payload
    who = {"addressee_id": payload["addressee_id"]}
    rows.update("legal_holds", {**who, "entry": payload["entry"], "released_at": payload["occurred_at"]})
    rows.update("erasures", {**who, "evidence_until": payload["evidence_until"]})
