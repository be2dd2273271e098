"""How costs accrue, are posted and are divided, as SQL that reports are put together from.

All of it is over one tenant's facts, dated by `$dating`: `effective`, the days that a
cost covers; or `posting`, where what fell into closed months when it was entered stands on the first day open then.

Accrual and division are those of `domain.kernel.money.allotted`: a cost over its days with equal weights, a month of a
pool over its holders, ordered by their ids, with the weights of the rule.
"""

from __future__ import annotations

from typing import Final


def through(day: str) -> str:
    """What has accrued by the end of a day, of a row of `accruing`, without its sign."""
    elapsed = f"least({day} - covers_from + 1, days)"
    return (
        f"CASE WHEN {day} < first_on THEN 0 ELSE {elapsed} * each_day + least({elapsed}, days_with_more) END"
    )


_MONTH_END: Final = "last_day(month)"

ACCRUED: Final = f"""
    dated AS (
        SELECT cost.*, period.open_from
        FROM fact_cost AS cost
        ASOF LEFT JOIN fact_period AS period ON cost.position > period.position
    ),
    accruing AS (
        SELECT
            *,
            CASE WHEN $dating = 'posting' THEN greatest(covers_from, open_from) ELSE covers_from END AS first_on,
            greatest(covers_to, first_on) AS last_on,
            covers_to - covers_from + 1 AS days,
            abs(amount) // days AS each_day,
            abs(amount) % days AS days_with_more
        FROM dated
    ),
    months AS (
        SELECT
            *,
            unnest(generate_series(date_trunc('month', first_on), last_on, INTERVAL 1 MONTH))::DATE AS month,
            greatest(month, $from_day::DATE) AS since,
            least({_MONTH_END}, $to_day::DATE) AS until
        FROM accruing
    ),
    accrued AS MATERIALIZED (
        SELECT
            position, cost_id, month, category, currency, provider, assigned, holder_id, pool, acquires, approximate,
            sign(amount) * (({through("until")}) - ({through("since - 1")})) AS amount
        FROM months
        WHERE since <= until
    )
"""  # noqa: S608 - our own conditions
"""Common table expressions: `accrued` holds what each change of a cost comes to in each month.

It is worked out once: where it is not, planning takes longer than all the rest.

`$from_day` and `$to_day` are put in by `between`.
"""


def between(first: str, last: str) -> str:
    """`ACCRUED` within the days from `first` to `last`, two expressions; NULL: without that end.

    GREATEST and LEAST pass over NULL.
    """
    return _within(ACCRUED, first, last)


def _within(text: str, first: str, last: str) -> str:
    return text.replace("$from_day::DATE", first).replace("$to_day::DATE", last)


_KEYS: Final = """
    pool_months AS (SELECT DISTINCT month, pool FROM accrued WHERE pool IS NOT NULL),
    ruled AS (
        SELECT month, pool, rule, allocated_by
        FROM pool_months
        JOIN (
            SELECT DISTINCT position AS rule, pool, allocated_by, from_day FROM fact_allocation_rule
        ) AS rules USING (pool)
        WHERE from_day <= month
        QUALIFY row_number() OVER (PARTITION BY month, pool ORDER BY from_day DESC, rule DESC) = 1
    ),
    sent_by AS (
        SELECT holder_id, date_trunc('month', day)::DATE AS month, sum(messages) AS weight
        FROM sent_by_holder
        WHERE
            (position IS NOT NULL OR $at_position::BIGINT IS NULL OR day <= $last_day::DATE)
            AND day >= coalesce(date_trunc('month', $from_day::DATE)::DATE, '-infinity'::DATE)
            AND day <= coalesce(last_day($to_day::DATE), 'infinity'::DATE)
        GROUP BY ALL
    ),
    present AS (
        SELECT holder_id, min(day) FILTER (change = 'came') AS came, min(day) FILTER (change = 'went') AS went
        FROM fact_holder
        GROUP BY holder_id
    ),
    keys AS MATERIALIZED (
        SELECT ruled.month, ruled.pool, weighed.holder_id, weighed.weight
        FROM ruled JOIN fact_allocation_rule AS weighed ON weighed.position = ruled.rule
        WHERE ruled.allocated_by = 'weights' AND weighed.weight > 0
        UNION ALL
        SELECT month, pool, sent_by.holder_id, sent_by.weight
        FROM ruled JOIN sent_by USING (month)
        WHERE allocated_by = 'messages_sent'
        UNION ALL
        SELECT month, pool, present.holder_id, 1
        FROM ruled JOIN present ON came <= last_day(month) AND (went IS NULL OR went >= month)
        WHERE allocated_by = 'equal'
    )
"""


def keys(first: str, last: str) -> str:
    """Common table expressions over `accrued` within these days: by whom each month of a pool is divided, in `keys`."""
    return _within(_KEYS, first, last)


def divided(totals: str) -> str:
    """Common table expressions that divide `totals` (month, pool, currency, position, amount) by `keys`.

    `divided` has a row for each holder of each total, its part in `amount`: the largest remainders get what is left.
    """
    each = "month, pool, currency, position"
    return f"""
    shared AS (
        SELECT
            {each},
            holder_id,
            sign(total.amount) AS sign,
            abs(total.amount)::HUGEINT AS whole,
            sum(weight::HUGEINT) OVER (PARTITION BY {each}) AS weights,
            whole * weight::HUGEINT // weights AS part,
            whole * weight::HUGEINT % weights AS remainder
        FROM ({totals}) AS total JOIN keys USING (month, pool)
    ),
    divided AS (
        SELECT
            {each},
            holder_id,
            (sign * (
                part + CASE
                    WHEN
                        row_number() OVER (PARTITION BY {each} ORDER BY remainder DESC, holder_id)
                        <= whole - sum(part) OVER (PARTITION BY {each})
                        THEN 1
                    ELSE 0
                END
            ))::BIGINT AS amount
        FROM shared
    )
    """  # noqa: S608 - our own SQL
