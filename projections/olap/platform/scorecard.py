"""The scorecard of the platform: each metric over all customers, beside what the platform aims at."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from projections.finance.metrics import Metric
from projections.olap.finance_sql import MARKETED
from projections.olap.mrr_sql import positive
from projections.olap.platform.parts import told
from projections.olap.platform.report import (
    PlatformReportDefinition,
    ProfileParameters,
    Sum,
    families_of,
    info_of,
    summed,
)
from projections.olap.platform.sums import (
    CHANGE,
    CUSTOMERS,
    MARGIN_OF,
    MRR_END,
    PAYBACK,
    PAYERS,
    UNIT_SUMS,
    WINNING,
    WORTH,
)
from projections.olap.scorecard_sql import COLUMNS, card
from projections.olap.sql import quoted


class ScorecardParameters(ProfileParameters):
    """Which periods, under which definitions, and as of when."""

    grain: Annotated[
        Literal["month", "quarter", "year"],
        Field(description="How long a period is. A target counts in periods of its own length, or in all."),
    ] = "quarter"
    metric: Annotated[str | None, Field(description="Only this metric, such as mrr.", max_length=60)] = None


_LOST: Final[Sum] = {"contraction": 1, "churn": 1}
_OF: Final[dict[str, tuple[Sum, Sum | None]]] = {
    "mrr": (MRR_END, None),
    "arr": ({part: 12 * factor for part, factor in MRR_END.items()}, None),
    "mrr_growth": (CHANGE, {"start_mrr": 1}),
    "expansion": ({"expansion": 1}, None),
    "revenue": ({"revenue": 1}, None),
    "cost": ({"cost": 1}, None),
    "gross_margin": (MARGIN_OF, {"revenue": 1}),
    "gross_churn": (_LOST, {"start_mrr": 1}),
    "quick_ratio": ({"new": 1, "expansion": 1}, _LOST),
    "arpa": (MRR_END, CUSTOMERS),
    "cac": ({"acquisition": 1}, {"new_customers": 1}),
    "customer_retention": ({"payers_year_kept": 1}, {"payers_year_ago": 1}),
    "logo_retention": ({"payers_before": 1, "payers_gone": -1}, {"payers_before": 1}),
    "active_customers": (PAYERS, None),
    "trial_conversion": ({"trials_won": 1}, {"trials_ended": 1}),
    "emails_sent": ({"emails_sent": 1}, None),
    "email_volume_growth": ({"emails_sent": 1, "emails_before": -1}, {"emails_before": 1}),
}
"""What each metric is the sum of, or the ratio of two sums of."""

_QUOTIENTS: Final = {
    "ltv": WORTH,
    "cac_payback": PAYBACK,
    "ltv_to_cac": f"{WORTH} / {positive(WINNING)}",
}
"""Metrics that are no ratio of two sums: they open in unit_economics, by their parts. Expressions over `UNIT_SUMS`."""

_OF_MARKETING: Final = frozenset({"cac", "cac_payback", "ltv_to_cac"})
"""Metrics of which there is no actual before marketing is entered."""
TOLD: Final = frozenset({*_OF, *_QUOTIENTS})
"""The metrics that the platform's scorecard tells."""
_BY_METRIC: Final = {
    metric: {"numerator": above} if below is None else {"numerator": above, "denominator": below}
    for metric, (above, below) in _OF.items()
}
_SUMS: Final = {
    f"{metric}_{measure}": parts for metric, sums in _BY_METRIC.items() for measure, parts in sums.items()
} | UNIT_SUMS
_FAMILIES: Final = families_of(_SUMS)


def _there(metric: str, *sums: Sum) -> str:
    parts = ", ".join(sorted({quoted(part) for parts in sums for part in parts}))
    return f"list_has_any(parts, [{parts}]){' AND marketed' if metric in _OF_MARKETING else ''}"


def _struct(metric: str, above: str, below: str, quotient: str, *, there: str, parted: bool) -> str:
    return (
        f"{{'metric': {quoted(metric)}, 'above': {above}::BIGINT, 'below': {below}::BIGINT,"
        f" 'parted': {parted}, 'quotient': {quotient}::DOUBLE, 'there': {there}}}"
    )


def _came() -> str:
    """One row of all sums becomes a row for each metric."""
    structs = [
        _struct(
            metric,
            f"{metric}_numerator",
            f"{metric}_denominator" if "denominator" in sums else "NULL",
            "NULL",
            there=_there(metric, *sums.values()),
            parted=True,
        )
        for metric, sums in _BY_METRIC.items()
    ] + [
        _struct(
            metric,
            "NULL",
            "NULL",
            quotient,
            there=_there(metric, UNIT_SUMS["mrr"]),
            parted=False,
        )
        for metric, quotient in _QUOTIENTS.items()
    ]
    return f"""
            SELECT one.metric, period, currency, one.above, one.below, one.parted, one.quotient
            FROM (
                SELECT period, currency, unnest([{", ".join(structs)}]) AS one
                FROM (SELECT *, {MARKETED} AS marketed FROM summed)
            )
            WHERE one.there"""  # noqa: S608 - our own names


def because(metric: Metric) -> str | None:
    """Why the platform's scorecard does not tell a metric; None where it does."""
    if metric.missing is not None:
        return metric.because
    return None if metric.id in TOLD else "of each customer: in its own scorecard"


_SCORECARD: Final = PlatformReportDefinition(
    info_of(
        "scorecard",
        "Scorecard of the platform",
        "Each metric of the catalogue over all customers by period: what came of it beside what the platform aims at, "
        "and in words whether it was attained. A ratio of two sums stands beside both; LTV, payback and LTV to CAC "
        "open in unit_economics. Amounts of two currencies are never added. Customers have no segment, so a target for "
        "one stands without an actual. Messages are counted by the day of the record.",
        ScorecardParameters,
        COLUMNS,
    ),
    ScorecardParameters,
    rows=f"""
        WITH {told(_FAMILIES)},
        summed AS MATERIALIZED (
            SELECT period, currency, list(DISTINCT part) AS parts, {summed(_SUMS)} FROM told GROUP BY period, currency
        ),
        {card(_came(), because)}
    """,  # noqa: S608 - our own SQL
    families=_FAMILIES,
    by_metric=_BY_METRIC,
)
SCORECARD_REPORTS: Final[tuple[PlatformReportDefinition, ...]] = (_SCORECARD,)
