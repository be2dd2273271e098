"""A person's word is not lost for what others do meanwhile; what cannot be entered is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from application import doors
from application.commanding import Commands, TooMuchContention
from application.door_tokens import Door, DoorToken, LinkUnusable
from application.doors import ConfirmationOver, Doors
from application.orders import Order, Outcome
from application.ports.log import LogUnavailable, OutcomeUnknown
from domain.audience.addressee_events import OptedOut
from domain.audience.consent import ConfirmConsent, OptOutChannel
from domain.audience.consent_refusals import NotAsked
from domain.audience.own_word import HeedOptOut
from domain.kernel.commands import ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.ids import AddresseeId
from domain.kernel.permissions import Permission
from tests.support.given import NOW, TENANT, uid

SAID = OptedOut(addressee_id=AddresseeId(uid(30)), occurred_at=NOW, channel="one_click")
STOP = HeedOptOut(channel=OptOutChannel.ONE_CLICK)
STOPS = DoorToken(Door.OPT_OUT, TENANT, uid(30), message_id=uid(50))
CONFIRMS = DoorToken(Door.CONFIRM, TENANT, uid(30), request=2)


class Path:
    """The command path of one person: what the next orders come to, in their order."""

    def __init__(self, *ends: Exception | None, new: bool = True) -> None:
        self._ends: Iterator[Exception | None] = iter(ends)
        self._new = new
        self.orders: list[Order] = []

    async def rehearse(self, _: Order) -> Outcome:
        rehearsed = (SAID,) if self._new else ()
        return Outcome(TENANT, uid(30), None, (), 1, rehearsed=rehearsed)

    async def execute(self, order: Order) -> Outcome:
        self.orders.append(order)
        if (end := next(self._ends)) is not None:
            raise end
        return Outcome(TENANT, uid(30), None, (), 2)


def doors_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> Doors:
    monkeypatch.setattr(doors, "_BETWEEN", 0)
    return Doors(cast("Commands", path))


async def test_it_is_tried_again_where_others_write_or_a_commit_broke_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(TooMuchContention(), OutcomeUnknown(), None)
    await doors_of(path, monkeypatch).heed(STOPS, STOP, "0" * 16)
    assert len(path.orders) == 3
    for order in path.orders:
        assert (order.command, order.target, order.ip, order.channel) == (STOP, uid(30), None, "door")
        assert order.correlation == uid(50)
        assert order.principal.actor.kind is ActorKind.SYSTEM
        assert order.principal.permissions == {Permission.INTERNAL}


async def test_what_says_nothing_new_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(new=False)
    await doors_of(path, monkeypatch).heed(STOPS, STOP, "0" * 16)
    assert path.orders == []


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([TooMuchContention()] * 9, TooMuchContention),
        ([LogUnavailable("gone")], LogUnavailable),
        ([NotFound()], LinkUnusable),
    ],
    ids=["contention", "outage", "nobody"],
)
async def test_what_could_not_be_entered_is_told(
    ends: list[Exception], told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(told):
        await doors_of(Path(*ends), monkeypatch).heed(STOPS, STOP, "0" * 16)


async def test_a_confirmation_is_its_own_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(None, NotAsked())
    mine = doors_of(path, monkeypatch)
    await mine.confirm(CONFIRMS, ip="no address", user_agent="[erased]", request_id="0" * 16)
    assert path.orders[0].command == ConfirmConsent(request=2)
    with pytest.raises(ConfirmationOver):
        await mine.confirm(CONFIRMS, ip=None, user_agent=None, request_id="0" * 16)
    with pytest.raises(LinkUnusable):
        await mine.confirm(STOPS, ip=None, user_agent=None, request_id="0" * 16)
