"""What happens to an addressee's keys: the erasure, what is kept of the proof and how long, and the certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import AddresseeId
from domain.kernel.personal import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_OF_VERSION_1 = "2033-01-01T12:00:00Z"
"""Until when the proof of those is kept who were erased before erasures said so: six years, the longest period that is
loaded, from the end of the year in which the last of them was erased, which ends last twelve hours behind UTC."""
LAST_UNDATED = "2026-11-27T01:00:00Z"
"""By when everybody was erased whose erasure does not say when: later ones do. What they still say counts from then."""


@dataclass(frozen=True, slots=True)
class KeptBecause:
    """A line of `domain.law.evidence` that holds for an erased person, and until when."""

    law: str | None
    since: str
    source: str
    confidence: str
    until: datetime


class AddresseeErased(Event, name="audience.addressee_erased", version=2, subject="addressee_id"):
    """The person was erased; what they opted out of still holds.

    `erased_at` None: by `LAST_UNDATED`. `evidence_ends`: when the last period for keeping the proof ends, by
    `evidence_by`. `evidence_until`: when its key is destroyed; None while a legal hold stands.
    """

    addressee_id: AddresseeId
    erased_at: datetime | None = None
    evidence_ends: datetime | None = None
    evidence_until: datetime | None = None
    evidence_by: tuple[KeptBecause, ...] = ()


@EVENTS.upcaster("audience.addressee_erased", 1)
def _kept_as_long_as_any(payload: Payload) -> Payload:
    return {
        **payload,
        "erased_at": LAST_UNDATED,
        "evidence_ends": LAST_OF_VERSION_1,
        "evidence_until": LAST_OF_VERSION_1,
        "evidence_by": (),
    }


class ProfileKeyDestroyed(Event, name="audience.profile_key_destroyed", version=1, subject="addressee_id"):
    """The key of an erased person's values is gone: from now on nobody can read them, the platform included."""

    addressee_id: AddresseeId


class LegalHoldPlaced(Event, name="audience.legal_hold_placed", version=2, subject="addressee_id"):
    """A claim is made or expected: until it is settled the proof about this person is kept, erased or not.

    `hold_id`: the hold of a matter that is over this person too; None: it is over them alone.
    """

    addressee_id: AddresseeId
    occurred_at: datetime
    reason: Evidence[str]
    hold_id: UUID | None = None


@EVENTS.upcaster("audience.legal_hold_placed", 1)
def _over_them_alone(payload: Payload) -> Payload:
    return {**payload, "hold_id": None}


class LegalHoldReleased(Event, name="audience.legal_hold_released", version=1, subject="addressee_id"):
    """A legal hold ended; `entry`: the version of its event.

    `evidence_until`: when the proof's key is destroyed; None where the person is not erased, or another hold stands.
    """

    addressee_id: AddresseeId
    entry: int
    occurred_at: datetime
    reason: Evidence[str]
    evidence_until: datetime | None = None


class EvidenceExpired(Event, name="audience.evidence_expired", version=1, subject="addressee_id"):
    """Nothing keeps the proof about an erased person any more: from here on no hold can be placed on it."""

    addressee_id: AddresseeId


class EvidenceKeyDestroyed(Event, name="audience.evidence_key_destroyed", version=1, subject="addressee_id"):
    """The key of the proof about an erased person is gone too: nothing about them can be read by anybody."""

    addressee_id: AddresseeId


class ErasureTakenIn(Event, name="audience.erasure_taken_in", version=1, subject="addressee_id"):
    """Every view has read past the erasure: what is deleted from its tables now is in none of them any more.

    `positions`: how far each view had read; `builds`: the tables that hold values, by the number of their build.
    """

    addressee_id: AddresseeId
    positions: dict[str, int]
    builds: dict[str, int]


class PurgedStore(BaseModel):
    """What became of one store. `gone_by` None: nothing was there, or it is gone since `done_at`.

    `action`: `purged`, `key_destroyed`, `holds_nothing`, `expires` or `kept`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    holds: str
    action: str
    done_at: datetime | None = None
    gone_by: datetime | None = None
    proof: str


class KeptRecord(BaseModel):
    """What outlives the erasure, and why. `until` None: as long as it is needed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    why: str
    until: datetime | None = None


class ErasureCertified(Event, name="audience.erasure_certified", version=1, subject="addressee_id"):
    """Every store was purged of an erased person, or it is told by when. It holds nothing of the person.

    `positions`: how far each view had read the log when its tables were purged; the erasure is at `erased_position`.
    """

    addressee_id: AddresseeId
    certified_at: datetime
    erased_at: datetime
    erased_position: int
    key_destroyed_position: int
    positions: dict[str, int]
    stores: tuple[PurgedStore, ...]
    kept: tuple[KeptRecord, ...]
    complete_by: datetime


ErasureEvent: TypeAlias = (
    AddresseeErased
    | ProfileKeyDestroyed
    | LegalHoldPlaced
    | LegalHoldReleased
    | EvidenceExpired
    | EvidenceKeyDestroyed
    | ErasureTakenIn
    | ErasureCertified
)


def told(events: Sequence[Event]) -> dict[str, Any] | None:
    """What the answer to an erasure tells."""
    for event in events:
        if isinstance(event, AddresseeErased):
            return {
                "addressee_id": event.addressee_id,
                "evidence_ends": event.evidence_ends,
                "evidence_until": event.evidence_until,
            }
    return None
