"""Addresses that a tenant knows by a hash alone: somebody else's suppression list, which nobody can read backwards.

A hash stands under a stream whose id is a pseudonym (an HMAC under the tenant's key of `algorithm:hash`), so it is
kept nowhere and can be met again: of every address that comes in or is written to, each algorithm's hash is made.
What stands under it is entered with the addressee at that moment, in the same append: docs/adr/suppression-lists.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.audience.listed import Listed, tells_nothing_new_of
from domain.kernel.commands import Decider
from domain.kernel.events import EVENTS, Event, Payload
from domain.law.facts import SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Iterable


class Algorithm(StrEnum):
    """How addresses are hashed where lists are exchanged: the address in lower case, trimmed."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"


DIGITS: Final = {Algorithm.MD5: 32, Algorithm.SHA1: 40, Algorithm.SHA256: 64}
"""How many hexadecimal digits each has."""


class AddressHashListed(Event, name="audience.address_hash_listed", version=2):
    """Nothing goes to whoever has the address behind a hash. `first`: the hash was not on the list before."""

    algorithm: str
    kind: str
    campaign_type: str | None = None
    workspace_id: str | None = None
    since: datetime
    dated: bool
    first: bool


@EVENTS.upcaster("audience.address_hash_listed", 1)
def _of_no_workspace(payload: Payload) -> Payload:
    return {**payload, "workspace_id": None}


@dataclass(frozen=True, slots=True)
class AddressHash:
    """What stands under a hash."""

    listed: tuple[Listed, ...] = ()


AddressHashEvent: TypeAlias = AddressHashListed


def evolve(state: AddressHash, event: AddressHashEvent) -> AddressHash:
    """What stands there after `event`: of one kind and reach the latest."""
    one = Listed(
        SuppressionKind(event.kind),
        event.since,
        event.campaign_type,
        dated=event.dated,
        workspace=event.workspace_id,
    )
    others = tuple(old for old in state.listed if old.about != one.about)
    return AddressHash((*others, one))


def listed(state: AddressHash, algorithm: str, one: Listed) -> tuple[AddressHashListed, ...]:
    """The event that puts a hash on the list; none where it stands there, and as late."""
    if tells_nothing_new_of(state.listed, one):
        return ()
    event = AddressHashListed(
        algorithm=algorithm,
        kind=one.kind,
        campaign_type=one.campaign_type,
        workspace_id=one.workspace,
        since=one.since,
        dated=one.dated,
        first=not state.listed,
    )
    return (event,)


def reserved(algorithm: str, digest: str) -> str:
    """The value that the stream of a hash is reserved by."""
    return f"{algorithm}:{digest.lower()}"


def hashes_of(email: str, match: str, algorithms: Iterable[str]) -> list[str]:
    """The values that an address may be listed by: hashes of its spelling in lower case, and of its match form."""
    spellings = dict.fromkeys((email.strip().lower(), match))
    return [
        reserved(algorithm, hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest())
        for algorithm in algorithms
        for text in spellings
    ]


ADDRESS_HASH: Final[Decider[AddressHash]] = Decider(
    category="address_hash", initial=AddressHash(), evolve=evolve
)
