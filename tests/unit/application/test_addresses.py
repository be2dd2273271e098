"""Addresses are opened from the first event of each person's stream, however much stands after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from application.ports.log import Append
from application.unit import Streams
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.barring import FromPlatform
from domain.audience.consent_events import OptedOut
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, AddresseeId
from domain.kernel.personal import KeyKind
from domain.platform.suppression import AddressFreed, AddressReserved, AddressSuppressed
from tests.support.given import ACTOR, NOW, TENANT, uid

if TYPE_CHECKING:
    from application.ports.log import Recorded

CAUSE = Cause(ACTOR, uid(5), "test.test", uid(6))
PEOPLE = [AddresseeId(UUID(int=n)) for n in (1, 2, 3)]


class Counting(MemoryLog):
    """A log that counts the events it gives."""

    given = 0

    async def read_streams(self, *arguments: Any, **options: Any) -> list[list[Recorded]]:
        found = await super().read_streams(*arguments, **options)
        self.given += sum(map(len, found))
        return found

    async def read_stream(self, *arguments: Any, **options: Any) -> list[Recorded]:
        rows = await super().read_stream(*arguments, **options)
        self.given += len(rows)
        return rows


@pytest.mark.parametrize("people", [PEOPLE, PEOPLE[:1]])
async def test_a_page_of_people_costs_an_event_each(people: list[AddresseeId]) -> None:
    log, keys = Counting(), MemoryKeyStore()
    codec = JsonCodec(keys)
    keys.obtain([(TENANT, str(who), KeyKind.PROFILE) for who in people])
    for who in people:
        registered = AddresseeRegistered(addressee_id=who, email=f"a{who.int}@people.example")
        out = OptedOut(addressee_id=who, occurred_at=NOW, channel="reply")
        happened = [(f"addressee:{who}", event) for event in (registered, *[out] * 50)]
        await log.append(Append(TENANT, tuple(codec.encode(TENANT, happened, CAUSE)), opens_log=True))
    found = await Streams(log, codec, keys).addresses.of(TENANT, people)
    assert found == {who: f"a{who.int}@people.example" for who in people}
    assert log.given == len(people)


async def test_whom_the_platform_suppresses_is_looked_up_by_one_reservation() -> None:
    """The address is opened for the first look alone; who was suppressed meanwhile is found by the next."""
    log, keys = Counting(), MemoryKeyStore()
    codec, streams = JsonCodec(keys), Streams(log, JsonCodec(keys), keys)
    who, suppression = PEOPLE[0], UUID(int=77)
    keys.obtain([(TENANT, str(who), KeyKind.PROFILE), (PLATFORM, str(suppression), KeyKind.PROFILE)])
    met = AddresseeRegistered(addressee_id=who, email="Ann@People.example")
    stored = codec.encode(TENANT, [(f"addressee:{who}", met)], CAUSE)
    await log.append(Append(TENANT, tuple(stored), opens_log=True))

    async def look() -> tuple[FromPlatform, str] | None:
        log.given = 0
        return await streams.addresses.suppressed_at_platform(TENANT, who)

    assert (await look(), log.given) == (None, 1)
    assert (await look(), log.given) == (None, 0)
    key = streams.pseudonyms(PLATFORM, "platform_address", "ann@people.example")[0]
    about = {
        "suppression_id": suppression,
        "email": "ann@people.example",
        "kind": "abuse",
        "reason": "Reported.",
    }
    happened: list[tuple[str, Event]] = [
        (f"platform_suppression:{suppression}", AddressSuppressed.model_validate(about)),
        (f"platform_address:{key}", AddressReserved(suppression_id=suppression)),
    ]
    stored = codec.encode(PLATFORM, happened, CAUSE)
    appended = await log.append(Append(PLATFORM, tuple(stored), opens_log=True))
    told = FromPlatform(suppression, "abuse", appended.recorded_at)
    assert await look() == (told, "Ann@People.example")
    freed = codec.encode(
        PLATFORM, [(f"platform_address:{key}", AddressFreed(suppression_id=suppression))], CAUSE
    )
    await log.append(Append(PLATFORM, tuple(freed)))
    assert (await look(), log.given) == (None, 2)
