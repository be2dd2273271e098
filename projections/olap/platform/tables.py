"""The reports of all customers that are tables of their own: every change, cohorts, what was done, what was used."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from application.ports.analytics import Column
from projections.finance.profiles import USUAL
from projections.olap.mrr_sql import CURRENCY, SUBSCRIPTION, ProfileId, money, percent, ratio
from projections.olap.platform.parts import PLACES, held, spans
from projections.olap.platform.report import PlatformReportDefinition, SpanParameters, info_of

_PLACE: Final = f"tenant_key * {PLACES} + position"
_TENANT: Final = Column("tenant", "dimension", "text", "Customer, by its id.")
_MONTH: Final = Column("month", "dimension", "date", "First day of the month, UTC; the last may be open.")


class MovementParameters(SpanParameters):
    """Which days, under which definitions, and as of when."""

    profile: Annotated[ProfileId, Field(description="Definition profile.")] = USUAL


_WITHIN: Final = """
            ($from_::DATE IS NULL OR {day} >= $from_::DATE)
            AND {day} <= coalesce($to::DATE, $last_day::DATE)"""
_MOVED: Final = f"""
        FROM mrr_movement
        JOIN main.dim_tenant USING (tenant_key)
        WHERE
            profile = $profile AND {_WITHIN.format(day="effective_on")}"""
_CHANGES: Final = PlatformReportDefinition(
    info_of(
        "mrr_changes",
        "Every change of MRR, of all customers",
        "Each change of each subscription's monthly recurring revenue by the day on which it took effect, with the "
        "customer. An activity: amounts of one currency may be summed; contraction and churn are below zero.",
        MovementParameters,
        (
            Column("effective_on", "dimension", "date", "Day on which it took effect, UTC."),
            CURRENCY,
            Column("kind", "dimension", "text", "new, expansion, reactivation, contraction or churn."),
            _TENANT,
            SUBSCRIPTION,
            money("amount", "activity", "By how much MRR changed, with its sign."),
        ),
    ),
    MovementParameters,
    rows=f"""
        SELECT
            effective_on,
            currency,
            kind,
            tenant_id::VARCHAR AS tenant,
            subscription_id::VARCHAR AS subscription,
            sum(amount)::BIGINT AS amount
        {_MOVED}
        GROUP BY ALL
        HAVING sum(amount) <> 0
        ORDER BY ALL
    """,
    own_events={
        "amount": f"""
        SELECT {_PLACE} AS place, sum(amount)::BIGINT AS weight
        {_MOVED}
            AND effective_on = $cell_effective_on::DATE
            AND currency = $cell_currency
            AND kind = $cell_kind
            AND tenant_id = $cell_tenant::UUID
            AND subscription_id = $cell_subscription::UUID
        GROUP BY place
        HAVING sum(amount) <> 0
    """
    },
)

_BEGUN: Final = """
    begun AS (
        SELECT tenant_key, currency, min(period) AS cohort FROM cohort_held GROUP BY ALL
    )"""
_COHORTED: Final = f"""
    {spans(("moving",)).replace("$grain", "'month'")},
    {held("cohort", "'month'")},
    {_BEGUN},
    flow AS (
        SELECT
            cohort,
            currency,
            period,
            sum(ended - opened) AS change,
            sum(CASE WHEN period = cohort THEN ended - opened END) AS began,
            count(*) FILTER (opened <= 0 AND ended > 0) - count(*) FILTER (opened > 0 AND ended <= 0) AS paying,
            count(*) FILTER (period = cohort) AS customers
        FROM cohort_held
        JOIN begun USING (tenant_key, currency)
        GROUP BY ALL
    )"""  # noqa: S608 - our own SQL
_OF_COHORT: Final = f"""
    {spans(("moving",)).replace("$grain", "'month'")},
    {held("cohort", "'month'")},
    {_BEGUN},
    moved AS MATERIALIZED (
        SELECT tenant_key, {_PLACE} AS place, effective_on AS day, sum(amount) AS amount
        FROM mrr_movement
        WHERE
            profile = $profile
            AND currency = $cell_currency
            AND effective_on <= (SELECT last FROM past WHERE period = $cell_month::DATE)
            AND tenant_key IN (
                SELECT tenant_key FROM begun WHERE cohort = $cell_cohort::DATE AND currency = $cell_currency
            )
        GROUP BY ALL
        HAVING sum(amount) <> 0
    ),
    each_one AS (SELECT max(place) AS place, sum(amount) AS mrr FROM moved GROUP BY tenant_key)"""  # noqa: S608 - our own SQL


def _of_cohort(rows: str) -> str:
    return f"WITH {_OF_COHORT} {rows}"


_COHORTS: Final = PlatformReportDefinition(
    info_of(
        "cohorts",
        "Cohorts by the month they began in, of all customers",
        "Of the customers whose MRR in a currency began in a month, what is left of it at the end of each later month, "
        "and how many of them still pay. Balances: not to be summed over months.",
        MovementParameters,
        (
            Column(
                "cohort", "dimension", "date", "First day of the month in which the customers began, UTC."
            ),
            CURRENCY,
            _MONTH,
            money("mrr", "balance", "MRR of the cohort at the end of the month."),
            money("began_with", "balance", "Its MRR at the end of the month in which it began."),
            ratio("mrr_kept", "Revenue retention: mrr / began_with.", "mrr", "began_with"),
            Column(
                "paying", "measure", "customers", "Customers of the cohort who pay at the end.", "balance"
            ),
            Column("customers", "measure", "customers", "Customers of the cohort.", "balance"),
            ratio("logos_kept", "Logo retention: paying / customers.", "paying", "customers"),
        ),
    ),
    MovementParameters,
    rows=f"""
        WITH {_COHORTED},
        held AS (
            SELECT
                cohort,
                currency,
                past.period AS month,
                sum(change)::BIGINT AS mrr,
                coalesce(sum(began), 0)::BIGINT AS began_with,
                sum(paying)::BIGINT AS paying,
                sum(customers)::BIGINT AS customers
            FROM past
            JOIN flow ON flow.period <= past.period
            GROUP BY cohort, currency, past.period
        )
        SELECT
            cohort,
            currency,
            month,
            mrr,
            began_with,
            {percent("mrr", "began_with")} AS mrr_kept,
            paying,
            customers,
            {percent("paying", "customers")} AS logos_kept
        FROM held
        ORDER BY cohort, currency, month
    """,  # noqa: S608 - our own SQL
    own_events={
        "mrr": _of_cohort("SELECT place, amount::BIGINT AS weight FROM moved"),
        "began_with": _of_cohort(
            "SELECT place, amount::BIGINT AS weight FROM moved "
            "WHERE date_trunc('month', day)::DATE = $cell_cohort::DATE"
        ),
        "paying": _of_cohort("SELECT place, 1 AS weight FROM each_one WHERE mrr > 0"),
        "customers": _of_cohort("SELECT place, 1 AS weight FROM each_one"),
    },
)

_DONE: Final = _WITHIN.format(day="day")
_ACTIVITY: Final = PlatformReportDefinition(
    info_of(
        "activity",
        "Activity of all customers",
        "How many events each kind of actor caused, over all logs, by day (UTC) and context. An activity: days may be "
        "summed.",
        SpanParameters,
        (
            Column("day", "dimension", "date", "Day on which the events were recorded, UTC."),
            Column(
                "context", "dimension", "text", "Part of the product, the first half of the event's name."
            ),
            Column(
                "actor_kind", "dimension", "text", "Who acted: api_key, member, staff, workflow or system."
            ),
            Column("events", "measure", "events", "Number of events.", "activity"),
            Column(
                "tenants", "measure", "customers", "Logs in which there are any.", "statistic", ("events",)
            ),
        ),
    ),
    SpanParameters,
    rows=f"""
        SELECT day, context, actor_kind, sum(events)::BIGINT AS events, count(DISTINCT tenant_key) AS tenants
        FROM fact_event_daily
        WHERE {_DONE}
        GROUP BY ALL
        ORDER BY day, context, actor_kind
    """,  # noqa: S608 - our own conditions
    own_events={
        "events": f"""
        SELECT {_PLACE} AS place, 1 AS weight
        FROM fact_event
        WHERE day = $cell_day::DATE AND context = $cell_context AND actor_kind = $cell_actor_kind AND {_DONE}
    """  # noqa: S608 - our own conditions
    },
)

_METERS: Final = {
    "emails": (("audience.message_dispatched",), ()),
    "users": (
        ("tenancy.tenant_opened", "tenancy.member_invited"),
        ("tenancy.invitation_revoked", "tenancy.member_removed"),
    ),
    "workspaces": (("tenancy.workspace_created",), ("tenancy.workspace_archived",)),
}
_COUNTS: Final = ", ".join(
    f"('{name}', '{meter}', {sign})"
    for meter, ends in _METERS.items()
    for sign, names in zip((1, -1), ends, strict=True)
    for name in names
)
_METER: Final = f"(VALUES {_COUNTS}) AS counts (name, meter, sign)"
_USED: Final = f"""
        FROM {{facts}}
        JOIN {_METER} USING (name)
        WHERE {_DONE}"""


def _usage_events(weight: str) -> str:
    used = _USED.format(facts="fact_event")
    return f"""
        SELECT {_PLACE} AS place, {weight} AS weight
        {used}
            AND date_trunc('month', day)::DATE = $cell_month::DATE
            AND meter = $cell_meter
            AND {weight} <> 0
    """


_USAGE: Final = PlatformReportDefinition(
    info_of(
        "usage",
        "Usage of all customers by month and meter",
        "How much came to be used of each meter in a month, and how much was given up, over all logs, by the day of "
        "the record (UTC). Of messages, net is what the month used; users and workspaces stand from month to month.",
        SpanParameters,
        (
            _MONTH,
            Column("meter", "dimension", "text", "What is used: users, workspaces or emails."),
            Column("net", "measure", "units", "What was taken, less what was given up.", "activity"),
            Column("taken", "measure", "units", "What came to be used.", "activity"),
            Column("released", "measure", "units", "What was given up.", "activity"),
        ),
    ),
    SpanParameters,
    rows=f"""
        SELECT
            date_trunc('month', day)::DATE AS month,
            meter,
            sum(sign * events)::BIGINT AS net,
            coalesce(sum(events) FILTER (sign > 0), 0)::BIGINT AS taken,
            coalesce(sum(events) FILTER (sign < 0), 0)::BIGINT AS released
        {_USED.format(facts="fact_event_daily")}
        GROUP BY ALL
        ORDER BY month, meter
    """,
    own_events={
        "net": _usage_events("sign"),
        "taken": _usage_events("greatest(sign, 0)"),
        "released": _usage_events("greatest(-sign, 0)"),
    },
)
TABLE_REPORTS: Final[tuple[PlatformReportDefinition, ...]] = (_CHANGES, _COHORTS, _ACTIVITY, _USAGE)
