"""The same parts event by event: what a figure of all customers is made of, tenant by tenant.

A customer who is counted stands for one, and opens to the last telling that had changed what it pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from projections.olap.platform.parts import ACCRUES, EVENLY, FAMILY, PLACES, SENT, STEP, spans
from projections.olap.sql import quoted

_PLACE: Final = f"tenant_key * {PLACES} + position"
_CELL: Final = """
    past_one AS (SELECT * FROM past WHERE period = $cell_period::DATE)"""
_MOVED: Final = f"""
    moved AS MATERIALIZED (
        SELECT
            tenant_key, {_PLACE} AS place, currency, kind, effective_on AS day, sum(amount) AS amount
        FROM mrr_movement
        WHERE profile = $profile AND currency = $cell_currency AND effective_on <= (SELECT last FROM past_one)
        GROUP BY ALL
        HAVING sum(amount) <> 0
    )"""  # noqa: S608 - our own SQL


def _each(months: str) -> str:
    """What each customer paid before and at the end of each row of `months` (first, last), and by which tellings."""
    return f"""
    each_one AS MATERIALIZED (
        SELECT
            months.first,
            tenant_key,
            coalesce(sum(amount) FILTER (day < months.first), 0) AS opened,
            sum(amount) AS ended,
            max(place) FILTER (day < months.first) AS opened_by,
            max(place) AS ended_by,
            max(place) FILTER (day >= months.first AND kind = 'new') AS new_by,
            coalesce(sum(amount) FILTER (day >= months.first AND kind = 'new'), 0) AS new_with,
            max(place) FILTER (day >= months.first AND kind = 'expansion') AS more_by,
            coalesce(sum(amount) FILTER (day >= months.first AND kind = 'expansion'), 0) AS more_with
        FROM {months} AS months
        JOIN moved ON moved.day <= months.last
        GROUP BY months.first, tenant_key
    )"""  # noqa: S608 - our own SQL


_MOVING: Final = f"""
    {_CELL},
    {_MOVED},
    {_each("past_one")},
    counted AS (
        SELECT
            place,
            CASE
                WHEN $part = 'start_mrr' THEN CASE WHEN day < past_one.first THEN amount END
                WHEN day < past_one.first THEN NULL
                WHEN $part = 'cohort_change' THEN CASE WHEN opened > 0 THEN amount END
                WHEN $part = 'capped_change' THEN CASE WHEN opened > 0 AND ended < opened THEN amount END
                WHEN kind = $part THEN CASE WHEN kind IN ('contraction', 'churn') THEN -amount ELSE amount END
            END AS weight
        FROM moved
        JOIN past_one ON true
        JOIN each_one USING (tenant_key)
        UNION ALL
        SELECT opened_by, 1 FROM each_one WHERE $part = 'customers_before' AND opened > 0
        UNION ALL
        SELECT ended_by, 1 FROM each_one WHERE $part = 'customers_come' AND opened <= 0 AND ended > 0
        UNION ALL
        SELECT ended_by, 1 FROM each_one WHERE $part = 'customers_gone' AND opened > 0 AND ended <= 0
        UNION ALL
        SELECT more_by, 1 FROM each_one WHERE $part = 'customers_expanded' AND more_with > 0
    )"""  # noqa: S608 - our own SQL
_MONTHLY: Final = f"""
    {_CELL},
    {_MOVED},
    month AS (
        SELECT first, least(last_day(first), upto) AS last
        FROM (
            SELECT
                last AS upto,
                unnest(generate_series(first::TIMESTAMP, last::TIMESTAMP, INTERVAL 1 MONTH))::DATE AS first
            FROM past_one
        )
    ),
    {_each("month")},
    counted AS (
        SELECT opened_by AS place, 1 AS weight FROM each_one WHERE $part = 'customer_months' AND opened > 0
        UNION ALL
        SELECT ended_by, 1 FROM each_one WHERE $part = 'customers_lost' AND opened > 0 AND ended <= 0
        UNION ALL
        SELECT new_by, 1 FROM each_one WHERE $part = 'new_customers' AND new_with > 0
    )"""  # noqa: S608 - our own SQL
_EARNING: Final = f"""
    {_CELL},
    entry AS (
        SELECT 'revenue' AS part, {EVENLY} FROM revenue_entry
        UNION ALL
        SELECT CASE WHEN category = 'marketing' THEN 'acquisition' ELSE 'cost' END, {EVENLY} FROM fact_cost
        UNION ALL
        SELECT 'estimated', {EVENLY} FROM fact_cost WHERE category <> 'marketing' AND approximate
    ),
    counted AS (
        SELECT {_PLACE} AS place, {ACCRUES} AS weight
        FROM past_one AS past
        JOIN entry ON first_on <= past.last AND last_on >= past.first
        WHERE part = $part AND currency = $cell_currency
    )"""  # noqa: S608 - our own SQL
_STAYING: Final = f"""
    {_CELL},
    {_MOVED.replace("currency = $cell_currency", "$cell_currency::VARCHAR IS NULL")},
    looked_at AS (
        SELECT
            CASE
                WHEN $part LIKE 'payers_year%' THEN (date_trunc('month', last) - INTERVAL 11 MONTH)::DATE ELSE first
            END AS first,
            last
        FROM past_one
    ),
    {_each("looked_at")},
    counted AS (
        SELECT CASE WHEN $part IN ('payers_come', 'payers_gone') THEN ended_by ELSE opened_by END AS place, 1 AS weight
        FROM each_one
        WHERE
            CASE $part
                WHEN 'payers_come' THEN opened <= 0 AND ended > 0
                WHEN 'payers_gone' THEN opened > 0 AND ended <= 0
                WHEN 'payers_year_kept' THEN opened > 0 AND ended > 0
                ELSE opened > 0
            END
    )"""  # noqa: S608 - our own SQL
_TRYING: Final = f"""
    {_CELL},
    counted AS (
        SELECT {_PLACE} AS place, 1 AS weight
        FROM past_one AS past
        JOIN fact_trial ON day BETWEEN past.first AND past.last
        WHERE
            $cell_currency::VARCHAR IS NULL
            AND CASE $part
                WHEN 'trials_started' THEN change = 'started'
                WHEN 'trials_ended' THEN change = 'ended'
                ELSE coalesce(subscribed, false)
            END
    )"""  # noqa: S608 - our own SQL
_SENDING: Final = f"""
    {_CELL},
    counted AS (
        SELECT {_PLACE} AS place, 1 AS weight
        FROM past_one AS past
        JOIN fact_event
            ON day
            BETWEEN CASE $part WHEN 'emails_before' THEN past.first - {STEP} ELSE past.first END
            AND CASE $part WHEN 'emails_before' THEN past.first - 1 ELSE past.last END
        WHERE $cell_currency::VARCHAR IS NULL AND name = {SENT}
    )"""  # noqa: S608 - our own SQL
_OPENED: Final = {
    "moving": _MOVING,
    "monthly": _MONTHLY,
    "earning": _EARNING,
    "staying": _STAYING,
    "trying": _TRYING,
    "sending": _SENDING,
}


def opened(parts: Mapping[str, int], families: tuple[str, ...]) -> str:
    """The events of a sum of parts, each times its factor: (place, weight). `families`: those of the whole report."""
    texts = ((factor, _OPENED[FAMILY[part]].replace("$part", quoted(part))) for part, factor in parts.items())
    each = " UNION ALL ".join(
        f"SELECT place, {factor} * weight AS weight FROM (WITH {spans(families)},{text} SELECT * FROM counted)"  # noqa: S608 - our own SQL
        for factor, text in texts
    )
    return f"""
        SELECT place, sum(weight)::BIGINT AS weight
        FROM ({each})
        GROUP BY place
        HAVING sum(weight) <> 0
    """  # noqa: S608 - our own SQL
