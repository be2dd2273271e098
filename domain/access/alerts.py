"""Alerts on the access log: which stretches of one reader's reading a rule tells, told once, and acknowledged.

There is one stream to a log, under the tenant's own id: its rules, for how long each is quiet about a reader, and the
alerts that nobody acknowledged. The rules see entries alone, in their order: what is told follows from the log.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field

from domain.access.policy import LONGEST_MINUTES, AlertRule, Counted, Hour, RuleName, policy
from domain.access.refusals import AlertNotOpen, OwnReadsNeedAnother, RuleUnfit, reviewer
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound
from domain.kernel.events import Event
from domain.kernel.ids import derived_id
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.text import LongText
from domain.reporting.timing import ZoneName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.access.entries import Entry


class AlertRaised(Event, name="access.alert_raised", version=1):
    """One reader's reading fits a rule: from `first_position` to `last_position` of the access log.

    `measured` is what the rule adds up, and `threshold` from when on it tells. Until `quiet_until` it tells nothing
    more of this reader.
    """

    alert_id: UUID
    rule: str
    reader_id: UUID
    staff: bool
    counts: str
    measured: int
    threshold: int
    minutes: int
    epoch: int
    first_position: int
    last_position: int
    first_at: datetime
    last_at: datetime
    quiet_until: datetime


class AlertAcknowledged(Event, name="access.alert_acknowledged", version=1, subject="acknowledged_by"):
    """Somebody looked into an alert."""

    alert_id: UUID
    acknowledged_by: UUID
    reason: Evidence[str]


class AlertRuleSet(Event, name="access.alert_rule_set", version=1):
    """The tenant has a rule as it wants it from now on."""

    rule: str
    enabled: bool
    threshold: int
    minutes: int
    hours_from: str | None
    hours_to: str | None
    time_zone: str
    set_by: UUID


AlertEvent: TypeAlias = AlertRaised | AlertAcknowledged | AlertRuleSet


def pair(rule: str, reader_id: UUID) -> str:
    """What a rule and a reader are kept under together."""
    return f"{rule}:{reader_id}"


@dataclass(frozen=True, slots=True)
class Watch:
    """The rules that hold, about whom they are quiet, and whose reading each open alert is about."""

    rules: Mapping[RuleName, AlertRule] = field(default_factory=lambda: policy().rules)
    quiet: Mapping[str, datetime] = field(default_factory=dict)
    open: Mapping[UUID, UUID] = field(default_factory=dict)


def evolve(state: Watch, event: AlertEvent) -> Watch:
    """The watch after `event`."""
    match event:
        case AlertRaised():
            about = pair(event.rule, event.reader_id)
            return replace(
                state,
                quiet={**state.quiet, about: event.quiet_until},
                open={**state.open, event.alert_id: event.reader_id},
            )
        case AlertAcknowledged():
            left = {alert: reader for alert, reader in state.open.items() if alert != event.alert_id}
            return replace(state, open=left)
        case AlertRuleSet():
            told = event.model_dump(exclude={"rule", "set_by"})
            known = next((rule for name, rule in state.rules.items() if name == event.rule), None)
            if known is None:
                return state  # of a rule that is no more
            return replace(state, rules={**state.rules, known.name: known.model_copy(update=told)})
        case _:
            assert_never(event)


class Alert(NamedTuple):
    """What a rule tells: entries of one reader, from the first to the last, that add up to its threshold."""

    rule: AlertRule
    reader_id: UUID
    staff: bool
    measured: int
    first_position: int
    last_position: int
    first_at: datetime
    last_at: datetime


class Watching:
    """Rules over entries in their order. `quiet`: until when each tells nothing of a reader, and counts nothing.

    What comes up to `after` was looked at before, and is told no more; it still counts in a stretch that goes on. So
    the same is told wherever one begins to look, as long as that is `looks_back` before `after` at the latest.
    """

    def __init__(self, rules: Iterable[AlertRule], quiet: Mapping[str, datetime], after: int) -> None:
        """Watch by those of the rules that are on."""
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.quiet = dict(quiet)
        self._after = after
        self._sums: dict[str, int] = {}
        self._stretches: dict[str, deque[tuple[Entry, int]]] = {}

    @property
    def looks_back(self) -> timedelta:
        """The longest stretch of a rule that takes more than one entry."""
        return max((rule.stretch for rule in self.rules if rule.threshold > 1), default=timedelta())

    def see(self, entries: Iterable[Entry]) -> Iterator[Alert]:
        """What the rules tell of the entries that come next."""
        for entry in entries:
            for rule in self.rules:
                if (alert := self._seen(entry, rule)) is not None:
                    yield alert

    def _seen(self, entry: Entry, rule: AlertRule) -> Alert | None:
        if (weight := rule.weighs(entry)) == 0:
            return None
        about = pair(rule.name, entry.reader_id)
        until = self.quiet.get(about)
        if until is not None and entry.at < until:
            return None
        stretch = self._stretches.setdefault(about, deque())
        stretch.append((entry, weight))
        measured = self._sums.get(about, 0) + weight
        while entry.at - stretch[0][0].at >= rule.stretch:
            measured -= stretch.popleft()[1]
        self._sums[about] = measured
        if measured < rule.threshold or entry.position <= self._after:
            return None
        first = stretch[0][0]
        self.quiet[about] = entry.at + rule.stretch
        del self._stretches[about], self._sums[about]
        return Alert(
            rule,
            entry.reader_id,
            entry.staff,
            measured,
            first.position,
            entry.position,
            first.at,
            entry.at,
        )


class SetAlertRule(Command, context="access", stream="access_watch", permission=Permission.ACCESS_REVIEW):
    """Have a rule as you want it. What is left out stays. Hours and zone are of `at_night`. The id is your tenant's."""

    rule: RuleName
    enabled: bool | None = None
    threshold: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] | None = None
    hours_from: Hour | None = None
    hours_to: Hour | None = None
    time_zone: ZoneName | None = None


class AcknowledgeAlert(Command, context="access", stream="access_watch", permission=Permission.ACCESS_REVIEW):
    """Say that an alert was looked into, and what it was. The id is your tenant's."""

    alert_id: UUID
    reason: Evidence[LongText]


class RaiseAlert(
    Command, context="access", stream="access_watch", permission=Permission.INTERNAL, internal=True
):
    """Enter what a rule tells."""

    rule: RuleName
    reader_id: UUID
    staff: bool
    counts: Counted
    measured: int
    threshold: int
    minutes: int
    epoch: int
    first_position: int
    last_position: int
    first_at: datetime
    last_at: datetime
    quiet_until: datetime


AlertCommand: TypeAlias = SetAlertRule | AcknowledgeAlert | RaiseAlert
_HOURS: Final = ("hours_from", "hours_to", "time_zone")


def alert_of(tenant_id: UUID, epoch: int, rule: str, reader_id: UUID, last_position: int) -> UUID:
    """The id of an alert: the same however often it is found."""
    return derived_id(tenant_id, "access-alert", epoch, rule, reader_id, last_position)


def _rule_set(command: SetAlertRule, state: Watch) -> tuple[Event, ...]:
    known = state.rules[command.rule]
    told: dict[str, Any] = command.model_dump(exclude={"rule"}, exclude_none=True)
    if command.rule is not RuleName.AT_NIGHT and any(name in told for name in _HOURS):
        raise RuleUnfit
    new = known.model_copy(update=told)
    if new == known:
        return ()
    shown = {name: getattr(new, name) for name in ("enabled", "threshold", "minutes", *_HOURS)}
    return (AlertRuleSet(rule=command.rule, set_by=reviewer(command.stamp), **shown),)


def decide(command: AlertCommand, state: Watch) -> tuple[Event, ...]:
    """What a command does to the watch."""
    stamp = command.stamp
    if stamp.target != stamp.tenant_id:
        raise NotFound  # there is one stream to a log
    match command:
        case SetAlertRule():
            return _rule_set(command, state)
        case AcknowledgeAlert(alert_id=alert_id):
            by = reviewer(stamp)
            if (reader := state.open.get(alert_id)) is None:
                raise AlertNotOpen
            if reader == by:
                raise OwnReadsNeedAnother
            return (AlertAcknowledged(alert_id=alert_id, acknowledged_by=by, reason=command.reason),)
        case RaiseAlert(rule=rule, reader_id=reader):
            until = state.quiet.get(pair(rule, reader))
            if until is not None and command.last_at < until:
                return ()
            alert_id = alert_of(stamp.tenant_id, command.epoch, rule, reader, command.last_position)
            return (AlertRaised(alert_id=alert_id, **command.model_dump()),)
        case _:
            assert_never(command)


WATCH: Final[Decider[Watch]] = Decider(category="access_watch", initial=Watch(), evolve=evolve, decide=decide)
