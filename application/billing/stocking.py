"""What we sell, made at the payment provider: each version of the catalogue at the start of whoever sells it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from application.ports.payment_values import MeteredPrice, UsageMeter, Wares
from application.ports.payments import PaymentsError, PaymentsUnavailable, RateLimited
from domain.billing.catalogues import load_catalogues
from domain.billing.tariffs import load_tariffs
from domain.kernel.money import Money

if TYPE_CHECKING:
    from application.ports.payments import PaymentGateway

log = logging.getLogger(__name__)

FIRST: Final = 1.0
LONGEST: Final = 300.0
REFUSED: Final = 3_600.0
"""Seconds until it is tried again: while the provider is away, twice as long each time; when it refused."""


def by_use() -> tuple[tuple[UsageMeter, ...], tuple[MeteredPrice, ...]]:
    """What is counted at the provider, and the prices of it, by the tariffs that come with the product."""
    tariffs = load_tariffs()
    meters = {one.of: UsageMeter(name=one.of, title=one.name) for one in tariffs}
    metered = [
        MeteredPrice(price.id, one.of, one.name, one.of, Money(price.unit_amount, price.currency))
        for one in tariffs
        for price in one.prices
    ]
    return tuple(meters.values()), tuple(metered)


class Stocking:
    """Makes products, prices, coupons and meters that are not there; what is there stays as it is."""

    def __init__(self, payments: PaymentGateway) -> None:
        """Sell through `payments`."""
        self._payments = payments
        self._left = {one.version: one for one in load_catalogues()}

    @property
    def left(self) -> int:
        """Versions of the catalogue that are not all there yet."""
        return len(self._left)

    async def stock(self) -> dict[str, int]:
        """Make all of it: how many prices each version has, by version. Raises `PaymentsError`s."""
        made = dict[str, int]()
        meters, metered = by_use()
        for version, catalogue in list(self._left.items()):
            wares = Wares(catalogue, meters=meters, metered=metered)
            made[version] = len(await self._payments.ensure_wares(wares))
            del self._left[version]
            log.info("what we sell is at the payment provider, all %d prices of a catalogue", made[version])
        return made

    async def run(self, stop: asyncio.Event, first: float = FIRST) -> None:
        """Until `stop`; once all is there, nothing is left to do."""
        pause = first
        while not stop.is_set():
            try:
                await self.stock()
            except (PaymentsUnavailable, RateLimited) as error:
                log.warning("wares could not be made, trying again: %s", type(error).__name__)
                wait, pause = pause, min(pause * 2, LONGEST)
            except PaymentsError:
                log.exception("the payment provider refused to sell: see penguinmails billing ensure-wares")
                wait = REFUSED
            else:
                await stop.wait()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
