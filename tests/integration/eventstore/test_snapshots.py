"""Snapshots: the newest of a shape, never one with personal values, and the same state as the whole stream's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from psycopg_pool import AsyncConnectionPool
from pydantic import ValidationError

from adapters.eventstore.snapshots import MemorySnapshots, PostgresSnapshots
from application.ports.log import LogUnavailable
from application.ports.snapshots import Snapshot, SnapshotStore
from application.snapshots import HoldsPersonalData, StateForm
from domain.audience.contact_list import LIST
from domain.kernel.commands import DECIDERS, Decider
from domain.kernel.personal import Profile
from tests.support.database import Database


@dataclass(frozen=True)
class Counted:
    number: int = 0
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Named:
    inner: tuple[Profile[str], ...] = ()


def decider(initial: object, *, reveals: bool = False) -> Decider[object]:
    made = Decider(category="snapshot_test", initial=initial, evolve=lambda state, _: state, reveals=reveals)
    del DECIDERS["snapshot_test"]
    return made


async def keeps_the_newest_of_a_shape(store: SnapshotStore) -> None:
    tenant, stream = uuid4(), f"counter:{uuid4()}"
    assert await store.load(tenant, stream, "a") is None
    await store.save(tenant, stream, "a", Snapshot(500, b"{}"))
    await store.save(tenant, stream, "a", Snapshot(400, b"late"))
    assert await store.load(tenant, stream, "a") == Snapshot(500, b"{}")
    assert await store.load(uuid4(), stream, "a") is None
    assert await store.load(tenant, stream, "b") is None
    await store.save(tenant, stream, "b", Snapshot(450, b"[]"))
    assert await store.load(tenant, stream, "a") is None
    assert await store.load(tenant, stream, "b") == Snapshot(450, b"[]")
    assert (tenant, stream) in await store.streams(1_000)


async def test_the_newest_of_a_shape_is_kept(any_database: Database) -> None:
    async with AsyncConnectionPool(any_database.appender, min_size=1, open=False) as pool:
        await keeps_the_newest_of_a_shape(PostgresSnapshots(pool))


async def test_the_newest_of_a_shape_is_kept_in_memory() -> None:
    await keeps_the_newest_of_a_shape(MemorySnapshots())


async def test_a_database_that_is_away_is_said_to_be() -> None:
    nowhere = AsyncConnectionPool(
        "host=/nonexistent", min_size=0, max_size=1, open=False, timeout=0.2, reconnect_timeout=0.1
    )
    async with nowhere as pool:
        with pytest.raises(LogUnavailable):
            await PostgresSnapshots(pool).load(uuid4(), "a:1", "a")


def test_a_state_comes_back_as_it_was() -> None:
    form = StateForm(decider(Counted()), Counted)
    state = replace(Counted(), number=3, names=frozenset({"a", "b"}))
    assert form.from_bytes(form.to_bytes(state)) == state
    with pytest.raises(ValidationError):
        form.from_bytes(b'{"number":"many"}')
    assert form.schema == StateForm(decider(Counted()), Counted).schema
    assert form.schema != StateForm(decider(0), int).schema
    other_fold: Decider[Any] = decider(Counted())
    other_fold.evolve = LIST.evolve
    assert form.schema != StateForm(other_fold, Counted).schema


def test_a_state_with_personal_values_has_no_form() -> None:
    with pytest.raises(HoldsPersonalData):
        StateForm(decider(Named()), Named)
    with pytest.raises(HoldsPersonalData):
        StateForm(decider(Counted(), reveals=True), Counted)
