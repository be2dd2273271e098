"""What we sell is made at the provider once, tried again while that is away, and refused by name where it differs."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from application.billing.stocking import Stocking
from application.ports.payment_values import Wares
from application.ports.payments import InvalidPaymentRequest, PaymentsUnavailable
from domain.billing.catalogues import load_catalogues
from domain.billing.tariffs import load_tariffs
from tests.support.stripes import CATALOGUE, Desk, fake_desk


class AwayAtFirst:
    """A gateway that cannot be reached a few times."""

    def __init__(self, gateway: Any, times: int) -> None:
        self._gateway = gateway
        self.times = times
        self.asked = 0
        self.all_asked = asyncio.Event()

    async def ensure_wares(self, wares: Wares) -> Mapping[str, str]:
        self.asked += 1
        if self.asked <= self.times:
            raise PaymentsUnavailable("away")
        found: Mapping[str, str] = await self._gateway.ensure_wares(wares)
        if self.asked == self.times + len(load_catalogues()):
            self.all_asked.set()
        return found


async def sold(desk: Desk) -> int:
    listed = await desk.raw.v1.prices.list_async({"limit": 100})
    return len(listed.data)


async def test_all_is_made_once() -> None:
    async with fake_desk(wares=False) as desk:
        stocking = Stocking(desk.gateway)
        assert stocking.left == len(load_catalogues())
        made = await stocking.stock()
        by_use = sum(len(one.prices) for one in load_tariffs())
        assert made[CATALOGUE.version] == len(CATALOGUE.prices) + by_use
        assert (stocking.left, await sold(desk)) == (0, sum(made.values()))
        assert await stocking.stock() == {}
        assert await Stocking(desk.gateway).stock() == made
        assert await sold(desk) == sum(made.values())


async def test_it_is_tried_until_the_provider_is_there() -> None:
    async with fake_desk(wares=False) as desk:
        gateway: Any = AwayAtFirst(desk.gateway, 3)
        stocking, stop = Stocking(gateway), asyncio.Event()
        running = asyncio.create_task(stocking.run(stop, first=0.001))
        async with asyncio.timeout(10):
            await gateway.all_asked.wait()
        assert stocking.left == 0
        assert not running.done(), "nothing is left to do, but who waits for it goes on"
        stop.set()
        await running


async def test_what_is_sold_otherwise_is_left_as_it_is() -> None:
    async with fake_desk() as desk:
        listed = await desk.raw.v1.prices.list_async({"lookup_keys": [CATALOGUE.prices[0].id]})
        await desk.raw.v1.prices.update_async(listed.data[0].id, {"active": False})
        stocking = Stocking(desk.gateway)
        with pytest.raises(InvalidPaymentRequest):
            await stocking.stock()
        assert stocking.left == 1
        stop = asyncio.Event()
        running = asyncio.create_task(stocking.run(stop))
        await asyncio.sleep(0)
        stop.set()
        async with asyncio.timeout(10):
            await running
