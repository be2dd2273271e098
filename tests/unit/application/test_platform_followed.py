"""Tenants and suppressions as the platform's log tells them, also after it was restored under a running process."""

from __future__ import annotations

from uuid import UUID

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.platform_suppressions import Followed, Told
from application.ports.codec import Cause
from application.ports.log import Append
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import PLATFORM
from domain.platform.suppression import AddressReleased, AddressSuppressed
from tests.support.given import uid

FIRST, SECOND, THIRD = uid(11), uid(12), uid(13)
CAUSE = Cause(Actor(ActorKind.SYSTEM, PLATFORM), uid(2), "tests.do", uid(3))


class Restorable(MemoryLog):
    """A log that can be set back to one of its positions, as a restore does it: under a new epoch."""

    def restore(self, position: int) -> None:
        rows = self._events[PLATFORM]
        rows[:] = [row for row in rows if row.position <= position]
        head = self._heads[PLATFORM]
        self._heads[PLATFORM] = head._replace(epoch=head.epoch + 1, position=position)


class Staff:
    def __init__(self) -> None:
        self.log, self.codec = Restorable(), JsonCodec(MemoryKeyStore())
        self.followed = Followed(self.log, self.codec)

    async def enter(self, *events: AddressSuppressed | AddressReleased) -> None:
        named = [(f"platform_suppression:{event.suppression_id}", event) for event in events]
        stored = self.codec.encode(PLATFORM, named, CAUSE)
        await self.log.append(Append(PLATFORM, tuple(stored), opens_log=True))

    async def suppress(self, *ids: UUID) -> None:
        about = {"email": "ann@people.example", "kind": "abuse", "reason": "Reported."}
        await self.enter(*[AddressSuppressed.model_validate({"suppression_id": one, **about}) for one in ids])

    async def release(self, suppression_id: UUID) -> None:
        await self.enter(AddressReleased(suppression_id=suppression_id, reason="It was a mistake."))


async def test_nothing_stands_before_there_is_a_log() -> None:
    assert await Staff().followed.now() == Told((), ())


async def test_what_stands_is_what_was_suppressed_and_not_released() -> None:
    staff = Staff()
    await staff.suppress(FIRST, SECOND)
    assert (await staff.followed.now()).standing == (FIRST, SECOND)
    await staff.release(FIRST)
    await staff.suppress(THIRD)
    assert (await staff.followed.now()).standing == (SECOND, THIRD)


async def test_after_a_restore_what_stands_is_read_anew() -> None:
    """The log is shorter than where this process was, and later longer: neither may go by unseen."""
    staff = Staff()
    await staff.suppress(FIRST, SECOND)
    await staff.release(FIRST)
    assert (await staff.followed.now()).standing == (SECOND,)
    staff.log.restore(1)
    assert (await staff.followed.now()).standing == (FIRST,)
    await staff.suppress(THIRD)
    assert (await staff.followed.now()).standing == (FIRST, THIRD)
