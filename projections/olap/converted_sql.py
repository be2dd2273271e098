"""How recurring revenue in several currencies comes to one, as SQL that reports are put together from.

Balances are converted and nothing else is. Each currency's balance is converted at the rate of its day and rounded
once, halves away from zero; a movement is what the converted balance moved by when it happened, at the rate of its
day, and `fx` what it moved by when the rate became another. So start + movements + fx = end holds to the minor unit,
and no residue of rounding is left over. Under profiles whose `fx` is `none` each subscription is a balance of its own,
and keeps the rate of the day on which it began to pay.

What was there before the first rate of its currency is taken over on that rate's day, as `opening`.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from domain.kernel.money import CURRENCIES, CurrencyCode
from projections.finance.profiles import PROFILES
from projections.olap.mrr_sql import MrrParameters, periods
from projections.olap.sql import quoted

MOST_DAYS_OLD: Final = 7
"""A day's rate is the last one on or before it; one that is older than so many days is none."""


class ConvertedParameters(MrrParameters):
    """The same, and in which currency."""

    currency: Annotated[CurrencyCode, Field(description="Currency that all amounts are converted to.")]


TERM: Final = f"$profile IN ({', '.join(quoted(one.id) for one in PROFILES.values() if one.fx == 'term')})"
"""Whether what rates do is a term of its own."""


def _minor(currency: str) -> str:
    """How many minor units one of a currency has."""
    cases = " ".join(
        f"WHEN {currency} IN ({', '.join(quoted(code) for code in sorted(CURRENCIES) if CURRENCIES[code] == digits)})"
        f" THEN {10**digits}"
        for digits in sorted(set(CURRENCIES.values()) - {2})
    )
    return f"CASE {cases} ELSE 100 END"


def _value(amount: str, rate: str) -> str:
    """An amount of minor units in the reporting currency; rates are fractions, and so nothing floats."""
    doubled = f"2 * {rate}.lower"
    return f"sign({amount})::HUGEINT * ((2 * abs({amount}) * {rate}.upper + {rate}.lower) // ({doubled}))"


_IN_ORDER: Final = "ORDER BY day, turn, position, subscription_id, kind"
_KIND_BY_KIND: Final = f"ORDER BY day, turn, CASE WHEN {TERM} THEN kind END, position, subscription_id, kind"


def _lines(rates: str, in_order: str) -> str:
    return f"""
    rate AS MATERIALIZED (
        SELECT
            CASE base WHEN $currency THEN quote ELSE base END AS from_currency,
            rate_on AS day,
            position,
            {{
                'upper': (CASE base WHEN $currency THEN 1000000000 ELSE rate_e9 END)::HUGEINT
                    * {_minor("$currency")},
                'lower': (CASE base WHEN $currency THEN rate_e9 ELSE 1000000000 END)::HUGEINT
                    * {_minor("from_currency")},
                'rate_on': rate_on,
                'said': '1 ' || base || ' = ' || rate_text || ' ' || quote
            }} AS rate
        FROM {rates}
        WHERE $currency IN (base, quote)
        QUALIFY row_number() OVER (PARTITION BY from_currency, rate_on ORDER BY position DESC) = 1
    ),
    first_rate AS (SELECT from_currency, min(day) AS since FROM rate GROUP BY from_currency),
    -- What was undone by what came late is nothing by the days of its effect, whatever was posted when.
    net AS MATERIALIZED (
        SELECT day, currency, kind, subscription_id, position, sum(amount)::HUGEINT AS amount
        FROM moved
        GROUP BY ALL
        HAVING sum(amount) <> 0
    ),
    taken AS (
        SELECT
            currency AS from_currency,
            since,
            day AS moved_on,
            greatest(day, since) AS day,
            CASE WHEN day < since THEN 1 ELSE 2 END AS turn,
            CASE WHEN day < since THEN 'opening' ELSE kind END AS kind,
            subscription_id,
            position,
            amount AS original,
            NULL AS rate
        FROM net LEFT JOIN first_rate ON from_currency = currency
        UNION ALL BY NAME
        SELECT from_currency, day, 0 AS turn, 'fx' AS kind, position, 0 AS original, rate
        FROM rate
        WHERE from_currency IN (SELECT currency FROM net)
    ),
    rated AS (
        SELECT
            *,
            last_value(rate IGNORE NULLS) OVER (in_order ROWS UNBOUNDED PRECEDING) AS rate_now,
            last_value(rate IGNORE NULLS) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                AS rate_before,
            sum(original) OVER (
                PARTITION BY from_currency, unit {in_order} ROWS UNBOUNDED PRECEDING
            ) AS balance
        FROM (SELECT *, CASE WHEN {TERM} THEN NULL ELSE subscription_id END AS unit FROM taken)
        WINDOW in_order AS (PARTITION BY from_currency {in_order})
    ),
    carried AS (
        SELECT
            * EXCLUDE (rate),
            CASE
                WHEN from_currency = $currency
                    THEN {{'upper': 1::HUGEINT, 'lower': 1::HUGEINT, 'rate_on': day, 'said': NULL::VARCHAR}}
                WHEN {TERM} OR kind = 'fx' THEN rate_now
                ELSE last_value(CASE WHEN balance = original THEN rate_now END IGNORE NULLS) OVER at_entry
            END AS rate,
            CASE
                WHEN {TERM} OR kind = 'fx' THEN day
                ELSE last_value(CASE WHEN balance = original THEN day END IGNORE NULLS) OVER at_entry
            END AS rated_on
        FROM rated
        WINDOW at_entry AS (PARTITION BY from_currency, unit {in_order} ROWS UNBOUNDED PRECEDING)
    ),
    line AS MATERIALIZED (
        SELECT
            from_currency,
            since,
            moved_on,
            day,
            kind,
            subscription_id,
            position,
            original,
            rated_on,
            rate.rate_on AS rate_on,
            rate.said AS rate,
            kind <> 'fx' AND from_currency <> $currency
                AND (since IS NULL OR rated_on - rate.rate_on > {MOST_DAYS_OLD}) AS unrated,
            ({_value("balance", "rate")} - CASE kind
                WHEN 'fx' THEN coalesce({_value("balance", "rate_before")}, 0)
                ELSE {_value("(balance - original)", "rate")}
            END)::BIGINT AS amount
        FROM carried
    )"""  # noqa: S608 - our own SQL


LINES: Final = _lines("fact_exchange_rate", _IN_ORDER)
"""Common table expressions over `moved`: `line` holds each movement and each change of a rate, in `$currency`."""


def lines_of_all(rates: str) -> str:
    """The same of many logs, which have no order among one another: those of one day kind by kind.

    So what they come to by kind is the same however they are parted. `rates`: the relation of the rates.
    """
    return _lines(rates, _KIND_BY_KIND)


def lack(day: str, currency: str) -> str:
    """How a rate that is missing is told."""
    return f"'no rate of ' || {currency} || ' in ' || $currency || ' on ' || strftime({day}, '%Y-%m-%d')"


LACKING: Final = f"""
    need AS (
        SELECT
            period,
            from_currency,
            CASE WHEN since IS NULL OR moved_on < since THEN moved_on ELSE rated_on END AS day
        FROM period JOIN line ON moved_on BETWEEN first AND last
        UNION
        SELECT
            period,
            from_currency,
            CASE WHEN {TERM} OR since IS NULL OR first <= since THEN first - 1 ELSE max(rated_on) END
        FROM period JOIN line ON moved_on < first
        GROUP BY period, from_currency, since, first, CASE WHEN {TERM} THEN NULL ELSE subscription_id END
        HAVING sum(original) <> 0
        UNION
        SELECT period, from_currency, last
        FROM period JOIN line ON moved_on <= last
        WHERE {TERM}
        GROUP BY period, from_currency, last
        HAVING sum(original) <> 0
    ),
    lacking AS MATERIALIZED (
        SELECT period, min({{'day': need.day, 'code': need.from_currency}}) AS missing
        FROM need ASOF LEFT JOIN rate ON need.from_currency = rate.from_currency AND need.day >= rate.day
        WHERE
            need.from_currency <> $currency
            AND (rate.day IS NULL OR need.day - rate.day > {MOST_DAYS_OLD})
        GROUP BY period
    )"""  # noqa: S608 - our own SQL
"""Common table expressions over `period` and `line`: `lacking` has the first rate that is missing, where one is."""


def converted(grain: str) -> str:
    """The lines, the periods of a grain, and in `lacking` those of which a rate is missing: the first that is."""
    return f"{periods(grain)},{LINES},{LACKING}"
