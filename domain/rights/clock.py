"""By when a request is answered: every law that sets a term, the earliest first, and that is the one to keep.

The laws are those of the person's place and of the sender's country. Where the person's place is not known, every law
that sets a term counts. Where no law of the person's own place sets one, a month counts besides, which is the product's
policy after GDPR Art. 12(3): the sender's law alone never makes anybody wait longer. The clock never stops for an
identity check: that gives the earlier day (our reading).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from domain.law.deadlines import CountsFrom, Deadline, Duty, Extension, Length, legal_terms, term
from domain.law.periods import first_moment
from domain.law.statements import Confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.law.deadlines import LegalTerm, Term
    from domain.law.pack import Pack

WARN_BEFORE: Final = timedelta(days=7)
"""How long before its term a request is called to mind; half of the term, where that is shorter."""
_ONE_DAY: Final = timedelta(days=1)
_FIRST_TO_END: Final = ("Etc/GMT-14",)
"""Where a day ends first: fourteen hours before UTC, as POSIX signs it."""

POLICY: Final = Deadline(
    id="policy.request",
    of=tuple(Duty),
    length=Length(months=1),
    counts_from=CountsFrom.RECEIPT,
    extension=Extension(by=Length(months=2), notice=Length(months=1)),
    cites="policy, after GDPR Art. 12(3)",
    confidence=Confidence.SECONDARY,
    checked=date(2026, 11, 26),
    about="No law of the person's place that is loaded sets a term. A request is answered within a month all the same.",
)


class RequestTerm(BaseModel):
    """What one law says. The last days in time: `due`; `extended`, if it was made longer; `notice`, to tell so.

    `law` None: our policy. `due_at`, `extended_at`, `tell_until`: when these days are over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: str | None
    deadline: str
    cites: str
    confidence: str | None
    place: str | None
    due: date
    due_at: datetime
    extended: date | None = None
    extended_at: datetime | None = None
    notice: date | None = None
    tell_until: datetime | None = None

    @property
    def longest(self) -> tuple[date, datetime]:
        """The last day in time once it is made longer, as far as it can be; and when it is over."""
        if self.extended is None or self.extended_at is None:
            return self.due, self.due_at
        return self.extended, self.extended_at


@dataclass(frozen=True, slots=True)
class Clock:
    """The terms of a request, the earliest first. `assumed`: the person's place is not known, so all laws count."""

    terms: tuple[RequestTerm, ...]
    assumed: bool

    @property
    def due(self) -> date:
        """The last day in time."""
        return self.terms[0].due

    @property
    def due_at(self) -> datetime:
        """When that day is over, wherever it is over first."""
        return min(one.due_at for one in self.terms)


def clock_of(
    duty: Duty,
    place: str | None,
    sender_country: str | None,
    received_at: datetime,
    submitted_at: datetime,
    packs: Sequence[Pack],
) -> Clock:
    """The clock of a request. `place`: of the person, an ISO code of a country or a part of one; None: not known."""
    places = {one for one in (place, sender_country) if one is not None}
    if place is None:
        places |= {one for pack in packs for one in pack.countries}
    found = [
        one
        for counts_from, event in (
            (CountsFrom.RECEIPT, received_at),
            (CountsFrom.SUBMISSION, submitted_at),
        )
        for one in legal_terms(packs, duty, places, event)
        if one.deadline.counts_from is counts_from
    ]
    zones = {pack.law: pack.zones for pack in packs}
    terms = [_told(one, zones[one.law]) for one in _each_law_once(found)]
    if not any(place is None or one.place == place for one in found):
        terms.append(_by_policy(received_at))
    terms.sort(key=lambda one: (one.due_at, one.due, one.law or ""))
    return Clock(tuple(terms), assumed=place is None)


def warn_at(received_at: datetime, due_at: datetime) -> datetime:
    """When a request is called to mind."""
    return max(due_at - WARN_BEFORE, received_at + (due_at - received_at) / 2)


def _each_law_once(found: list[LegalTerm]) -> list[LegalTerm]:
    """The earliest term of each law."""
    earliest: dict[str, LegalTerm] = {}
    for one in found:
        known = earliest.get(one.law)
        if known is None or one.term.due < known.term.due:
            earliest[one.law] = one
    return list(earliest.values())


def _told(one: LegalTerm, zones: Sequence[str]) -> RequestTerm:
    return _term(one.law, one.deadline, one.deadline.confidence, one.place, one.term, zones)


def _by_policy(received_at: datetime) -> RequestTerm:
    return _term(None, POLICY, None, None, term(POLICY, received_at, (), ""), _FIRST_TO_END)


def _term(
    law: str | None,
    deadline: Deadline,
    confidence: str | None,
    place: str | None,
    days: Term,
    zones: Sequence[str],
) -> RequestTerm:
    """A longer term that needs no notice by a day of its own has to be told of before the shorter one is over."""
    told: dict[str, Any] = {}
    if days.extended is not None:
        told = {
            "extended": days.extended,
            "extended_at": _over(days.extended, zones),
            "notice": days.notice,
            "tell_until": _over(days.notice or days.due, zones),
        }
    return RequestTerm(
        law=law,
        deadline=deadline.id,
        cites=deadline.cites,
        confidence=confidence,
        place=place,
        due=days.due,
        due_at=_over(days.due, zones),
        **told,
    )


def _over(day: date, zones: Sequence[str]) -> datetime:
    """When a day is over, in the zone where that is first."""
    return first_moment(day + _ONE_DAY, zones).astimezone(UTC)
