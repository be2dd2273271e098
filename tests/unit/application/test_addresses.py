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
from domain.audience.addressee_events import AddresseeRegistered, OptedOut
from domain.kernel.ids import AddresseeId
from domain.kernel.personal import KeyKind
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
