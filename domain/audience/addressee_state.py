"""An addressee as their stream tells: the one behind an address, tenant-wide.

The state holds no personal value: a decision is made from it without a key, and can be made again after an erasure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from domain.kernel.idset import IdSet
from domain.law.facts import (
    OPT_OUTS,
    Collected,
    Consent,
    Message,
    Person,
    Relation,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
    Written,
)

if TYPE_CHECKING:
    from domain.kernel.ids import AddresseeId, MessageId, SubjectRequestId, WorkspaceId

FIRST_ZONE: Final = timezone(timedelta(hours=14))
"""Where a civil day begins first."""
MOST_GIVEN: Final = 1_000
"""Consents, relations and first steps that wait, of one person and client. Stops are no part: they are always taken."""
MOST_OF_ALL: Final = 5_000
"""The same, over all clients."""
_NONE: Final[Mapping[Any, Any]] = {}


class Said(NamedTuple):
    """What one workspace says of an addressee; None: nothing."""

    country: str | None
    subscriber_type: str | None


CONFIRMED_WITHIN: Final = timedelta(days=30)
"""How long after the address was left its owner may confirm it. A policy of ours: no law that we know sets a term."""


class Asked(NamedTuple):
    """The first step of a double opt-in. `documented`: the wording is kept; `at`: when the address was left.

    `workspace`: of the client to whom it was left; None: to the tenant.
    """

    documented: bool
    at: datetime
    workspace: str | None = None

    def is_over(self, at: datetime) -> bool:
        """Whether it is too late to confirm it: nobody knows any more what they left their address for."""
        return at >= self.at + CONFIRMED_WITHIN


def latest(asked: dict[int, Asked], client: str | None) -> dict[int, Asked]:
    """As many of one client's as may wait at once. Each more is of one that is over: the oldest goes.

    What is over stays until then: that it was confirmed in time may be told later.
    """
    same = [(one.at, entry) for entry, one in asked.items() if one.workspace == client]
    if len(same) > MOST_GIVEN:
        del asked[min(same)[1]]
    return asked


class Word(NamedTuple):
    """When something was said last, and the version of its event."""

    at: datetime
    entry: int


class Lift(NamedTuple):
    """A consent by which a person asked, provably, to be written to: whatever they said before `ended_at` is history.

    `suppressions`: what it ended, those among it that were told later; `since`: said last then. There may be none.
    """

    suppressions: tuple[Suppression, ...]
    ended_at: datetime


class Allow(NamedTuple):
    """A permission that was given and not used yet; `entry` is the version of its event."""

    entry: int
    expires_at: datetime
    message: Message
    workspace_id: WorkspaceId
    sender_country: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence that is kept about an addressee, under a key of its own, and for how long.

    `given`: there is any. `relied_on`: when the last message was sent. `holds`: entries of the legal holds that stand;
    `matters`: those of them that belong to a matter's hold, with its id.
    `ends`: when the last period for keeping it ends, once the person is erased. `expired`: no hold can be placed any
    more. `destroyed`: so is its key.
    """

    given: bool = False
    relied_on: datetime | None = None
    holds: tuple[int, ...] = ()
    matters: tuple[tuple[int, UUID], ...] = ()
    ends: datetime | None = None
    expired: bool = False
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class NoAddressee:
    """Nobody has this id."""


class Addressee(NamedTuple):
    """Somebody who may or may not be written to. `opted_out_at` None: no opt-out of the whole tenant holds.

    Each event makes another: of a frozen dataclass with as many fields a copy takes nine times as long.

    `version` counts the events so far. `said` is by workspace; under None stands what was settled for the tenant.
    `asked`: double opt-ins that wait for their second step; `confirmed`: those of which the sender alone told it: their
    person's own word may still come. `lifts`: by the entry of the consent, those
    that had nothing to lift among them; `lifted_at`: the latest of them.
    `said_last`: by kind, scope and what it is of; see `last_said`. `narrowed_at`: when they last stopped less than all.
    `said_no`: the entries by which they said stop or took a consent back, whatever became of them.
    `listed`: what files without a day told: kind, scope, what it is of, whose file, and of which `FileKind`.
    `of_erasure`: the entries of opt-outs that follow from an erasure before them.
    `requests`: what they asked about their data, by kind. `lapses_at` and `lapsed_at`: the ends of permissions that
    were announced last, ahead and when they came, by the workspace of the client whose they are; None: the tenant's.
    """

    addressee_id: AddresseeId
    version: int = 0
    opted_out_at: datetime | None = None
    lifted_at: datetime | None = None
    narrowed_at: datetime | None = None
    said_no: frozenset[int] = frozenset()
    listed: frozenset[tuple[str, str, str | None, str, str]] = frozenset()
    of_erasure: frozenset[int] = frozenset()
    erased: bool = False
    erased_at: datetime | None = None
    key_destroyed: bool = False
    certified: bool = False
    proof: Proof = Proof()
    successor_id: AddresseeId | None = None
    said: Mapping[WorkspaceId | None, Said] = _NONE
    generic_address: bool | None = None
    could_object: bool | None = None
    told: bool | None = None
    collected: tuple[Collected, ...] = ()
    consents: tuple[Consent, ...] = ()
    relations: tuple[Relation, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    asked: Mapping[int, Asked] = _NONE
    confirmed: Mapping[int, Asked] = _NONE
    lifts: Mapping[int, Lift] = _NONE
    said_last: Mapping[tuple[str, str, str | None], Word] = _NONE
    allows: Mapping[MessageId, Allow] = _NONE
    dispatched: IdSet = IdSet()
    written: tuple[Written, ...] = ()
    requests: Mapping[SubjectRequestId, str] = _NONE
    sale_opted_out_at: datetime | None = None
    lapses_at: Mapping[str | None, datetime] = _NONE
    lapsed_at: Mapping[str | None, datetime] = _NONE

    @property
    def contactable(self) -> bool:
        """Whether no opt-out and no erasure stands against writing; each message needs more than that."""
        return self.opted_out_at is None and not self.erased

    def last_said(self, one: Suppression) -> Word:
        """When the same was said last: said again, it counts from then, though it stands since the first time."""
        return self.said_last.get((one.kind, one.scope, one.within), Word(one.since, one.position))

    def own_words(self) -> list[Suppression]:
        """What the person said that holds, and that they alone take back."""
        return [
            one
            for one in self.suppressions
            if one.kind in OPT_OUTS and one.scope is not Scope.PLATFORM and one.ended_at is None
        ]

    def is_full(self, workspace_id: WorkspaceId | None, at: datetime) -> bool:
        """Whether as much is entered of them and one client, or the tenant, as is looked at: decisions look at it all.

        Of first steps those count that still wait: what nobody confirmed in time keeps nobody from anything.
        """
        client = None if workspace_id is None else str(workspace_id)
        given = [one.workspace for one in self.consents] + [one.workspace for one in self.relations]
        given += [one.workspace for one in self.asked.values() if not one.is_over(at)]
        return given.count(client) >= MOST_GIVEN or len(given) >= MOST_OF_ALL

    def client_of(self, entry: int) -> str | None:
        """The client to whom alone it was given, what stands under this number; None: the tenant, or it is no such."""
        given = {one.position: one.workspace for one in self.consents}
        given |= {one.position: one.workspace for one in self.relations}
        given |= {number: one.workspace for number, one in (*self.asked.items(), *self.confirmed.items())}
        return given.get(entry)

    def asked_for(self) -> list[datetime]:
        """When they asked last, provably, to be written to: the tenant, and each client."""
        asked = [one.asks_since for one in self.consents if one.asks_since is not None]
        return asked if self.lifted_at is None else [*asked, self.lifted_at]

    def is_history(self, moment: datetime) -> bool:
        """Whether what was said at this moment was surely said before a consent that stands, and that ended it."""
        return self.lifted_at is not None and moment < self.lifted_at

    def wanted_since(self, bounced: Suppression, before: datetime | None = None) -> bool:
        """Whether there is a consent, with proof, of surely after an address had bounced, and of before a moment."""
        moments = [
            one.at or datetime.combine(one.on, time(), FIRST_ZONE)
            for one in self.consents
            if one.documented and one.withdrawn_at is None
        ]
        return any(bounced.since <= at and (before is None or at < before) for at in moments)

    def was_narrowed(self, kind: SuppressionKind, scope: Scope, moment: datetime) -> bool:
        """Whether this is an unsubscription from all mail, of before they wanted less than that to be stopped."""
        whole = (kind, scope) == (SuppressionKind.UNSUBSCRIBE, Scope.TENANT)
        return whole and self.narrowed_at is not None and moment < self.narrowed_at

    def remembers(
        self, kind: SuppressionKind, at: datetime, scope: Scope = Scope.TENANT, within: str | None = None
    ) -> bool:
        """Whether each consent that ended this word is known to have ended it, or the same said as late."""
        return all(
            any(
                (one.kind, one.scope, one.within) == (kind, scope, within) and one.since >= at
                for one in lift.suppressions
            )
            for lift in self.lifts.values()
            if at < lift.ended_at
        )

    def at_link(self, request: int) -> Asked | None:
        """The first step that its person may confirm by the link, be it that the sender told already that they did."""
        return self.asked.get(request) or self.confirmed.get(request)

    def said_since(self, request: int, asked_at: datetime) -> bool:
        """Whether anything that holds was said after the first step of a double opt-in, or was entered after it."""
        words = [self.last_said(one) for one in self.own_words()]
        return any(word.entry > request or word.at >= asked_at for word in words)

    @property
    def restricted(self) -> Suppression | None:
        """The restriction of processing that holds, if one does: their data are kept, and nothing else."""
        return next(
            (
                one
                for one in self.suppressions
                if one.kind is SuppressionKind.RESTRICTION and one.ended_at is None
            ),
            None,
        )

    @property
    def person(self) -> Person:
        """What a law looks at. Where workspaces say different things nothing is known, until it is settled."""
        sayings = self._sayings()
        countries = [said.country for said in sayings]
        subscribers = [said.subscriber_type for said in sayings]
        subscriber = self.agreed(subscribers)
        return Person(
            country=self.agreed(countries),
            subscriber=None if subscriber is None else Subscriber(subscriber),
            generic_address=self.generic_address,
            could_object=self.could_object,
            told=self.told,
            consents=self.consents,
            relations=self.relations,
            suppressions=self._suppressions(),
            written=self.written,
            contradicted=self._contradicted(countries, subscribers) if len(sayings) > 1 else (),
            collected=self.collected,
        )

    def _suppressions(self) -> tuple[Suppression, ...]:
        """With when they were said last, where a consent to one client is held against that."""
        if not any(one.asks_since for one in self.consents):
            return self.suppressions
        return tuple(replace(one, said_at=self.last_said(one).at) for one in self.suppressions)

    def moments_told(self) -> list[datetime]:
        """When the person consented, said stop or took a consent back, as far as known; and when a permission ended."""
        given = [one.at for one in self.consents if one.at is not None]
        withdrawn = [one.withdrawn_at for one in self.consents if one.withdrawn_at is not None]
        return [*[one.since for one in self.suppressions], *given, *withdrawn, *self.lapsed_at.values()]

    def _sayings(self) -> list[Said]:
        settled = self.said.get(None)
        if settled is None:
            return list(self.said.values())
        return [
            Said(settled.country or said.country, settled.subscriber_type or said.subscriber_type)
            for said in self.said.values()
        ]

    @staticmethod
    def _contradicted(countries: list[str | None], subscribers: list[str | None]) -> tuple[str, ...]:
        told = {"country": countries, "subscriber": subscribers}
        return tuple(name for name, values in told.items() if len({*values} - {None}) > 1)

    @staticmethod
    def agreed(told: list[str | None]) -> str | None:
        """The one value that is told; None where there is none, or more than one."""
        different = {one for one in told if one is not None}
        return different.pop() if len(different) == 1 else None


AddresseeState: TypeAlias = NoAddressee | Addressee
