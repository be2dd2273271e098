"""Towards each client a person stands apart, and the end of what one has is announced apart from every other's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeDescribed,
    AddresseeRegistered,
    AddresseeSuppressed,
    EntryRetracted,
    PermissionLapsed,
    PermissionLapsing,
    RelationRecorded,
    SuppressionLifted,
)
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import ConsentRecorded
from domain.audience.lapse import announced
from domain.audience.standing import standing_of
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.clients import senders_to
from domain.law.facts import Message
from domain.law.judging import judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.given import uid

ANN = AddresseeId(uid(7))
NORTH, SOUTH, THIRD = (WorkspaceId(uid(number)) for number in (21, 22, 23))
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
REGISTERED = AddresseeRegistered(addressee_id=ANN, email="ann@people.example", country="FR")
ENDS_NORTH = datetime(2027, 5, 9, 22, tzinfo=UTC)
ENDS_SOUTH = datetime(2027, 5, 19, 22, tzinfo=UTC)


def consented(on: date, client: WorkspaceId | None, **more: Any) -> ConsentRecorded:
    given = {"occurred_on": on, "source": "event", "recorded_by": "api", "documented": True}
    return ConsentRecorded.model_validate({"addressee_id": ANN, **given, "workspace_id": client, **more})


TO_NORTH, TO_SOUTH = consented(date(2024, 5, 10), NORTH), consented(date(2024, 5, 20), SOUTH)


def stopped_by(client: WorkspaceId) -> AddresseeSuppressed:
    return AddresseeSuppressed(
        addressee_id=ANN, kind="manual", scope="workspace", within=str(client), occurred_at=NOW
    )


LIFTED = SuppressionLifted(addressee_id=ANN, entry=2, occurred_at=NOW, reason="x")


def after(*events: Event) -> Addressee:
    state = ADDRESSEE.fold((REGISTERED, *events))
    assert isinstance(state, Addressee)
    return state


def standing(state: Addressee, client: WorkspaceId | None) -> tuple[Verdict, datetime | None]:
    found = standing_of(state.person, "FR", NOW, None if client is None else str(client))
    return found.now.verdict, found.lapses_at


def test_each_client_has_what_was_given_to_them_until_that_ends() -> None:
    state = after(TO_NORTH, TO_SOUTH)
    assert standing(state, NORTH) == (Verdict.ALLOW, ENDS_NORTH)
    assert standing(state, SOUTH) == (Verdict.ALLOW, ENDS_SOUTH)
    assert standing(state, THIRD) == standing(state, None) == (Verdict.DENY, None)


def test_what_was_given_to_the_tenant_is_everybodys_and_the_later_end_counts() -> None:
    state = after(TO_NORTH, consented(date(2024, 5, 20), None))
    assert standing(state, NORTH) == standing(state, None) == standing(state, THIRD)
    assert standing(state, NORTH) == (Verdict.ALLOW, ENDS_SOUTH)


def test_what_holds_back_one_clients_mail_holds_back_no_other_clients() -> None:
    state = after(TO_NORTH, TO_SOUTH, stopped_by(SOUTH))
    assert standing(state, NORTH) == (Verdict.ALLOW, ENDS_NORTH)
    assert standing(state, SOUTH) == (Verdict.DENY, None)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), (None,)),
        ((TO_NORTH,), (str(NORTH),)),
        ((TO_SOUTH, TO_NORTH), (str(NORTH), str(SOUTH))),
        ((TO_NORTH, consented(date(2024, 1, 1), None)), (None, str(NORTH))),
        ((TO_NORTH, EntryRetracted(addressee_id=ANN, entry=2, reason="x")), (None,)),
        (
            (RelationRecorded(addressee_id=ANN, kind="purchase", occurred_on=NOW.date()), TO_SOUTH),
            (None, str(SOUTH)),
        ),
        ((AddresseeDescribed(addressee_id=ANN, workspace_id=NORTH, told=True),), (str(NORTH),)),
        ((AddresseeDescribed(addressee_id=ANN, told=False), TO_NORTH), (None, str(NORTH))),
        ((AddresseeDescribed(addressee_id=ANN, generic_address=True), TO_NORTH), (str(NORTH),)),
        ((stopped_by(NORTH),), (None, str(NORTH))),
        ((TO_SOUTH, stopped_by(NORTH)), (str(NORTH), str(SOUTH))),
        ((stopped_by(NORTH), LIFTED), (None,)),
    ],
)
def test_the_tenant_is_among_senders_with_something_of_its_own_or_where_nobody_has(
    events: tuple[Event, ...], expected: tuple[str | None, ...]
) -> None:
    assert senders_to(after(*events).person) == expected


def test_people_of_whom_the_same_is_known_share_a_standing_whoever_their_client_is() -> None:
    north, south, tenant = (
        standing_of(after(consented(date(2024, 5, 10), client)).person, "FR", NOW, asking)
        for client, asking in ((NORTH, str(NORTH)), (SOUTH, str(SOUTH)), (None, None))
    )
    assert north is south is tenant


def test_what_others_were_given_is_said_of_decisions_alone() -> None:
    """So that a row stays what it is while others are given something."""
    state = after(TO_NORTH, TO_SOUTH, EntryRetracted(addressee_id=ANN, entry=2, reason="x"))
    at_north = standing_of(state.person, "FR", NOW, str(NORTH))
    assert at_north is standing_of(after().person, "FR", NOW)
    (decided,) = judge(state.person, Message(workspace=str(NORTH)), "FR", NOW, load_packs()).reasons
    assert (decided.verdict, decided.positions) == (Verdict.DENY, (3,))
    assert "other clients" in decided.about


def of(client: WorkspaceId, at: datetime, ends: datetime, *events: Event) -> list[tuple[type[Event], object]]:
    told = announced(after(*events), ends, "US", at, str(client))
    return [(type(one), getattr(one, "workspace_id", "none")) for one in told]


def test_the_end_of_each_client_is_announced_apart_and_none_hides_another() -> None:
    events: list[Event] = [TO_NORTH, TO_SOUTH]
    for client, ends in ((SOUTH, ENDS_SOUTH), (NORTH, ENDS_NORTH)):
        ahead = announced(after(*events), ends, "US", ends - timedelta(days=20), str(client))
        assert [type(one) for one in ahead] == [PermissionLapsing]
        events += ahead
    for client, ends in ((SOUTH, ENDS_SOUTH), (NORTH, ENDS_NORTH)):
        assert of(client, ends - timedelta(days=19), ends, *events) == [], "each is said once"
    for client, ends in ((SOUTH, ENDS_SOUTH), (NORTH, ENDS_NORTH)):
        over = announced(after(*events), ends, "US", ENDS_SOUTH, str(client))
        assert [(type(one), getattr(one, "workspace_id", None)) for one in over] == [
            (PermissionLapsed, client)
        ], "that the later end was told first is no reason to leave the earlier out"
        events += over
        assert of(client, ENDS_SOUTH, ends, *events) == []
    state = after(*events)
    assert state.lapsed_at == {str(NORTH): ENDS_NORTH, str(SOUTH): ENDS_SOUTH}
    assert state.lapses_at == state.lapsed_at


def test_of_a_client_who_has_nothing_any_more_nothing_is_announced() -> None:
    gone = EntryRetracted(addressee_id=ANN, entry=2, reason="x")
    to_all = TO_NORTH.model_copy(update={"workspace_id": None})
    assert of(NORTH, ENDS_NORTH, ENDS_NORTH, TO_NORTH) == [(PermissionLapsed, NORTH)]
    assert of(NORTH, ENDS_NORTH, ENDS_NORTH, TO_NORTH, gone, to_all) == []
    (over,) = announced(after(TO_NORTH, gone, to_all), ENDS_NORTH, "US", ENDS_NORTH)
    assert isinstance(over, PermissionLapsed)
    assert over.workspace_id is None


def test_the_tenant_has_no_end_where_all_is_of_clients() -> None:
    assert announced(after(TO_NORTH), ENDS_NORTH, "US", ENDS_NORTH) == ()


@pytest.mark.parametrize("name", ["audience.permission_lapsing", "audience.permission_lapsed"])
def test_ends_of_before_there_were_clients_are_the_tenants(name: str) -> None:
    _, payload = EVENTS.upcast(name, 1, {"rule": "fr.consent"})
    assert payload == {"rule": "fr.consent", "workspace_id": None}
