"""Loads that begin at a snapshot: the same state as the whole stream's, and few events read."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.eventstore.snapshots import MemorySnapshots
from adapters.keys.memory import MemoryKeyStore
from application.ports.codec import Cause
from application.ports.log import Append, LogUnavailable, Recorded
from application.ports.snapshots import Snapshot
from application.snapshots import FORMS, Snapshots
from application.unit import Folded, Streams
from domain.audience.contact_list import LIST, ListCreated, ListMembersAdded, ListMembersRemoved, ListRenamed
from domain.audience.import_commands import IMPORT
from domain.audience.import_events import (
    ImportChunkApplied,
    ImportReady,
    ImportRegistered,
    ImportStarted,
    SettledMapping,
)
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import ContactId, ImportId, ListId, WorkspaceId

WORTH_IT = 3
WORKSPACE = WorkspaceId(UUID(int=7))
LIST_ID = ListId(UUID(int=8))
IMPORT_ID = ImportId(UUID(int=9))
MAPPING = SettledMapping(
    columns={"a": "email"},
    date_order="DMY",
    timezone="UTC",
    encoding="utf-8",
    delimiter=",",
    default_country=None,
    duplicates="skip",
)
CAUSE = Cause(Actor(ActorKind.SYSTEM, UUID(int=1)), UUID(int=2), "test.test", UUID(int=3))


class Counting(MemoryLog):
    """Counts the events that are read from streams."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        found = await super().read_streams(tenant_id, streams, up_to_position=up_to_position, limit=limit)
        self.read += sum(map(len, found))
        return found


class Office:
    """One tenant's log; `process` gives what a process that starts now loads with."""

    def __init__(self) -> None:
        self.tenant = uuid4()
        self.log, self.store, self.keys = Counting(), MemorySnapshots(), MemoryKeyStore()
        self.codec = JsonCodec(self.keys)

    def process(self, worth_it: int = WORTH_IT) -> Streams:
        return Streams(self.log, self.codec, self.keys, Snapshots(self.store, worth_it))

    async def append(self, stream: str, events: Sequence[Event]) -> None:
        encoded = self.codec.encode(self.tenant, [(stream, event) for event in events], CAUSE)
        await self.log.append(Append(self.tenant, tuple(encoded), opens_log=True))

    async def list(self, streams: Streams) -> Folded:
        return (await streams.load(self.tenant, [(LIST, f"list:{LIST_ID}")], fresh=True))[0]

    async def cost(self, streams: Streams) -> int:
        before = self.log.read
        await self.list(streams)
        return self.log.read - before


def ended(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


created = ListCreated(list_id=LIST_ID, workspace_id=WORKSPACE, list_name="all")
people = st.lists(st.integers(0, 40).map(lambda n: ContactId(UUID(int=n))), max_size=5)
changes = st.one_of(
    people.map(lambda who: ListMembersAdded(list_id=LIST_ID, workspace_id=WORKSPACE, contact_ids=who)),
    people.map(lambda who: ListMembersRemoved(list_id=LIST_ID, workspace_id=WORKSPACE, contact_ids=who)),
    st.text(max_size=3).map(
        lambda name: ListRenamed(list_id=LIST_ID, workspace_id=WORKSPACE, before="", after=name)
    ),
)


@given(st.lists(st.tuples(st.lists(changes, min_size=1, max_size=9), st.booleans()), max_size=6))
def test_a_snapshot_and_its_tail_make_the_state_of_all_events(
    batches: list[tuple[list[Event], bool]],
) -> None:
    async def happen() -> None:
        office = Office()
        all_events: list[Event] = [created]
        await office.append(f"list:{LIST_ID}", all_events)
        streams = office.process()
        for events, restarts in batches:
            await office.append(f"list:{LIST_ID}", events)
            all_events += events
            if restarts:
                streams = office.process()
            assert await office.list(streams) == (len(all_events), LIST.fold(all_events))

    ended(happen())


async def test_a_long_stream_is_read_once_and_then_from_its_snapshot_on() -> None:
    office = Office()
    first, second = office.process(500), office.process(500)
    added = [ListMembersAdded(list_id=LIST_ID, workspace_id=WORKSPACE, contact_ids=[ContactId(uuid4())])] * 2
    await office.append(f"list:{LIST_ID}", [created, *added * 1_000])
    assert await office.cost(first) == 2_001
    assert await office.cost(first) == 1  # the snapshot's own last event, to see that it is of this history
    await office.append(f"list:{LIST_ID}", added)
    assert await office.cost(first) == 3
    assert await office.cost(second) == 3  # it asks for the long streams at its first load
    assert await office.cost(office.process(500)) == 3


async def test_a_short_stream_has_no_snapshot_and_none_is_looked_for() -> None:
    office = Office()
    streams = office.process()
    await office.append(f"list:{LIST_ID}", [created])
    assert await office.cost(streams) == await office.cost(streams) == 1

    async def never(*_: object) -> None:
        raise AssertionError("looked for")

    office.store.load = never  # type: ignore[method-assign,assignment]  # nobody is to come here
    await office.cost(streams)
    assert await office.store.streams(10) == []


async def test_a_snapshot_of_another_shape_or_fold_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    await office.append(f"list:{LIST_ID}", [created] * 5)
    known = await office.list(office.process())
    monkeypatch.setattr(FORMS["list"], "schema", "list.of-another-version")
    assert await office.cost(office.process()) == 5
    assert await office.list(office.process()) == known
    assert await office.cost(office.process()) == 1  # made anew, in its place


async def test_a_snapshot_that_cannot_be_read_or_is_of_another_history_is_passed_by() -> None:
    office = Office()
    stream = f"list:{LIST_ID}"
    await office.append(stream, [created] * 5)
    known = await office.list(office.process())
    for wrong in (Snapshot(5, b"{}"), Snapshot(900, FORMS["list"].to_bytes(known[1]))):
        await office.store.save(office.tenant, stream, FORMS["list"].schema, wrong)
        assert await office.list(office.process()) == known


async def test_a_store_that_is_away_costs_time_and_no_more() -> None:
    office = Office()
    await office.append(f"list:{LIST_ID}", [created] * 5)

    async def away(*_: object) -> None:
        raise LogUnavailable

    for name in ("streams", "load", "save"):
        setattr(office.store, name, away)
    streams = office.process()
    assert (await office.list(streams)) == (await office.list(streams)) == (5, LIST.fold([created] * 5))


async def test_an_import_of_many_chunks_begins_at_its_snapshot() -> None:
    office = Office()
    stream = f"import:{IMPORT_ID}"
    ids: dict[str, Any] = {"import_id": IMPORT_ID, "workspace_id": WORKSPACE}
    begun: list[Event] = [
        ImportRegistered(**ids, uploaded_by=UUID(int=5), file_name="people.csv", size=9, sha256="0" * 64),
        ImportReady(**ids, encoding="utf-8", delimiter=",", columns={"a": "email"}, rows=900),
        ImportStarted(**ids, mapping=MAPPING),
    ]
    chunks = [
        ImportChunkApplied(
            **ids,
            chunk=n,
            first_row=n,
            last_row=n,
            imported=1,
            updated=0,
            skipped=0,
            rejected=0,
            problems={"x": 1},
        )
        for n in range(1, 9)
    ]
    await office.append(stream, [*begun, *chunks])
    loads = [(IMPORT, stream)]
    whole = await office.process().load(office.tenant, loads, fresh=True)
    before = office.log.read
    again = await office.process().load(office.tenant, loads, fresh=True)
    assert again == whole == [(11, IMPORT.fold([*begun, *chunks]))]
    assert office.log.read - before == 1
