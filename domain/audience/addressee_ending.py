"""What becomes of an addressee's state by their end: erasure, holds, proof that goes, and who comes after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from domain.audience import addressee_events as happened
from domain.audience import erasure_events as ending
from domain.law.facts import Scope, Suppression, SuppressionKind

if TYPE_CHECKING:
    from domain.audience.addressee_state import Addressee
    from domain.kernel.events import Event

_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _erased(known: Addressee, version: int, event: ending.AddresseeErased) -> Addressee:
    gone = Suppression(SuppressionKind.ERASURE, Scope.TENANT, _ALWAYS, version)
    return known._replace(
        version=version,
        erased=True,
        erased_at=event.erased_at,
        suppressions=(*known.suppressions, gone),
        proof=replace(known.proof, ends=event.evidence_ends),
    )


def _without_key(known: Addressee, version: int, _: ending.ProfileKeyDestroyed) -> Addressee:
    return known._replace(version=version, key_destroyed=True)


def _held(known: Addressee, version: int, event: ending.LegalHoldPlaced) -> Addressee:
    matters = () if event.hold_id is None else ((version, event.hold_id),)
    proof = replace(
        known.proof, holds=(*known.proof.holds, version), matters=(*known.proof.matters, *matters)
    )
    return known._replace(version=version, proof=proof)


def _released(known: Addressee, version: int, event: ending.LegalHoldReleased) -> Addressee:
    holds = tuple(one for one in known.proof.holds if one != event.entry)
    matters = tuple(one for one in known.proof.matters if one[0] != event.entry)
    return known._replace(version=version, proof=replace(known.proof, holds=holds, matters=matters))


def _expired(known: Addressee, version: int, _: ending.EvidenceExpired) -> Addressee:
    return known._replace(version=version, proof=replace(known.proof, expired=True))


def _without_proof(known: Addressee, version: int, _: ending.EvidenceKeyDestroyed) -> Addressee:
    return known._replace(version=version, proof=replace(known.proof, expired=True, destroyed=True))


def _taken_in(known: Addressee, version: int, _: ending.ErasureTakenIn) -> Addressee:
    return known._replace(version=version)


def _certified(known: Addressee, version: int, _: ending.ErasureCertified) -> Addressee:
    return known._replace(version=version, certified=True)


def _succeeded(known: Addressee, version: int, event: happened.AddresseeSucceeded) -> Addressee:
    return known._replace(version=version, successor_id=event.successor_id)


AFTER_ENDING: Final[dict[type[Event], Callable[[Addressee, int, Any], Addressee]]] = {
    happened.AddresseeSucceeded: _succeeded,
    ending.AddresseeErased: _erased,
    ending.ProfileKeyDestroyed: _without_key,
    ending.LegalHoldPlaced: _held,
    ending.LegalHoldReleased: _released,
    ending.EvidenceExpired: _expired,
    ending.EvidenceKeyDestroyed: _without_proof,
    ending.ErasureTakenIn: _taken_in,
    ending.ErasureCertified: _certified,
}
