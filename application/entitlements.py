"""What a plan allows, held where commands are decided: units of what stands, and messages of a month.

A counter begins when it is first needed, with what the log has by then; that is exact, since whoever adds to it expects
it where it was read. Of what has no limit nothing is counted, as long as no counter has begun: whoever adds to it
expects the tenant's plan where it was read, and so is not passed over by a count that another plan made necessary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.account_events import Exceeding
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.offers import offer, offer_feature, unpaid
from domain.billing.overage import most_of, room
from domain.billing.settling import is_live, listed
from domain.billing.tariffs import by_use
from domain.billing.usage import (
    FeatureNotIncluded,
    LimitReached,
    ReserveBlock,
    UnitReleased,
    UnitTaken,
    Usage,
    UsageAboveLimits,
    UsageCounted,
    alerts,
    counter_id,
    month_of,
    reserved,
)
from domain.kernel.ids import TenantId
from domain.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from application.unit import Unit
    from domain.billing.account_state import Account, Beyond, Entitlements
    from domain.billing.subscription import Subscription
    from domain.billing.terms import Terms
    from domain.kernel.ids import BlockId

STANDING: Final = (Meter.USERS, Meter.WORKSPACES, Meter.DOMAINS)
"""What a smaller plan has to have room for. What went this month is no obstacle: the next month begins anew."""


async def take(unit: Unit, meter: Meter, thing: UUID) -> None:
    """Count one more of what stands. Raises `LimitReached`."""
    entitled = await _entitled(unit)
    if entitled is None:
        return
    limit = entitled.limits.get(meter)
    usage = await _counter(unit, meter, needed=limit is not None)
    if usage is None:
        return
    if limit is not None and usage.used >= limit:
        raise await _reached(unit, meter, limit, usage.used, entitled)
    key = counter_id(unit.tenant_id, meter)
    unit.append("usage", key, UnitTaken(tenant_id=TenantId(unit.tenant_id), meter=meter, unit=thing))
    told = alerts(unit.tenant_id, meter, None, usage.used, unit.state("usage", key), limit)
    unit.append("usage", key, *told)


async def release(unit: Unit, meter: Meter, thing: UUID) -> None:
    """Count one less."""
    entitled = await _entitled(unit)
    if entitled is None:
        return
    usage = await _counter(unit, meter, needed=meter in entitled.limits)
    if usage is not None:
        released = UnitReleased(tenant_id=TenantId(unit.tenant_id), meter=meter, unit=thing)
        unit.append("usage", counter_id(unit.tenant_id, meter), released)


async def take_message(unit: Unit) -> BlockId | None:
    """Count one more message of this month; the block that it is of, if it is of one. Raises `LimitReached`."""
    period = month_of(unit.stamp.at)
    block_id = unit.sending.at_hand(period)
    if block_id is None:
        if not await _is_counted(unit, period):
            return None
        unit.let_go("usage", counter_id(unit.tenant_id, Meter.EMAILS, period))
        block_id = await unit.sending.take(period)
    if block_id is not None:
        # Nothing is read: that it has not ended is expected by the append.
        unit.assume_new("usage_block", block_id)
    return block_id


async def reserve(command: ReserveBlock, unit: Unit) -> None:
    """Reserve a block of a month's messages. Raises `LimitReached`."""
    entitled = await _entitled(unit)
    limit = None if entitled is None else entitled.limits.get(Meter.EMAILS)
    key = counter_id(unit.tenant_id, Meter.EMAILS, command.period)
    usage = await _counter(unit, Meter.EMAILS, command.period)
    if usage is None:
        raise TypeError("a counter that is needed is there")
    near = limit is not None and usage.committed >= limit
    beyond = await beyond_of(unit, Meter.EMAILS) if near else None
    block = reserved(command, usage, limit, beyond)
    if not block and entitled is not None and limit is not None:
        raise await _reached(unit, Meter.EMAILS, limit, usage.committed, entitled, beyond)
    unit.append("usage", key, *block)


async def limit_of(unit: Unit, meter: Meter) -> int | None:
    """The most of a meter that there may be; None: there is no limit."""
    entitled = await _entitled(unit)
    return None if entitled is None else entitled.limits.get(meter)


async def requires(unit: Unit, feature: str) -> None:
    """Refuse what the plan does not include, by the name that the catalogue has for it. Raises `FeatureNotIncluded`."""
    entitled = await _entitled(unit)
    if entitled is None or feature in entitled.features:
        return
    raise FeatureNotIncluded(
        f"{FeatureNotIncluded.rule()} The plan {entitled.plan} has no {feature}.",
        feature=feature,
        plan=entitled.plan.value,
        buy=offer_feature(feature, entitled, await _held(unit), unit.stamp.at.date()),
    )


async def _held(unit: Unit) -> list[Terms]:
    """The terms of all subscriptions as they hold now."""
    account: Account = await unit.load("billing_account", unit.tenant_id)
    states: list[Subscription] = await unit.load_many("subscription", account.subscriptions)
    return [state.terms for state in states if state.terms is not None]


async def within(unit: Unit, limits: Mapping[str, int]) -> None:
    """Refuse where more stands than these limits allow. Raises `UsageAboveLimits`."""
    above = await exceeding(unit, limits)
    if above:
        words = ", ".join(f"{one.used} {one.meter} of {one.limit}" for one in above)
        told = [one.model_dump() for one in above]
        raise UsageAboveLimits(f"{UsageAboveLimits.rule()} There are {words}.", above=told)


async def exceeding(unit: Unit, limits: Mapping[str, int]) -> tuple[Exceeding, ...]:
    """Of what more stands than these limits allow."""
    above = list[Exceeding]()
    for meter in STANDING:
        limit = limits.get(meter)
        if limit is None:
            continue
        usage: Usage = await unit.load("usage", counter_id(unit.tenant_id, meter))
        used = usage.used if usage.begun else await unit.standing(meter)
        if used > limit:
            above.append(Exceeding(meter=meter.value, used=used, limit=limit))
    return tuple(above)


async def _entitled(unit: Unit) -> Entitlements | None:
    """What the tenant may use; None in a log that is no tenant's."""
    tenant = await unit.load("tenant", unit.tenant_id)
    account: Account = await unit.load("billing_account", unit.tenant_id)
    if not isinstance(tenant, Tenant):
        return None
    return account.entitlements or listed(tenant.plan, unit.stamp.at.date())


async def _counter(
    unit: Unit, meter: Meter, period: str | None = None, *, needed: bool = True
) -> Usage | None:
    """The counter as it stands, begun if it has to be; None where it need not be there, and is not."""
    key = counter_id(unit.tenant_id, meter, period)
    usage: Usage = await unit.load("usage", key)
    if not usage.begun and needed:
        used = await (unit.standing(meter) if period is None else unit.sent_in(period))
        begun = UsageCounted(tenant_id=TenantId(unit.tenant_id), meter=meter, period=period, used=used)
        unit.append("usage", key, begun)
        usage = unit.state("usage", key)
    return usage if usage.begun else None


async def _is_counted(unit: Unit, period: str) -> bool:
    """Whether messages are counted. Where none are taken, as in a dry run, it is looked whether one could be."""
    entitled = await _entitled(unit)
    if entitled is None:
        return False
    limit = entitled.limits.get(Meter.EMAILS)
    usage: Usage = await unit.load("usage", counter_id(unit.tenant_id, Meter.EMAILS, period))
    if limit is None or unit.sending.counts:
        return limit is not None or usage.begun
    used = usage.committed if usage.begun else await unit.sent_in(period)
    beyond = await beyond_of(unit, Meter.EMAILS) if used >= limit else None
    if room(limit, used, usage.bought, beyond) <= 0:
        raise await _reached(unit, Meter.EMAILS, limit, used, entitled, beyond)
    return False


async def beyond_of(unit: Unit, meter: Meter) -> Beyond | None:
    """How the tenant goes beyond the limit of a meter, if it wants to and may."""
    account: Account = await unit.load("billing_account", unit.tenant_id)
    if account.overage.get(meter) is None:
        return None
    live = filter(is_live, await _held(unit))
    return account.beyond(meter, metered=by_use(live, meter) is not None)


async def _reached(
    unit: Unit, meter: Meter, limit: int, used: int, entitled: Entitlements, beyond: Beyond | None = None
) -> LimitReached:
    account: Account = await unit.load("billing_account", unit.tenant_id)
    ceiling = None if beyond is None else most_of(limit, beyond) - limit
    further = "" if ceiling is None else f" More than {ceiling} beyond the limit are not bought in a month."
    if beyond is not None and beyond.policy is Overage.BUY:
        further += " A higher `ceiling` (`set-overage-policy`) holds from the next message on."
    if owed := unpaid(account):
        further += " An invoice is not paid. Pay it first (`POST /v1/billing/portal` has the page)"
        said = account.overage.get(meter)
        bought = said is not None and said.policy is Overage.BUY
        further += ": then messages go beyond the limit again." if bought else ", then buy."
    return LimitReached(
        f"{LimitReached.rule()} {used} of {limit} {meter} are used, by the plan {entitled.plan}.{further}",
        meter=meter.value,
        limit=limit,
        used=used,
        **({} if ceiling is None else {"ceiling": ceiling}),
        plan=entitled.plan.value,
        buy={"pay": owed, **offer(meter, limit, entitled, await _held(unit), unit.stamp.at.date())},
    )
