"""The reports of recurring revenue in one currency: its movements with what rates did, and every conversion."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from application.ports.analytics import Column
from projections.olap.converted_sql import LINES, ConvertedParameters, converted, lack
from projections.olap.mrr_sql import (
    END,
    FLOW_WEIGHT,
    FLOWS,
    KINDS,
    MOVED,
    MOVEMENTS,
    PERIOD,
    START,
    SUBSCRIPTION,
    money,
)
from projections.olap.report import ReportDefinition, define


class ConvertedGrainParameters(ConvertedParameters):
    """The same, by day, week or month."""

    grain: Annotated[
        Literal["day", "week", "month"], Field(description="How long a period is; weeks begin on Monday.")
    ] = "month"


_BY_GRAIN: Final = converted("$grain")
CURRENCY_COLUMN: Final = Column(
    "currency", "dimension", "currency", "Currency that all amounts are converted to, ISO 4217."
)
LACKS: Final = Column(
    "lacks",
    "dimension",
    "text",
    "The first rate that is missing, if one is: no figure is told then.",
    tells=True,
)
FX: Final = money(
    "fx", "activity", "What rates did to MRR, with its sign; 0 under profiles in which rates move nothing."
)
_SHOWN: Final = ",\n            ".join(
    f"CASE WHEN missing IS NULL THEN coalesce({one}, 0) END AS {one}"
    for one in ("start_mrr", *KINDS, "fx", "end_mrr")
)


def in_one_rows(told: str) -> str:
    """The rows of `mrr_in_one_currency`. `told`: common table expressions with `period`, `line`, `lacking`."""
    return f"""
        WITH {told},
        flow AS (
            SELECT
                period,
                coalesce(sum(amount) FILTER (kind = 'fx' AND day >= first), 0)::BIGINT AS fx,
                {FLOWS}
            FROM period
            JOIN line ON line.day <= period.last
            GROUP BY period
        )
        SELECT period, $currency AS currency, {lack("missing.day", "missing.code")} AS lacks, {_SHOWN}
        FROM (SELECT period FROM period WHERE last >= (SELECT min(day) FROM net))
        LEFT JOIN flow USING (period)
        LEFT JOIN lacking USING (period)
        ORDER BY period
    """  # noqa: S608 - our own SQL


def in_one_events(told: str) -> str:
    """The events behind a measure of them: (position, weight)."""
    return f"""
        WITH {told}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM (
            SELECT position, {FLOW_WEIGHT} AS weight
            FROM period
            JOIN line ON line.day <= period.last
            WHERE
                period.period = $cell_period::DATE
                AND $cell_currency = $currency
                AND $cell_lacks::VARCHAR IS NULL
                AND period NOT IN (SELECT period FROM lacking)
        )
        GROUP BY position
        HAVING sum(weight) <> 0
    """  # noqa: S608 - our own SQL


_IN_ONE: Final = define(
    "mrr_in_one_currency",
    "MRR of all currencies in one",
    "Monthly recurring revenue of all currencies together, converted to one by the rates that were recorded, at the "
    "start and at the end of each period, and what moved it: start + new + expansion + reactivation - contraction - "
    "churn + fx = end, to the minor unit. Balances are converted at the rate of their day, and movements at that of "
    "theirs; fx is what rates did to the balances, and opens to the rates. A day's rate is the last one on or before "
    "it, no more than a week old; a period that lacks one says which, and has no figures. `mrr_conversions` shows each "
    "rate that was used.",
    ConvertedGrainParameters,
    (PERIOD, CURRENCY_COLUMN, LACKS, START, *MOVEMENTS, FX, END),
    rows=in_one_rows(_BY_GRAIN),
    events=in_one_events(_BY_GRAIN),
)

_LEDGER: Final = f"""
{MOVED},{LINES},
    entry AS (
        SELECT
            line.*,
            CASE kind
                WHEN 'fx' THEN coalesce(
                    sum(amount) OVER (
                        PARTITION BY from_currency
                        ORDER BY day
                        RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING
                    ),
                    0
                )
            END AS balance
        FROM line
    )"""  # noqa: S608 - our own SQL

_CONVERSIONS: Final = define(
    "mrr_conversions",
    "Every conversion of MRR, with its rate",
    "Each movement of MRR in the currency that all is converted to, and each change of a rate with the balance that it "
    "moved, with the rate that was used and its day. By kind the amounts of a period sum to those of "
    "`mrr_in_one_currency`. Activities; contraction and churn are below zero. opening: what there was before the first "
    "rate of its currency.",
    ConvertedParameters,
    (
        Column("changed_on", "dimension", "date", "Day of the movement or of the rate, UTC."),
        CURRENCY_COLUMN,
        Column("from_currency", "dimension", "text", "Currency that was converted, ISO 4217."),
        Column(
            "kind",
            "dimension",
            "text",
            "new, expansion, reactivation, contraction, churn, fx (a rate became another) or opening.",
        ),
        SUBSCRIPTION,
        Column(
            "rate",
            "dimension",
            "text",
            "Rate that was used, the last of several, as it was recorded.",
            tells=True,
        ),
        Column("rate_on", "dimension", "date", "Day of that rate.", tells=True),
        Column(
            "lacks",
            "dimension",
            "text",
            "The rate that is missing, if one is: no amount is told then.",
            tells=True,
        ),
        money("amount", "activity", "By how much MRR changed, in the currency that it is converted to."),
        money(
            "balance",
            "balance",
            "Of fx: what MRR in from_currency came to until then, in the currency that it is converted to.",
        ),
    ),
    rows=f"""
        WITH {_LEDGER}
        SELECT
            day AS changed_on,
            $currency AS currency,
            from_currency,
            kind,
            subscription_id::VARCHAR AS subscription,
            arg_max(rate, (rated_on, position)) AS rate,
            CASE WHEN from_currency <> $currency THEN arg_max(rate_on, (rated_on, position)) END AS rate_on,
            {lack("min(rated_on) FILTER (unrated)", "from_currency")} AS lacks,
            CASE WHEN NOT bool_or(unrated) THEN sum(amount)::BIGINT END AS amount,
            any_value(balance)::BIGINT AS balance
        FROM entry, bounds
        WHERE day BETWEEN first AND last
        GROUP BY day, from_currency, kind, subscription_id
        HAVING kind NOT IN ('fx', 'opening') OR sum(amount) <> 0
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {MOVED},{LINES}
        SELECT position, sum(amount)::BIGINT AS weight
        FROM line
        WHERE
            from_currency = $cell_from_currency
            AND CASE $cell_measure
                WHEN 'balance' THEN day < $cell_changed_on::DATE AND $cell_kind = 'fx'
                ELSE
                    day = $cell_changed_on::DATE
                    AND kind = $cell_kind
                    AND subscription_id::VARCHAR IS NOT DISTINCT FROM $cell_subscription::VARCHAR
                    AND $cell_lacks::VARCHAR IS NULL
            END
        GROUP BY position
        HAVING sum(amount) <> 0
    """,  # noqa: S608 - our own SQL
    named_by_words=True,
)

CONVERTED_REPORTS: Final[tuple[ReportDefinition, ...]] = (_IN_ONE, _CONVERSIONS)
