"""Messages beyond a month's limit that are bought: sent first, counted block by block, reported and billed afterwards.

What a block used beyond the limit is told to the payment provider once, in units of the price, each under a name that
follows from the tenant, the month and the unit's number: told again, it counts nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

from pydantic import Field

from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import BlockId, TenantId
from domain.kernel.money import Currency, Price
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

if TYPE_CHECKING:
    from domain.billing.account_state import Beyond
    from domain.billing.usage import Usage


class OverageUsed(Event, name="billing.overage_used", version=1):
    """So many messages of a block went beyond the limit, and are to be billed."""

    tenant_id: TenantId
    meter: str
    period: str
    block_id: BlockId
    messages: int


class OverageReported(Event, name="billing.overage_reported", version=1):
    """What a block used beyond the limit was told to the payment provider.

    `units`: how many units of `price` it began, after the `before` ones of the month; 0 where an earlier block had
    begun the one that it is in. `unit_amount`: minor units of each.
    """

    tenant_id: TenantId
    meter: str
    period: str
    block_id: BlockId
    messages: int
    before: int
    units: int
    price: str
    unit_amount: int
    currency: str


class WrittenOff(StrEnum):
    """Why something is not billed."""

    ENDED = "subscription_ended"
    """The subscription that would have been billed ended before it was reported."""
    CUSTOMER_GONE = "customer_gone"
    """The provider has the customer no more: it was deleted there, and nobody is left to bill."""


class OverageWrittenOff(Event, name="billing.overage_written_off", version=2):
    """What a block used beyond the limit is not billed. `reason`: one of `WrittenOff`."""

    tenant_id: TenantId
    meter: str
    period: str
    block_id: BlockId
    messages: int
    reason: str


@EVENTS.upcaster("billing.overage_written_off", 1)
def _had_ended(payload: Payload) -> Payload:
    return {**payload, "reason": WrittenOff.ENDED.value}


class CeilingReached(Event, name="billing.ceiling_reached", version=1):
    """As much was bought beyond a month's limit as may be. Told once a month and ceiling.

    `bought` may be less than the `ceiling`, which counts from the `limit` on, where more was used under a higher one.
    """

    tenant_id: TenantId
    meter: str
    period: str
    bought: int
    ceiling: int
    limit: int


OverageEvent: TypeAlias = OverageUsed | OverageReported | OverageWrittenOff | CeilingReached


class OverageMoved(Refusal):
    """Units are reported one after another, and others were meanwhile. Look at the counter, and report what is left."""

    code = "overage-moved"


class EnterOverage(Command, context="billing", stream="usage", permission=Permission.INTERNAL, internal=True):
    """Enter that what a block used beyond the limit was reported: `units` after the `before` ones of the month."""

    period: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    block_id: BlockId
    before: Annotated[int, Field(ge=0)]
    units: Annotated[int, Field(ge=0)]
    price: ShortText
    unit_amount: Price
    currency: Currency


class WriteOffOverage(
    Command, context="billing", stream="usage", permission=Permission.INTERNAL, internal=True
):
    """Enter that what a block used beyond the limit is not billed."""

    period: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    block_id: BlockId
    reason: WrittenOff = WrittenOff.ENDED


def unit_name(of: str, tenant_id: UUID, period: str, number: int) -> str:
    """The name under which the payment provider counts a unit of a month, the first being 1: the same always."""
    return f"{of}/{tenant_id}/{period}/{number}"


def entered(command: EnterOverage | WriteOffOverage, state: Usage) -> tuple[OverageEvent, ...]:
    """What became of a block's messages beyond the limit; nothing of those that are settled. Raises `OverageMoved`."""
    messages = state.unbilled.get(command.block_id)
    if messages is None:
        return ()
    tenant_id = TenantId(command.stamp.tenant_id)
    if isinstance(command, WriteOffOverage):
        return (
            OverageWrittenOff(
                tenant_id=tenant_id,
                meter=Meter.EMAILS,
                period=command.period,
                block_id=command.block_id,
                messages=messages,
                reason=command.reason,
            ),
        )
    if command.before != state.units:
        raise OverageMoved
    return (
        OverageReported(
            tenant_id=tenant_id,
            meter=Meter.EMAILS,
            period=command.period,
            block_id=command.block_id,
            messages=messages,
            before=command.before,
            units=command.units,
            price=command.price,
            unit_amount=command.unit_amount,
            currency=command.currency,
        ),
    )


def ceiling_of(limit: int, beyond: Beyond) -> int:
    """How many may be bought beyond a month's limit: as was said, else as many again."""
    return limit if beyond.ceiling is None else beyond.ceiling


def most_of(limit: int, beyond: Beyond | None) -> int:
    """How many may be used of a limit. `beyond`: it may be passed, up to its ceiling, or by as much again."""
    if beyond is None:
        return limit
    return limit + ceiling_of(limit, beyond)


def room(limit: int, used: int, bought: int, beyond: Beyond | None) -> int:
    """How many more there may be. A ceiling is the month's: what was `bought` counts under any limit."""
    most = most_of(limit, beyond)
    return most - used if beyond is None else min(most - used, most - limit - bought)


def ceiling_told(
    tenant_id: UUID, period: str, state: Usage, limit: int | None, beyond: Beyond | None
) -> tuple[CeilingReached, ...]:
    """That nothing more may be bought, just now; blocks that are out may be given back, and count only when settled.

    Under a limit that was lowered within the month that is before as much was bought as the ceiling says.
    """
    if limit is None or beyond is None or beyond.policy is not Overage.BUY:
        return ()
    ceiling, bought = ceiling_of(limit, beyond), state.reported + sum(state.unbilled.values())
    if room(limit, state.used, bought, beyond) > 0 or state.ceiling == ceiling:
        return ()
    return (
        CeilingReached(
            tenant_id=TenantId(tenant_id),
            meter=Meter.EMAILS,
            period=period,
            bought=bought,
            ceiling=ceiling,
            limit=limit,
        ),
    )
