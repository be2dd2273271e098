"""The reports of who stays: churn rates, retention of the opening cohort, and cohorts by the month they began in."""

from __future__ import annotations

from typing import Final

from application.ports.analytics import Column
from projections.olap.mrr_sql import (
    CURRENCY,
    FLOW_WEIGHT,
    FLOWS,
    MOVEMENTS,
    PERIOD,
    START,
    GrainParameters,
    MrrParameters,
    money,
    percent,
    periods,
    positive,
    ratio,
)
from projections.olap.report import ReportDefinition, define

_BY_GRAIN: Final = periods("$grain")
_BY_MONTH: Final = periods("'month'")

# The opening cohort of a period: the customers who paid anything at its start, with what each paid then and pays now.
_HELD: Final = """
    held AS MATERIALIZED (
        SELECT
            period,
            currency,
            tenant,
            coalesce(sum(amount) FILTER (day < first), 0) AS opened_with,
            sum(amount) AS ended_with,
            max(position) FILTER (day < first) AS opened_by
        FROM period
        JOIN moved ON moved.day <= period.last
        GROUP BY period, currency, tenant
    )"""

LOST_AND_KEPT: Final = (
    money("gross_lost", "activity", "contraction + churn."),
    ratio("gross_churn", "Gross MRR churn: gross_lost / start_mrr.", "gross_lost", "start_mrr"),
    money("net_lost", "activity", "contraction + churn - expansion - reactivation."),
    ratio("net_churn", "Net MRR churn: net_lost / start_mrr.", "net_lost", "start_mrr"),
    money("cohort_mrr", "balance", "MRR of the opening cohort at the end of the period."),
    ratio("nrr", "Net revenue retention: cohort_mrr / start_mrr.", "cohort_mrr", "start_mrr"),
    money("cohort_capped", "balance", "The same, of each customer at most what it paid at the start."),
    ratio("grr", "Gross revenue retention: cohort_capped / start_mrr.", "cohort_capped", "start_mrr"),
)
"""What a period lost, and what stayed of those who paid at its start."""

_RATES: Final = define(
    "churn_rates",
    "Churn rates and retention",
    "How much of the revenue and how many of the customers at a period's start stayed. Gross churn is contraction and "
    "churn by the MRR at the start; net churn subtracts expansion and reactivation. NRR and GRR are of the opening "
    "cohort alone: the customers who paid at the start. GRR counts of each no more than it paid then, and is never "
    "above 100 %. Quick ratio is new and expansion by churn and contraction. Each ratio has its numerator and "
    "denominator beside it; it is empty where the denominator is not above 0.",
    GrainParameters,
    (
        PERIOD,
        CURRENCY,
        START,
        *MOVEMENTS,
        *LOST_AND_KEPT,
        Column("customers", "measure", "customers", "Customers who paid at the start.", "balance"),
        Column("customers_kept", "measure", "customers", "Those who still pay at the end.", "balance"),
        ratio(
            "logo_retention",
            "Logo retention: customers_kept / customers.",
            "customers_kept",
            "customers",
        ),
        money("gained", "activity", "new + expansion."),
        ratio("quick_ratio", "Quick ratio: gained / gross_lost.", "gained", "gross_lost", "ratio"),
    ),
    rows=f"""
        WITH {_BY_GRAIN},
        {_HELD},
        flow AS (
            SELECT period, currency, {FLOWS}
            FROM period
            JOIN moved ON moved.day <= period.last
            GROUP BY period, currency
        ),
        cohort AS (
            SELECT
                period,
                currency,
                coalesce(sum(ended_with) FILTER (opened_with > 0), 0)::BIGINT AS cohort_mrr,
                coalesce(sum(least(opened_with, ended_with)) FILTER (opened_with > 0), 0)::BIGINT AS cohort_capped,
                count(*) FILTER (opened_with > 0) AS customers,
                count(*) FILTER (opened_with > 0 AND ended_with > 0) AS customers_kept
            FROM held
            GROUP BY period, currency
        )
        SELECT
            period,
            currency,
            start_mrr,
            new,
            expansion,
            reactivation,
            contraction,
            churn,
            contraction + churn AS gross_lost,
            {percent("(contraction + churn)", "start_mrr")} AS gross_churn,
            contraction + churn - expansion - reactivation AS net_lost,
            {percent("(contraction + churn - expansion - reactivation)", "start_mrr")} AS net_churn,
            cohort_mrr,
            {percent("cohort_mrr", "start_mrr")} AS nrr,
            cohort_capped,
            {percent("cohort_capped", "start_mrr")} AS grr,
            customers,
            customers_kept,
            {percent("customers_kept", "customers")} AS logo_retention,
            new + expansion AS gained,
            (new + expansion)::DOUBLE / {positive("contraction + churn")} AS quick_ratio
        FROM flow
        JOIN cohort USING (period, currency)
        ORDER BY period, currency
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BY_GRAIN},
        {_HELD}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM (
            SELECT
                position,
                CASE
                    WHEN $cell_measure = 'gross_lost'
                        THEN CASE WHEN day >= first AND kind IN ('contraction', 'churn') THEN -amount END
                    WHEN $cell_measure = 'net_lost' THEN CASE WHEN day >= first AND kind <> 'new' THEN -amount END
                    WHEN $cell_measure = 'gained'
                        THEN CASE WHEN day >= first AND kind IN ('new', 'expansion') THEN amount END
                    WHEN $cell_measure = 'cohort_mrr' THEN CASE WHEN opened_with > 0 THEN amount END
                    WHEN $cell_measure = 'cohort_capped'
                        THEN CASE WHEN opened_with > 0 AND (ended_with < opened_with OR day < first) THEN amount END
                    WHEN $cell_measure NOT IN ('customers', 'customers_kept')
                        THEN {FLOW_WEIGHT}
                END AS weight
            FROM period
            JOIN moved ON moved.day <= period.last
            JOIN held ON held.period = period.period AND held.currency = moved.currency AND held.tenant = moved.tenant
            WHERE period.period = $cell_period::DATE AND moved.currency = $cell_currency
            UNION ALL
            -- A customer stands for one, and opens to the last telling that had changed what it paid at the start.
            SELECT opened_by, 1
            FROM held
            WHERE
                period = $cell_period::DATE
                AND currency = $cell_currency
                AND opened_with > 0
                AND ($cell_measure = 'customers' OR $cell_measure = 'customers_kept' AND ended_with > 0)
        )
        GROUP BY position
        HAVING sum(weight) <> 0
    """,  # noqa: S608 - our own SQL
)

_COHORTED: Final = f"""
    {_BY_MONTH},
    -- What was undone by what came late is nothing by the days of its effect: nobody began with it.
    begun AS (
        SELECT tenant, currency, date_trunc('month', min(day))::DATE AS cohort
        FROM (
            SELECT tenant, currency, day
            FROM moved
            GROUP BY tenant, currency, day, kind, position
            HAVING sum(amount) <> 0
        )
        GROUP BY tenant, currency
    ),
    held AS MATERIALIZED (
        SELECT
            cohort,
            currency,
            tenant,
            period,
            sum(amount) AS mrr,
            coalesce(sum(amount) FILTER (date_trunc('month', day)::DATE = cohort), 0) AS began_with,
            max(position) AS held_by
        FROM period
        JOIN moved ON moved.day <= period.last
        JOIN begun USING (tenant, currency)
        WHERE period >= cohort
        GROUP BY cohort, currency, tenant, period
    )"""  # noqa: S608 - our own SQL

_COHORTS: Final = define(
    "cohorts",
    "Cohorts by the month they began in",
    "Of the customers whose MRR in a currency began in a month, what is left of it at the end of each later month, and "
    "how many of them still pay. Balances: not to be summed over months.",
    MrrParameters,
    (
        Column("cohort", "dimension", "date", "First day of the month in which the customers began, UTC."),
        CURRENCY,
        Column("month", "dimension", "date", "First day of the month that is looked at, UTC."),
        money("mrr", "balance", "MRR of the cohort at the end of the month."),
        money("began_with", "balance", "Its MRR at the end of the month in which it began."),
        ratio("mrr_kept", "Revenue retention: mrr / began_with.", "mrr", "began_with"),
        Column(
            "paying",
            "measure",
            "customers",
            "Customers of the cohort who pay at the end of the month.",
            "balance",
        ),
        Column("customers", "measure", "customers", "Customers of the cohort.", "balance"),
        ratio("logos_kept", "Logo retention: paying / customers.", "paying", "customers"),
    ),
    rows=f"""
        WITH {_COHORTED}
        SELECT
            cohort,
            currency,
            period AS month,
            sum(mrr)::BIGINT AS mrr,
            sum(began_with)::BIGINT AS began_with,
            {percent("sum(mrr)", "sum(began_with)")} AS mrr_kept,
            count(*) FILTER (mrr > 0) AS paying,
            count(*) AS customers,
            {percent("count(*) FILTER (mrr > 0)", "count(*)")} AS logos_kept
        FROM held
        GROUP BY cohort, currency, period
        ORDER BY cohort, currency, period
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_COHORTED}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM (
            SELECT
                position,
                CASE
                    WHEN $cell_measure = 'mrr' OR date_trunc('month', day)::DATE = cohort THEN amount
                END AS weight
            FROM period
            JOIN moved ON moved.day <= period.last
            JOIN begun USING (tenant, currency)
            WHERE
                $cell_measure IN ('mrr', 'began_with')
                AND period.period = $cell_month::DATE
                AND cohort = $cell_cohort::DATE
                AND currency = $cell_currency
            UNION ALL
            -- A customer stands for one, and opens to the last telling that had changed what it pays.
            SELECT held_by, 1
            FROM held
            WHERE
                period = $cell_month::DATE
                AND cohort = $cell_cohort::DATE
                AND currency = $cell_currency
                AND ($cell_measure = 'customers' OR $cell_measure = 'paying' AND mrr > 0)
        )
        GROUP BY position
        HAVING sum(weight) <> 0
    """,  # noqa: S608 - our own SQL
)

CHURN_REPORTS: Final[tuple[ReportDefinition, ...]] = (_RATES, _COHORTS)
