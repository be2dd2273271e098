"""What went beyond a limit and is bought: told to the payment provider in units of its price, and then entered.

A worker that dies in between tells the same units again, under the same names: they count once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.workflow import NotYet
from domain.billing.catalogue import Meter
from domain.billing.overage import EnterOverage, OverageMoved, WriteOffOverage, unit_name
from domain.billing.settling import goes_on
from domain.billing.tariffs import by_use
from domain.billing.usage import counter_id

if TYPE_CHECKING:
    from application.commanding import Commands
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.account_state import Account
    from domain.billing.overage import OverageUsed
    from domain.billing.subscription import Subscription
    from domain.billing.usage import Usage

_AT_ONCE: Final = 10
"""So often it begins anew where other blocks of the month are reported at the same time."""


class Overages:
    """Reports what blocks used beyond a limit."""

    def __init__(self, commands: Commands, payments: PaymentGateway) -> None:
        """Act through `commands`; tell `payments`."""
        self._commands = commands
        self._payments = payments

    async def report(self, workflow: Workflow, used: OverageUsed) -> None:
        """Report what a block used beyond the limit, or write it off where nothing is subscribed to any more.

        Raises `NotYet`, and `PaymentsError`s.
        """
        for _ in range(_AT_ONCE):
            try:
                await self._reported(workflow, used)
            except OverageMoved:
                continue
            return
        raise NotYet(timedelta(minutes=1))

    async def _reported(self, workflow: Workflow, used: OverageUsed) -> None:
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
            written_off = WriteOffOverage(period=used.period, block_id=used.block_id)
            await workflow.execute(written_off, target, key=f"overage/{used.block_id}/written-off")
            return
        item, tariff, currency = found
        price = tariff.price(currency)
        if price is None or price.id != item.price:
            raise TypeError("an item is of a price of its tariff, in the currency of its subscription")
        units = tariff.begun(state.reported + messages) - state.units
        for number in range(state.units + 1, state.units + units + 1):
            # Of now, and not of when they were used: so they are of a cycle that is not invoiced yet.
            await self._payments.report_usage(
                tariff.of,
                account.customer.reference,
                1,
                identifier=unit_name(tariff.of, tenant_id, used.period, number),
                at=self._commands.clock(),
            )
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
