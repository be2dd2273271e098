"""A counter: how much of a limit is used. What stands (users, workspaces) is a balance; what flows has a month.

What is used often, and by many at once, is reserved in blocks: a block counts as used until it is settled, so that no
limit is ever passed, and is settled with what was used of it, so that the count ends exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field

from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.overage import (
    CeilingReached,
    OverageEvent,
    OverageReported,
    OverageUsed,
    OverageWrittenOff,
    WrittenOff,
    room,
)
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import BlockId, TenantId, derived_id
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.billing.account_state import Beyond

ALERTS: Final = (80, 90, 95, 100)
"""Percent of a limit at which it is said how much is used."""
MOST_AT_ONCE: Final = 2_000
"""What a block holds at most."""
SETTLED_WITHIN: Final = timedelta(minutes=10)
"""When a block that nobody gave back is settled by what really became of it."""
_SHARE: Final = 8
"""A block is at most this part of what is left: near the limit blocks are of one."""

Period = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
"""A calendar month, UTC: `2026-11`."""


class UsageCounted(Event, name="billing.usage_counted", version=1):
    """A counter began, with what was there already. `period`: the month of what flows; None: of what stands."""

    tenant_id: TenantId
    meter: str
    period: str | None
    used: int


class UnitTaken(Event, name="billing.unit_taken", version=1):
    """One more stands. `unit`: what it is: the member, the workspace."""

    tenant_id: TenantId
    meter: str
    unit: UUID


class UnitReleased(Event, name="billing.unit_released", version=1):
    """One less stands."""

    tenant_id: TenantId
    meter: str
    unit: UUID


class BlockReserved(Event, name="billing.block_reserved", version=2):
    """So many of a month's may be used by `consumer`, a process, without asking again.

    `over`: how many of them are above the limit; `billed`: whether those are paid for by use. `settle_at`: from when on
    what became of it is counted in the log.
    """

    tenant_id: TenantId
    meter: str
    period: str
    block_id: BlockId
    consumer: UUID
    amount: int
    over: int
    billed: bool
    settle_at: datetime


@EVENTS.upcaster("billing.block_reserved", 1)
def _nobody_was_billed(payload: Payload) -> Payload:
    return {**payload, "billed": False}


class BlockSettled(Event, name="billing.block_settled", version=1):
    """A block is over: `used` of it were used, and the others may be used by whoever comes next.

    `over`: how many of those used were above the limit when the block was reserved.
    """

    tenant_id: TenantId
    meter: str
    period: str
    block_id: BlockId
    used: int
    over: int


class UsageAlerted(Event, name="billing.usage_alerted", version=1):
    """So many percent of a limit are used. Told once a month and limit of what flows, each time of what stands."""

    tenant_id: TenantId
    meter: str
    period: str | None
    threshold: int
    used: int
    limit: int


class BlockEnded(Event, name="billing.block_ended", version=1):
    """Nothing is used from this block any more: whatever would be expects that this is not there."""

    block_id: BlockId


UsageEvent: TypeAlias = (
    UsageCounted | UnitTaken | UnitReleased | BlockReserved | BlockSettled | UsageAlerted | OverageEvent
)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A block that is out. `over`: how much of it is above the limit, and `billed` if it is used."""

    amount: int
    over: int
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """A counter as it stands. `used` holds what was settled alone, `over` how much of that was above the limit.

    `alerted`: the threshold that was told last, of the limit `alerted_of`. `unbilled`: what blocks used beyond the
    limit and is to be reported; `reported`: what was, as `units` of the price that were begun. `lost`: by month, what
    is billed to nobody, since the provider has the customer no more. `ceiling`: the one that was told to be reached.
    """

    begun: bool = False
    used: int = 0
    over: int = 0
    blocks: dict[BlockId, Reserved] = field(default_factory=dict)
    alerted: int = 0
    alerted_of: int | None = None
    unbilled: dict[BlockId, int] = field(default_factory=dict)
    reported: int = 0
    units: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    ceiling: int | None = None

    @property
    def committed(self) -> int:
        """What is used, or may be by now."""
        return self.used + sum(block.amount for block in self.blocks.values())

    @property
    def bought(self) -> int:
        """What went beyond a limit and is billed by use, or may go by now, whatever the month's limits were."""
        out = sum(block.over for block in self.blocks.values() if block.billed)
        return self.reported + sum(self.unbilled.values()) + out


def evolve(state: Usage, event: UsageEvent) -> Usage:
    """The counter after `event`."""
    match event:
        case UsageCounted():
            return replace(state, begun=True, used=event.used)
        case UnitTaken():
            return replace(state, used=state.used + 1)
        case UnitReleased():
            return replace(state, used=state.used - 1)
        case BlockReserved():
            out = Reserved(event.amount, event.over, event.billed)
            return replace(state, blocks={**state.blocks, event.block_id: out})
        case BlockSettled():
            out_still = {key: block for key, block in state.blocks.items() if key != event.block_id}
            return replace(
                state, used=state.used + event.used, over=state.over + event.over, blocks=out_still
            )
        case UsageAlerted():
            return replace(state, alerted=event.threshold, alerted_of=event.limit)
        case CeilingReached():
            return replace(state, ceiling=event.ceiling)
        case OverageUsed():
            return replace(state, unbilled={**state.unbilled, event.block_id: event.messages})
        case OverageReported() | OverageWrittenOff():
            left = {key: messages for key, messages in state.unbilled.items() if key != event.block_id}
            if isinstance(event, OverageWrittenOff):
                gone = event.messages if event.reason == WrittenOff.CUSTOMER_GONE else 0
                lost = {event.period: state.lost.get(event.period, 0) + gone} if gone else {}
                return replace(state, unbilled=left, lost=state.lost | lost)
            reported, units = state.reported + event.messages, state.units + event.units
            return replace(state, unbilled=left, reported=reported, units=units)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of its own stream: what is used from it expects that it has not ended."""

    ended: bool = False


class LimitReached(Refusal):
    """The plan allows no more of this. Buy what `buy` names, or remove something that counts.

    What is counted by the month begins anew with the next month.
    """

    code = "limit-reached"
    kind = RefusalKind.PAYMENT


class FeatureNotIncluded(Refusal):
    """The plan does not include this. Change to the plan that `buy` names. What was made before goes on working."""

    code = "feature-not-included"
    kind = RefusalKind.PAYMENT


class UsageAboveLimits(Refusal):
    """A plan is not changed to one that holds less than is there. Give up what `above` names, then change it."""

    code = "usage-above-limits"


class ReserveBlock(Command, context="billing", stream="usage", permission=Permission.INTERNAL, internal=True):
    """Let a process use so many of a month's messages at most."""

    tells = True

    period: Period
    block_id: BlockId
    consumer: UUID
    wanted: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """How many it may be."""
        return next(({"amount": one.amount} for one in events if isinstance(one, BlockReserved)), None)


class SettleBlock(Command, context="billing", stream="usage", permission=Permission.INTERNAL, internal=True):
    """Enter how much of a block was used; nothing is used from it any more."""

    period: Period
    block_id: BlockId
    used: Annotated[int, Field(ge=0)]


class EndBlock(
    Command, context="billing", stream="usage_block", permission=Permission.INTERNAL, internal=True
):
    """Let nothing be used from a block any more, so that what was can be counted."""


def counter_id(tenant_id: UUID, meter: Meter, period: str | None = None) -> UUID:
    """The key of a tenant's counter of a meter, and of a month of it."""
    return derived_id(tenant_id, "usage", meter.value, period or "")


def month_of(at: datetime) -> str:
    """The month, UTC, that a moment is in."""
    return at.astimezone(UTC).strftime("%Y-%m")


def begins(period: str) -> datetime:
    """The first moment of a month."""
    return datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC)


def reserved(
    command: ReserveBlock, state: Usage, limit: int | None, beyond: Beyond | None
) -> tuple[BlockReserved, ...]:
    """The block that may be had; none where nothing is left. `beyond`: the limit may be passed, which is counted."""
    left = None if limit is None else limit - state.committed
    amount, over = command.wanted, 0
    if left is not None and left > 0:
        amount = min(amount, max(1, left // _SHARE))
    elif limit is not None:
        further = room(limit, state.committed, state.bought, beyond)
        if further <= 0:
            return ()
        over = amount = min(amount, max(1, further // _SHARE))
    return (
        BlockReserved(
            tenant_id=TenantId(command.stamp.tenant_id),
            meter=Meter.EMAILS,
            period=command.period,
            block_id=command.block_id,
            consumer=command.consumer,
            amount=amount,
            over=over,
            billed=bool(over) and beyond is not None and beyond.policy is Overage.BUY,
            settle_at=command.stamp.at + SETTLED_WITHIN,
        ),
    )


def settled(command: SettleBlock, state: Usage) -> tuple[BlockSettled | OverageUsed, ...]:
    """The end of a block that is out, and what of it is to be billed; nothing of one that is not."""
    out = state.blocks.get(command.block_id)
    if out is None:
        return ()
    over = max(0, command.used - (out.amount - out.over))
    told: dict[str, Any] = {
        "tenant_id": TenantId(command.stamp.tenant_id),
        "meter": Meter.EMAILS,
        "period": command.period,
        "block_id": command.block_id,
    }
    ended = BlockSettled(**told, used=command.used, over=over)
    return (ended, OverageUsed(**told, messages=over)) if out.billed and over else (ended,)


def alerts(
    tenant_id: UUID, meter: Meter, period: str | None, before: int, state: Usage, limit: int | None
) -> tuple[UsageAlerted, ...]:
    """The highest threshold that was reached just now. `before`: what was used until now, of what stands."""
    if not limit:
        return ()
    told = state.alerted if state.alerted_of == limit else 0
    reached, passed = _reached(state.used, limit), told if period else _reached(before, limit)
    if reached <= passed:
        return ()
    return (
        UsageAlerted(
            tenant_id=TenantId(tenant_id),
            meter=meter,
            period=period,
            threshold=reached,
            used=state.used,
            limit=limit,
        ),
    )


def _reached(used: int, limit: int) -> int:
    return max((threshold for threshold in ALERTS if used * 100 >= threshold * limit), default=0)


def _block_after(_: Block, __: BlockEnded) -> Block:
    return Block(ended=True)


def _ended(command: EndBlock, state: Block) -> tuple[Event, ...]:
    return () if state.ended else (BlockEnded(block_id=BlockId(command.stamp.target)),)


USAGE: Final[Decider[Usage]] = Decider(category="usage", initial=Usage(), evolve=evolve, remembers_empty=True)
USAGE_BLOCK: Final[Decider[Block]] = Decider(
    category="usage_block", initial=Block(), evolve=_block_after, decide=_ended
)
