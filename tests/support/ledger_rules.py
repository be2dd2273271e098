"""Rules of a state machine of people's ledgers: all that they may say, and all that is entered of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.audience.consent_commands import (
    ConfirmConsent,
    OptOutChannel,
    OptOutKind,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.intake.vocabularies import Source, SubscriberType
from domain.audience.ledger import (
    DescribeAddressee,
    EndRelation,
    LiftSuppression,
    RecordRelation,
    RetractEntry,
    SuppressAddressee,
    SuppressionReason,
)
from domain.audience.own_word import HeedConfirmation, HeedOptOut, NarrowOptOut, narrowable
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import RelationKind, Scope
from tests.support.ledger_model import FIRST_TO_BEGIN, Person, Place, surely_since
from tests.support.ledger_people import PeopleOfALedger
from tests.support.ledger_values import (
    AGO,
    CHANNEL,
    CLIENTS,
    COUNTRIES,
    FLAGS,
    HERE,
    KINDS,
    PLACES,
    Flag,
)


class LedgerOfPeople(PeopleOfALedger):
    """What they say, and what is entered of them; `known` is what it should come to."""

    people = PeopleOfALedger.people

    # What they say.
    @rule(
        who=people,
        days=st.sampled_from([0, 0, 1, 3, 400]),
        given=st.sampled_from([(None, False), ("Yes.", False), (None, True), ("Yes.", True), ("Yes.", True)]),
        ago=st.none() | AGO,
        client=CLIENTS,
    )
    def consent(
        self,
        who: AddresseeId,
        days: int,
        given: tuple[str | None, bool],
        ago: timedelta | None = None,
        client: WorkspaceId | None = None,
    ) -> None:
        """Some days ago; or so long ago that the moment is known. To all of the tenant, or to one client."""
        wording, explicit = given
        on = (self.world.now - timedelta(days=days)).date()
        at = None if ago is None else self.world.now - ago
        when = {"occurred_on": on} if at is None else {"occurred_at": at}
        known = self.known[who]
        done = self.ask(
            RecordConsent.model_validate(
                {
                    "source": Source.EVENT,
                    "explicit": explicit,
                    "wording": wording,
                    "workspace_id": client,
                    **when,
                }
            ),
            who,
        )
        assert (done is not None) is (not known.erased and (wording is not None or not explicit))
        if done is not None:
            entry = self.version(who) - len(done) + 1
            known.consents.add(entry)
            self.wanted(known, entry, client, (at or surely_since(on)) if explicit else None)

    def wanted(self, known: Person, entry: int, client: WorkspaceId | None, since: datetime | None) -> None:
        """Who relies on a consent; and whose mail they want, whatever they said before a moment."""
        if client is not None:
            known.of_clients[entry] = client
            if since is not None:
                known.words.of_clients[entry] = (str(client), since)
        elif since is not None:
            known.words.consents[entry] = since

    @rule(who=people)
    def want_mail_again(self, who: AddresseeId) -> None:
        """In so many words, surely later than whatever they said before."""
        self.world.later(timedelta(days=2))
        self.consent(who, 0, ("Yes.", True))

    @rule(who=people, client=HERE, again=st.booleans())
    def want_mail_of_one(self, who: AddresseeId, client: WorkspaceId, *, again: bool) -> None:
        """After they stopped all; they may stop all once more."""
        self.stop(who, timedelta(), None)
        self.world.later(timedelta(days=2))
        self.consent(who, 0, ("Yes.", True), timedelta(), client)
        if again:
            self.world.later(timedelta(minutes=5))
            self.stop_by_link(who, (Scope.TENANT, None), OptOutKind.UNSUBSCRIBE)

    @rule(who=people, wording=st.sampled_from([None, "Yes."]), ago=AGO, client=CLIENTS)
    def leave_address(
        self, who: AddresseeId, wording: str | None, ago: timedelta, client: WorkspaceId | None
    ) -> None:
        command = RequestConfirmation(
            source=Source.WEBSITE_FORM,
            wording=wording,
            occurred_at=self.world.now - ago,
            workspace_id=client,
        )
        if self.ask(command, who) is not None:
            left = (wording is not None, self.world.now - ago, client)
            self.known[who].asked[self.version(who)] = left

    @rule(who=people, ago=AGO, number=st.integers(0, 1), at_door=st.sampled_from([True, True, False]))
    def confirm(self, who: AddresseeId, ago: timedelta, number: int, *, at_door: bool) -> None:
        """By the link itself, be it after the sender told it; or as the sender tells it: that ends nothing."""
        known, at = self.known[who], self.world.now - ago
        waiting = known.asked | known.told if at_door else known.asked
        asked = sorted(waiting)[number : number + 1]
        person = self.person(who)
        said_since = bool(asked) and any(person.last_said(one).entry > asked[0] for one in person.own_words())
        request = asked[0] if asked else 1
        by_link = HeedConfirmation(request=request)
        done = self.ask(by_link if at_door else ConfirmConsent(request=request, occurred_at=at), who)
        moment = self.world.now if at_door else at
        in_order = bool(asked) and timedelta(0) <= moment - waiting[request][1] < timedelta(days=30)
        assert (done is not None) is (in_order and not known.erased)
        if done is not None:
            step = documented, asked_at, client = waiting[request]
            known.asked.pop(request, None)
            known.told.pop(request, None)
            if not at_door:
                known.told[request] = step
            entry = self.version(who) - len(done) + 1
            known.consents.add(entry)
            later = [one for one in known.words.stops().values() if one >= asked_at]
            # What they agreed to is as old as the first step: all that they had said by then is over.
            over = documented and at_door and (client is not None or not (said_since or later))
            self.wanted(known, entry, client, asked_at if over else None)

    @rule(who=people, ago=AGO, number=st.integers(-1, 1))
    def withdraw(self, who: AddresseeId, ago: timedelta, number: int) -> None:
        """One of them, or all; either way they are written to no more."""
        known, at = self.known[who], self.world.now - ago
        entry = next(iter(sorted(known.consents)[number : number + 1]), None) if number >= 0 else None
        given = {one: self.given_by(one, at) for one in self.known}
        done = self.ask(WithdrawConsent(entry=entry, occurred_at=at, channel=CHANNEL), who)
        assert (done is not None) is (entry is None or entry in given[who])
        if done is None:
            return
        same = [one for one in self.known if self.known[one].words is known.words]
        for one in same[same.index(who) :] if entry is None else [who]:
            mine = self.known[one]
            taken = {entry} if entry is not None else given[one]
            # Of somebody erased they are the consents of who came after, under numbers of their own.
            whole = not mine.erased and any(one in taken for one in mine.words.consents)
            mine.consents -= taken
            if not mine.erased or one == who:
                consented = known.words.consented
                wanted = known.words.of_clients
                clients = {client for entry, (client, _) in wanted.items() if entry in taken}
                asked = [since for client, since in wanted.values() if client in clients]
                asked = [] if mine.erased else asked
                last = max([at, *asked, *([consented] if whole and consented else [])])
                known.words.stop((Scope.TENANT, None), last)

    def given_by(self, who: AddresseeId, at: datetime) -> set[int]:
        """The consents of somebody that stand and were given by then, wherever that day began first."""
        day = at.astimezone(FIRST_TO_BEGIN).date()
        consents = [one for one in self.person(who).consents if one.withdrawn_at is None]
        return {one.position for one in consents if one.on <= day}

    @rule(who=people, ago=AGO, kind=st.sampled_from([None, *OptOutKind]))
    def stop(self, who: AddresseeId, ago: timedelta, kind: OptOutKind | None) -> None:
        at = self.world.now - ago
        assert self.ask(RecordOptOut(occurred_at=at, channel=CHANNEL, kind=kind), who) is not None
        self.known[who].words.stop((Scope.TENANT, None), at, free=kind in (None, OptOutKind.UNSUBSCRIBE))

    @rule(
        who=people,
        days=st.sampled_from([2, 4]),
        kind=st.sampled_from([None, *OptOutKind]),
        mistaken=st.booleans(),
    )
    def tell_late(self, who: AddresseeId, days: int, kind: OptOutKind | None, *, mistaken: bool) -> None:
        """They want mail; then it becomes known that they had said stop before, and perhaps that they want none."""
        known = self.known[who]
        before = set(known.consents)
        self.consent(who, 0, ("Yes.", True))
        self.stop(who, timedelta(days=days), kind)
        if mistaken:
            for entry in known.consents - before:
                self.take_back(who, entry)

    @rule(who=people, place=PLACES, kind=st.sampled_from(OptOutKind))
    def stop_by_link(self, who: AddresseeId, place: Place, kind: OptOutKind) -> None:
        scope, within = place
        command = HeedOptOut(channel=OptOutChannel.PAGE, kind=kind, scope=scope, within=within)
        assert self.ask(command, who) is not None
        free = kind is OptOutKind.UNSUBSCRIBE
        self.known[who].words.stop_by_link(place, self.world.now, free=free)

    @rule(who=people, place=PLACES.filter(lambda one: one[1] is not None), first=st.booleans())
    def stop_less(self, who: AddresseeId, place: Place, *, first: bool) -> None:
        """By the link, after they stopped all mail and want less stopped; `first`: right after, as most do."""
        if first:
            self.stop_by_link(who, (Scope.TENANT, None), OptOutKind.UNSUBSCRIBE)
        scope, within = place
        word = narrowable(self.person(who))
        entry = 1 if word is None else word.entry
        less = NarrowOptOut.model_validate({"entry": entry, "scope": scope, "within": within})
        done = self.ask(less, who)
        assert bool(done) is (word is not None)
        if done:
            assert not self.known[who].erased
            assert self.ask(less, who) == []
            self.known[who].words.narrow(place, self.world.now)

    # What is entered of them.
    @rule(who=people, country=COUNTRIES, kind=KINDS, flag=FLAGS)
    def describe(
        self,
        who: AddresseeId,
        country: str | None,
        kind: SubscriberType | None,
        flag: Flag,
    ) -> None:
        flags = dict.fromkeys(("generic_address", "could_object", "told"), flag) if flag is not None else {}
        command = DescribeAddressee.model_validate({"country": country, "subscriber_type": kind, **flags})
        assert (self.ask(command, who) is None) is self.known[who].erased

    @rule(who=people, kind=st.sampled_from(RelationKind), days=st.integers(0, 900), client=CLIENTS)
    def relate(self, who: AddresseeId, kind: RelationKind, days: int, client: WorkspaceId | None) -> None:
        on = (self.world.now - timedelta(days=days)).date()
        refused = False if kind is RelationKind.PUBLISHED_ADDRESS else None
        between = RecordRelation(kind=kind, occurred_on=on, refused=refused, workspace_id=client)
        if self.ask(between, who) is not None:
            self.known[who].relations.add(self.version(who))
            self.wanted(self.known[who], self.version(who), client, None)

    @rule(who=people, number=st.integers(0, 1))
    def end(self, who: AddresseeId, number: int) -> None:
        for entry in sorted(self.known[who].relations)[number : number + 1]:
            self.ask(EndRelation(entry=entry, ended_on=self.world.now.date()), who)

    @rule(who=people, number=st.integers(0, 1))
    def retract(self, who: AddresseeId, number: int) -> None:
        for entry in sorted(self.known[who].grounds())[number : number + 1]:
            self.take_back(who, entry)

    def take_back(self, who: AddresseeId, entry: int) -> None:
        known = self.known[who]
        if self.ask(RetractEntry(entry=entry, reason="Not so."), who) is not None:
            known.consents.discard(entry)
            known.relations.discard(entry)
            if not known.erased:
                known.words.consents.pop(entry, None)
                known.words.of_clients.pop(entry, None)

    @rule(who=people, kind=st.sampled_from(SuppressionReason), place=PLACES)
    def suppress(self, who: AddresseeId, kind: SuppressionReason, place: Place) -> None:
        scope, within = place
        narrow: dict[str, Any] = {
            Scope.WORKSPACE: {"workspace_id": within},
            Scope.CAMPAIGN_TYPE: {"campaign_type": within},
        }.get(scope, {})
        done = self.ask(SuppressAddressee.model_validate({"kind": kind, **narrow}), who)
        assert done is not None
        if done:
            self.known[who].suppressed[self.version(who)] = (kind.value, place)
        assert (kind.value, place) in self.known[who].suppressed.values()

    @rule(who=people, number=st.integers(0, 3))
    def lift(self, who: AddresseeId, number: int) -> None:
        """Whatever stands there, the person's own words and an erasure among it."""
        known, held = self.known[who], self.person(who).suppressions
        for one in held[number : number + 1]:
            lifted = self.ask(LiftSuppression(entry=one.position, reason="Works again."), who)
            proven = [
                given for given in self.person(who).consents if given.documented and not given.withdrawn_at
            ]
            since = [given.at or surely_since(given.on) for given in proven]
            wanted = one.kind.value == "manual" or any(at >= one.since for at in since)
            over = one.ended_at is not None
            assert (lifted is not None) is ((wanted or over) and one.kind.value in set(SuppressionReason))
            assert not (over and lifted), "once is enough"
            if lifted is not None:
                known.suppressed.pop(one.position, None)
