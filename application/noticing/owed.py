"""What an event has to be told of by letter, as things stand now; nothing of what is no longer so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.noticing.wording import Line, Told
from domain.billing.account_events import (
    AccessChanged,
    DunningBegan,
    DunningEnded,
    DunningRetried,
    TrialReminded,
)
from domain.billing.account_state import Access, Beyond, Overage
from domain.billing.catalogue import Meter
from domain.billing.catalogues import sold_on
from domain.billing.notices import KEPT_AFTER_END, NoticeKind
from domain.billing.offers import offer
from domain.billing.overage import CeilingReached, ceiling_of, room
from domain.billing.settling import is_live, listed
from domain.billing.tariffs import by_use
from domain.billing.terms import Interval
from domain.billing.usage import UsageAlerted, counter_id, month_of
from domain.kernel.ids import InvoiceId
from domain.kernel.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.noticing.wording import Value
    from domain.billing.account_state import Account, Dunning
    from domain.billing.catalogue import Tariff
    from domain.billing.invoice import Invoice
    from domain.billing.terms import Item
    from domain.billing.usage import Usage
    from domain.kernel.events import Event
    from domain.tenancy.tenant import Tenant

_FULL: Final = 100


class Owing:
    """Looks up in one tenant's log, at one moment, what a letter says."""

    def __init__(self, commands: Commands, tenant: Tenant) -> None:
        """For a tenant that is there."""
        self._commands = commands
        self._tenant = tenant

    async def told(  # noqa: PLR0911 - one answer for each event that is told of
        self, event: Event, recorded_at: datetime
    ) -> Told | None:
        """What a letter about an event says; None: it is no longer so."""
        account: Account = await self._state("billing_account", self._tenant.tenant_id)
        match event:
            case UsageAlerted():
                return await self._usage(event, account)
            case CeilingReached():
                return await self._ceiling(event, account)
            case TrialReminded():
                return self._trial(account)
            case DunningBegan():
                dunning = account.dunning.get(event.invoice_id)
                if dunning is None or dunning.retries or dunning.began_at != event.began_at:
                    return None
                return await self._failed(event.invoice_id, dunning)
            case DunningRetried():
                dunning = account.dunning.get(event.invoice_id)
                if dunning is None or dunning.retries != event.retry:
                    return None
                return await self._failed(event.invoice_id, dunning)
            case AccessChanged(after=Access.SUSPENDED):
                return await self._suspended(account, recorded_at)
            case AccessChanged(after=Access.CANCELLED):
                return self._cancelled(account, recorded_at)
            case DunningEnded():
                return await self._recovered(event.invoice_id, account)
            case _:
                return None

    async def _state(self, category: str, key: UUID) -> Any:
        return await self._commands.state(self._tenant.tenant_id, category, key)

    async def _usage(self, event: UsageAlerted, account: Account) -> Told | None:
        meter, now = Meter(event.meter), self._commands.clock()
        entitled = account.entitlements or listed(self._tenant.plan, now.date())
        usage: Usage = await self._state("usage", counter_id(event.tenant_id, meter, event.period))
        later = usage.alerted_of != event.limit or usage.alerted != event.threshold
        less = usage.used * _FULL < event.threshold * event.limit
        over = event.period is not None and event.period != month_of(now)
        if later or less or over or entitled.limits.get(meter) != event.limit:
            return None
        share = event.used * _FULL // event.limit
        values: dict[str, Value] = {
            "used": event.used,
            "limit": event.limit,
            "meter": meter,
            "share": share,
        }
        monthly = event.period is not None
        lines = [
            Line("used_in_month", {**values, "period": event.period or ""})
            if monthly
            else Line("used", values)
        ]
        states = [await self._state("subscription", one) for one in account.subscriptions]
        held = [one.terms for one in states if one.terms is not None]
        found = by_use(filter(is_live, held), meter)
        beyond = account.beyond(meter, metered=found is not None)
        if beyond is not None:
            lines.append(_beyond(event.limit, usage, beyond, found))
        elif share >= _FULL:
            lines.append(Line("month_limit_reached" if monthly else "limit_reached"))
        if account.overage.get(meter) != Beyond(Overage.BLOCK):  # who said so is not asked
            lines += _to_buy(meter, offer(meter, event.limit, entitled, held, now.date()))
        return Told(NoticeKind.USAGE_REACHED, {"share": share, "meter": meter}, lines)

    async def _ceiling(self, event: CeilingReached, account: Account) -> Told | None:
        meter, now = Meter(event.meter), self._commands.clock()
        usage: Usage = await self._state("usage", counter_id(event.tenant_id, meter, event.period))
        entitled = account.entitlements or listed(self._tenant.plan, now.date())
        said, limit = account.overage.get(meter), entitled.limits.get(meter)
        if event.period != month_of(now) or limit is None or said is None or said.policy is not Overage.BUY:
            return None
        if room(limit, usage.used, usage.bought, said) > 0:
            return None
        values: dict[str, Value] = {"bought": event.bought, "meter": meter, "limit": event.limit}
        lines = [Line("ceiling_reached", {**values, "period": event.period}), Line("ceiling_raise")]
        states = [await self._state("subscription", one) for one in account.subscriptions]
        held = [one.terms for one in states if one.terms is not None]
        lines += _to_buy(meter, offer(meter, limit, entitled, held, now.date()))
        return Told(NoticeKind.CEILING_REACHED, {"bought": event.bought, "meter": meter}, lines)

    def _trial(self, account: Account) -> Told | None:
        trial, now = account.trial, self._commands.clock()
        if trial is None or trial.over or now >= trial.ends_at:
            return None
        plan = sold_on(now.date()).plan(trial.plan).name
        lines = [Line("trial_ends", {"plan": plan, "ends_at": trial.ends_at}), Line("trial_after")]
        return Told(NoticeKind.TRIAL_ENDING, {"day": trial.ends_at.date()}, lines)

    async def _failed(self, invoice_id: InvoiceId, dunning: Dunning) -> Told | None:
        if dunning.suspended:
            return None
        attempt = dunning.retries + 1
        next_at = dunning.retry_at
        tried = Line("no_next_attempt") if next_at is None else Line("next_attempt", {"next_at": next_at})
        lines = [
            await self._about(invoice_id, "attempt_failed", attempt=attempt),
            tried,
            Line("suspended_at", {"suspend_at": dunning.suspend_at}),
            Line("cancelled_at", {"cancel_at": dunning.cancel_at}),
            Line("mend"),
        ]
        return Told(NoticeKind.PAYMENT_FAILED, {}, lines)

    async def _suspended(self, account: Account, since: datetime) -> Told | None:
        if account.access is not Access.SUSPENDED:
            return None
        unpaid = [(key, one) for key, one in account.dunning.items() if one.suspended]
        lines = [Line("suspended_otherwise", {"since": since})]
        if unpaid:
            invoice_id, dunning = unpaid[0]
            known = await self._invoice(invoice_id)
            lines = [Line("suspended_unpaid", {**known, "since": since}) if known else lines[0]]
            lines += [Line("paying_opens", {"cancel_at": dunning.cancel_at})]
        return Told(NoticeKind.ACCESS_SUSPENDED, {}, lines)

    def _cancelled(self, account: Account, since: datetime) -> Told | None:
        if account.access is not Access.CANCELLED:
            return None
        kept = Line("kept_until", {"kept_until": (since + KEPT_AFTER_END).date()})
        return Told(NoticeKind.ACCESS_CANCELLED, {}, [Line("ended", {"since": since}), kept])

    async def _recovered(self, invoice_id: InvoiceId, account: Account) -> Told:
        if account.dunning:
            then = "still_owed"
        elif account.access in (Access.ACTIVE, Access.TRIAL, Access.PAST_DUE):
            then = "access_open"
        else:
            then = "still_closed"
        return Told(
            NoticeKind.PAYMENT_RECOVERED, {}, [await self._about(invoice_id, "recovered"), Line(then)]
        )

    async def _about(self, invoice_id: InvoiceId, key: str, **values: Value) -> Line:
        known = await self._invoice(invoice_id)
        return Line(key, {**known, **values}) if known else Line(f"{key}_unnumbered", values)

    async def _invoice(self, invoice_id: InvoiceId) -> dict[str, Value]:
        """Number and amount of an invoice; nothing of one that has no number."""
        invoice: Invoice = await self._state("invoice", invoice_id)
        final = invoice.finalised
        if final is None or final.number is None:
            return {}
        return {"number": final.number, "amount": Money(final.total, final.currency)}


def _beyond(limit: int, usage: Usage, beyond: Beyond, found: tuple[Item, Tariff, str] | None) -> Line:
    """How sending goes on beyond a limit, and what it costs where it is bought."""
    price = None if found is None else found[1].price(found[2])
    if beyond.policy is not Overage.BUY or found is None or price is None:
        return Line("beyond")
    money = Money(price.unit_amount, price.currency)
    told: dict[str, Value] = {"bought": usage.bought, "ceiling": ceiling_of(limit, beyond)}
    left = max(0, min(ceiling_of(limit, beyond), room(limit, usage.committed, usage.bought, beyond)))
    return Line("beyond_bought", {**told, "further": left, "per": found[1].per, "price": money})


def _to_buy(meter: Meter, buy: dict[str, Any]) -> list[Line]:
    lines = list[Line]()
    if (add_on := buy["add_on"]) is not None:
        lines.append(Line("add_on", {"adds": add_on["adds"], "meter": meter, **_price(add_on)}))
    if (plan := buy["plan"]) is not None:
        name = {"plan": plan["id"].capitalize()}
        if plan["unit_amount"] is None:
            lines.append(Line("plan_agreed", name))
        elif plan["limit"] is None:
            lines.append(Line("plan_without_limit", {**name, "meter": meter, **_price(plan)}))
        else:
            values = {**name, "limit": plan["limit"], "meter": meter, **_price(plan)}
            lines.append(Line("plan_more", values))
    return [Line("to_buy"), *lines] if lines else []


def _price(one: dict[str, Any]) -> dict[str, Value]:
    return {"price": Money(one["unit_amount"], one["currency"]), "interval": Interval(one["interval"])}
