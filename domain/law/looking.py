"""What a condition looks at, and what it finds."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.law.facts import Relation
from domain.law.periods import earliest_day, ends_of_chains, first_moment, latest_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from domain.law.facts import Consent, Message, Person, RelationKind
    from domain.law.periods import Period


class Found:
    """How a condition stands: `yes`, not, or not known for want of `missing`; until when, and on which positions."""

    __slots__ = ("missing", "positions", "until", "yes")

    def __init__(
        self,
        *,
        yes: bool,
        missing: tuple[str, ...] = (),
        until: datetime | None = None,
        positions: tuple[int, ...] = (),
    ) -> None:
        """Take the answer."""
        self.yes = yes
        self.missing = missing
        self.until = until
        self.positions = positions

    def up_to(self, moments: Iterable[datetime]) -> Found:
        """The same, until the first of these at the latest."""
        ends = [one for one in (self.until, *moments) if one is not None]
        return Found(
            yes=self.yes, missing=self.missing, until=min(ends, default=None), positions=self.positions
        )


LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
NO: Final = Found(yes=False)
YES: Final = Found(yes=True)


class Look:
    """What a condition looks at."""

    __slots__ = ("by_kinds", "chains", "day", "message", "moment", "person", "rules_on", "zones")

    def __init__(
        self,
        person: Person,
        message: Message,
        moment: datetime,
        zones: tuple[str, ...],
        in_force: datetime | None = None,
    ) -> None:
        """One person and message, at a moment, in the zones of a law; rules are those of then, or of `in_force`."""
        self.person = person
        self.message = message
        self.moment = moment
        self.zones = zones
        self.day = latest_day(moment, zones)
        self.rules_on = self.day if in_force is None else latest_day(in_force, zones)
        self.by_kinds: dict[tuple[RelationKind, ...], list[Relation]] = {}
        self.chains: dict[tuple[tuple[RelationKind, ...], Period], tuple[list[date], list[int]]] = {}

    def of(self, person: Person) -> Look:
        """The same look at somebody else. What was found of relations stays, where theirs are the same."""
        other = copy(self)
        other.person = person
        if person.relations is not self.person.relations:
            other.by_kinds = {}
            other.chains = {}
        return other

    def of_kinds(self, kinds: tuple[RelationKind, ...]) -> list[Relation]:
        """The relations of some kinds, in order."""
        if (found := self.by_kinds.get(kinds)) is None:
            told = [one for one in self.person.relations if one.kind in kinds]
            found = self.by_kinds[kinds] = sorted(told, key=lambda one: (one.on, one.position))
        return found

    def chained(self, kinds: tuple[RelationKind, ...], each: Period) -> tuple[list[date], list[int]]:
        """Up to now the days of relations in order, and of each where the chain from it ends."""
        if (found := self.chains.get((kinds, each))) is None:
            days = [one.on for one in self.of_kinds(kinds) if one.on <= self.day]
            found = self.chains[kinds, each] = (days, ends_of_chains(days, each))
        return found

    def within(self, start: date, period: Period | None) -> tuple[bool, datetime | None]:
        """Whether the day lies in a period from `start` on, and when that ends."""
        if period is None:
            return True, None
        end = period.after(start)
        return self.day < end, first_moment(end, self.zones)

    def given(self, consent: Consent) -> bool:
        """Whether it was given by now: at its moment, or, where the day alone is known, once that is the latest day."""
        return consent.on <= self.day if consent.at is None else consent.at <= self.moment

    def begins(self, fact: Consent | Relation) -> datetime:
        """From when it counts: its moment, where that is known, else when its day begins."""
        moment = None if isinstance(fact, Relation) else fact.at
        return first_moment(fact.on, self.zones) if moment is None else moment


def day_of(consent: Consent, zones: tuple[str, ...]) -> date:
    """The day from which periods of a consent count: of a moment the earliest day that it was in these zones."""
    return consent.on if consent.at is None else earliest_day(consent.at, zones)


Held: TypeAlias = tuple[tuple[bool, datetime | None], tuple[int, ...]]
"""Whether a fact would do, and until when; the positions that it stands on."""


def best_of(standing: list[Held]) -> Found:
    """Of several facts that each would do, the one that does longest; ties go to the latest."""
    holding = [(until, positions) for (yes, until), positions in standing if yes]
    if not holding:
        return NO
    until, positions = max(holding, key=lambda one: (one[0] is None, one[0] or LONG_AGO, one[1]))
    return Found(yes=True, until=until, positions=positions)
