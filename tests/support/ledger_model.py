"""What a person's ledger comes to, kept by tests beside the domain: in other words, and from what was asked alone.

Words hold for an address, whoever has it after an erasure. What was entered holds for the addressee it was entered of.
It says when a message may surely not go; when one may, the laws say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING
from uuid import UUID

from domain.law.facts import Purpose, Scope

if TYPE_CHECKING:
    from datetime import date

FIRST_TO_BEGIN = timezone(timedelta(hours=14))
OF_THE_ADDRESS = frozenset({"hard_bounce", "soft_bounces", "manual"})
Place = tuple[Scope, str | None]


@dataclass(frozen=True)
class Lifted:
    """What a consent ended, and from when on."""

    stops: dict[Place, datetime]
    since: datetime


@dataclass
class Words:
    """What whoever has an address said last: stop, for which mail, and when; and since when they may be written to."""

    stops: dict[Place, datetime] = field(default_factory=dict)
    consented: datetime | None = None

    def stop(self, place: Place, at: datetime) -> None:
        """They said stop; a word from before a later consent is history."""
        if self.consented is None or at >= self.consented:
            self.stops[place] = max(at, self.stops.get(place, at))

    def consent(self, since: datetime) -> Lifted | None:
        """They said, provably, that they want mail again, surely not before `since`; what that ended."""
        lifted = {place: at for place, at in self.stops.items() if at < since}
        if not lifted or self.stops.get((Scope.TENANT, None), since - timedelta(1)) >= since:
            return None
        self.consented = max(since, self.consented or since)
        self.stops = {place: at for place, at in self.stops.items() if at >= since}
        return Lifted(lifted, since)

    def retract(self, lifted: Lifted, others: list[Lifted]) -> None:
        """They had not said that: what it ended holds again, where nothing else ended it as well."""
        self.consented = max((one.since for one in others), default=None)
        for place, at in lifted.stops.items():
            if not any(at < one.since for one in others):
                self.stops[place] = max(at, self.stops.get(place, at))

    def forget(self, at: datetime) -> None:
        """They had themselves erased: whoever comes by the address says first that they want mail."""
        self.stop((Scope.TENANT, None), at)

    def stop_by_link(self, place: Place, at: datetime) -> None:
        """The same, at a door of ours: what is said again within a day of all mail is the same word."""
        at = max(at, self.consented or at)
        before = self.stops.get((Scope.TENANT, None))
        if before is not None and at - before < timedelta(days=1):
            return
        self.stop(place, at)

    def forbid(self, place: Place) -> bool:
        """Whether a stop holds for this."""
        return place in self.stops


@dataclass
class Permit:
    """The last decision on a message, where it was an allow: its version, and by when it has to be used."""

    version: int
    expires_at: datetime
    workspace: UUID


@dataclass(eq=False)
class Person:
    """Somebody with an address: what was entered of them, by the version of its event."""

    words: Words
    erased: bool = False
    consents: set[int] = field(default_factory=set)
    relations: set[int] = field(default_factory=set)
    asked: dict[int, tuple[bool, datetime]] = field(default_factory=dict)
    lifted: dict[int, Lifted] = field(default_factory=dict)
    suppressed: dict[int, tuple[str, Place]] = field(default_factory=dict)
    permits: dict[UUID, Permit] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)

    def may_not(self, workspace: UUID, purpose: Purpose, campaign_type: str | None) -> bool:
        """Whether a message must not go, whatever the laws say."""
        places: list[Place] = [(Scope.TENANT, None), (Scope.WORKSPACE, str(workspace))]
        if campaign_type is not None:
            places.append((Scope.CAMPAIGN_TYPE, campaign_type))
        if self.erased or any(place in places for _, place in self.suppressed.values()):
            return True
        return purpose is not Purpose.TRANSACTIONAL and any(self.words.forbid(place) for place in places)

    def grounds(self) -> set[int]:
        """What a permission may rest on."""
        return self.consents | self.relations


def surely_since(day: date) -> datetime:
    """The moment at which a civil day has begun somewhere: what was said on it was said then or later."""
    return datetime.combine(day, time(), FIRST_TO_BEGIN)
