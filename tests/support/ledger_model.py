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

    from domain.kernel.ids import WorkspaceId

FIRST_TO_BEGIN = timezone(timedelta(hours=14))
Place = tuple[Scope, str | None]
EVERYTHING: Place = (Scope.TENANT, None)
OF_THE_ADDRESS = frozenset({"hard_bounce", "soft_bounces", "manual"})


@dataclass
class Words:
    """What whoever has an address said: stop, for which mail, and when; and that they want mail again, provably.

    `consents`: by their entry, since when each of them surely holds. A word from before any of them is history;
    `of_clients`: to whom those were given that make it so for one client's mail alone. `said` tells whether they may
    make less of it, and `narrowed` when they did so last.
    """

    said: set[tuple[Place, datetime, bool]] = field(default_factory=set)
    consents: dict[int, datetime] = field(default_factory=dict)
    of_clients: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    narrowed: datetime | None = None

    @property
    def consented(self) -> datetime | None:
        """Since when they may be written to."""
        return max(self.consents.values(), default=None)

    def stops(self) -> dict[Place, datetime]:
        """What holds, since it was said last."""
        return {place: at for place, at, _ in sorted(self.standing(), key=lambda one: one[1])}

    def standing(self) -> list[tuple[Place, datetime, bool]]:
        """Each word that holds."""
        return [
            (place, at, free)
            for place, at, free in self.said
            if (self.consented is None or at >= self.consented)
            and not (free and place == EVERYTHING and self.narrowed is not None and at < self.narrowed)
        ]

    def stop(self, place: Place, at: datetime, *, free: bool = True) -> None:
        """They said stop, whenever it is told. `free`: they unsubscribed, and may make less of it."""
        self.said.add((place, at, free))

    def narrow(self, place: Place, at: datetime) -> None:
        """They want this stopped, and no more than that."""
        assert {free for one, _, free in self.standing() if one == EVERYTHING} == {True}
        self.said = {one for one in self.said if one[0] != EVERYTHING or not one[2]}
        self.narrowed = at
        self.stop(place, at)

    def come_back(self) -> None:
        """By their address came somebody of whom only the stops are known."""
        self.said = set(self.standing())
        self.consents = {}
        self.of_clients = {}
        self.narrowed = None

    def forget(self, at: datetime) -> None:
        """They had themselves erased: whoever comes by the address says first that they want mail."""
        self.stop(EVERYTHING, at, free=False)

    def stop_by_link(self, place: Place, at: datetime, *, free: bool = True) -> None:
        """The same, at a door of ours: what is said again within a minute is the same word.

        Of all mail an objection, or a complaint, is another than an unsubscription.
        """
        at = max([at, self.consented or at, *(since for _, since in self.of_clients.values())])
        same = [
            since
            for one, since, kind in self.standing()
            if one == place and (place != EVERYTHING or kind is free)
        ]
        if same and at - max(same) < timedelta(minutes=1):
            return
        self.stop(place, at, free=free)

    def forbid(self, place: Place, client: UUID | None = None) -> bool:
        """Whether a stop holds for this; of a client's mail, one that they asked that client to forget does not."""
        asked = [since for whom, since in self.of_clients.values() if whom == str(client)]
        return any(one == place and not any(at < since for since in asked) for one, at, _ in self.standing())


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
    asked: dict[int, tuple[bool, datetime, WorkspaceId | None]] = field(default_factory=dict)
    told: dict[int, tuple[bool, datetime, WorkspaceId | None]] = field(default_factory=dict)
    of_clients: dict[int, UUID] = field(default_factory=dict)
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
        return purpose is not Purpose.TRANSACTIONAL and any(
            self.words.forbid(place, workspace) for place in places
        )

    def grounds(self, workspace: UUID | None = None) -> set[int]:
        """What a permission may rest on; for a workspace's mail not on what others were given."""
        others = {entry for entry, client in self.of_clients.items() if workspace not in (None, client)}
        return (self.consents | self.relations) - others


def surely_since(day: date) -> datetime:
    """The moment at which a civil day has begun somewhere: what was said on it was said then or later."""
    return datetime.combine(day, time(), FIRST_TO_BEGIN)
