"""What a disclosure is put together of: who has and had an address, what is kept of the erased, and what is told."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from application.disclosable import OF_SUPPRESSION, WITHHELD
from domain.audience.erasure_events import AddresseeErased
from domain.audience.hashed import ADDRESS_HASH, AddressHash, AddressHashListed
from domain.audience.listed import is_history, tells_nothing_new
from domain.kernel.events import EVENTS
from domain.tenancy.tenant import SendsFor, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from application.ports.log import Recorded
    from domain.audience.addressee_state import Addressee
    from domain.kernel.events import Event
    from domain.rights.events import RequestReceived


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has or had the address: their stream, and the address where it opens."""

    state: Addressee
    own: Sequence[Recorded]
    email: str | None


class Kept(NamedTuple):
    """What is kept of somebody who was erased, told apart. `about`: whose it is; `opened`: with its words."""

    person: Holder
    rows: list[Recorded]
    about: str
    opened: bool = False


class Besides(Protocol):
    """What no stream of the person's tells of them. Raises `ViewNotReady`, all."""

    async def activities(self, tenant_id: UUID) -> list[dict[str, Any]]:
        """The records of the activities that go on, as `ActivityRecord` has them."""

    async def lists(self, tenant_id: UUID, contacts: Sequence[UUID]) -> dict[UUID, list[str]]:
        """The names of the lists that these contacts are on."""

    async def of_nobody(self, tenant_id: UUID) -> list[UUID]:
        """The requests that came while nobody was known, and can be read still; in their order."""


def is_told(row: Recorded) -> bool:
    """Whether it is told at all that this was entered."""
    return row.name not in WITHHELD


def in_words(name: str) -> str:
    """What kind of thing happened: the first sentence of what the event says of itself."""
    known = EVENTS.classes.get(name)
    words = "" if known is None else inspect.getdoc(known) or ""
    return " ".join(words.split()).partition(". ")[0].rstrip(".")


def names_the_id(asking: RequestReceived) -> bool:
    """Whether whoever asked said who they are, and gave no address: so nobody found them by their mailbox."""
    return asking.addressee_id is not None and asking.email is None


def is_proven(person: Holder) -> bool:
    """Whether proof of what they agreed to is kept."""
    return person.state.proof.given and not person.state.proof.destroyed


def listed_besides(state: Addressee, by_hash: Iterable[Event]) -> list[dict[str, Any]]:
    """What a list has against an address by a hash alone, told as suppressions are where no decision entered it."""
    under: dict[str, AddressHash] = {}
    for event in by_hash:
        if isinstance(event, AddressHashListed):
            under[event.algorithm] = ADDRESS_HASH.evolve(under.get(event.algorithm, AddressHash()), event)
    told = [one for entry in under.values() for one in entry.listed]
    return [
        {"kind": one.kind, "scope": one.scope, "within": one.within, "since": one.since, "ended_at": None}
        for one in dict.fromkeys(told)
        if not is_history(state, one) and not tells_nothing_new(state, one)
    ]


def clients_among(tenant: object, named: Mapping[str, str]) -> list[str]:
    """Who is responsible beside a tenant that sends for clients: those of them whose mail this is about, by name.

    Each decides what its mail is for, and so is a controller (GDPR Art. 4(7)): whoever asks is told of all (Art. 15).
    """
    if not isinstance(tenant, Tenant) or tenant.sends_for is not SendsFor.CLIENTS:
        return []
    return sorted(set(named.values()))


def suppressions_of(addressee: Addressee) -> list[dict[str, Any]]:
    """What stops, or stopped, mail to somebody; of one workspace by its id."""
    return [_fact(one, *OF_SUPPRESSION) for one in addressee.person.suppressions]


def standing(addressee: Addressee, by_hash: Iterable[Event]) -> dict[str, Any]:
    """What holds for the person now; what is of one workspace with its id."""
    person = addressee.person
    return {
        "country": person.country,
        "subscriber_type": person.subscriber,
        "opted_out_at": addressee.opted_out_at,
        "consents": [
            _fact(one, "on", "at", "kind", "documented", "withdrawn_at", "workspace")
            for one in person.consents
        ],
        "relations": [
            _fact(one, "kind", "on", "ended_on", "refused", "in_writing", "workspace")
            for one in person.relations
        ],
        "suppressions": [*suppressions_of(addressee), *listed_besides(addressee, by_hash)],
        "data_not_sold_since": addressee.sale_opted_out_at,
        "messages_sent": len(addressee.dispatched),
    }


def kept_of(kept: Kept) -> dict[str, Any]:
    """What is kept of somebody who had the address and was erased, and why; without what was entered."""
    addressee, held = kept.person.state, is_proven(kept.person)
    erased_at = next((row.recorded_at for row in kept.person.own if row.name == AddresseeErased.name), None)
    return {
        "about": kept.about,
        "erased_at": erased_at,
        "proof_kept": held,
        "proof_kept_until": addressee.proof.ends if held else None,
        "suppressions": suppressions_of(addressee),
        "data_not_sold_since": addressee.sale_opted_out_at,
    }


def _fact(one: object, *names: str) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}
