"""Decisions of former days, in a log in memory, and packs of another wording to judge them by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.law_archive import LawArchive
from application.ports.codec import Cause
from application.ports.log import Append
from application.rejudging import Flip, Question, Rejudging, Tally
from application.replay import Replay
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered, PermissionDecided, RelationRecorded
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import AuthoriseMessage, authorised, message_of
from domain.audience.consent_events import ConsentRecorded
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, AddresseeId, MessageId, WorkspaceId, new_id
from domain.law import packs as packs_folder
from domain.law.pack import Pack
from domain.law.packs import load_packs
from domain.law.reading import read_pack
from domain.platform.rule_pack import RulePackAdopted, pack_stream_id
from tests.support.given import uid

TENANT, HERE = uid(1), WorkspaceId(uid(41))
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
AS_IT_WAS = Question()


@dataclass
class Past:
    """A tenant's past, a minute between two commands."""

    now: datetime = START
    people: dict[UUID, list[Event]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = MemoryLog(lambda: self.now)
        self.codec = JsonCodec(MemoryKeyStore())

    async def happened(self, who: UUID, *events: Event) -> None:
        """A minute later, something of somebody."""
        self.now += timedelta(minutes=1)
        command = new_id(self.now)
        cause = Cause(Actor(ActorKind.SYSTEM, TENANT), command, "tests.do", command)
        stored = self.codec.encode(TENANT, [(f"addressee:{who}", event) for event in events], cause)
        await self.log.append(Append(TENANT, tuple(stored), opens_log=True))
        self.people.setdefault(who, []).extend(events)

    async def adopted(self, event: RulePackAdopted) -> None:
        """The platform takes a version of a pack over."""
        command = new_id(self.now)
        cause = Cause(Actor(ActorKind.SYSTEM, PLATFORM), command, "tests.adopt", command)
        stream = f"rule_pack:{pack_stream_id(event.law)}"
        stored = self.codec.encode(PLATFORM, [(stream, event)], cause)
        await self.log.append(Append(PLATFORM, tuple(stored), opens_log=True))

    async def somebody(self, country: str, *facts: Event) -> AddresseeId:
        """Whom the first fact is about, or somebody new."""
        who = AddresseeId(new_id(self.now))
        for first in facts[:1]:
            assert isinstance(first, ConsentRecorded | RelationRecorded)
            who = first.addressee_id
        met = AddresseeRegistered(
            addressee_id=who,
            email="a@example.org",
            workspace_id=HERE,
            country=country,
            subscriber_type="individual",
        )
        await self.happened(who, met, *facts)
        return who

    async def decided(self, who: AddresseeId, sender: str = "US", **what: Any) -> PermissionDecided:
        """A message to them is decided on, as it was done that day."""
        state = ADDRESSEE.fold(self.people[who])
        assert isinstance(state, Addressee)
        ask = AuthoriseMessage(message_id=MessageId(new_id(self.now)), workspace_id=HERE, **what)
        event = authorised(state, ask.message_id, HERE, message_of(ask), sender, self.now)
        await self.happened(who, event)
        return event

    async def asked(
        self, question: Question = AS_IT_WAS, packs: tuple[Pack, ...] | None = None
    ) -> tuple[list[Flip], Tally]:
        """What comes out otherwise, and how many were judged."""
        archive = LawArchive(self.log, self.codec)
        rejudging = Rejudging(self.log, self.codec, Replay(self.log, self.codec), archive, lambda: self.now)
        flips: list[Flip] = []
        tally = Tally()
        async for one in rejudging.answers(TENANT, question, packs):
            if isinstance(one, Flip):
                flips.append(one)
            else:
                tally = one
        return flips, tally


def bought(years_ago: float) -> RelationRecorded:
    """A purchase by somebody new, so long before the start."""
    day = START.date() - timedelta(days=int(years_ago * 365))
    return RelationRecorded(addressee_id=AddresseeId(new_id(START)), kind="purchase", occurred_on=day)


def with_canada(old: str, new: str) -> tuple[Pack, ...]:
    """All packs, with another text in Canada's."""
    text = (files(packs_folder) / "ca.toml").read_text(encoding="utf-8")
    assert old in text
    changed = read_pack(text.replace(old, new), "ca.toml")
    return tuple(changed if pack.law == changed.law else pack for pack in load_packs())
