"""What a report of the whole platform is: figures by period and currency, each a sum of parts or a ratio of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from application.ports.analytics import Column, ReportInfo
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from projections.finance.profiles import USUAL
from projections.olap.definitions import meaning_of
from projections.olap.mrr_sql import ProfileId
from projections.olap.platform.opened import opened
from projections.olap.platform.parts import FAMILY, told
from projections.olap.report import Day

Sum = Mapping[str, int]
"""Parts, each with its factor."""


class MomentParameters(BaseModel):
    """As of when."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    at_time: Annotated[
        Moment | None,
        Field(
            description="As of this moment: each log up to the last event that was recorded by then; now unless given."
        ),
    ] = None

    @field_validator("at_time")
    @classmethod
    def _in_utc(cls, at_time: datetime | None) -> datetime | None:
        return None if at_time is None else at_time.astimezone(UTC)


class SpanParameters(MomentParameters):
    """Which days, and as of when; bound as `$from_` and `$to`."""

    from_: Annotated[
        Day | None,
        Field(alias="from", description="A day (UTC) of the first period; the beginning unless given."),
    ] = None
    to: Annotated[
        Day | None, Field(description="A day (UTC) of the last period; until now unless given.")
    ] = None

    @field_validator("to")
    @classmethod
    def _in_order(cls, to: date | None, given: ValidationInfo) -> date | None:
        from_ = given.data.get("from_")
        if from_ is not None and to is not None and from_ > to:
            raise ValueError("to lies before from; exchange them")
        return to


class PeriodParameters(SpanParameters):
    """The same, by periods of a length."""

    grain: Annotated[Literal["month", "quarter", "year"], Field(description="How long a period is.")] = (
        "month"
    )


class ProfileParameters(PeriodParameters):
    """The same, under a definition profile."""

    profile: Annotated[ProfileId, Field(description="Definition profile.")] = USUAL


@dataclass(frozen=True, slots=True)
class PlatformReportDefinition:
    """A report with its SQL.

    `rows` selects `info.columns` in order, over the relations that `relations.scoped` gives. `sums` says of each
    measure that opens which parts it is the sum of. `own_events` has the SQL (place, weight) of the measures of a
    report that is no table of sums; in it `$cell_<name>` are the row's dimensions. `by_metric`: the sums of a
    scorecard, by metric and measure.
    """

    info: ReportInfo
    parameters: type[MomentParameters]
    rows: str
    sums: Mapping[str, Sum] = field(default_factory=dict)
    families: tuple[str, ...] = ()
    own_events: Mapping[str, str] = field(default_factory=dict)
    by_metric: Mapping[str, Mapping[str, Sum]] = field(default_factory=dict)

    @property
    def opens(self) -> tuple[str, ...]:
        """The measures whose cells open to events; the first is meant unless another is named."""
        return tuple(self.sums) or tuple(self.own_events) or ("numerator", "denominator")

    def events(self, measure: str, metric: str | None = None) -> str:
        """The SQL of the events behind a measure of a cell; of a scorecard, behind that of a metric."""
        if measure in self.own_events:
            return self.own_events[measure]
        sums = self.by_metric.get(metric or "", {}) if self.by_metric else self.sums
        return opened(sums[measure], self.families) if measure in sums else _NOTHING


_NOTHING: Final = "SELECT 0::BIGINT AS place, 0::BIGINT AS weight WHERE false"
PERIOD: Final = Column("period", "dimension", "date", "First day of the period, UTC; the last may be open.")
CURRENCY: Final = Column(
    "currency", "dimension", "currency", "Currency, ISO 4217; amounts of two are never added."
)


def info_of(
    name: str, title: str, about: str, parameters: type[MomentParameters], columns: tuple[Column, ...]
) -> ReportInfo:
    """What is told of a report."""
    permission = Permission.PLATFORM_REPORTS_READ.value
    means = meaning_of(f"platform/{name}")
    return ReportInfo(name, title, about, permission, columns, parameters.model_json_schema(), means)


def families_of(sums: Mapping[str, Sum]) -> tuple[str, ...]:
    """The families of all parts of some sums."""
    return tuple(dict.fromkeys(FAMILY[part] for parts in sums.values() for part in parts))


def summed(sums: Mapping[str, Sum]) -> str:
    """Select expressions over `told`: each measure as the sum of its parts."""
    return ",\n            ".join(
        "coalesce(sum(CASE part "
        + " ".join(f"WHEN '{part}' THEN {factor} * amount" for part, factor in parts.items())
        + f" END), 0)::BIGINT AS {measure}"
        for measure, parts in sums.items()
    )


def of_sums(
    name: str,
    title: str,
    about: str,
    columns: tuple[Column, ...],
    sums: Mapping[str, Sum],
    ratios: Mapping[str, str],
    *,
    parameters: type[MomentParameters] = ProfileParameters,
    without_currency: bool = False,
) -> PlatformReportDefinition:
    """A report of sums and ratios by period and currency. `ratios`: expressions over the sums, by measure or dimension.

    The columns are told without period and currency, which all begin with. A row is there for each period in which a
    part is told at all.
    """
    families = families_of(sums)
    dimensions = (PERIOD,) if without_currency else (PERIOD, CURRENCY)
    keys = ", ".join(one.name for one in dimensions)
    chosen = ",\n            ".join(
        f"{ratios[one.name]} AS {one.name}" if one.name in ratios else one.name for one in columns
    )
    rows = f"""
        WITH {told(families)},
        summed AS (
            SELECT
                period,
                currency,
            {summed(sums)}
            FROM told
            GROUP BY period, currency
        )
        SELECT
            {keys},
            {chosen}
        FROM summed
        ORDER BY {keys}
    """  # noqa: S608 - our own SQL
    info = info_of(name, title, about, parameters, (*dimensions, *columns))
    return PlatformReportDefinition(info, parameters, rows, sums, families)
