"""Addresses of addressees, for who compares them: a process keeps of them the names of reservations."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.barring import FromPlatform
from domain.audience.email import match_form
from domain.audience.hashed import ADDRESS_HASH, hashes_of
from domain.kernel.commands import stream_name
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import is_hidden
from domain.platform.suppression import PLATFORM_ADDRESS, PLATFORM_SUPPRESSION, AddressSuppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from domain.kernel.events import Event

_KEPT: Final = 50_000
"""Reservations of addressees that are kept, 1 kB each at most: at the platform, and where lists have hashes there."""


class Addresses:
    """Opens addresses in the log; one for all units of a process."""

    def __init__(
        self, log: TenantLog, codec: EventCodec, pseudonyms: Callable[[UUID, str, str], list[str]]
    ) -> None:
        """`pseudonyms` of a value for a purpose, under each live key of a tenant."""
        self._log = log
        self._codec = codec
        self._pseudonyms = pseudonyms
        self._known: OrderedDict[tuple[UUID, object, tuple[str, ...]], tuple[str, ...]] = OrderedDict()

    async def hash_keys(
        self, tenant_id: UUID, addressees: Sequence[object], algorithms: tuple[str, ...]
    ) -> dict[object, tuple[str, ...]]:
        """Keys of the reservations of each addressee's address by its hashes; none where nobody knows the address.

        An addressee's address stands in the first event of their stream and never changes; the address itself is not
        kept here.
        """
        found: dict[object, tuple[str, ...]] = {}
        for who in addressees:
            kept = self._known.get((tenant_id, who, algorithms))
            if kept is not None:
                found[who] = kept
                self._known.move_to_end((tenant_id, who, algorithms))
        missing = [who for who in dict.fromkeys(addressees) if who not in found]
        if not missing:
            return found
        for who, email in (await self.of(tenant_id, missing)).items():
            keys = () if email is None else self.keys_by_hash(tenant_id, email, match_form(email), algorithms)
            found[who] = keys
            self._keep((tenant_id, who, algorithms), keys)
        return found

    def _keep(self, at: tuple[UUID, object, tuple[str, ...]], keys: tuple[str, ...]) -> None:
        self._known[at] = keys
        self._known.move_to_end(at)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def keys_by_hash(
        self, tenant_id: UUID, email: str, match: str, algorithms: Sequence[str]
    ) -> tuple[str, ...]:
        """Keys of the reservations of an address by its hashes, under each live pseudonym key."""
        return tuple(
            key
            for value in hashes_of(email, match, algorithms)
            for key in self._pseudonyms(tenant_id, ADDRESS_HASH.category, value)
        )

    async def suppressed_at_platform(
        self, tenant_id: UUID, addressee: object
    ) -> tuple[FromPlatform, str] | None:
        """What the platform suppresses of an addressee's address now, with the address; None where it does not.

        The platform's own log is asked, by the key of a reservation there; nothing is told to it.
        """
        at_hand = (tenant_id, addressee, (PLATFORM_ADDRESS.category,))
        keys = self._known.get(at_hand)
        if keys is None:
            email = (await self.of(tenant_id, [addressee]))[addressee]
            values = [] if email is None else [match_form(email)]
            keys = tuple(
                key
                for value in values
                for key in self._pseudonyms(PLATFORM, PLATFORM_ADDRESS.category, value)
            )
            self._keep(at_hand, keys)
        names = [(stream_name(PLATFORM_ADDRESS.category, key), 0) for key in keys]
        for recorded in await self._log.read_streams(PLATFORM, names) if names else ():
            standing = PLATFORM_ADDRESS.fold(self._codec.decode(recorded)).suppression_id
            if standing is not None:
                name = stream_name(PLATFORM_SUPPRESSION.category, standing)
                first = await self._log.read_stream(PLATFORM, name, limit=1)
                (told,) = self._codec.decode(first)
                email = (await self.of(tenant_id, [addressee]))[addressee]
                if isinstance(told, AddressSuppressed) and email is not None:
                    return FromPlatform(standing, told.kind, first[0].recorded_at), email
        return None

    async def of(self, tenant_id: UUID, addressees: Sequence[object]) -> dict[object, str | None]:
        """The address of each addressee, as it was entered; None where it was erased, or never entered."""
        told = await self.first_events(tenant_id, [stream_name("addressee", who) for who in addressees])
        return {
            who: event.email
            if isinstance(event, AddresseeRegistered) and not is_hidden(event.email)
            else None
            for who, event in zip(addressees, told, strict=True)
        }

    async def first_events(self, tenant_id: UUID, names: Sequence[str]) -> list[Event | None]:
        """What each stream begins with, in the clear as far as its keys allow; None for one without events."""
        if len(names) == 1:
            streams = [await self._log.read_stream(tenant_id, names[0], limit=1)]
        else:
            streams = await self._log.read_streams(tenant_id, [(name, 0) for name in names], limit=1)
        firsts = [recorded[0] for recorded in streams if recorded]
        events = iter(self._codec.decode(firsts, reveal=True, evidence=False))
        return [next(events) if recorded else None for recorded in streams]
