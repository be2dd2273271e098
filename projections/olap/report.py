"""What a report is: its meaning, parameters, columns and SQL.

Report SQL names the fact tables plainly and never the tenant: `query.scoped` puts common table expressions of the same
names in front, which hold one tenant's rows. A report that reaches past them is refused when it is registered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from application.ports.analytics import Column, InvalidParameters, ReportInfo
from domain.kernel.permissions import Permission
from projections.finance.profiles import Profile
from projections.olap.definitions import meaning_of

_PAST_THE_SCOPE: Final = re.compile(
    r"\b(main|temp|system|memory|dim_tenant|positions|meta|tenant_key)\b|\bquery", re.IGNORECASE
)

_YEARS: Final = range(2000, 2100)


def _within(day: date) -> date:
    """Periods are made one by one, as many as lie between two days."""
    if day.year not in _YEARS:
        raise ValueError(
            f"days lie between {_YEARS[0]}-01-01 and {_YEARS[-1]}-12-31; leave it out for the beginning, or for now"
        )
    return day


def _written(given: object, read: ValidatorFunctionWrapHandler) -> date:
    """Who writes a month, or a day in another way, is told how a day is written."""
    try:
        day: date = read(given)
    except ValidationError:
        raise ValueError("write a day as YYYY-MM-DD, such as 2026-11-30") from None
    return day


Day = Annotated[date, WrapValidator(_written), AfterValidator(_within)]
"""A day that a report can be asked from, or to."""


class Parameters(BaseModel):
    """Base of what reports take: all of them answer as of any position. `query.scoped` sees to it, not their SQL."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    at_position: Annotated[
        int | None, Field(ge=0, description="As of this position of the log; as of now unless given.")
    ] = None

    def definitions(self) -> tuple[Profile, ...] | None:
        """Under which definition profiles derived models are made anew for this question; None: as they are kept."""
        return None


class DaysParameters(Parameters):
    """Which days; bound as `$from_` and `$to`."""

    from_: Annotated[
        Day | None, Field(alias="from", description="First day (UTC); from the beginning unless given.")
    ] = None
    to: Annotated[Day | None, Field(description="Last day (UTC), included; until now unless given.")] = None

    @field_validator("to")
    @classmethod
    def _in_order(cls, to: date | None, given: ValidationInfo) -> date | None:
        from_ = given.data.get("from_")
        if from_ is not None and to is not None and from_ > to:
            raise ValueError("to lies before from; exchange them")
        return to


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """A report with its SQL.

    `rows` selects `columns` in order; `events` selects (position, weight) of the events behind the cell whose
    dimensions are bound as `$cell_<name>`: of its first measure, or of the one bound as `$cell_measure`. The parameters
    are bound as `$<name>`; `$last_day` is the day of the last event that the answer is made from.
    """

    info: ReportInfo
    parameters: type[Parameters]
    rows: str
    events: str

    @property
    def opened(self) -> tuple[str, ...]:
        """The measures whose cells open to events; the first is meant unless another is named."""
        measures = [
            column.name for column in self.info.columns if column.kind == "measure" and not column.parts
        ]
        return tuple(measures if "$cell_measure" in self.events else measures[:1])

    def read(self, parameters: Mapping[str, object]) -> Parameters:
        """The parameters, typed. Raises `InvalidParameters`."""
        try:
            return self.parameters.model_validate(parameters)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            raise InvalidParameters(
                tuple(
                    (
                        "".join(f"/{part}" for part in problem["loc"]),
                        problem["msg"].removeprefix("Value error, "),
                    )
                    for problem in problems
                )
            ) from None

    def __post_init__(self) -> None:
        """Refuse SQL that could see more than one tenant's rows."""
        for text in (self.rows, self.events):
            found = _PAST_THE_SCOPE.search(text)
            if found:
                raise ValueError(
                    f"report {self.info.name}: SQL must not name {found[0]!r}; use the fact tables plainly"
                )


def of_rows_shown(rows: str, events: str, dimensions: tuple[Column, ...]) -> str:
    """The events behind a cell, where the report shows its row; none where it does not.

    For rows that are named by words which follow from their figures, such as whether a target was attained: what is
    behind the figures is behind one such row alone, that of the words which hold.
    """
    named = " AND ".join(
        f'shown."{one.name}" IS NOT DISTINCT FROM $cell_{one.name}::{"DATE" if one.unit == "date" else "VARCHAR"}'
        for one in dimensions
    )
    return f"SELECT * FROM ({events}) WHERE EXISTS (SELECT 1 FROM ({rows}) AS shown WHERE {named})"  # noqa: S608 - our own SQL


def define(
    name: str,
    title: str,
    about: str,
    parameters: type[Parameters],
    columns: tuple[Column, ...],
    *,
    rows: str,
    events: str,
    permission: Permission = Permission.REPORTS_READ,
    named_by_words: bool = False,
    reaches_ahead: bool = False,
) -> ReportDefinition:
    """A report that everybody sees who may read reports, unless it needs another permission.

    `named_by_words`: some dimensions follow from the figures, and `events` asks of the others only. Raises `ValueError`
    where its definition is not written, or a measure does not say how it adds up.
    """
    unmarked = [column.name for column in columns if column.kind == "measure" and column.nature is None]
    if unmarked:
        raise ValueError(
            f"report {name}: say of {', '.join(unmarked)} whether they are balances or activities"
        )
    if named_by_words:
        dimensions = tuple(column for column in columns if column.kind == "dimension")
        events = of_rows_shown(rows, events, dimensions)
    takes, means = parameters.model_json_schema(), meaning_of(name)
    info = ReportInfo(name, title, about, permission.value, columns, takes, means, reaches_ahead)
    return ReportDefinition(info, parameters, rows, events)
