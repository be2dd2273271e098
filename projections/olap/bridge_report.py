"""The bridge: one figure of MRR under two profiles, and their difference movement by movement, with nothing left over.

From one profile to the other the switches that differ are changed one at a time. What the figures of a period move by
at each step is the work of that switch alone, so the steps add up to the difference whatever it is.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from application.ports.analytics import Column
from projections.finance.profiles import PROFILES, Profile, path_of
from projections.olap.mrr_sql import CURRENCY, MrrParameters, ProfileId, money
from projections.olap.report import ReportDefinition, define

Figure = Literal["start_mrr", "new", "expansion", "reactivation", "contraction", "churn", "end_mrr"]
"""Figures of a period that a bridge is of."""


def way(profile: str, against: str) -> tuple[Profile, ...]:
    """The profiles on the way, one switch apart; each is called by its number, its switch and that of the next.

    Raises `ValueError` where there is no way.
    """
    if profile == against:
        raise ValueError("profile and against are the same; name two")
    return path_of(PROFILES[profile], PROFILES[against])


class BridgeParameters(MrrParameters):
    """From which profile to which, and which of the figures."""

    against: Annotated[
        ProfileId, Field(description="Definition profile that the figures are set beside.")
    ] = "chartmogul-1"
    figure: Annotated[Figure | None, Field(description="Only this figure; all unless given.")] = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        way(self.profile, self.against)
        return self

    def definitions(self) -> tuple[Profile, ...]:
        """See `way`."""
        return way(self.profile, self.against)


MOVED: Final = """    moved AS MATERIALIZED (
        SELECT
            split_part(profile, ' ', 1)::INTEGER AS step,
            split_part(profile, ' ', 2) AS rule,
            split_part(profile, ' ', 3) AS next_rule,
            CASE $dating WHEN 'posting' THEN posted_on ELSE effective_on END AS day,
            currency,
            kind,
            subscription_id,
            position,
            amount
        FROM mrr_movement
    )"""
"""Common table expression: each movement under each profile on the way, whose id says its step and its switches."""

# Each movement stands in every figure of the period that it is part of, under every profile on the way. The figures
# under the first profile are the lines `from`, under the last `to`; between them stands what each switch changed. Of a
# figure that is in any of them both ends stand there, also where it is 0: no line is missing from what adds up.
LINES: Final = """
    bounds AS (
        SELECT
            coalesce($from_::DATE, (SELECT min(day) FROM moved)) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    ),
    part AS (
        SELECT
            moved.* REPLACE (CASE WHEN kind IN ('contraction', 'churn') THEN -amount ELSE amount END AS amount),
            kind AS figure
        FROM moved, bounds
        WHERE day BETWEEN first AND last
        UNION ALL
        SELECT moved.*, 'start_mrr' FROM moved, bounds WHERE day < first
        UNION ALL
        SELECT moved.*, 'end_mrr' FROM moved, bounds WHERE day <= last
    ),
    line AS (
        SELECT figure, currency, step, rule, NULL::DATE AS day, NULL::UUID AS subscription_id, position, amount
        FROM part
        WHERE rule = 'from'
        UNION ALL
        SELECT figure, currency, step, rule, day, subscription_id, position, amount FROM part WHERE rule <> 'from'
        UNION ALL
        SELECT figure, currency, step + 1, next_rule, day, subscription_id, position, -amount
        FROM part
        WHERE next_rule <> 'to'
        UNION ALL
        SELECT figure, currency, 1000, 'to', NULL, NULL, position, amount FROM part WHERE next_rule = 'to'
        UNION ALL
        SELECT figure, currency, place, called, NULL, NULL, NULL, 0
        FROM (SELECT DISTINCT figure, currency FROM part)
        CROSS JOIN (VALUES (0, 'from'), (1000, 'to')) AS ends (place, called)
    )"""
"""Common table expressions over `moved`: `line` holds what each movement adds to the lines of each figure."""

FIGURE: Final = Column(
    "figure",
    "dimension",
    "text",
    "start_mrr, new, expansion, reactivation, contraction, churn or end_mrr.",
)
SWITCH: Final = Column("switch", "dimension", "text", "from, the switch that makes the difference, or to.")
AMOUNT: Final = money(
    "amount",
    "activity",
    "The figure, or by how much the switch changes it; it may be summed within a figure.",
)
SWITCHES: Final = (
    "Switches: statuses (which count), metered (what was used), coupons (those that end), churn_at (until the paid "
    "cycle ends), short_stays (within one month), unit (only the last subscription's end is churn), grouping_minutes "
    "(changes within the hour are one), reactivation_days (how late one may come back)."
)

_BRIDGE: Final = define(
    "mrr_bridge",
    "From one profile's MRR to another's",
    "The figures of one period under two definition profiles, and between them what makes the difference: movement by "
    "movement, each with the switch that does it. The line `from` and those of the switches add up to the line `to`, "
    f"to the minor unit; either end stands there also where it is 0. {SWITCHES}",
    BridgeParameters,
    (
        FIGURE,
        CURRENCY,
        SWITCH,
        Column("day", "dimension", "date", "Day of the movement, UTC; empty of from and to."),
        Column("subscription", "dimension", "text", "Subscription; empty of from and to."),
        AMOUNT,
    ),
    rows=f"""
        WITH {MOVED},{LINES}
        SELECT
            figure,
            currency,
            rule AS switch,
            day,
            subscription_id::VARCHAR AS subscription,
            sum(amount)::BIGINT AS amount
        FROM line
        WHERE $figure::VARCHAR IS NULL OR figure = $figure
        GROUP BY figure, currency, step, rule, day, subscription_id
        HAVING sum(amount) <> 0 OR rule IN ('from', 'to')
        ORDER BY figure, currency, step, day, subscription
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {MOVED},{LINES}
        SELECT position, sum(amount)::BIGINT AS weight
        FROM line
        WHERE
            figure = $cell_figure
            AND currency = $cell_currency
            AND rule = $cell_switch
            AND day IS NOT DISTINCT FROM $cell_day::DATE
            AND subscription_id::VARCHAR IS NOT DISTINCT FROM $cell_subscription::VARCHAR
            AND ($figure::VARCHAR IS NULL OR figure = $figure)
        GROUP BY position
        HAVING sum(amount) <> 0
    """,  # noqa: S608 - our own SQL
)

BRIDGE_REPORTS: Final[tuple[ReportDefinition, ...]] = (_BRIDGE,)
