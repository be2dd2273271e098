"""The books of a log, closed month by month: what is closed does not change, what comes late is posted after it.

There is one stream to a log, under the log's own tenant id. Months are locked in their order and reopened in the other,
so that there is never an open month between closed ones: one month tells all, up to which everything is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from domain.finance.calendar import Month, first_day, last_day, moved
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LongText


class ReopeningReason(StrEnum):
    """Why a closed month is opened again."""

    MISTAKE = "mistake"
    MISSING_DOCUMENTS = "missing_documents"
    AUDIT_ADJUSTMENT = "audit_adjustment"
    RESTATEMENT = "restatement"


class PeriodLocked(Event, name="finance.period_locked", version=1):
    """A month was closed, and with it everything before. `locked_by`: the member, key or staff who did it."""

    period: str
    closed_through: str
    locked_by: UUID


class PeriodReopened(Event, name="finance.period_reopened", version=1, subject="reopened_by"):
    """The last closed month is open again. `closed_through`: what is still closed; None: nothing."""

    period: str
    closed_through: str | None
    reopened_by: UUID
    reason: str
    explanation: Profile[str]


PeriodEvent: TypeAlias = PeriodLocked | PeriodReopened


@dataclass(frozen=True, slots=True)
class Books:
    """Up to which month the books are closed, and which month was the first that was closed by name."""

    closed_through: str | None = None
    first: str | None = None

    def is_closed(self, day: date) -> bool:
        """Whether a day is in a closed month."""
        return self.closed_through is not None and day <= last_day(self.closed_through)

    def open_from(self) -> date | None:
        """The first day that is open; None: every day is."""
        return None if self.closed_through is None else first_day(moved(self.closed_through, 1))


def evolve(state: Books, event: PeriodEvent) -> Books:
    """The books after `event`."""
    match event:
        case PeriodLocked():
            return Books(event.closed_through, state.first or event.period)
        case PeriodReopened():
            return Books(event.closed_through, None if event.closed_through is None else state.first)
        case _:
            assert_never(event)


class PeriodNotOver(Refusal):
    """A month is locked once it is over. Lock it on the first day after it, in UTC."""

    code = "period-not-over"
    field = "/period"


class PeriodOutOfOrder(Refusal):
    """Months are locked one after the other, without a gap. Lock the month that `next` names first."""

    code = "period-out-of-order"
    field = "/period"


class PeriodNotLast(Refusal):
    """The month that was closed last is reopened first; `last` names it. None: no month is closed."""

    code = "period-not-last"
    field = "/period"


class PeriodClosed(Refusal):
    """What holds for a closed month does not change. Let it begin in `open_from` or later, or reopen the month."""

    code = "period-closed"
    field = "/from_month"


class LockPeriod(Command, context="finance", stream="period", permission=Permission.FINANCE_CLOSE):
    """Close a month: what becomes known of it later is posted to the first month that is open then.

    The id is your tenant's. The first lock closes everything before its month, too.
    """

    period: Month


class ReopenPeriod(Command, context="finance", stream="period", permission=Permission.FINANCE_CLOSE):
    """Open the last closed month again, with the reason. What was posted after it in the meantime stays there."""

    period: Month
    reason: ReopeningReason
    explanation: Profile[LongText]


PeriodCommand: TypeAlias = LockPeriod | ReopenPeriod


def decide(command: PeriodCommand, state: Books) -> tuple[Event, ...]:
    """What a command does to the books."""
    stamp = command.stamp
    if stamp.target != stamp.tenant_id:
        raise NotFound  # there is one stream to a log
    closed, by = state.closed_through, stamp.actor.member or stamp.actor.id
    match command:
        case LockPeriod(period=period):
            if closed is not None and (state.first or closed) <= period <= closed:
                return ()
            if closed is not None and period != moved(closed, 1):
                raise PeriodOutOfOrder(next=moved(closed, 1))
            if last_day(period) >= stamp.at.date():
                raise PeriodNotOver
            return (PeriodLocked(period=period, closed_through=period, locked_by=by),)
        case ReopenPeriod(period=period):
            if period != closed:
                raise PeriodNotLast(last=closed)
            left = None if state.first in (None, period) else moved(period, -1)
            reopened = PeriodReopened(
                period=period,
                closed_through=left,
                reopened_by=by,
                reason=command.reason,
                explanation=command.explanation,
            )
            return (reopened,)
        case _:
            assert_never(command)


def opened(state: Books, day: date) -> None:
    """Refuse what would change a closed month."""
    if state.is_closed(day):
        raise PeriodClosed(open_from=str(state.open_from()))


PERIOD: Final[Decider[Books]] = Decider(category="period", initial=Books(), evolve=evolve, decide=decide)
