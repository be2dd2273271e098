"""The finance pack: its messages say what the figures of the period come to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from application.charts import Period
from application.packs.definition import definition_named
from application.packs.document import document_of
from application.packs.figures import Figuring
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms

TARGETS = (
    ("mrr", "120.5", "USD", "at_least"),
    ("cost", "30", "USD", "at_most"),
    ("gross_margin", "99", "percent", "at_least"),
)


async def test_its_messages_are_of_the_period_and_the_one_before() -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 2, 5)), terms(items=[plan(15_000)]))
    moneys = Moneys(told.history)
    for month, amount in ((1, 10_000), (2, 15_000)):
        since = date(2026, month, 1)
        moneys.invoice(amount, since, date(2026, month + 1, 1))
        moneys.cost(2_000 * month, since, since)
    for number, (metric, value, unit, comparison) in enumerate(TARGETS):
        aim = {"metric": metric, "value": value, "value_to": None, "unit": unit, "comparison": comparison}
        when = {"period_kind": "quarter", "period": "2026-Q1", "segment": None}
        told.history.happen("finance.target_set", {"target_id": str(UUID(int=number)), **aim, **when})
    source = EventsInMemory()
    source.events = told.history.events
    analytics = LocalAnalytics(source, OlapSettings(folder=Path(), database_url=""))
    try:
        definition = definition_named("finance", analytics.reports())
        period = Period(date(2026, 2, 1), date(2026, 2, 28))
        figures = await Figuring(analytics).figures(
            definition, told.history.tenant_id, period, told.history.position
        )
    finally:
        await analytics.close()
    document = document_of(figures, None, date(2026, 3, 2))
    said = [section.message for section in document.sections]
    for message, figures_in_it in zip(
        said,
        (
            ("1 of 3 targets were attained.",),
            ("150.00 USD a month", "+50.00 USD (+50.0 %)"),
            ("0.00 USD of monthly revenue", "100.00 USD"),
            ("40.00 USD were spent, +20.00 USD (+100.0 %)", "server: 40.00 USD"),
            ("110.00 USD were left", "+30.00 USD (+37.5 %)"),
        ),
        strict=True,
    ):
        for one in figures_in_it:
            assert one in message
    (scorecard, *_) = document.sections
    assert scorecard.table.head[:4] == ("Metric", "Actual", "Target", "Variance")
    # Figures of February, as far as the quarter is in the period; before is January.
    assert scorecard.table.rows[:3] == (
        ("Cost", "40.00 USD", "\u2264 30.00 USD", "+10.00 USD", "20.00 USD", "up, worse", "not attained yet"),
        (
            "Gross margin",
            "73.3 %",
            "\u2265 99.0 %",
            "\u221225.7 points",
            "80.0 %",
            "down, worse",
            "not attained yet",
        ),
        (
            "MRR",
            "150.00 USD",
            "\u2265 120.50 USD",
            "+29.50 USD",
            "100.00 USD",
            "up, better",
            "attained so far",
        ),
    )
    assert all(row[2] == "\u2013" for row in scorecard.table.rows[3:]), "what has no target comes after it"
