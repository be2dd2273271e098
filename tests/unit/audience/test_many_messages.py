"""Somebody who was written to for years: what the fold of their stream costs grows with it, and no faster."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from uuid import UUID

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeEvent,
    AddresseeRegistered,
    MessageDispatched,
    PermissionDecided,
)
from domain.audience.addressee_state import Addressee, AddresseeState
from domain.audience.authorisation import AuthoriseMessage, authorised, message_of
from domain.audience.consent_events import ConsentRecorded
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from tests.support.given import NOW, uid

ID, HERE = AddresseeId(uid(30)), WorkspaceId(uid(41))
BEGUN: tuple[AddresseeEvent, ...] = (
    AddresseeRegistered(
        addressee_id=ID, email="bob@example.org", workspace_id=HERE, country="DE", subscriber_type="corporate"
    ),
    ConsentRecorded(
        addressee_id=ID,
        occurred_on=NOW.date().replace(month=1),
        source="event",
        recorded_by="api",
        documented=True,
    ),
)
MESSAGES = 2_000


def of_low_bits(number: int) -> MessageId:
    return MessageId(UUID(int=number))


def of_high_bits(number: int) -> MessageId:
    """As a sender makes them who counts by UUID version 1: what they all have in common is their low half."""
    return MessageId(UUID(int=(number << 96) | (0x11F0 << 64) | 0x8123_0242_AC12_0002))


def allow_of(message_id: MessageId) -> PermissionDecided:
    known = ADDRESSEE.fold(BEGUN)
    assert isinstance(known, Addressee)
    ask = AuthoriseMessage(message_id=message_id, workspace_id=HERE)
    decided = authorised(known, message_id, HERE, message_of(ask), "DE", NOW)
    assert decided.verdict == "allow"
    return decided


def sent(ids: Iterable[MessageId]) -> list[AddresseeEvent]:
    """Each message's allow, and its hand-over."""
    allow, events = allow_of(of_low_bits(0)), list(BEGUN)
    for number, one in enumerate(ids):
        events.append(allow.model_copy(update={"message_id": one}))
        gone = MessageDispatched(
            addressee_id=ID, message_id=one, workspace_id=HERE, allowed_by=2 * number + 3, occurred_at=NOW
        )
        events.append(gone)
    return events


def references(states: Iterable[AddresseeState]) -> int:
    """How many references all these states hold together: what states share counts once, what was copied each time."""
    seen, total, found = set[int](), 0, list[object](states)
    while found:
        one = found.pop()
        if id(one) in seen or isinstance(one, type | FunctionType | ModuleType):
            continue
        seen.add(id(one))
        more = gc.get_referents(one)
        total += len(more)
        found += more
    return total


@pytest.mark.parametrize("named", [of_low_bits, of_high_bits])
def test_twice_the_messages_are_about_twice_the_copying(named: Callable[[int], MessageId]) -> None:
    costs: list[int] = []
    for messages in (MESSAGES // 2, MESSAGES):
        events = sent(map(named, range(1, messages + 1)))
        states: list[AddresseeState] = [ADDRESSEE.initial]
        for event in events:
            states.append(ADDRESSEE.evolve(states[-1], event))
        costs.append(references(states))
        last = states[-1]
        assert isinstance(last, Addressee)
        assert len(last.dispatched) == messages
        assert (len(last.allows), len(last.written)) == (0, 1)
    assert costs[1] < 2.5 * costs[0], costs
