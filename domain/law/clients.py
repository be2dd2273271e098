"""What counts for the message of one client: a tenant may send for several, each a sender of its own.

A consent is specific (GDPR Art. 4(11)), and names who asks for it (CASL s.10(1)(b), GDPR Art. 7 with EDPB 05/2020, 65);
a sale, an inquiry or a contract is with that sender (UWG s.7(3) no. 1, CASL s.10(10), PECR reg. 22(3)(a)). So what was
given to one client, a workspace, is nothing to another. An opt-out is of the whole tenant by our policy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from domain.law.facts import OPT_OUTS, RelationKind, Scope
from domain.law.periods import FIRST_TO_BEGIN, first_moment

if TYPE_CHECKING:
    from datetime import datetime

    from domain.law.facts import Consent, Person, Relation, Suppression


class Towards(NamedTuple):
    """A person as a sender may see them, as if that were the only one; `elsewhere`: entries of what others were given.

    `person` names no client any more: people of whom the same is known are the same, whoever writes to them.
    """

    person: Person
    elsewhere: tuple[int, ...]


def towards(person: Person, workspace: str | None) -> Towards:
    """A person as the sender of a workspace's message may see them; None: the tenant itself, and nobody's client.

    What was given to others is left out. The person's own words go on, but for those after which they asked this
    client, provably, to write: a later consent to one client ends for it, and for no other, what they had said. Their
    word is also a notice beside an address that they published, whoever saw it.
    """
    if not _of_clients(person):
        return Towards(person, ())
    elsewhere = [one.position for one in person.consents if one.workspace not in (None, workspace)]
    relations: list[Relation] = []
    for one in person.relations:
        if one.workspace in (None, workspace) or _refuses(one):
            relations.append(one if one.workspace is None else replace(one, workspace=None))
        else:
            elsewhere.append(one.position)
    collected = next((one for one in person.collected if one.workspace == workspace), None)
    consents = tuple(one for one in person.consents if one.workspace in (None, workspace))
    asking = [one for one in consents if one.workspace is not None and one.asks_since is not None]
    if collected is not None:
        person = replace(
            person,
            could_object=person.could_object if collected.could_object is None else collected.could_object,
            told=person.told if collected.told is None else collected.told,
        )
    seen = replace(
        person,
        consents=tuple(_as_only_sender(one) for one in consents),
        relations=tuple(relations),
        suppressions=tuple(_until_asked(one, asking) for one in person.suppressions),
        collected=(),
    )
    return Towards(seen, tuple(elsewhere))


def clients_of(person: Person) -> frozenset[str]:
    """The workspaces to which alone something was given."""
    told = [one.workspace for one in person.consents] + [one.workspace for one in person.relations]
    told += [one.workspace for one in person.collected]
    return frozenset(one for one in told if one is not None)


def senders_to(person: Person) -> tuple[str | None, ...]:
    """Whose messages are judged apart: each client's, and of each workspace whose mail alone is stopped.

    And, None, the tenant's, if it or no client was given something.
    """
    stopped = {
        one.within for one in person.suppressions if one.scope is Scope.WORKSPACE and one.ended_at is None
    }
    clients = clients_of(person)
    of_tenant = (
        not clients
        or (person.could_object, person.told) != (None, None)
        or any(one.workspace is None for one in person.consents)
        or any(one.workspace is None for one in person.relations)
    )
    apart = sorted(clients | {one for one in stopped if one is not None})
    return (*((None,) if of_tenant else ()), *apart)


def moment_of(consent: Consent) -> datetime:
    """When it was given; of one of which the day alone is known, when that begins first on earth."""
    return consent.at or first_moment(consent.on, (FIRST_TO_BEGIN,))


def _of_clients(person: Person) -> bool:
    """Whether anything was given to a client alone. Of most people nothing was."""
    return bool(
        person.collected
        or any(one.workspace is not None for one in person.consents)
        or any(one.workspace is not None for one in person.relations)
    )


def _refuses(relation: Relation) -> bool:
    return relation.kind is RelationKind.PUBLISHED_ADDRESS and relation.refused is True


def _as_only_sender(consent: Consent) -> Consent:
    return consent if consent.workspace is None else replace(consent, workspace=None, asks_since=None)


def _until_asked(one: Suppression, asking: list[Consent]) -> Suppression:
    """It ended for this client when they consented, having asked for that after they said it last."""
    if one.ended_at is not None or one.kind not in OPT_OUTS or one.scope is Scope.PLATFORM:
        return one
    said_at = one.said_at or one.since
    ends = [
        moment_of(consent)
        for consent in asking
        if consent.asks_since is not None and said_at < consent.asks_since
    ]
    return replace(one, ended_at=min(ends)) if ends else one
