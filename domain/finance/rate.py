"""Exchange rates: what one unit of a currency came to in another on a day, said by people; nothing is fetched.

A pair has one rate a day, whichever way round it is written, and a stream of its own for each day. The rate that was
recorded last holds; the ones before stay in the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field

from domain.finance.calendar import BookDay
from domain.finance.period import Books
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import ExchangeRateId, derived_id
from domain.kernel.money import CurrencyCode
from domain.kernel.permissions import Permission
from domain.kernel.text import LineText

if TYPE_CHECKING:
    from uuid import UUID

_RATE: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_LEAST, _MOST = Decimal("0.0000001"), Decimal(10_000_000)
"""Between any two currencies there is less: the widest gap of 2026, of dinars and rials, is below five million."""


class ExchangeRateRecorded(Event, name="finance.exchange_rate_recorded", version=1):
    """On `day` one unit of `base` came to `rate` units of `quote`; it holds in place of the one before under its id.

    `rate` is a decimal as it was written; `source` says where it was taken from.
    """

    rate_id: ExchangeRateId
    base: str
    quote: str
    day: date
    rate: str
    source: str


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of a pair on a day, as it was recorded last; None: never."""

    said: ExchangeRateRecorded | None = None


def evolve(_state: Rate, event: ExchangeRateRecorded) -> Rate:
    """The rate after `event`."""
    return Rate(event)


class RateOfOneCurrency(Refusal):
    """A rate is between two currencies. Name another as `quote`."""

    code = "exchange-rate-of-one-currency"
    kind = RefusalKind.INVALID
    field = "/quote"


class RateBeyondAny(Refusal):
    """No currency is worth ten million times another. Check where the point of `rate` stands, and which way round."""

    code = "exchange-rate-beyond-any"
    kind = RefusalKind.INVALID
    field = "/rate"


class RateOfDayToCome(Refusal):
    """A rate is of today or of a day before, in UTC. Check `day`, or record it on that day."""

    code = "exchange-rate-of-day-to-come"
    kind = RefusalKind.INVALID
    field = "/day"


class RateOfClosedMonth(Refusal):
    """A closed month keeps its rates. Record that of a day from `open_from` on, or reopen the month."""

    code = "exchange-rate-of-closed-month"
    field = "/day"


def _rate(text: str) -> str:
    if not _RATE.fullmatch(text):
        raise ValueError(
            "write a rate as 1.0842, with at most nine digits before the point and nine after; "
            "one that needs more has fewer the other way round"
        )
    if not Decimal(text):
        raise ValueError("a rate is above 0")
    return text


RateText = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_RATE.pattern}$", "examples": ["1.0842"]}),
    AfterValidator(_rate),
]


class RecordExchangeRate(
    Command, context="finance", stream="exchange_rate", permission=Permission.FINANCE_PLAN
):
    """Say what one unit of `base` came to in `quote` on a day. Recorded again, the later one holds.

    The id is your tenant's. USD in EUR and EUR in USD are one pair, which has one rate a day. Months that are closed
    keep their rates. `source` says where the rate was taken from, as "ECB reference rate": name no person.
    """

    base: CurrencyCode
    quote: CurrencyCode
    day: BookDay
    rate: RateText
    source: LineText


def rate_id(tenant_id: UUID, one: str, other: str, day: date) -> ExchangeRateId:
    """The id of a pair's rate on a day, whichever way round it is written."""
    return ExchangeRateId(derived_id(tenant_id, "exchange_rate", *sorted((one, other)), day))


def opened(state: Books, day: date) -> None:
    """Refuse a rate that would change a closed month."""
    if state.is_closed(day):
        raise RateOfClosedMonth(open_from=str(state.open_from()))


def decide(command: RecordExchangeRate, state: Rate) -> tuple[Event, ...]:
    """What a command does to the rate of its pair and day."""
    stamp = command.stamp
    if stamp.target != stamp.tenant_id:
        raise NotFound  # rates are of the log's own books
    if command.base == command.quote:
        raise RateOfOneCurrency
    if not _LEAST <= Decimal(command.rate) <= _MOST:
        raise RateBeyondAny
    if command.day > stamp.at.date():
        raise RateOfDayToCome
    recorded = ExchangeRateRecorded(
        rate_id=rate_id(stamp.tenant_id, command.base, command.quote, command.day),
        base=command.base,
        quote=command.quote,
        day=command.day,
        rate=command.rate,
        source=command.source,
    )
    return () if state.said == recorded else (recorded,)


EXCHANGE_RATE: Final[Decider[Rate]] = Decider(
    category="exchange_rate", initial=Rate(), evolve=evolve, decide=decide
)
