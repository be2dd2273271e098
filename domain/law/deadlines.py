"""By when something is due: opt-outs, requests and notices, counted as each law counts.

An opt-out takes effect at once here, and everywhere in the tenant. Its deadline is kept for what is reported.

No deadline moves on because it ends on a weekend or a holiday. Where a law would let it (Regulation 1182/71 Art. 3(4),
for one), the day it ends on without that is the earlier, and is the one that is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Self, assert_never

from pydantic import Field, model_validator

from domain.law.calendars import business_days_after
from domain.law.periods import Period, earliest_day
from domain.law.statements import Confidence, Data, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.law.pack import Pack

_ONE_DAY: Final = timedelta(days=1)


class Duty(StrEnum):
    """What is due."""

    OPT_OUT = "opt_out"
    """Nothing more is sent to who said so."""
    SALE_OPT_OUT = "sale_opt_out"
    """The data are no more sold or shared."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """A request is confirmed."""
    COMPLAINT_ACKNOWLEDGEMENT = "complaint_acknowledgement"
    ACCESS = "access"
    CORRECTION = "correction"
    DELETION = "deletion"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    AUTOMATED_DECISION = "automated_decision"
    CONSENT_NOTICE = "consent_notice"
    """The person is told what came of their consent, refusal or withdrawal."""


class CountsFrom(StrEnum):
    """The event whose day the period is counted from."""

    RECEIPT = "receipt"
    """What the person sent was received."""
    SUBMISSION = "submission"
    """The person sent, submitted or said it, or used what is there for it; whenever it was received."""


class Counting(StrEnum):
    """Which of its days a period holds."""

    AFTER = "after"
    """The day after the event is the first, and the last day is in time: the common rule, where a law says no other."""
    FROM = "from"
    """The day of the event is the first itself, and the last day is in time."""
    BEFORE = "before"
    """The day after the event is the first, and something holds as the last day begins: the day before is in time."""


class Length(Data):
    """So many business days, or calendar days, or months: one of the three."""

    business_days: Annotated[int, Field(ge=1, le=250)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    months: Annotated[int, Field(ge=1, le=120)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self._told) != 1:
            raise ValueError("a length is one of business_days, days and months")
        return self

    @property
    def _told(self) -> dict[str, int]:
        return {name: number for name, number in self if number is not None}

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return next(iter(self._told))

    @property
    def number(self) -> int:
        """How many of them."""
        return self._told[self.unit]

    def and_then(self, more: Length) -> Length:
        """Both as one length, counted in one go; their units are the same."""
        return Length.model_validate({self.unit: self.number + more.number})

    def last_day(self, event: date, counting: Counting, place: str) -> date:
        """The last day in time, the event being on `event`. Business days are those of `place`. Raises `NoCalendar`."""
        if self.business_days is not None:
            start = event - _ONE_DAY if counting is Counting.FROM else event
            end = business_days_after(start, self.business_days, place)
            return end - _ONE_DAY if counting is Counting.BEFORE else end
        end = Period(months=self.months or 0, days=self.days or 0).after(event)
        match counting:
            case Counting.AFTER:
                return end
            case Counting.FROM | Counting.BEFORE:
                return end - _ONE_DAY
            case _:
                assert_never(counting)

    def __str__(self) -> str:
        """In words."""
        word = self.unit.replace("_", " ")
        return f"{self.number} {word if self.number > 1 else word.removesuffix('s')}"


class Extension(Data):
    """By how much a deadline can be made longer, once, if the person is told of it.

    `notice`: within which time of the event, where the law says. Where it does not, the notice has to be there before
    the deadline passes, as there is nothing to make longer after that.
    """

    by: Length
    notice: Length | None = None


class Deadline(Statement):
    """By when something is due. `of`: what; one deadline may be that of several duties."""

    of: Annotated[tuple[Duty, ...], Field(min_length=1)]
    length: Length
    counts_from: CountsFrom
    counting: Counting = Counting.AFTER
    extension: Extension | None = None

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        if self.confidence is Confidence.NOTHING_FOUND:
            raise ValueError("a deadline of which nothing was found (N) is none; leave it out")
        if self.counting is not Counting.AFTER and self.length.number == 1 and self.length.months is None:
            raise ValueError(
                f"one day counted '{self.counting}' would be over with the event; it is at least two"
            )
        if self.extension is not None and self.extension.by.unit != self.length.unit:
            raise ValueError(f"an extension of a deadline in {self.length.unit} is in {self.length.unit} too")
        return self

    @property
    def in_business_days(self) -> bool:
        """Whether a calendar is needed to count it."""
        notice = self.extension.notice if self.extension else None
        return self.length.business_days is not None or (
            notice is not None and notice.business_days is not None
        )


@dataclass(frozen=True, slots=True)
class Term:
    """The last days in time: to do what is due; if it was made longer; and to tell the person that it was."""

    due: date
    extended: date | None = None
    notice: date | None = None


@dataclass(frozen=True, slots=True)
class LegalTerm:
    """The term that one law sets. `law`: its pack's; `place`: the one whose calendar it is counted by."""

    law: str
    place: str
    deadline: Deadline
    term: Term


def due(deadline: Deadline, event: datetime, zones: Sequence[str], place: str) -> date:
    """The last day on which it is in time.

    The event (`deadline.counts_from` says which) is on its civil day in `zones`: with several on the earliest, without
    any on the earliest there is on earth. How its period is then counted is `deadline.counting`. Where a law says
    nothing of its own, the day of the event does not count and the day after is the first: so Regulation (EEC, Euratom)
    1182/71 Art. 3(1) for the law of the Union, and the same maxim (dies a quo non computatur) elsewhere. Others are
    counted as they are written: DPA 2018 s.164A(3) takes the day of the complaint in ("beginning when"), and by UEMA
    2007 s.9(2) a withdrawal holds on the last day already ("with effect from"). A month ends on the day of the same
    number, or on the month's last day. `place`: whose business days count, an ISO code of a country or a part of one.

    Raises `NoCalendar` where business days are counted and `place` has no calendar, `ValueError` for a moment without
    a zone.
    """
    return term(deadline, event, zones, place).due


def term(deadline: Deadline, event: datetime, zones: Sequence[str], place: str) -> Term:
    """`due`, and the days of an extension, if the law has one.

    A longer period is one period from the same event, not a second one from the end of the first (our reading).
    """
    day = earliest_day(event, zones)
    length, counting, extension = deadline.length, deadline.counting, deadline.extension
    last = length.last_day(day, counting, place)
    if extension is None:
        return Term(last)
    return Term(
        last,
        length.and_then(extension.by).last_day(day, counting, place),
        extension.notice.last_day(day, counting, place) if extension.notice else None,
    )


def legal_terms(
    packs: Sequence[Pack],
    duty: Duty,
    places: Iterable[str],
    event: datetime,
    known: datetime | None = None,
) -> tuple[LegalTerm, ...]:
    """What all laws of these places set for a duty, the earliest first: that is the one to keep.

    Rules are those in force on the day of the event, as known at `known` (at the event, if left out). `places`: ISO
    codes of the person and the sender. Of a country alone it is not known which of its parts is meant, so the laws of
    its parts count too. Nothing where no law has a deadline. Raises as `due` does.
    """
    known = known or event
    found = [
        LegalTerm(pack.law, place, deadline, term(deadline, event, pack.zones, place))
        for place in sorted(set(places))
        for pack in packs
        if pack.covers(place)
        for deadline in pack.deadlines
        if duty in deadline.of
        and deadline.stands(earliest_day(event, pack.zones), earliest_day(known, pack.zones))
    ]
    return tuple(sorted(found, key=lambda one: (one.term.due, one.law, one.deadline.id, one.place)))
