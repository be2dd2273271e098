"""What the reports of monthly recurring revenue share: parameters, columns and SQL."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from application.ports.analytics import Column
from projections.finance.profiles import PROFILES, USUAL, Profile
from projections.olap.report import DaysParameters


def _known(profile: str) -> str:
    if profile not in PROFILES:
        raise ValueError(f"there is no such profile; name one of {', '.join(PROFILES)}")
    return profile


ProfileId = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(PROFILES)})]
"""A definition profile that there is."""


class MrrParameters(DaysParameters):
    """Which days, under which definitions, and by which dates."""

    profile: Annotated[ProfileId, Field(description="Definition profile.")] = USUAL
    dating: Annotated[
        Literal["effective", "posting"],
        Field(
            description="By the days on which changes took effect, or by those on which they were posted: what became "
            "known after a month was closed is posted in the first open one."
        ),
    ] = "posting"

    def definitions(self) -> tuple[Profile, ...] | None:
        """The profile asked for, where another history than the present one is."""
        return None if self.at_position is None else (PROFILES[self.profile],)


class GrainParameters(MrrParameters):
    """The same, by day, week or month."""

    grain: Annotated[
        Literal["day", "week", "month"], Field(description="How long a period is; weeks begin on Monday.")
    ] = "month"


KINDS: Final = ("new", "expansion", "reactivation", "contraction", "churn")
CURRENCY: Final = Column(
    "currency", "dimension", "currency", "Currency, ISO 4217; amounts of two are never added."
)
PERIOD: Final = Column(
    "period",
    "dimension",
    "date",
    "First day of the day, week or month, UTC; the first and last may be cut short.",
)
SUBSCRIPTION: Final = Column("subscription", "dimension", "text", "Subscription.")


def money(name: str, nature: Literal["balance", "activity"], about: str) -> Column:
    """A measure in minor units."""
    return Column(name, "measure", "minor units", about, nature)


def ratio(name: str, about: str, numerator: str, denominator: str, unit: str = "percent") -> Column:
    """A measure that is a ratio of two others, empty where the lower one is not above 0."""
    return Column(name, "measure", unit, about, "ratio", (numerator, denominator))


def positive(denominator: str) -> str:
    """What a ratio is divided by, as SQL: NULL unless it is above 0, for a loss by a loss is no profit."""
    return f"CASE WHEN {denominator} > 0 THEN ({denominator}) END"


def percent(above: str, below: str) -> str:
    """A share in percent, as SQL. Every report has it from here, so that one figure has one value to its last digit."""
    return f"100.0::DOUBLE * {above} / {positive(below)}"


START: Final = money("start_mrr", "balance", "MRR at the end of the day before the period.")
END: Final = money("end_mrr", "balance", "MRR at the end of the period.")
MOVEMENTS: Final = (
    money("new", "activity", "MRR of new customers."),
    money("expansion", "activity", "MRR by which customers who pay came to pay more."),
    money("reactivation", "activity", "MRR of customers who came back."),
    money(
        "contraction",
        "activity",
        "MRR by which customers came to pay less, without leaving; it is subtracted.",
    ),
    money("churn", "activity", "MRR that went with those who left; it is subtracted."),
)

CHANGES: Final = """
    moved AS MATERIALIZED (
        SELECT
            tenant,
            CASE $dating WHEN 'posting' THEN posted_on ELSE effective_on END AS day,
            effective_on,
            posted_on,
            currency,
            kind,
            subscription_id,
            position,
            amount
        FROM mrr_movement
        WHERE profile = $profile
    )"""
MOVED: Final = f"""{CHANGES},
    bounds AS (
        SELECT
            coalesce($from_::DATE, (SELECT min(day) FROM moved)) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    )"""  # noqa: S608 - our own SQL


def periods(grain: str) -> str:
    """The periods from the first day to the last. `grain`: a text of SQL that says day, week or month."""
    return f"""{MOVED},
    period AS MATERIALIZED (
        SELECT
            begins AS period,
            greatest(begins, first) AS first,
            least(
                (
                    begins + CASE {grain}
                        WHEN 'month' THEN INTERVAL 1 MONTH
                        WHEN 'week' THEN INTERVAL 7 DAY
                        ELSE INTERVAL 1 DAY
                    END
                )::DATE - 1,
                last
            ) AS last
        FROM (
            SELECT first, last, begins::DATE AS begins
            FROM (
                SELECT
                    first,
                    last,
                    unnest(
                        generate_series(
                            date_trunc({grain}, first)::TIMESTAMP,
                            last::TIMESTAMP,
                            CASE {grain}
                                WHEN 'month' THEN INTERVAL 1 MONTH
                                WHEN 'week' THEN INTERVAL 7 DAY
                                ELSE INTERVAL 1 DAY
                            END
                        )
                    ) AS begins
                FROM bounds
            )
        )
    )"""  # noqa: S608 - our own SQL


FLOWS: Final = ",\n            ".join(
    [
        "coalesce(sum(amount) FILTER (day < first), 0)::BIGINT AS start_mrr",
        *(
            f"coalesce(sum({sign}amount) FILTER (kind = '{kind}' AND day >= first), 0)::BIGINT AS {kind}"
            for kind, sign in zip(KINDS, ("", "", "", "-", "-"), strict=True)
        ),
        "sum(amount)::BIGINT AS end_mrr",
    ]
)
"""Start, movements and end of each period, of movements up to its last day."""

FLOW_WEIGHT: Final = """
                CASE
                    WHEN $cell_measure = 'end_mrr' THEN amount
                    WHEN $cell_measure = 'start_mrr' THEN CASE WHEN day < first THEN amount END
                    WHEN kind = $cell_measure AND day >= first
                        THEN CASE WHEN kind IN ('contraction', 'churn') THEN -amount ELSE amount END
                END"""
"""What a movement adds to the measure that is opened."""
