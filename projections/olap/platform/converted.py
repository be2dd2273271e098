"""Recurring revenue of all customers in one currency, by the rates in the platform's own books.

What customers record as rates of theirs converts figures of theirs. Logs have no order among one another, so movements
of one day are taken kind by kind; by kind and day they are summed before anything is converted.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from domain.kernel.money import CurrencyCode
from projections.olap.converted_reports import CURRENCY_COLUMN, FX, LACKS, in_one_events, in_one_rows
from projections.olap.converted_sql import LACKING, TERM, lines_of_all
from projections.olap.mrr_sql import END, MOVEMENTS, START
from projections.olap.platform.parts import PLACES, spans
from projections.olap.platform.report import PERIOD, PlatformReportDefinition, ProfileParameters, info_of


class ConvertedParameters(ProfileParameters):
    """The same, and in which currency."""

    currency: Annotated[CurrencyCode, Field(description="Currency that all amounts are converted to.")]


_PLACE: Final = f"tenant_key * {PLACES} + position"


def _told(place: str) -> str:
    """Common table expressions: periods, lines, and what is lacking. `place`: what movements are told apart by."""
    return f"""
    {spans(("moving",))},
    period AS (SELECT period, first, last FROM past),
    moved AS MATERIALIZED (
        SELECT
            effective_on AS day,
            currency,
            kind,
            CASE WHEN NOT ({TERM}) THEN tenant_key || ' ' || subscription_id END AS subscription_id,
            {place} AS position,
            sum(amount) AS amount
        FROM mrr_movement
        WHERE profile = $profile
        GROUP BY ALL
    ),{lines_of_all(f"(SELECT * REPLACE ({_PLACE} AS position) FROM fact_exchange_rate)")},{LACKING}"""  # noqa: S608 - our own SQL


_IN_ONE: Final = PlatformReportDefinition(
    info_of(
        "mrr_in_one_currency",
        "MRR of all customers and currencies in one",
        "Monthly recurring revenue of all customers in all currencies together, converted to one by the rates in the "
        "platform's own books, at the start and at the end of each period, and what moved it: start + new + expansion "
        "+ reactivation - contraction - churn + fx = end, to the minor unit, by the days on which changes took effect. "
        "Each currency's balance of all customers is converted at the rate of its day and rounded once, movements at "
        "that of theirs, those of one day kind by kind; fx is what rates did to the balances, and opens to the rates. "
        "A day's rate is the last one on or before it, no more than a week old; a period that lacks one says which, "
        "and has no figures.",
        ConvertedParameters,
        (PERIOD, CURRENCY_COLUMN, LACKS, START, *MOVEMENTS, FX, END),
    ),
    ConvertedParameters,
    rows=in_one_rows(_told(f"CASE WHEN {TERM} THEN 0 ELSE {_PLACE} END")),
    own_events=dict.fromkeys(
        (START.name, *(one.name for one in MOVEMENTS), FX.name, END.name),
        f"SELECT position AS place, weight FROM ({in_one_events(_told(_PLACE))})",  # noqa: S608 - our own SQL
    ),
)
CONVERTED_REPORTS: Final[tuple[PlatformReportDefinition, ...]] = (_IN_ONE,)
