"""What is entered and does not do: a consent or relation that does not count yet, a consent without its wording.

A reason names it, else whoever looks into it looks for something that is there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domain.law.facts import Consent, Relation
    from domain.law.looking import Look

PROOF: Final = "proof_of_consent"
"""What is missing of a consent that nothing documents."""


def falls_short(look: Look, eases: Callable[[Look], bool]) -> Iterator[tuple[str, int, str | None]]:
    """In words, its position and what is missing: each fact without whose flaw the answer would ease."""
    for consent in _one_of_each_sort(look):
        waits, undocumented = not look.given(consent), not consent.documented
        now = replace(consent, on=look.day, at=None) if waits else consent
        proved = replace(now, documented=True)
        if not eases(_with_consent(look, consent, proved)):
            continue
        told = f"The consent of {consent.on} (entry {consent.position})"
        if waits:
            yield (
                f"{told} does not count yet: it does from {_begins(consent, look)} on.",
                consent.position,
                None,
            )
        if undocumented and not (waits and eases(_with_consent(look, consent, now))):
            words = f"{told} does not do, for its wording is not kept: enter it again with the wording."
            yield words, consent.position, PROOF
    coming = [one for one in look.person.relations if one.on > look.day]
    for relation in {one.kind: one for one in sorted(coming, key=lambda one: one.on, reverse=True)}.values():
        if eases(_begun(look, relation)):
            kind = relation.kind.value.replace("_", " ")
            told = f"What is entered as {kind} of {relation.on} (entry {relation.position})"
            yield (
                f"{told} does not count yet: it does from {_begins(relation, look)} on.",
                relation.position,
                None,
            )


def _one_of_each_sort(look: Look) -> list[Consent]:
    """Of consents with one flaw, one: what the others would ease, it does too, and each costs judging.

    Of those that wait the first to begin, which is when the answer eases; of those without their wording the latest.
    """
    found: dict[tuple[str, bool, bool], Consent] = {}
    for consent in sorted(look.person.consents, key=lambda one: (one.on, one.position)):
        waits, undocumented = not look.given(consent), not consent.documented
        withdrawn = consent.withdrawn_at is not None and consent.withdrawn_at <= look.moment
        if (waits or undocumented) and not withdrawn:
            sort = (consent.kind, waits, undocumented)
            known = found.get(sort)
            if not (waits and known is not None and look.begins(known) <= look.begins(consent)):
                found[sort] = consent
    return sorted(found.values(), key=lambda one: one.position)


def _with_consent(look: Look, old: Consent, new: Consent) -> Look:
    consents = tuple(new if one is old else one for one in look.person.consents)
    return look.of(replace(look.person, consents=consents))


def _begun(look: Look, coming: Relation) -> Look:
    """As if a relation that is still to come had begun."""
    begun = replace(coming, on=look.day)
    relations = tuple(begun if one is coming else one for one in look.person.relations)
    return look.of(replace(look.person, relations=relations))


def _begins(fact: Consent | Relation, look: Look) -> str:
    return f"{look.begins(fact).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
