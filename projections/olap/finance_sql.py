"""How revenue and costs accrue together, as SQL that reports are put together from.

Over one tenant's facts, dated by `$dating`: `effective`, the days of the service or
of what a cost covers; or `posting`, where what fell into closed months when it became known stands on the first day
open then. Everything accrues evenly over its days, the first of which take what is left over by the division.

Revenue becomes known with the later of an invoice and its payment, and is given back with the last of what a refund, or
a dispute that was lost, takes to be told; of tax it takes its part along, rounded once, halves away from zero.
A refund that failed is revenue again, on the day on which it did.
"""

from __future__ import annotations

from typing import Final

from projections.olap.cost_sql import through

_NET_SHARE: Final = """
            -back.way * CASE
                WHEN invoice_total = 0 THEN 0
                ELSE (2 * back.amount::HUGEINT * invoice_net + invoice_total) // (2 * invoice_total::HUGEINT)
            END::BIGINT"""

ACCRUING: Final = f"""
    invoiced AS (SELECT * FROM fact_invoice),
    moneys AS (SELECT * FROM fact_payment),
    paid AS (SELECT invoice_id, min(position) AS paid_by FROM moneys WHERE change = 'paid' GROUP BY invoice_id),
    recognised AS (
        SELECT invoice_id, currency, invoice_net, invoice_total, max(greatest(position, paid_by)) AS recognised_by
        FROM invoiced
        JOIN paid USING (invoice_id)
        GROUP BY ALL
    ),
    for_invoice AS (
        SELECT payment_id, invoice_id, position FROM moneys WHERE change IN ('received', 'assigned')
    ),
    gone_back AS (
        SELECT payment_id, currency, amount, effective_on, position, 1 AS way FROM moneys WHERE change = 'refunded'
        UNION ALL
        SELECT payment_id, currency, amount, effective_on, position, -1 FROM moneys WHERE change = 'refund_failed'
        UNION ALL
        SELECT disputed.payment_id, disputed.currency, disputed.amount, disputed.effective_on, lost.position, 1
        FROM moneys AS disputed
        JOIN moneys AS lost ON lost.payment_id = disputed.payment_id AND lost.part = disputed.part
        WHERE disputed.change = 'disputed' AND lost.change = 'lost'
    ),
    entry AS (
        SELECT
            'revenue' AS kind,
            greatest(line.position, paid.paid_by) AS position,
            line.currency,
            line.amount,
            line.covers_from,
            line.covers_to,
            false AS approximate
        FROM invoiced AS line
        JOIN paid USING (invoice_id)
        UNION ALL
        SELECT
            'revenue',
            greatest(back.position, received.position, recognised.recognised_by),
            back.currency,{_NET_SHARE},
            back.effective_on,
            back.effective_on,
            false
        FROM gone_back AS back
        JOIN for_invoice AS received ON received.payment_id = back.payment_id AND received.invoice_id IS NOT NULL
        JOIN recognised ON recognised.invoice_id = received.invoice_id AND recognised.currency = back.currency
        UNION ALL
        SELECT
            CASE WHEN category = 'marketing' THEN 'acquisition' ELSE 'cost' END,
            position,
            currency,
            amount,
            covers_from,
            covers_to,
            approximate
        FROM fact_cost
    ),
    accruing AS MATERIALIZED (
        SELECT
            entry.*,
            CASE
                WHEN $dating = 'posting' THEN greatest(covers_from, closing.open_from)
                ELSE covers_from
            END AS first_on,
            greatest(covers_to, first_on) AS last_on,
            covers_to - covers_from + 1 AS days,
            abs(amount) // days AS each_day,
            abs(amount) % days AS days_with_more
        FROM entry
        ASOF LEFT JOIN fact_period AS closing ON entry.position > closing.position
    )"""  # noqa: S608 - our own conditions
"""Common table expressions: `accruing` holds what is earned and spent, with the days over which it is."""


def accrued(periods: str) -> str:
    """What accrues in each row of `periods` (period, first, last), in a table `accrued` with a row for each entry."""
    return f"""
    accrued AS MATERIALIZED (
        SELECT
            span.period,
            kind,
            position,
            currency,
            approximate,
            sign(amount)::BIGINT * (
                ({through("least(span.last, last_on)")}) - ({through("greatest(span.first, first_on) - 1")})
            ) AS amount
        FROM {periods} AS span
        JOIN accruing ON first_on <= span.last AND last_on >= span.first
    )"""  # noqa: S608 - our own SQL


STEP: Final = """CASE $grain
                    WHEN 'year' THEN INTERVAL 1 YEAR
                    WHEN 'quarter' THEN INTERVAL 3 MONTH
                    WHEN 'month' THEN INTERVAL 1 MONTH
                    ELSE INTERVAL 7 DAY
                END"""
SPANS: Final = f"""
    span AS MATERIALIZED (
        SELECT
            begins AS period,
            greatest(begins, first) AS first,
            least((begins + {STEP})::DATE - 1, last) AS last,
            (begins + {STEP})::DATE - 1 AS ends
        FROM (
            SELECT
                first,
                last,
                unnest(
                    generate_series(date_trunc($grain, first)::TIMESTAMP, last::TIMESTAMP, {STEP})
                )::DATE AS begins
            FROM bounds
        )
    )"""  # noqa: S608 - our own SQL
"""The periods from the first day to the last of `bounds`: when each begins, its days within them, and its last day."""
