"""Targets: what a figure should be in a period, said by people; reports set them beside what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias, assert_never

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.finance.calendar import kind_of
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import TargetId
from domain.kernel.permissions import Permission
from domain.kernel.text import LineText

_SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")


class Comparison(StrEnum):
    """When a target is met."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    RANGE = "range"


class TargetSet(Event, name="finance.target_set", version=1):
    """A target stands from now on, in place of the one before under its id.

    `value`, and `value_to` of a range, are decimals as they were written; `period` None: every period. `source` says
    where a target was taken from.
    """

    target_id: TargetId
    metric: str
    period_kind: str
    period: str | None
    segment: str | None
    comparison: str
    value: str
    value_to: str | None
    unit: str
    source: str | None


class TargetWithdrawn(Event, name="finance.target_withdrawn", version=1):
    """Nobody aims at it any more."""

    target_id: TargetId


class TargetsAdopted(Event, name="finance.targets_adopted", version=1):
    """The targets of a template were set, those that had not been set before."""

    template: str
    target_ids: list[TargetId]


TargetEvent: TypeAlias = TargetSet | TargetWithdrawn


@dataclass(frozen=True, slots=True)
class NoTarget:
    """No target has this id."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target as it was set last."""

    said: TargetSet
    withdrawn: bool = False


TargetState: TypeAlias = NoTarget | Target


def evolve(state: TargetState, event: TargetEvent) -> TargetState:
    """The target after `event`."""
    if isinstance(event, TargetSet):
        return Target(event)
    if isinstance(state, NoTarget):
        return state
    match event:
        case TargetWithdrawn():
            return Target(state.said, withdrawn=True)
        case _:
            assert_never(event)


class RangeIncomplete(Refusal):
    """A range goes from `value` to `value_to`, which is larger; other targets have `value` alone. Say both, or one."""

    code = "target-range-incomplete"
    kind = RefusalKind.INVALID
    field = "/value_to"


class MetricUnknown(Refusal):
    """A target is of a metric of the catalogue. Name one of those that the detail lists."""

    code = "metric-unknown"
    kind = RefusalKind.INVALID
    field = "/metric"


class TargetIsOfAnother(Refusal):
    """A target keeps its metric, its period and its segment. Withdraw it, and set another one."""

    code = "target-of-another-figure"


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise ValueError("write it in lower case with underscores, as mrr or gross_margin")
    return text


def _decimal(text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("write a decimal as 25000 or 99.5, with at most six digits after the point")
    return text


def _period(text: str) -> str:
    kind_of(text)
    return text


Slug = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_SLUG.pattern}$", "examples": ["mrr"]}),
    AfterValidator(_slug),
]
DecimalText = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_DECIMAL.pattern}$", "examples": ["25000"]}),
    AfterValidator(_decimal),
]
PeriodText = Annotated[
    str,
    Field(json_schema_extra={"pattern": "^20[0-9]{2}(?:-(?:Q[1-4]|0[1-9]|1[0-2]))?$"}),
    AfterValidator(_period),
]


class SetTarget(Command, context="finance", stream="target", permission=Permission.FINANCE_PLAN):
    """Say what a figure should be: in a month, a quarter or a year, or (without a period) always.

    `metric` is one of the catalogue, by its name there; `unit` what it is counted in, such as USD or percent. Under the
    id of a target that is there, its value, unit and comparison change.
    """

    metric: Slug
    period: PeriodText | None = None
    segment: Slug | None = None
    comparison: Comparison = Comparison.AT_LEAST
    value: DecimalText
    value_to: DecimalText | None = None
    unit: LineText
    source: LineText | None = None


class WithdrawTarget(Command, context="finance", stream="target", permission=Permission.FINANCE_PLAN):
    """Aim at it no more; what was aimed at until now stays in the log."""


class AdoptTargets(Command, context="finance", stream="target_template", permission=Permission.FINANCE_PLAN):
    """Set the targets of a template, each under an id of its own. Adopted again, only what is missing is set.

    The id is your tenant's.
    """

    template: Literal["strategic-planning-framework"]


TargetCommand: TypeAlias = SetTarget | WithdrawTarget


class TemplateTarget(BaseModel):
    """One target of a template: `key` is its name in there, `source` the sentence that it was taken from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Slug
    metric: Slug
    period: PeriodText | None = None
    segment: Slug | None = None
    comparison: Comparison = Comparison.AT_LEAST
    value: DecimalText
    value_to: DecimalText | None = None
    unit: LineText
    source: LineText


def target_set(target_id: TargetId, said: SetTarget | TemplateTarget) -> TargetSet:
    """The event that sets a target. Raises `RangeIncomplete`."""
    ranged = said.comparison is Comparison.RANGE
    if ranged is not (said.value_to is not None) or (
        said.value_to is not None and Decimal(said.value_to) <= Decimal(said.value)
    ):
        raise RangeIncomplete
    return TargetSet(
        target_id=target_id,
        metric=said.metric,
        period_kind=kind_of(said.period),
        period=said.period,
        segment=said.segment,
        comparison=said.comparison,
        value=said.value,
        value_to=said.value_to,
        unit=said.unit,
        source=said.source,
    )


def decide(command: TargetCommand, state: TargetState) -> tuple[Event, ...]:
    """What a command does to a target."""
    match command:
        case SetTarget():
            event = target_set(TargetId(command.stamp.target), command)
            if isinstance(state, Target):
                before = state.said
                if (before.metric, before.period, before.segment) != (
                    event.metric,
                    event.period,
                    event.segment,
                ):
                    raise TargetIsOfAnother
                if event == before and not state.withdrawn:
                    return ()
            return (event,)
        case WithdrawTarget():
            if isinstance(state, NoTarget):
                raise NotFound
            return () if state.withdrawn else (TargetWithdrawn(target_id=state.said.target_id),)
        case _:
            assert_never(command)


@dataclass(frozen=True, slots=True)
class Adopted:
    """The templates that were adopted."""

    templates: frozenset[str] = frozenset()


def evolve_adopted(state: Adopted, event: TargetsAdopted) -> Adopted:
    """What is adopted after `event`."""
    return Adopted(state.templates | {event.template})


def measured(metric: str, catalogue: Iterable[str]) -> None:
    """Let a metric be one of the catalogue. Raises `MetricUnknown`, which names the nearest, and all of them."""
    known = sorted(catalogue)
    if metric in known:
        return
    near = get_close_matches(metric, known, n=2)
    nearest = f" The nearest: {' and '.join(near)}." if near else ""
    raise MetricUnknown(
        f"There is no such metric.{nearest} The catalogue has {', '.join(known)}.", nearest=near
    )


TARGET: Final[Decider[TargetState]] = Decider(
    category="target", initial=NoTarget(), evolve=evolve, decide=decide
)
TARGET_TEMPLATE: Final[Decider[Adopted]] = Decider(
    category="target_template", initial=Adopted(), evolve=evolve_adopted
)
