"""What went beyond a limit and is bought: told to the payment provider in units of its price, and then entered.

A worker that dies in between tells the same units again, under the same names: they count once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.counting import named
from application.workflow import NotYet
from domain.billing.catalogue import Meter
from domain.billing.overage import (
    EnterOverage,
    OverageMoved,
    OverageReported,
    OverageUsed,
    WriteOffOverage,
    WrittenOff,
    unit_name,
)
from domain.billing.settling import goes_on
from domain.billing.tariffs import by_use
from domain.billing.usage import begins, counter_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.codec import EventCodec
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.account_state import Account
    from domain.billing.subscription import Subscription
    from domain.billing.usage import Usage

_REMEMBERED: Final = timedelta(hours=20)
"""For less than the day for which the provider knows the names of what it was told."""
_AT_ONCE: Final = 10
"""So often it begins anew where other blocks of the month are reported at the same time."""


class Overages:
    """Reports what blocks used beyond a limit."""

    def __init__(self, commands: Commands, codec: EventCodec, payments: PaymentGateway) -> None:
        """Act through `commands`; tell `payments`."""
        self._commands = commands
        self._codec = codec
        self._payments = payments

    async def report(self, workflow: Workflow, used: OverageUsed, used_at: datetime) -> None:
        """Report what a block used beyond the limit, or write it off where nothing is subscribed to any more.

        `used_at`: since when it is known. Raises `NotYet`, and `PaymentsError`s.
        """
        for _ in range(_AT_ONCE):
            try:
                await self._reported(workflow, used, used_at)
            except OverageMoved:
                continue
            return
        raise NotYet(timedelta(minutes=1))

    async def _reported(self, workflow: Workflow, used: OverageUsed, used_at: datetime) -> None:
        tenant_id = workflow.tenant_id
        target = counter_id(tenant_id, Meter(used.meter), used.period)
        state: Usage = await self._commands.state(tenant_id, "usage", target)
        messages = state.unbilled.get(used.block_id)
        if messages is None:
            return
        account: Account = await self._commands.state(tenant_id, "billing_account", tenant_id)
        states: list[Subscription] = [
            await self._commands.state(tenant_id, "subscription", one) for one in account.subscriptions
        ]
        going = (one.terms for one in states if one.reference and one.terms and goes_on(one.terms))
        found = by_use(going, Meter(used.meter))
        if account.customer is None or found is None:
            # Who is deleted there loses the subscription with it: whichever of the two is heard of first.
            held = account.customer is None or await self._payments.has_customer(account.customer.reference)
            reason = WrittenOff.ENDED if held else WrittenOff.CUSTOMER_GONE
            await self._written_off(workflow, target, used, reason)
            return
        item, tariff, currency = found
        price = tariff.price(currency)
        if price is None or price.id != item.price:
            raise TypeError("an item is of a price of its tariff, in the currency of its subscription")
        units = tariff.begun(state.reported + messages) - state.units
        customer = account.customer.reference
        if units and not await self._payments.has_customer(customer):
            # Asked for before, since what is told of one that is deleted may be taken first and dropped later.
            await self._written_off(workflow, target, used, WrittenOff.CUSTOMER_GONE)
            return
        await self._told(workflow, used, state, units, (tariff.of, customer, used_at))
        entered = EnterOverage(
            period=used.period,
            block_id=used.block_id,
            before=state.units,
            units=units,
            price=price.id,
            unit_amount=price.unit_amount,
            currency=currency,
        )
        await workflow.execute(entered, target, key=f"overage/{used.block_id}/{state.units}/{units}")

    async def _written_off(
        self, workflow: Workflow, target: UUID, used: OverageUsed, reason: WrittenOff
    ) -> None:
        written_off = WriteOffOverage(period=used.period, block_id=used.block_id, reason=reason)
        await workflow.execute(written_off, target, key=f"overage/{used.block_id}/written-off")

    async def _told(
        self,
        workflow: Workflow,
        used: OverageUsed,
        state: Usage,
        units: int,
        of: tuple[str, str, datetime],
    ) -> None:
        """Tell the provider so many units more. `of`: the meter, the customer, and since when the block is known."""
        meter, customer, used_at = of
        tenant_id, told = workflow.tenant_id, 0
        since = await self._oldest(tenant_id, used, state) or used_at
        if self._commands.clock() - since > _REMEMBERED:
            told = await self._not_entered(tenant_id, meter, customer)
        for number in range(state.units + 1 + told, state.units + units + 1):
            # Of now, and not of when they were used: so they are of a cycle that is not invoiced yet.
            await self._payments.report_usage(
                meter,
                customer,
                1,
                identifier=unit_name(meter, tenant_id, used.period, number),
                at=self._commands.clock(),
            )

    async def _oldest(self, tenant_id: UUID, used: OverageUsed, state: Usage) -> datetime | None:
        """Since when the month has had something to report, where that is another block's: its job may have told it."""
        if next(iter(state.unbilled)) == used.block_id:
            return None
        async for row in named(self._commands.log, tenant_id, (OverageUsed.name,), begins(used.period)):
            (event,) = self._codec.decode([row])
            if isinstance(event, OverageUsed) and event.block_id in state.unbilled:
                return row.recorded_at
        return None

    async def _not_entered(self, tenant_id: UUID, meter: str, customer: str) -> int:
        """How many units were told and not entered: after a day the provider knows no name again that it was told."""
        entered, since = 0, None
        async for row in named(self._commands.log, tenant_id, (OverageReported.name,), None):
            (event,) = self._codec.decode([row])
            if isinstance(event, OverageReported):
                entered += event.units
        async for row in named(self._commands.log, tenant_id, (OverageUsed.name,), None):
            since = row.recorded_at
            break
        now = self._commands.clock()
        counted = await self._payments.counted_usage(meter, customer, since=since or now, until=now)
        return max(0, counted - entered)
