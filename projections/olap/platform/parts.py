"""The parts of which all platform figures are sums, and the SQL that gives them by period, and by event.

`told` has a row (period, currency, part, amount) from roll-ups. `counted` has the same figure event by event: (place,
weight), of one part in one cell; a place is a position together with its tenant. Each family of parts is one relation,
so that a question pays for what it asks alone.

Bound: `$grain`, `$from_`, `$to` (each names the period that it lies in), `$last_day` (the last that is known),
`$profile`; for `counted` also `$cell_period`, `$cell_currency` and `$part`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from domain.audience.addressee_events import MessageDispatched
from projections.olap.cost_sql import through
from projections.olap.sql import quoted

PLACES: Final = 2**40
"""A place is tenant_key * PLACES + position."""

KINDS: Final = ("new", "expansion", "reactivation", "contraction", "churn")
FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "moving": (
        "start_mrr",
        *KINDS,
        "cohort_change",
        "capped_change",
        "customers_before",
        "customers_come",
        "customers_gone",
        "customers_expanded",
    ),
    "monthly": ("customer_months", "customers_lost", "new_customers"),
    "earning": ("revenue", "cost", "estimated", "acquisition"),
    "staying": ("payers_before", "payers_come", "payers_gone", "payers_year_ago", "payers_year_kept"),
    "trying": ("trials_started", "trials_ended", "trials_won"),
    "sending": ("emails_sent", "emails_before"),
}
FAMILY: Final = {part: family for family, parts in FAMILIES.items() for part in parts}

STEP: Final = """CASE $grain
                WHEN 'year' THEN INTERVAL 1 YEAR
                WHEN 'quarter' THEN INTERVAL 3 MONTH
                ELSE INTERVAL 1 MONTH
            END"""
SENT: Final = quoted(MessageDispatched.name)
_BEGINS: Final[Mapping[str, str]] = {
    "moving": "(SELECT min(period) FROM customer_period WHERE profile = $profile)",
    "monthly": "(SELECT min(period) FROM customer_period WHERE profile = $profile)",
    "earning": "(SELECT min(month) FROM revenue_month), (SELECT min(covers_from) FROM fact_cost)",
    "staying": "(SELECT min(period) FROM customer_period WHERE profile = $profile)",
    "trying": "(SELECT min(day) FROM fact_trial)",
    "sending": f"(SELECT min(day) FROM fact_event_daily WHERE name = {SENT})",  # noqa: S608 - our own word
}


def spans(families: Iterable[str]) -> str:
    """The periods asked for: `span` all, `past` those that have begun, up to the last day that is known."""
    begins = ", ".join(dict.fromkeys(_BEGINS[family] for family in families))
    return f"""
    bounds AS (
        SELECT
            date_trunc($grain, coalesce($from_::DATE, least({begins}, $last_day::DATE)))::DATE AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    ),
    span AS MATERIALIZED (
        SELECT period, period AS first, (period + {STEP})::DATE - 1 AS ends, least(ends, $last_day::DATE) AS last
        FROM (
            SELECT unnest(generate_series(first::TIMESTAMP, last::TIMESTAMP, {STEP}))::DATE AS period FROM bounds
        )
    ),
    past AS MATERIALIZED (SELECT * FROM span WHERE first <= $last_day::DATE)"""  # noqa: S608 - our own SQL


def held(name: str, grain: str) -> str:
    """What each customer's MRR did in each period in which it moved; of the open period, in the days that were."""
    flows = ", ".join(f"coalesce(sum(amount) FILTER (kind = '{kind}'), 0) AS {kind}" for kind in KINDS)
    return f"""
    {name}_whole AS MATERIALIZED (
        SELECT tenant_key, currency, period, opened, {", ".join(KINDS)}, ended
        FROM customer_period
        WHERE profile = $profile AND grain = {grain} AND period < date_trunc({grain}, $last_day::DATE + 1)
    ),
    {name}_held AS MATERIALIZED (
        SELECT * FROM {name}_whole
        UNION ALL BY NAME
        SELECT
            tenant_key,
            currency,
            date_trunc({grain}, $last_day::DATE + 1)::DATE AS period,
            coalesce(opened, 0) AS opened,
            {", ".join(KINDS)},
            coalesce(opened, 0) + change AS ended
        FROM (
            SELECT tenant_key, currency, sum(amount) AS change, {flows}
            FROM mrr_movement
            WHERE
                profile = $profile
                AND effective_on BETWEEN date_trunc({grain}, $last_day::DATE + 1) AND $last_day::DATE
            GROUP BY tenant_key, currency
        )
        LEFT JOIN (
            SELECT tenant_key, currency, arg_max(ended, period) AS opened FROM {name}_whole GROUP BY ALL
        ) USING (tenant_key, currency)
    )"""  # noqa: S608 - our own SQL


def _long(name: str, parts: Iterable[str]) -> str:
    """A table of wide rows (period, currency, parts) as long ones."""
    structs = ", ".join(f"{{'part': '{part}', 'amount': {part}::BIGINT}}" for part in parts)
    return f"""
    {name} AS (
        SELECT period, currency, told.part, told.amount
        FROM (SELECT period, currency, unnest([{structs}]) AS told FROM {name}_wide)
    )"""  # noqa: S608 - our own SQL


def _now(measure: str) -> str:
    return f"coalesce(sum({measure}) FILTER (flow.period = past.period), 0)"


def _before(measure: str) -> str:
    return f"coalesce(sum({measure}) FILTER (flow.period < past.period), 0)"


_FLOW: Final = """
        SELECT
            period,
            currency,
            sum(ended - opened) AS change,
            sum(new) AS new,
            sum(expansion) AS expansion,
            sum(reactivation) AS reactivation,
            -sum(contraction) AS contraction,
            -sum(churn) AS churn,
            coalesce(sum(ended - opened) FILTER (opened > 0), 0) AS cohort_change,
            coalesce(sum(least(0, ended - opened)) FILTER (opened > 0), 0) AS capped_change,
            count(*) FILTER (opened <= 0 AND ended > 0) AS customers_come,
            count(*) FILTER (opened > 0 AND ended <= 0) AS customers_gone,
            count(*) FILTER (expansion > 0) AS customers_expanded,
            count(*) FILTER (new > 0) AS newcomers"""
_IN_PERIOD: Final = (
    *KINDS,
    "cohort_change",
    "capped_change",
    "customers_come",
    "customers_gone",
    "customers_expanded",
)
_MOVING: Final = f"""
    {held("grained", "$grain")},
    moving_wide AS (
        SELECT
            past.period,
            currency,
            {_before("change")} AS start_mrr,
            {_before("customers_come - customers_gone")} AS customers_before,
            {", ".join(f"{_now(part)} AS {part}" for part in _IN_PERIOD)}
        FROM past
        JOIN ({_FLOW} FROM grained_held GROUP BY period, currency) AS flow ON flow.period <= past.period
        GROUP BY past.period, currency
    ),
    {_long("moving", FAMILIES["moving"])}"""  # noqa: S608 - our own SQL
_MONTHLY: Final = f"""
    {held("monthly", "'month'")},
    month AS (
        SELECT
            past.period AS of_period,
            unnest(generate_series(past.period::TIMESTAMP, past.last::TIMESTAMP, INTERVAL 1 MONTH))::DATE AS period
        FROM past
    ),
    monthly_wide AS (
        SELECT
            past.of_period AS period,
            currency,
            {_before("customers_come - customers_gone")} AS customer_months,
            {_now("customers_gone")} AS customers_lost,
            {_now("newcomers")} AS new_customers
        FROM month AS past
        JOIN ({_FLOW} FROM monthly_held GROUP BY period, currency) AS flow ON flow.period <= past.period
        GROUP BY past.of_period, currency
    ),
    {_long("monthly", FAMILIES["monthly"])}"""  # noqa: S608 - our own SQL

ACCRUES: Final = f"""sign(amount)::BIGINT * (
            ({through("least(past.last, last_on)")}) - ({through("greatest(past.first, first_on) - 1")})
        )"""
EVENLY: Final = """
            tenant_key,
            position,
            currency,
            covers_from,
            covers_from AS first_on,
            covers_to AS last_on,
            covers_to - covers_from + 1 AS days,
            amount,
            abs(amount) // (covers_to - covers_from + 1) AS each_day,
            abs(amount) % (covers_to - covers_from + 1) AS days_with_more"""
_SPENT: Final = f"""
    spending AS (
        SELECT CASE WHEN category = 'marketing' THEN 'acquisition' ELSE 'cost' END AS part, approximate, {EVENLY}
        FROM fact_cost
    ),
    spent AS MATERIALIZED (
        SELECT past.period, currency, part, approximate, tenant_key, position, {ACCRUES} AS amount
        FROM past
        JOIN spending ON first_on <= past.last AND last_on >= past.first
    )"""  # noqa: S608 - our own SQL
_OPEN_MONTH: Final = "date_trunc('month', $last_day::DATE + 1)::DATE"
_EARNING: Final = f"""
    {_SPENT},
    earned AS (
        SELECT month AS day, currency, amount FROM revenue_month WHERE month < {_OPEN_MONTH}
        UNION ALL
        SELECT {_OPEN_MONTH}, currency, {ACCRUES} AS amount
        FROM (SELECT {EVENLY} FROM revenue_entry)
        JOIN (SELECT {_OPEN_MONTH} AS first, $last_day::DATE AS last) AS past
            ON first_on <= past.last AND last_on >= past.first AND past.first <= past.last
    ),
    earning AS (
        SELECT past.period, currency, 'revenue' AS part, sum(amount)::BIGINT AS amount
        FROM past
        JOIN earned ON day BETWEEN past.first AND past.last
        GROUP BY past.period, currency
        UNION ALL
        SELECT period, currency, part, sum(amount)::BIGINT FROM spent GROUP BY period, currency, part
        UNION ALL
        SELECT period, currency, 'estimated', sum(amount)::BIGINT
        FROM spent
        WHERE part = 'cost' AND approximate
        GROUP BY period, currency
    )"""  # noqa: S608 - our own SQL

# Sums of several currencies are looked at for one thing: whether a customer pays anything.
_STAYING: Final = f"""
    {held("staying", "$grain")},
    {held("year", "'month'")},
    payer AS MATERIALIZED (
        SELECT period, change, sum(change) OVER (PARTITION BY tenant_key ORDER BY period) AS ended
        FROM (SELECT tenant_key, period, sum(ended - opened) AS change FROM staying_held GROUP BY ALL)
    ),
    payer_flow AS (
        SELECT
            period,
            count(*) FILTER (ended - change <= 0 AND ended > 0) AS come,
            count(*) FILTER (ended - change > 0 AND ended <= 0) AS gone
        FROM payer
        GROUP BY period
    ),
    paying AS MATERIALIZED (
        SELECT tenant_key, period AS since, next AS until
        FROM (
            SELECT
                tenant_key,
                period,
                sum(change) OVER in_order AS ended,
                lead(period, 1, DATE '9999-12-01') OVER in_order AS next
            FROM (SELECT tenant_key, period, sum(ended - opened) AS change FROM year_held GROUP BY ALL)
            WINDOW in_order AS (PARTITION BY tenant_key ORDER BY period)
        )
        WHERE ended > 0
    ),
    payer_year AS (
        SELECT period, count(*) AS year_ago, count(kept.tenant_key) AS year_kept
        FROM past
        JOIN paying AS was
            ON
                was.since <= date_trunc('month', past.last) - INTERVAL 12 MONTH
                AND was.until > date_trunc('month', past.last) - INTERVAL 12 MONTH
        LEFT JOIN paying AS kept
            ON
                kept.tenant_key = was.tenant_key
                AND kept.since <= date_trunc('month', past.last)
                AND kept.until > date_trunc('month', past.last)
        GROUP BY period
    ),
    staying_wide AS (
        SELECT
            past.period,
            NULL::VARCHAR AS currency,
            {_before("come - gone")} AS payers_before,
            {_now("come")} AS payers_come,
            {_now("gone")} AS payers_gone,
            coalesce(any_value(year_ago), 0) AS payers_year_ago,
            coalesce(any_value(year_kept), 0) AS payers_year_kept
        FROM past
        JOIN payer_flow AS flow ON flow.period <= past.period
        LEFT JOIN payer_year ON payer_year.period = past.period
        GROUP BY past.period
    ),
    {_long("staying", FAMILIES["staying"])}"""  # noqa: S608 - our own SQL
_TRYING: Final = f"""
    trying_wide AS (
        SELECT
            period,
            NULL::VARCHAR AS currency,
            count(*) FILTER (change = 'started') AS trials_started,
            count(*) FILTER (change = 'ended') AS trials_ended,
            count(*) FILTER (subscribed) AS trials_won
        FROM past
        JOIN fact_trial ON day BETWEEN past.first AND past.last
        GROUP BY period
    ),
    {_long("trying", FAMILIES["trying"])}"""  # noqa: S608 - our own SQL
_SENDING: Final = f"""
    sending_wide AS (
        SELECT
            past.period,
            NULL::VARCHAR AS currency,
            coalesce(sum(events) FILTER (day >= past.first), 0) AS emails_sent,
            coalesce(sum(events) FILTER (day < past.first), 0) AS emails_before
        FROM past
        JOIN (SELECT day, sum(events) AS events FROM fact_event_daily WHERE name = {SENT} GROUP BY day)
            ON day BETWEEN past.first - {STEP} AND past.last
        GROUP BY past.period
    ),
    {_long("sending", FAMILIES["sending"])}"""  # noqa: S608 - our own SQL
_TOLD: Final = {
    "moving": _MOVING,
    "monthly": _MONTHLY,
    "earning": _EARNING,
    "staying": _STAYING,
    "trying": _TRYING,
    "sending": _SENDING,
}


def told(families: Iterable[str]) -> str:
    """Common table expressions: `told` (period, currency, part, amount) of all parts of the families."""
    families = tuple(families)
    rows = " UNION ALL ".join(f"SELECT period, currency, part, amount FROM {family}" for family in families)  # noqa: S608 - our own names
    return ",".join([spans(families), *(_TOLD[family] for family in families), f"\n    told AS ({rows})"])
