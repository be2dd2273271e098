"""The bridge over all customers: one period's MRR under two profiles, and what each switch makes of the difference.

The lines are those of each customer's own bridge, put together: what a switch makes of all is the sum of what it makes
of each, and nothing is left over. Movements under the profiles on the way are kept nowhere, so they are made of all
tellings when they are asked about: what that costs grows with changes of subscriptions, not with what customers do.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from application.ports.analytics import Column
from projections.finance.profiles import USUAL, Profile
from projections.olap.bridge_report import AMOUNT, FIGURE, LINES, SWITCH, SWITCHES, Figure, way
from projections.olap.mrr_sql import CURRENCY, SUBSCRIPTION, ProfileId
from projections.olap.platform.parts import PLACES
from projections.olap.platform.report import PlatformReportDefinition, SpanParameters, info_of


class BridgeParameters(SpanParameters):
    """From which profile to which, which of the figures, and in how many lines."""

    profile: Annotated[ProfileId, Field(description="Definition profile.")] = USUAL
    against: Annotated[
        ProfileId, Field(description="Definition profile that the figures are set beside.")
    ] = "chartmogul-1"
    figure: Annotated[Figure | None, Field(description="Only this figure; all unless given.")] = None
    by: Annotated[
        Literal["switch", "customer", "movement"],
        Field(
            description="A line for each switch; or for each customer whose figures it changes; or for each movement."
        ),
    ] = "switch"

    @model_validator(mode="after")
    def _differ(self) -> Self:
        way(self.profile, self.against)
        return self

    def definitions(self) -> tuple[Profile, ...]:
        """See `way`."""
        return way(self.profile, self.against)


# What no line is parted by is empty in it, and so is everything of the two ends.
_LINES: Final = f"""
    moved AS MATERIALIZED (
        SELECT
            split_part(profile, ' ', 1)::INTEGER AS step,
            split_part(profile, ' ', 2) AS rule,
            split_part(profile, ' ', 3) AS next_rule,
            effective_on AS day,
            currency,
            kind,
            subscription_id,
            tenant_key * {PLACES} + position AS position,
            amount
        FROM mrr_movement
    ),{LINES},
    told AS (
        SELECT
            figure,
            currency,
            step,
            rule,
            CASE $by WHEN 'movement' THEN day END AS day,
            CASE WHEN $by <> 'switch' AND day IS NOT NULL THEN position // {PLACES} END AS tenant_key,
            CASE $by WHEN 'movement' THEN subscription_id END AS subscription_id,
            position AS place,
            amount
        FROM line
        WHERE $figure::VARCHAR IS NULL OR figure = $figure
    )"""  # noqa: S608 - our own SQL

_BRIDGE: Final = PlatformReportDefinition(
    info_of(
        "mrr_bridge",
        "From one profile's MRR to another's, of all customers",
        "The figures of one period under two definition profiles, over all customers, and between them what makes the "
        "difference: by switch, by customer, or movement by movement. The line `from` and those of the switches add up "
        "to the line `to`, to the minor unit; either end stands there also where it is 0. By the days on which changes "
        f"took effect. {SWITCHES}",
        BridgeParameters,
        (
            FIGURE,
            CURRENCY,
            SWITCH,
            Column("day", "dimension", "date", "Day of the movement, UTC; empty unless lines are movements."),
            Column(
                "tenant", "dimension", "text", "Customer, by its id; empty of from and to, and by switch."
            ),
            Column(SUBSCRIPTION.name, "dimension", "text", "Subscription; empty unless lines are movements."),
            AMOUNT,
        ),
    ),
    BridgeParameters,
    rows=f"""
        WITH {_LINES}
        SELECT
            figure,
            currency,
            rule AS switch,
            day,
            tenant_id::VARCHAR AS tenant,
            subscription_id::VARCHAR AS subscription,
            sum(amount)::BIGINT AS amount
        FROM told LEFT JOIN main.dim_tenant USING (tenant_key)
        GROUP BY figure, currency, step, rule, day, tenant_id, subscription_id
        HAVING sum(amount) <> 0 OR rule IN ('from', 'to')
        ORDER BY figure, currency, step, day, tenant, subscription
    """,  # noqa: S608 - our own SQL
    own_events={
        "amount": f"""
        WITH {_LINES}
        SELECT place, sum(amount)::BIGINT AS weight
        FROM told LEFT JOIN main.dim_tenant USING (tenant_key)
        WHERE
            figure = $cell_figure
            AND currency = $cell_currency
            AND rule = $cell_switch
            AND day IS NOT DISTINCT FROM $cell_day::DATE
            AND tenant_id IS NOT DISTINCT FROM $cell_tenant::UUID
            AND subscription_id IS NOT DISTINCT FROM $cell_subscription::UUID
        GROUP BY place
        HAVING sum(amount) <> 0
    """  # noqa: S608 - our own SQL
    },
)
BRIDGE_REPORTS: Final[tuple[PlatformReportDefinition, ...]] = (_BRIDGE,)
