"""Keys for callers that come together: one write, and one failure when the store is away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from adapters.eventstore.ring import Ring, SubjectErased
from adapters.keys.maker import CoalescedKeys
from adapters.keys.memory import MemoryKeyStore
from application.ports.keys import KeyStoreAway, KeysUnavailable
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from application.ports.keys import SubjectKey


class Counted(MemoryKeyStore):
    """Counts how often it is asked to make keys; `away`: it fails; `unreadable`: one that cannot be."""

    asked = 0
    away = False
    unreadable: SubjectKey | None = None

    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        self.asked += 1
        if self.away:
            raise KeyStoreAway("the key store fails; try again")
        wanted = list(keys)
        if self.unreadable in wanted:
            raise KeysUnavailable("the key store fails; try again")
        return super().obtain(wanted)


def keys(count: int) -> list[SubjectKey]:
    tenant = uuid4()
    return [(tenant, str(uuid4()), KeyKind.PROFILE) for _ in range(count)]


async def ensured(maker: CoalescedKeys, wanted: list[SubjectKey]) -> list[BaseException | None]:
    return await asyncio.gather(*(maker.ensure([key]) for key in wanted), return_exceptions=True)


async def test_callers_that_come_together_share_a_write() -> None:
    store = Counted()
    maker = CoalescedKeys(Ring(store))
    wanted = keys(64)
    assert await ensured(maker, wanted) == [None] * 64
    assert store.asked == 1
    assert len(store.find(wanted)) == 64


async def test_a_store_that_is_away_is_asked_once_for_all() -> None:
    """Each try may last as long as the store waits for its disk: one for each caller would be an hour."""
    store = Counted()
    store.away = True
    maker = CoalescedKeys(Ring(store))
    answers = await ensured(maker, keys(64))
    assert {type(answer) for answer in answers} == {KeyStoreAway}
    assert store.asked == 1


async def test_a_tenant_whose_keys_cannot_be_read_is_nobody_elses_trouble() -> None:
    store = Counted()
    wanted = [*keys(1), *keys(1), *keys(1)]
    store.unreadable = wanted[1]
    answers = await ensured(CoalescedKeys(Ring(store)), wanted)
    assert [type(answer) for answer in answers] == [type(None), KeysUnavailable, type(None)]


async def test_an_erased_subject_is_its_callers_trouble_alone() -> None:
    store = Counted()
    wanted = keys(8)
    store.obtain(wanted)
    store.destroy(wanted[3:4])
    answers = await ensured(CoalescedKeys(Ring(store)), wanted)
    assert [type(answer) for answer in answers] == [*[type(None)] * 3, SubjectErased, *[type(None)] * 4]
