"""A cell of each report about permission, requests, books and MRR: what a question for the events behind it names."""

from __future__ import annotations

from typing import Final

from projections.olap.reports import REPORTS
from tests.support.required import required

_DAY: Final = "cell.day=2026-11-24"
_COST: Final = "cell.month=2026-10-01&cell.currency=USD&cell.accuracy=exact"
CELLS: Final = {
    "decisions": f"{_DAY}&cell.verdict=deny&cell.law=de&cell.rule=otherwise",
    "denials_by_reason": "cell.verdict=hold&cell.law=none&cell.rule=sender-country-unknown",
    "allows_by_basis": "cell.law=de&cell.basis=none",
    "dispatches": _DAY,
    "lapses": "cell.week=2026-11-23&cell.law=fr&cell.basis=consent&cell.stage=announced",
    "subject_requests": f"{_DAY}&cell.step=received&cell.kind=access&cell.law=none",
    "costs_by_category": f"{_COST}&cell.category=server",
    "costs_by_workspace": f"{_COST}&cell.share=whole",
    "cost_variance": "cell.month=2026-10-01&cell.category=server&cell.provider=Hostwinds&cell.currency=USD",
    "targets": "cell.metric=mrr&cell.period_kind=standing&cell.comparison=at_least&cell.value=1&cell.unit=USD",
    "usage": "cell.month=2026-11-01&cell.meter=emails",
    "opt_outs": f"{_DAY}&cell.kind=unsubscribe&cell.channel=page&cell.scope=tenant&cell.law=none",
    "mrr": "cell.period=2026-11-01&cell.currency=USD",
    "mrr_changes": (
        "cell.effective_on=2026-11-24&cell.posted_on=2026-11-24&cell.currency=USD&cell.kind=new"
        "&cell.subscription=0192f0c1-0000-7000-8000-000000000001"
    ),
    "mrr_per_subscription": (
        "cell.month=2026-11-01&cell.subscription=0192f0c1-0000-7000-8000-000000000001&cell.currency=USD"
    ),
    "arr": "cell.period=2026-11-01&cell.currency=USD&cell.measure=mrr",
    "churn_rates": "cell.period=2026-11-01&cell.currency=USD&cell.measure=gross_lost",
    "cohorts": "cell.cohort=2026-11-01&cell.currency=USD&cell.month=2026-11-01",
    "margin": "cell.period=2026-11-01&cell.currency=USD&cell.accuracy=exact",
    "unit_economics": "cell.period=2026-11-01&cell.currency=USD&cell.ltv_told=told&cell.cac_told=told",
    "scorecard": (
        "cell.metric=mrr&cell.group=financial&cell.period=2026-10-01&cell.stage=open&cell.currency=USD&cell.unit=USD"
        "&cell.status=no_target"
    ),
    "mrr_in_one_currency": "cell.period=2026-11-01&cell.currency=EUR&cell.measure=fx",
    "mrr_conversions": "cell.changed_on=2026-11-24&cell.currency=EUR&cell.from_currency=USD&cell.kind=fx",
    "mrr_bridge": "cell.figure=end_mrr&cell.currency=USD&cell.switch=from",
}


def whole(name: str, cell: str) -> str:
    """A cell with each dimension that its report has, empty where it is not named, and what the report needs."""
    named = {part.partition("=")[0] for part in cell.split("&")}
    dimensions = [column.name for column in REPORTS[name].info.columns if column.kind == "dimension"]
    needed = [f"{one}={value}" for one, value in required(name).items()]
    return "&".join([cell, *needed, *(f"cell.{one}=" for one in dimensions if f"cell.{one}" not in named)])
