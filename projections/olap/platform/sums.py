"""The reports of all customers that are sums by period: recurring revenue, who stays, margin, worth, trials."""

from __future__ import annotations

from typing import Final

from application.ports.analytics import Column
from projections.olap.churn_reports import LOST_AND_KEPT
from projections.olap.finance_sql import CAC_TOLD, where_marketed
from projections.olap.mrr_sql import MOVEMENTS, START, money, percent, positive, ratio
from projections.olap.platform.report import PeriodParameters, PlatformReportDefinition, Sum, of_sums

_END: Final = money("end_mrr", "balance", "MRR at the end of the period, or so far.")
_FLOWS: Final[dict[str, Sum]] = {
    kind: {kind: 1} for kind in ("new", "expansion", "reactivation", "contraction", "churn")
}
CHANGE: Final[Sum] = {"new": 1, "expansion": 1, "reactivation": 1, "contraction": -1, "churn": -1}
MRR_END: Final[Sum] = {"start_mrr": 1, **CHANGE}
CUSTOMERS: Final[Sum] = {"customers_before": 1, "customers_come": 1, "customers_gone": -1}


def _count(name: str, about: str, nature: str = "activity", unit: str = "customers") -> Column:
    return Column(name, "measure", unit, about, "balance" if nature == "balance" else "activity")


_MRR: Final = of_sums(
    "mrr",
    "MRR and its movements, of all customers",
    "Monthly recurring revenue of all customers at the start and at the end of each period, and what moved it: start + "
    "new + expansion + reactivation - contraction - churn = end, in each currency, under the profile's definitions, by "
    "the days on which changes took effect. Growth is the change by the start.",
    (
        START,
        *MOVEMENTS,
        _END,
        money("change", "activity", "end_mrr - start_mrr."),
        ratio("growth", "MRR growth: change / start_mrr.", "change", "start_mrr"),
        _count("customers_expanded", "Customers some of whose movements were an expansion."),
    ),
    {
        "start_mrr": {"start_mrr": 1},
        **_FLOWS,
        "end_mrr": MRR_END,
        "change": CHANGE,
        "customers_expanded": {"customers_expanded": 1},
    },
    {"growth": percent("change", "start_mrr")},
)
_ARR: Final = of_sums(
    "arr",
    "Annual recurring revenue of all customers",
    "Twelve times the monthly recurring revenue at the end of each period, by currency. A balance.",
    (money("arr", "balance", "12 x MRR at the end of the period."), _END),
    {"arr": {part: 12 * factor for part, factor in MRR_END.items()}, "end_mrr": MRR_END},
    {},
)
_RATES: Final = of_sums(
    "churn_rates",
    "Churn rates and retention of all customers",
    "How much of the revenue and how many of the customers at a period's start stayed, with the definitions of a "
    "tenant's report of the same name. A customer who pays in two currencies counts in each; see customers.",
    (
        START,
        *MOVEMENTS,
        *LOST_AND_KEPT,
        _count("customers", "Customers who paid at the start.", "balance"),
        _count("customers_kept", "Those who still pay at the end.", "balance"),
        ratio("logo_retention", "Logo retention: customers_kept / customers.", "customers_kept", "customers"),
        money("gained", "activity", "new + expansion."),
        ratio("quick_ratio", "Quick ratio: gained / gross_lost.", "gained", "gross_lost", "ratio"),
    ),
    {
        "start_mrr": {"start_mrr": 1},
        **_FLOWS,
        "gross_lost": {"contraction": 1, "churn": 1},
        "net_lost": {"contraction": 1, "churn": 1, "expansion": -1, "reactivation": -1},
        "cohort_mrr": {"start_mrr": 1, "cohort_change": 1},
        "cohort_capped": {"start_mrr": 1, "capped_change": 1},
        "customers": {"customers_before": 1},
        "customers_kept": {"customers_before": 1, "customers_gone": -1},
        "gained": {"new": 1, "expansion": 1},
    },
    {
        "gross_churn": percent("gross_lost", "start_mrr"),
        "net_churn": percent("net_lost", "start_mrr"),
        "nrr": percent("cohort_mrr", "start_mrr"),
        "grr": percent("cohort_capped", "start_mrr"),
        "logo_retention": percent("customers_kept", "customers"),
        "quick_ratio": f"gained::DOUBLE / {positive('gross_lost')}",
    },
)
PAYERS: Final[Sum] = {"payers_before": 1, "payers_come": 1, "payers_gone": -1}
_PEOPLE: Final = of_sums(
    "customers",
    "Customers who come, stay and go",
    "How many customers pay anything, in whichever currency, at the start and at the end of each period, and how many "
    "came and went. Annual retention looks twelve months back from the month in which the period ends.",
    (
        _count("at_start", "Customers who paid at the start.", "balance"),
        _count("came", "Customers who paid nothing at the start and pay at the end."),
        _count("went", "Customers who paid at the start and pay nothing at the end."),
        _count("customers", "Customers who pay at the end.", "balance"),
        _count("kept", "Customers who paid at the start and pay at the end.", "balance"),
        ratio("logo_retention", "Logo retention: kept / at_start.", "kept", "at_start"),
        _count("year_ago", "Customers who paid twelve months before the end.", "balance"),
        _count("year_kept", "Those of them who pay at the end.", "balance"),
        ratio(
            "annual_retention", "Retention over twelve months: year_kept / year_ago.", "year_kept", "year_ago"
        ),
    ),
    {
        "at_start": {"payers_before": 1},
        "came": {"payers_come": 1},
        "went": {"payers_gone": 1},
        "customers": PAYERS,
        "kept": {"payers_before": 1, "payers_gone": -1},
        "year_ago": {"payers_year_ago": 1},
        "year_kept": {"payers_year_kept": 1},
    },
    {"logo_retention": percent("kept", "at_start"), "annual_retention": percent("year_kept", "year_ago")},
    without_currency=True,
)

_REVENUE: Final = money(
    "revenue",
    "activity",
    "Lines of all customers' paid invoices over the days of their service, less discounts, tax, refunds and what "
    "disputes took.",
)
_COST: Final = money(
    "cost", "activity", "The platform's costs over the days that they cover, without marketing."
)
MARGIN_OF: Final[Sum] = {"revenue": 1, "cost": -1}
_GROSS: Final = ratio(
    "gross_margin", "Gross margin: margin / revenue; empty where revenue is not above 0.", "margin", "revenue"
)
_MARKETING: Final = money("acquisition", "activity", "Marketing of the platform; no part of the margin.")
_MARGIN: Final = of_sums(
    "margin",
    "Margin of the platform",
    "What all customers' paid invoices earned over the days of their service, beside the costs in the platform's own "
    "books. What customers enter as costs of theirs is no part of it. By the days of service and of what a cost "
    "covers; activities, which may be summed over periods within a currency. Costs without an invoice make a row "
    "approximate.",
    (
        Column(
            "accuracy", "dimension", "text", "exact, or approximate: some of the cost has no invoice yet."
        ),
        _REVENUE,
        _COST,
        money("estimated", "activity", "The part of the cost that has no invoice yet."),
        money("margin", "activity", "revenue - cost."),
        _GROSS,
        _MARKETING,
    ),
    {
        "revenue": {"revenue": 1},
        "cost": {"cost": 1},
        "estimated": {"estimated": 1},
        "margin": MARGIN_OF,
        "acquisition": {"acquisition": 1},
    },
    {
        "accuracy": "CASE WHEN estimated = 0 THEN 'exact' ELSE 'approximate' END",
        "gross_margin": percent("margin", "revenue"),
    },
    parameters=PeriodParameters,
)

EACH: Final = f"(mrr::DOUBLE / {positive('customers')})"
SHARE: Final = f"(margin::DOUBLE / {positive('revenue')})"
LEAVING: Final = f"(customers_lost::DOUBLE / {positive('customer_months')})"
WINNING: Final = f"(acquisition::DOUBLE / {positive('new_customers')})"
WORTH: Final = f"({EACH} * {SHARE} / {positive(LEAVING)})"
PAYBACK: Final = f"(CASE WHEN {EACH} * {SHARE} > 0 THEN {WINNING} / ({EACH} * {SHARE}) END)"
UNIT_SUMS: Final[dict[str, Sum]] = {
    "mrr": MRR_END,
    "customers": CUSTOMERS,
    "revenue": {"revenue": 1},
    "margin": MARGIN_OF,
    "customer_months": {"customer_months": 1},
    "customers_lost": {"customers_lost": 1},
    "acquisition": {"acquisition": 1},
    "new_customers": {"new_customers": 1},
}
_WORTH_OF: Final = ("mrr", "customers", "margin", "revenue", "customers_lost", "customer_months")
_WINNING_OF: Final = ("acquisition", "new_customers")


def _of(name: str, unit: str, about: str, *parts: str) -> Column:
    return Column(name, "measure", unit, about, "ratio", parts)


_UNIT_ECONOMICS: Final = of_sums(
    "unit_economics",
    "Unit economics of the platform",
    "What a customer pays, is worth and costs to win, over all customers. ARPA is MRR by the customers who pay at the "
    "end; churn is customers lost by customers at the start, summed over the period's months: a rate a month; LTV is "
    "ARPA x gross margin / churn; CAC is the platform's marketing by new customers; payback is CAC / (ARPA x gross "
    "margin), in months. What cannot be told is empty and says why. Customers have no segment, so neither has CAC.",
    (
        Column("ltv_told", "dimension", "text", "told, or why LTV cannot be told."),
        Column("cac_told", "dimension", "text", "told, or why CAC cannot be told."),
        money("mrr", "balance", "MRR at the end of the period."),
        _count("customers", "Customers who pay at the end of the period.", "balance"),
        _of(
            "arpa",
            "minor units",
            "Average revenue per account, a month: mrr / customers.",
            "mrr",
            "customers",
        ),
        _REVENUE,
        money("margin", "activity", "revenue - cost."),
        _GROSS,
        _count("customer_months", "Customers who paid at the start of each month, summed."),
        _count("customers_lost", "Customers who paid at a month's start and not at its end."),
        ratio(
            "customer_churn",
            "Customer churn a month: customers_lost / customer_months.",
            "customers_lost",
            "customer_months",
        ),
        _of("ltv", "minor units", "Lifetime value: arpa x gross_margin / customer_churn.", *_WORTH_OF),
        _MARKETING,
        _count("new_customers", "Customers who began to pay in a month of the period."),
        _of("cac", "minor units", "Acquisition cost: acquisition / new_customers.", *_WINNING_OF),
        _of(
            "cac_payback",
            "months",
            "Months until a customer has paid back what it cost to win: cac / (arpa x gross_margin).",
            *_WINNING_OF,
            *_WORTH_OF[:4],
        ),
        _of("ltv_to_cac", "ratio", "ltv / cac, neither of them rounded.", *_WORTH_OF, *_WINNING_OF),
    ),
    UNIT_SUMS,
    {
        "ltv_told": """CASE
                WHEN customers = 0 THEN 'cannot be told: no customers'
                WHEN revenue = 0 THEN 'cannot be told: no revenue yet'
                WHEN revenue < 0 THEN 'cannot be told: more revenue went back than came'
                WHEN customer_months = 0 THEN 'cannot be told: no customers at the start'
                WHEN customers_lost = 0 THEN 'cannot be told: no churn yet'
                ELSE 'told'
            END""",
        "cac_told": CAC_TOLD,
        "arpa": f"round({EACH})::BIGINT",
        "gross_margin": percent("margin", "revenue"),
        "customer_churn": percent("customers_lost", "customer_months"),
        "ltv": f"round({WORTH})::BIGINT",
        "cac": where_marketed(f"round({WINNING})::BIGINT"),
        "cac_payback": where_marketed(PAYBACK),
        "ltv_to_cac": where_marketed(f"{WORTH} / {positive(WINNING)}"),
    },
)
_TRIALS: Final = of_sums(
    "trials",
    "Trials and what became of them",
    "How many trials of a plan began and ended in each period, and how many of those that ended did so because a "
    "subscription took their place. By the day of the record. Who subscribed later counts as not won.",
    (
        _count("started", "Trials that began.", unit="trials"),
        _count("ended", "Trials that ended.", unit="trials"),
        _count("won", "Those that ended with a subscription.", unit="trials"),
        ratio("conversion", "Trial conversion: won / ended.", "won", "ended"),
    ),
    {"started": {"trials_started": 1}, "ended": {"trials_ended": 1}, "won": {"trials_won": 1}},
    {"conversion": percent("won", "ended")},
    parameters=PeriodParameters,
    without_currency=True,
)
SUM_REPORTS: Final[tuple[PlatformReportDefinition, ...]] = (
    _MRR,
    _ARR,
    _RATES,
    _PEOPLE,
    _MARGIN,
    _UNIT_ECONOMICS,
    _TRIALS,
)
