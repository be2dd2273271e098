"""What a law lets be sent once: one test for each rule."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeEvent,
    AddresseeRegistered,
    MessageDispatched,
    PermissionDecided,
)
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import (
    AuthoriseMessage,
    DispatchMessage,
    authorised,
    judged_again,
    message_of,
)
from domain.audience.consent_events import (
    ConsentRecorded,
)
from domain.kernel.ids import AddresseeId, MessageId, TenantId, WorkspaceId
from domain.law.facts import Purpose
from domain.law.packs import load_packs
from domain.tenancy.tenant import TenantOpened
from domain.tenancy.workspace import WorkspaceCreated
from tests.support.given import NOW, TENANT, uid
from tests.support.unit import World

ID, MESSAGE = AddresseeId(uid(30)), MessageId(uid(50))
HERE = WorkspaceId(uid(41))
REGISTERED = AddresseeRegistered(
    addressee_id=ID, email="bob@example.org", workspace_id=HERE, country="DE", subscriber_type="corporate"
)
CONSENT = ConsentRecorded(
    addressee_id=ID, occurred_on=date(2026, 1, 1), source="event", recorded_by="api", documented=True
)
DISPATCHED = MessageDispatched(
    addressee_id=ID, message_id=MESSAGE, workspace_id=HERE, allowed_by=3, occurred_at=NOW
)


class TestOnce:
    """What may be sent once is counted by what was handed over, and not by what somebody enters."""

    CANADIAN = AddresseeRegistered(addressee_id=ID, email="c@example.org", workspace_id=HERE, country="CA")
    FRENCH = AddresseeRegistered(
        addressee_id=ID, email="f@example.org", country="FR", workspace_id=HERE, subscriber_type="individual"
    )
    LONG_AGO = ConsentRecorded(
        addressee_id=ID, occurred_on=date(2023, 11, 20), source="event", recorded_by="api", documented=True
    )
    REFERRED = ({"purpose": Purpose.REFERRAL, "names_referrer": True}, "CA", (CANADIAN,))
    AT_THE_TERM = ({"purpose": Purpose.CONSENT_REQUEST}, "FR", (FRENCH, LONG_AGO))
    CASES = pytest.mark.parametrize(("what", "country", "facts"), [REFERRED, AT_THE_TERM])

    @staticmethod
    def world(country: str, facts: tuple[AddresseeEvent, ...]) -> World:
        world = World()
        opened = TenantOpened(
            tenant_id=TenantId(TENANT), tenant_name="T", slug="t", plan="free", country=country
        )
        world.happened("tenant", str(TENANT), opened)
        world.happened("workspace", str(HERE), WorkspaceCreated(workspace_id=HERE, workspace_name="W"))
        for event in facts:
            world.happened("addressee", str(ID), event)
        return world

    @staticmethod
    def steps(number: int, what: dict[str, Any]) -> tuple[AuthoriseMessage, DispatchMessage]:
        message = MessageId(uid(number))
        return (
            AuthoriseMessage(message_id=message, workspace_id=HERE, **what),
            DispatchMessage(message_id=message, workspace_id=HERE),
        )

    @CASES
    def test_the_second_is_denied(
        self, what: dict[str, Any], country: str, facts: tuple[AddresseeEvent, ...]
    ) -> None:
        world = self.world(country, facts)
        verdicts = []
        for number in (51, 52, 53):
            ask, go = self.steps(number, what)
            (event,) = world.run(ask, ID)
            assert isinstance(event, PermissionDecided)
            verdicts.append(event.verdict)
            if event.verdict == "allow":
                assert isinstance(world.run(go, ID)[-1], MessageDispatched)
        assert verdicts == ["allow", "deny", "deny"]

    @CASES
    def test_of_two_that_were_allowed_side_by_side_one_goes(
        self, what: dict[str, Any], country: str, facts: tuple[AddresseeEvent, ...]
    ) -> None:
        world = self.world(country, facts)
        (ask_one, go_one), (ask_two, go_two) = self.steps(51, what), self.steps(52, what)
        for ask in (ask_one, ask_two):
            (event,) = world.run(ask, ID)
            assert isinstance(event, PermissionDecided)
            assert event.verdict == "allow"
        assert isinstance(world.run(go_one, ID)[-1], MessageDispatched)
        (again,) = world.run(go_two, ID)
        assert isinstance(again, PermissionDecided)
        assert again.verdict == "deny"

    @CASES
    def test_it_stays_what_it_was_when_it_is_judged_again(
        self, what: dict[str, Any], country: str, facts: tuple[AddresseeEvent, ...]
    ) -> None:
        """Also with hindsight: a message does not stand against itself. It does against the other, allowed before."""
        state = ADDRESSEE.fold(facts)
        assert isinstance(state, Addressee)
        (ask, _), (other, _) = self.steps(51, what), self.steps(52, what)
        allow, second = (
            authorised(state, one.message_id, HERE, message_of(one), country, NOW) for one in (ask, other)
        )
        gone = MessageDispatched(
            addressee_id=ID, message_id=ask.message_id, workspace_id=HERE, allowed_by=3, occurred_at=NOW
        )
        later = ADDRESSEE.fold((allow, second, gone), state)
        assert isinstance(later, Addressee)
        assert judged_again(allow, state.person, load_packs()) == allow
        assert judged_again(allow, later.person, load_packs()) == allow
        assert judged_again(second, later.person, load_packs()).verdict == "deny"

    def test_a_clock_that_is_behind_does_not_hide_what_went(self) -> None:
        ahead = DISPATCHED.model_copy(update={"occurred_at": NOW + timedelta(seconds=2)})
        (ask, _) = self.steps(51, self.REFERRED[0])
        state = ADDRESSEE.fold((self.CANADIAN, ahead))
        assert isinstance(state, Addressee)
        event = authorised(state, ask.message_id, HERE, message_of(ask), "CA", NOW)
        assert (event.verdict, event.decided_at) == ("deny", ahead.occurred_at)

    def test_of_what_went_only_the_first_and_what_asked_is_kept(self) -> None:
        state = ADDRESSEE.fold((REGISTERED, CONSENT))
        for number, purpose in enumerate(
            (Purpose.MARKETING, Purpose.MARKETING, Purpose.CONSENT_REQUEST, Purpose.MARKETING), 51
        ):
            assert isinstance(state, Addressee)
            ask, _ = self.steps(number, {"purpose": purpose})
            allow = authorised(state, ask.message_id, HERE, message_of(ask), "DE", NOW)
            gone = MessageDispatched(
                addressee_id=ID,
                message_id=ask.message_id,
                workspace_id=HERE,
                allowed_by=allow.decided_at.day,
                occurred_at=NOW,
            )
            state = ADDRESSEE.fold((allow, gone), state)
        assert isinstance(state, Addressee)
        assert [(one.message_id, one.purpose) for one in state.written] == [
            (uid(51), Purpose.MARKETING),
            (uid(53), Purpose.CONSENT_REQUEST),
        ]
