"""The preview of a changed definition: MRR by month as it is and as it would be, and what each switch does to it.

From the profile that figures are given under to the changed one the switches that differ are changed one at a time, as
in the bridge. Before `effective_from` nothing changes. In the period in which it lies what was there before it is taken
over as a term of its own, `restatement`: start + restatement + movements = end, in each period, also there. So old
figures and the lines of the switches add up to the restated ones, to the minor unit.

It is asked as a report is and stands in no list of them: nobody asks for it but who brings a definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from application.ports.analytics import Column
from projections.finance.profiles import PROFILES, Profile, path_of
from projections.olap.bridge_report import MOVED
from projections.olap.mrr_sql import CURRENCY, MrrParameters, money
from projections.olap.report import ReportDefinition, define

NAME: Final = "mrr_preview"
FIGURES: Final = (
    "start_mrr",
    "restatement",
    "new",
    "expansion",
    "reactivation",
    "contraction",
    "churn",
    "end_mrr",
)


def _read(given: object) -> object:
    """A profile as JSON: parameters are texts on their way here."""
    return Profile.model_validate_json(given) if isinstance(given, str) else given


class PreviewParameters(MrrParameters):
    """Which days, from which definition to which, and from when on."""

    changed: Annotated[Profile, BeforeValidator(_read), Field(description="The changed profile.")]
    effective_from: Annotated[
        date | None,
        Field(description="From which day (UTC) on it would hold; from the beginning unless given."),
    ] = None

    def definitions(self) -> tuple[Profile, ...]:
        """The profiles on the way, one switch apart, named as those of the bridge are."""
        return path_of(PROFILES[self.profile], self.changed)


_LOST: Final = "kind IN ('contraction', 'churn')"
_FLOW: Final = f"CASE WHEN {_LOST} THEN -amount ELSE amount END"
# `term` has what each movement adds to each figure of each month: `old`, as the figures are; `kept`, what a restated
# figure has of them all the same; `moving`, what it has under the profiles on the way.
_LINES: Final = f"""
{MOVED},
    bounds AS (
        SELECT
            coalesce($from_::DATE, (SELECT min(day) FROM moved)) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last,
            coalesce($effective_from::DATE, DATE '0001-01-01') AS since
    ),
    month AS MATERIALIZED (
        SELECT begins AS period, greatest(begins, first) AS first, least(last_day(begins), last) AS last, since
        FROM (
            SELECT
                first, last, since,
                unnest(
                    generate_series(date_trunc('month', first)::TIMESTAMP, last::TIMESTAMP, INTERVAL 1 MONTH)
                )::DATE AS begins
            FROM bounds
        )
    ),
    beside AS MATERIALIZED (SELECT * FROM month JOIN moved ON moved.day <= month.last),
    term AS MATERIALIZED (
        SELECT *, kind AS figure, {_FLOW} AS adds, true AS old, day < since AS kept, day >= since AS moving
        FROM beside WHERE day >= first
        UNION ALL
        SELECT *, 'start_mrr', amount, true, first <= since, first > since FROM beside WHERE day < first
        UNION ALL
        SELECT *, 'end_mrr', amount, true, last < since, last >= since FROM beside
        UNION ALL
        SELECT *, 'restatement', amount, false, false, true
        FROM beside WHERE since BETWEEN first AND last AND day < since
        UNION ALL
        SELECT *, 'restatement', -amount, false, true, false
        FROM beside WHERE since BETWEEN first AND last AND day < since
    ),
    line AS (
        SELECT period, figure, currency, 0 AS step, 'from' AS switch, NULL::DATE AS day, NULL::UUID AS subscription_id,
            position, adds
        FROM term WHERE rule = 'from' AND old
        UNION ALL
        SELECT period, figure, currency, step, rule, day, subscription_id, position, adds
        FROM term WHERE rule <> 'from' AND moving
        UNION ALL
        SELECT period, figure, currency, step + 1, next_rule, day, subscription_id, position, -adds
        FROM term WHERE next_rule <> 'to' AND moving
        UNION ALL
        SELECT period, figure, currency, 1000, 'to', NULL, NULL, position, adds
        FROM term WHERE (next_rule = 'to' AND moving) OR (rule = 'from' AND kept)
    ),
    shown AS (
        SELECT * REPLACE (
            CASE WHEN figure NOT IN ('start_mrr', 'restatement', 'end_mrr') THEN day END AS day,
            CASE WHEN figure NOT IN ('start_mrr', 'restatement', 'end_mrr') THEN subscription_id END AS subscription_id
        )
        FROM line
    )"""  # noqa: S608 - our own SQL

_PREVIEW: Final = define(
    NAME,
    "MRR under a changed definition",
    "MRR by month as it is (from) and as it would be (to), and between them what each switch that was changed does to "
    "each figure: movements one by one, balances in sum. The lines add up to the difference, to the minor unit.",
    PreviewParameters,
    (
        Column(
            "period", "dimension", "date", "First day of the month, UTC; the first and last may be cut short."
        ),
        CURRENCY,
        Column("figure", "dimension", "text", f"{', '.join(FIGURES[:-1])} or {FIGURES[-1]}."),
        Column("switch", "dimension", "text", "from, the switch that makes the difference, or to."),
        Column("day", "dimension", "date", "Day of the movement, UTC; empty where it is a sum."),
        Column("subscription", "dimension", "text", "Subscription; empty where it is a sum."),
        money("amount", "activity", "The figure, or by how much the switch changes it."),
    ),
    rows=f"""
        WITH {_LINES}
        SELECT
            period, currency, figure, switch, day, subscription_id::VARCHAR AS subscription, sum(adds)::BIGINT AS amount
        FROM shown
        GROUP BY period, currency, figure, step, switch, day, subscription_id
        HAVING sum(adds) <> 0
        ORDER BY period, currency, step, switch, figure, day, subscription
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_LINES}
        SELECT position, sum(adds)::BIGINT AS weight
        FROM shown
        WHERE
            period = $cell_period::DATE
            AND currency = $cell_currency
            AND figure = $cell_figure
            AND switch = $cell_switch
            AND day IS NOT DISTINCT FROM $cell_day::DATE
            AND subscription_id IS NOT DISTINCT FROM $cell_subscription::UUID
        GROUP BY position
        HAVING sum(adds) <> 0
    """,  # noqa: S608 - our own SQL
)

PREVIEWS: Final[Mapping[str, ReportDefinition]] = {NAME: _PREVIEW}
