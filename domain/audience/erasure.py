"""Erasing a person: their profile key goes at once, the proof of what they agreed to when nothing keeps it any more.

A legal hold keeps the proof alone, never the profile (GDPR Art. 17(3)(e): as far as a claim needs it). What is decided
here is entered on the addressee's stream; keys are destroyed, and stores purged, by workflows.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TypeAlias, assert_never

from pydantic import Field

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import Entry
from domain.audience.erasure_events import (
    AddresseeErased,
    ErasureCertified,
    ErasureTakenIn,
    EvidenceExpired,
    EvidenceKeyDestroyed,
    KeptBecause,
    KeptRecord,
    LegalHoldPlaced,
    LegalHoldReleased,
    ProfileKeyDestroyed,
    PurgedStore,
    told,
)
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.text import LongText
from domain.law.evidence import EvidencePeriod, Since, periods_for
from domain.law.facts import GOES_ON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.kernel.events import Event

_LONGEST_KEPT: Final = 400
"""Stores and views that one certificate can name."""


class NotErased(Refusal):
    """A key is destroyed after its person was erased, never before. Erase the person first."""

    code = "addressee-not-erased"


class AlreadyErased(Refusal):
    """A person is erased once. Read what became of each store in the certificate under `addressee_id`."""

    code = "addressee-already-erased"


class KeyStillThere(Refusal):
    """A certificate is given once the key of the person's values is destroyed. Wait for that."""

    code = "profile-key-still-there"


class ProofIsGone(Refusal):
    """A legal hold keeps proof, and the proof about this person is gone or about to go. There is nothing to hold."""

    code = "evidence-expired"


class NoSuchHold(Refusal):
    """No legal hold that still stands has this entry. Name the version of its event in the answer."""

    code = "no-such-hold"
    kind = RefusalKind.INVALID
    field = "/entry"


class HoldOfMatter(Refusal):
    """What a matter's hold keeps of a person is released with that hold. Release the hold that `hold_id` names."""

    code = "hold-of-matter"


class HoldStands(Refusal):
    """Proof is not destroyed while a legal hold stands. Release the hold once its claim is settled."""

    code = "legal-hold-stands"


class ProofStillKept(Refusal):
    """Proof is kept until the last of its periods ends. Wait for that."""

    code = "evidence-still-kept"


class EraseAddressee(Command, context="audience", stream="addressee", permission=Permission.CONTACTS_ERASE):
    """Erase a person in the whole tenant for good, whether a contact has their address or not."""

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """Whose certificate to look for, and until when the proof is kept."""
        return told(events)


class PlaceLegalHold(Command, context="audience", stream="addressee", permission=Permission.CONTACTS_ERASE):
    """Keep the proof about a person while a claim is made or expected, whoever erases them meanwhile."""

    reason: Evidence[LongText]


class ReleaseLegalHold(Command, context="audience", stream="addressee", permission=Permission.CONTACTS_ERASE):
    """End a legal hold: the claim is settled. Of an erased person, the proof goes when its periods have ended."""

    entry: Entry
    reason: Evidence[LongText]


class ConfirmKeyDestroyed(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that an erased person's profile key was destroyed."""


class ExpireEvidence(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that nothing keeps the proof about an erased person any more."""


class ConfirmEvidenceDestroyed(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that the key of the proof about an erased person was destroyed."""


class ConfirmErasureTakenIn(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter that every view has read past an erasure."""

    positions: dict[str, int]
    builds: dict[str, int]


class CertifyErasure(
    Command, context="audience", stream="addressee", permission=Permission.INTERNAL, internal=True
):
    """Enter what became of each store. See `ErasureCertified`."""

    erased_at: datetime
    erased_position: int
    key_destroyed_position: int
    positions: dict[str, int]
    stores: tuple[PurgedStore, ...] = Field(max_length=_LONGEST_KEPT)
    kept: tuple[KeptRecord, ...]
    complete_by: datetime


ErasureCommand: TypeAlias = (
    PlaceLegalHold
    | ReleaseLegalHold
    | ConfirmKeyDestroyed
    | ExpireEvidence
    | ConfirmEvidenceDestroyed
    | ConfirmErasureTakenIn
    | CertifyErasure
)


class Keeping(NamedTuple):
    """Until when the proof about somebody is kept, and by which lines of the law."""

    ends: datetime
    by: tuple[KeptBecause, ...]


def keeping(state: Addressee, sender_country: str | None, erased_at: datetime) -> Keeping:
    """How long the proof is kept after an erasure: the longest of the periods, by the person's law and the sender's.

    Nothing is kept where there is no proof, and nothing longer than from the erasure on where the periods are over.
    """
    if not state.proof.given:
        return Keeping(erased_at, ())
    by = tuple(
        KeptBecause(
            law=line.law,
            since=line.since,
            source=line.source,
            confidence=line.confidence,
            until=line.ends(
                line.began(erased_at) if line.since is Since.ERASURE else _relied_on(line, state, erased_at)
            ),
        )
        for line in periods_for((state.person.country, sender_country))
    )
    return Keeping(max(erased_at, *(one.until for one in by)), by)


def _relied_on(line: EvidencePeriod, state: Addressee, erased_at: datetime) -> date:
    """The last day on which somebody relied on a consent or could: of messages, consents and relations.

    A consent can be relied on until it is withdrawn, a relation that goes on until it ends; both up to the erasure.
    """
    erased_on = line.began(erased_at)
    days = [erased_on if one.withdrawn_at is None else line.began(one.withdrawn_at) for one in state.consents]
    days += [
        erased_on if one.kind in GOES_ON and one.ended_on is None else one.ended_on or one.on
        for one in state.relations
    ]
    if state.proof.relied_on is not None:
        days.append(line.began(state.proof.relied_on))
    return min(max(days, default=erased_on), erased_on)


def erased(state: Addressee, sender_country: str | None, at: datetime) -> AddresseeErased:
    """The event that says that a person was erased. Refused where they were."""
    if state.erased:
        raise AlreadyErased(addressee_id=state.addressee_id)
    kept = keeping(state, sender_country, at)
    return AddresseeErased(
        addressee_id=state.addressee_id,
        erased_at=at,
        evidence_ends=kept.ends,
        evidence_until=None if state.proof.holds else kept.ends,
        evidence_by=kept.by,
    )


def decide(command: ErasureCommand, state: Addressee) -> tuple[Event, ...]:
    """What is entered about an addressee's end."""
    match command:
        case PlaceLegalHold():
            return (held(state, command.reason, command.stamp.at),)
        case ReleaseLegalHold():
            return (_released(command, state),)
        case ConfirmKeyDestroyed():
            _must_be_erased(state)
            return () if state.key_destroyed else (ProfileKeyDestroyed(addressee_id=state.addressee_id),)
        case ExpireEvidence():
            return _expired(command, state)
        case ConfirmEvidenceDestroyed():
            if not state.proof.expired:
                raise ProofStillKept
            return () if state.proof.destroyed else (EvidenceKeyDestroyed(addressee_id=state.addressee_id),)
        case ConfirmErasureTakenIn():
            _must_be_destroyed(state)
            return (
                ErasureTakenIn(
                    addressee_id=state.addressee_id, positions=command.positions, builds=command.builds
                ),
            )
        case CertifyErasure():
            return _certified(command, state)
        case _:
            assert_never(command)


def _must_be_erased(state: Addressee) -> None:
    if not state.erased:
        raise NotErased


def _must_be_destroyed(state: Addressee) -> None:
    _must_be_erased(state)
    if not state.key_destroyed:
        raise KeyStillThere


def _released(command: ReleaseLegalHold, state: Addressee) -> LegalHoldReleased:
    if command.entry not in state.proof.holds:
        raise NoSuchHold
    of_matter = dict(state.proof.matters).get(command.entry)
    if of_matter is not None:
        raise HoldOfMatter(hold_id=of_matter)
    return released(state, command.entry, command.reason, command.stamp.at)


def held(state: Addressee, reason: str, at: datetime, hold_id: UUID | None = None) -> LegalHoldPlaced:
    """The event that keeps the proof about somebody. Refused where that is gone or about to go."""
    if state.proof.expired:
        raise ProofIsGone
    return LegalHoldPlaced(addressee_id=state.addressee_id, occurred_at=at, reason=reason, hold_id=hold_id)


def released(state: Addressee, entry: int, reason: str, at: datetime) -> LegalHoldReleased:
    """The event that ends a hold over somebody; after the last one, the proof goes as its periods say."""
    last = state.erased and len(state.proof.holds) == 1 and state.proof.ends is not None
    return LegalHoldReleased(
        addressee_id=state.addressee_id,
        entry=entry,
        occurred_at=at,
        reason=reason,
        evidence_until=max(at, state.proof.ends or at) if last else None,
    )


def _expired(command: ExpireEvidence, state: Addressee) -> tuple[Event, ...]:
    _must_be_erased(state)
    if state.proof.expired:
        return ()
    if state.proof.holds:
        raise HoldStands
    if state.proof.ends is None or command.stamp.at < state.proof.ends:
        raise ProofStillKept
    return (EvidenceExpired(addressee_id=state.addressee_id),)


def _certified(command: CertifyErasure, state: Addressee) -> tuple[Event, ...]:
    _must_be_destroyed(state)
    if state.certified:
        return ()
    fields = {name: getattr(command, name) for name in CertifyErasure.model_fields}
    return (ErasureCertified(addressee_id=state.addressee_id, certified_at=command.stamp.at, **fields),)
