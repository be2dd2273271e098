"""All customers' figures in plain Python: from each one's movements, earnings and trials, day by day and one by one.

It shares nothing with the SQL: no roll-ups, no running sums. Every figure of a period is worked out anew from what was
known of each customer at the moment that is asked about.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from domain.kernel.ids import PLATFORM
from domain.kernel.money import allotted
from projections.finance.profiles import Profile
from tests.support.events import History
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import OPENED, Told, lives
from tests.support.mrr_model import Customer

Movement = tuple[date, str, str, int]
"""Day, kind, currency, amount."""


@dataclass
class Earned:
    """An amount over its days, known from a position on. `kind`: revenue, cost or acquisition."""

    position: int
    kind: str
    currency: str
    amount: int
    since: date
    until: date

    def by_day(self) -> Iterator[tuple[date, int]]:
        days = (self.until - self.since).days + 1
        sign = -1 if self.amount < 0 else 1
        for offset, part in enumerate(allotted(abs(self.amount), [1] * days)):
            yield self.since + timedelta(days=offset), sign * part


@dataclass
class Lived:
    """One log: what it tells, and the same for the plain model."""

    told: Told
    earned: list[Earned] = field(default_factory=list)
    trials: list[tuple[int, str]] = field(default_factory=list)

    @property
    def history(self) -> History:
        return self.told.history


class Business:
    """A platform with customers who came, changed, paid and went; the same for the same seed."""

    def __init__(self, seed: int, customers: int, months: int = 18) -> None:
        self.chance = random.Random(f"platform/{seed}")
        self.months = months
        self.customers = [self._customer(told) for told in lives(seed, customers, months)]
        self.platform = Lived(Told(History(tenant_id=PLATFORM)))
        self._spend()
        for one in self.logs:
            self._date(one.history)

    @property
    def logs(self) -> list[Lived]:
        return [*self.customers, self.platform]

    @property
    def histories(self) -> list[History]:
        return [one.history for one in self.logs]

    def _day(self) -> date:
        return OPENED + timedelta(days=self.chance.randrange(30 * self.months))

    def _customer(self, told: Told) -> Lived:
        chance, lived = self.chance, Lived(told)
        # Ids of one customer's invoices are those of another's too: nothing may tell them apart but the tenant.
        moneys = Moneys(told.history)
        for _ in range(chance.randrange(4)):
            since = self._day()
            until = since + timedelta(days=chance.choice((1, 30, 31, 365)))
            amount, discount = chance.randrange(1, 90_000), chance.choice((0, 0, 500))
            discount = min(discount, amount)
            currency, tax = chance.choice(("USD", "EUR")), chance.choice((0, 0, 1_900))
            paid = chance.random() < 0.8
            invoice = moneys.invoice(
                amount, since, until, discount=discount, tax=tax, currency=currency, paid=paid
            )
            if not paid:
                continue
            at = len(told.history.events) - 1
            net = amount - discount
            lived.earned.append(Earned(at, "revenue", currency, net, since, until - timedelta(days=1)))
            if chance.random() < 0.4 and net + tax:  # nothing comes back of what cost nothing
                back, day = chance.randrange(1, net + tax + 1), self._day()
                share = int(Fraction(back * net, net + tax) + Fraction(1, 2))
                moneys.refund(invoice, back, day, share, currency)
                lived.earned.append(Earned(len(told.history.events), "revenue", currency, -share, day, day))
        if chance.random() < 0.5:
            told.history.happen("billing.trial_started", {"plan": "starter"})
            lived.trials.append((len(told.history.events), "started"))
        if chance.random() < 0.5:
            won = chance.random() < 0.5
            told.history.happen("billing.trial_ended", {"subscribed": won})
            lived.trials.append((len(told.history.events), "won" if won else "lost"))
        if chance.random() < 0.3:
            # What customers enter as costs of theirs is none of the platform's.
            moneys.cost(999_999, self._day(), self._day() + timedelta(days=900))
        return lived

    def _spend(self) -> None:
        moneys = Moneys(self.platform.history)
        for _ in range(self.chance.randrange(1, 8)):
            since = self._day()
            until = since + timedelta(days=self.chance.choice((0, 30, 100)))
            category = self.chance.choice(("server", "marketing"))
            amount = self.chance.randrange(1, 500_000)
            moneys.cost(amount, since, until, category=category)
            kind = "acquisition" if category == "marketing" else "cost"
            at = len(self.platform.history.events)
            self.platform.earned.append(Earned(at, kind, "USD", amount, since, until))

    def _date(self, history: History) -> None:
        """When each event was recorded: in order, over all the months, so that some of it lies ahead of its time."""
        spread = 30 * self.months * 24 * 60
        minutes = sorted(self.chance.randrange(spread) for _ in history.events)
        begin = datetime.combine(OPENED, datetime.min.time(), UTC)
        history.events[:] = [
            event._replace(recorded_at=begin + timedelta(minutes=at))
            for event, at in zip(history.events, minutes, strict=True)
        ]

    def moments(self) -> list[datetime]:
        """When anything was recorded, in order."""
        return sorted(event.recorded_at for history in self.histories for event in history.events)

    def vector(self, at: datetime) -> dict[UUID, int]:
        """Where each log stood."""
        stood = {
            history.tenant_id: sum(event.recorded_at <= at for event in history.events)
            for history in self.histories
        }
        return {tenant: position for tenant, position in stood.items() if position}


class Known:
    """What was known at a moment, under a profile; periods are of `grain`."""

    def __init__(self, business: Business, at: datetime, profile: Profile, grain: str) -> None:
        self.vector, self.grain = business.vector(at), grain
        self.last_day = max(moment for moment in business.moments() if moment <= at).date()
        self.moved: dict[UUID, list[Movement]] = {}
        for one in business.customers:
            position = self.vector.get(one.history.tenant_id, 0)
            tellings = [telling for telling in one.told.tellings if telling.position <= position]
            self.moved[one.history.tenant_id] = [
                (day, kind, currency, amount)
                for (day, kind, currency, *_), amount in Customer(tellings).movements(profile).items()
                if day <= self.last_day
            ]
        self.daily: dict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
        self.marketed: dict[str, int] = defaultdict(int)
        self.trials: dict[str, list[date]] = defaultdict(list)
        for one in business.logs:
            position = self.vector.get(one.history.tenant_id, 0)
            for entry in one.earned:
                if entry.position <= position:
                    self.daily[entry.kind, entry.currency] += [
                        (day, part) for day, part in entry.by_day() if day <= self.last_day
                    ]
                    if entry.kind == "acquisition":
                        self.marketed[entry.currency] += sum(part for _, part in entry.by_day())
            for told, what in one.trials:
                if told <= position:
                    self.trials[what].append(one.history.events[told - 1].recorded_at.date())

    def period_of(self, day: date) -> date:
        months = {"month": 1, "quarter": 3, "year": 12}[self.grain]
        return day.replace(month=(day.month - 1) // months * months + 1, day=1)

    def periods(self, first: date) -> list[date]:
        found, day = [], self.period_of(first)
        while day <= self.last_day:
            found.append(day)
            day = self.after(day)
        return found

    def after(self, period: date) -> date:
        """The first day of the next period."""
        return self.period_of(period + timedelta(days={"month": 31, "quarter": 92, "year": 366}[self.grain]))

    def currencies(self) -> dict[str, date]:
        """By currency the day of its first movement."""
        first: dict[str, date] = {}
        for day, _, currency, _ in sorted(row for rows in self.moved.values() for row in rows):
            first.setdefault(currency, day)
        return first

    def paid(self, upto: date, currency: str | None) -> dict[UUID, int]:
        """What each customer came to at the end of the day before `upto`."""
        return {
            tenant: sum(row[3] for row in rows if row[0] < upto and currency in (row[2], None))
            for tenant, rows in self.moved.items()
        }

    def flow(self, since: date, upto: date, currency: str, kind: str) -> dict[UUID, int]:
        """The movements of a kind from one day until before another, by customer."""
        return {
            tenant: sum(row[3] for row in rows if since <= row[0] < upto and row[1:3] == (kind, currency))
            for tenant, rows in self.moved.items()
        }

    def earned(self, kind: str, currency: str, period: date) -> int:
        after = self.after(period)
        return sum(part for day, part in self.daily[kind, currency] if period <= day < after)

    def moving(self) -> dict[tuple[date, str], dict[str, Any]]:
        """The figures of `mrr` and `churn_rates`, as far as they are sums."""
        found = {}
        for currency, first in self.currencies().items():
            for period in self.periods(first):
                after = self.after(period)
                start, end = self.paid(period, currency), self.paid(after, currency)
                kinds = {
                    kind: sum(self.flow(period, after, currency, kind).values())
                    for kind in ("new", "expansion", "reactivation", "contraction", "churn")
                }
                there = [tenant for tenant, amount in start.items() if amount > 0]
                row: dict[str, Any] = {
                    "start_mrr": sum(start.values()),
                    **{
                        kind: -kinds[kind] if kind in ("contraction", "churn") else kinds[kind]
                        for kind in kinds
                    },
                    "end_mrr": sum(end.values()),
                    "customers_expanded": sum(
                        amount > 0 for amount in self.flow(period, after, currency, "expansion").values()
                    ),
                    "cohort_mrr": sum(end[tenant] for tenant in there),
                    "cohort_capped": sum(min(start[tenant], end[tenant]) for tenant in there),
                    "customers": len(there),
                    "customers_kept": sum(end[tenant] > 0 for tenant in there),
                }
                lost = row["contraction"] + row["churn"]
                row["gross_lost"], row["gained"] = lost, row["new"] + row["expansion"]
                row["net_lost"] = lost - row["expansion"] - row["reactivation"]
                row["growth"] = _percent(row["end_mrr"] - row["start_mrr"], row["start_mrr"])
                row["nrr"] = _percent(row["cohort_mrr"], row["start_mrr"])
                row["grr"] = _percent(row["cohort_capped"], row["start_mrr"])
                row["logo_retention"] = _percent(row["customers_kept"], row["customers"])
                found[period, currency] = row
        return found

    def customers(self) -> dict[date, dict[str, Any]]:
        """The figures of `customers`."""
        firsts = self.currencies().values()
        found = {}
        for period in self.periods(min(firsts)) if firsts else []:
            upto = min(self.after(period), self.last_day + timedelta(days=1))
            month = (upto - timedelta(days=1)).replace(day=1)
            year_ago = month.replace(year=month.year - 1)
            start, end = self.paid(period, None), self.paid(upto, None)
            was = self.paid((year_ago + timedelta(days=31)).replace(day=1), None)
            there = [tenant for tenant in start if start[tenant] > 0]
            then = [tenant for tenant in was if was[tenant] > 0]
            found[period] = {
                "at_start": len(there),
                "came": sum(end[tenant] > 0 and start[tenant] <= 0 for tenant in start),
                "went": sum(end[tenant] <= 0 for tenant in there),
                "customers": sum(amount > 0 for amount in end.values()),
                "kept": sum(end[tenant] > 0 for tenant in there),
                "year_ago": len(then),
                "year_kept": sum(end[tenant] > 0 for tenant in then),
            }
        return found

    def economics(self) -> dict[tuple[date, str], dict[str, Any]]:
        """The figures of `unit_economics` in periods in which anything moved by then."""
        found = {}
        for (period, currency), moving in self.moving().items():
            months, month = [], period
            while month < self.after(period) and month <= self.last_day:
                following = (month + timedelta(days=31)).replace(day=1)
                months.append((self.paid(month, currency), self.paid(following, currency), month, following))
                month = following
            revenue, cost = (self.earned(kind, currency, period) for kind in ("revenue", "cost"))
            spent = self.earned("acquisition", currency, period)
            came = sum(
                amount > 0
                for *_, month, following in months
                for amount in self.flow(month, following, currency, "new").values()
            )
            starts = sum(amount > 0 for start, *_ in months for amount in start.values())
            lost = sum(
                start[tenant] > 0 and end[tenant] <= 0 for start, end, *_ in months for tenant in start
            )
            customers = sum(amount > 0 for amount in self.paid(self.after(period), currency).values())
            margin = revenue - cost
            worth = winning = None
            each = Fraction(moving["end_mrr"], customers) if customers else None
            share = Fraction(margin, revenue) if revenue > 0 else None
            if each is not None and share is not None and lost:
                worth = each * share / Fraction(lost, starts)
            if came and self.marketed[currency]:
                winning = Fraction(spent, came)
            kept = each * share if each is not None and share is not None else None
            found[period, currency] = {
                "mrr": moving["end_mrr"],
                "customers": customers,
                "revenue": revenue,
                "margin": margin,
                "customer_months": starts,
                "customers_lost": lost,
                "acquisition": spent,
                "new_customers": came,
                "ltv": worth,
                "cac": winning,
                "cac_payback": winning / kept if winning is not None and kept and kept > 0 else None,
                "ltv_to_cac": worth / winning if worth is not None and winning and winning > 0 else None,
            }
        return found

    def cohorts(self) -> dict[tuple[date, str, date], dict[str, int]]:
        """The figures of `cohorts`; `grain` must be month."""
        began: dict[tuple[str, date], list[UUID]] = defaultdict(list)
        for tenant, rows in self.moved.items():
            for currency in {row[2] for row in rows}:
                first = min(row[0] for row in rows if row[2] == currency)
                began[currency, self.period_of(first)].append(tenant)
        found = {}
        for (currency, cohort), tenants in began.items():
            at_first = self.paid(self.after(cohort), currency)
            for month in self.periods(cohort):
                now = self.paid(self.after(month), currency)
                found[cohort, currency, month] = {
                    "mrr": sum(now[tenant] for tenant in tenants),
                    "began_with": sum(at_first[tenant] for tenant in tenants),
                    "paying": sum(now[tenant] > 0 for tenant in tenants),
                    "customers": len(tenants),
                }
        return found


def _percent(above: int, below: int) -> float | None:
    return float(Fraction(100 * above, below)) if below > 0 else None


def rows_by(columns: Sequence[str], rows: Sequence[tuple[Any, ...]], *keys: str) -> dict[Any, dict[str, Any]]:
    """Rows of a report by some of its columns."""
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    name: Callable[[dict[str, Any]], Any] = lambda row: (  # noqa: E731 - one expression, used here alone
        tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]
    )
    return {name(row): row for row in told}
