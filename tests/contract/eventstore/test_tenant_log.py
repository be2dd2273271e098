"""What every tenant log does, whatever it is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from adapters.eventstore.log import PostgresLog
from adapters.eventstore.memory import MemoryLog
from application.ports.log import (
    Append,
    KeyReused,
    NewEvent,
    ReceiptKey,
    StaleAuthorisation,
    TenantLog,
    UnknownLog,
    VersionConflict,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.database import Database


@pytest.fixture(params=["memory", "postgres"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[TenantLog]:
    if request.param == "memory":
        yield MemoryLog()
        return
    database: Database = request.getfixturevalue("module_database")
    async with PostgresLog(database.appender, database.loader) as real:
        yield real


def event(stream: str, *, opens_a_door: bool = False) -> NewEvent:
    return NewEvent(stream, "test.happened", 1, b'{"n":1}', b'{"who":"x"}', changes_access=opens_a_door)


def key(name: bytes, body: bytes = b"body") -> ReceiptKey:
    return ReceiptKey(name.ljust(32), body.ljust(32), uuid4(), "test.do")


def streams() -> Iterator[str]:
    while True:
        yield f"thing:{uuid4()}"


async def test_a_log_begins_when_it_is_opened(log: TenantLog) -> None:
    tenant, stream = uuid4(), next(streams())
    with pytest.raises(UnknownLog):
        await log.append(Append(tenant, (event(stream),)))
    assert await log.head(tenant) is None
    first = await log.append(Append(tenant, (event(stream), event(stream)), opens_log=True))
    assert (first.epoch, first.first_position, first.last_position, first.versions) == (1, 1, 2, {stream: 2})


async def test_positions_and_versions_have_no_gap(log: TenantLog) -> None:
    tenant, (one, two) = uuid4(), (next(streams()), next(streams()))
    await log.append(Append(tenant, (event(one), event(two), event(one)), opens_log=True))
    await log.append(Append(tenant, (event(two),)))
    rows = await log.read_log(tenant)
    assert [row.position for row in rows] == [1, 2, 3, 4]
    assert [(row.stream, row.version) for row in rows] == [(one, 1), (two, 1), (one, 2), (two, 2)]
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)


async def test_a_stream_that_moved_is_a_conflict_that_names_both_versions(log: TenantLog) -> None:
    tenant, stream, other = uuid4(), next(streams()), next(streams())
    await log.append(Append(tenant, (event(stream),), ((stream, 0),), opens_log=True))
    with pytest.raises(VersionConflict) as conflict:
        await log.append(Append(tenant, (event(other),), ((stream, 0),)))
    assert (conflict.value.stream, conflict.value.expected, conflict.value.current) == (stream, 0, 1)
    assert await log.read_streams(tenant, [(other, 0)]) == [[]]


async def test_the_same_key_is_answered_from_its_receipt(log: TenantLog) -> None:
    tenant, stream = uuid4(), next(streams())
    first = await log.append(Append(tenant, (event(stream),), (), key(b"k"), opens_log=True))
    again = await log.append(Append(tenant, (event(stream),), ((stream, 0),), key(b"k")))
    assert again.replayed is not None
    assert (again.first_position, again.last_position) == (first.first_position, first.last_position)
    with pytest.raises(KeyReused):
        await log.append(Append(tenant, (event(stream),), (), key(b"k", b"other")))
    head = await log.head(tenant)
    assert head is not None
    assert head.position == 1


async def test_a_command_without_events_has_a_receipt_too(log: TenantLog) -> None:
    tenant = uuid4()
    await log.append(Append(tenant, (), (), key(b"none"), opens_log=True))
    receipt = await log.receipt(tenant, [b"unknown".ljust(32), b"none".ljust(32)])
    assert receipt is not None
    assert receipt.last_position < receipt.first_position
    assert await log.receipt(uuid4(), [b"none".ljust(32)]) is None


async def test_a_change_of_access_makes_older_authorisations_stale(log: TenantLog) -> None:
    tenant, stream = uuid4(), next(streams())
    opened = await log.append(Append(tenant, (event(stream),), opens_log=True))
    changed = await log.append(
        Append(tenant, (event(stream, opens_a_door=True),), auth_epoch=opened.auth_epoch)
    )
    assert changed.auth_epoch == opened.auth_epoch + 1
    with pytest.raises(StaleAuthorisation):
        await log.append(Append(tenant, (event(stream),), auth_epoch=opened.auth_epoch))


async def test_what_was_accepted_is_not_told_again_under_an_older_authorisation(log: TenantLog) -> None:
    tenant, stream, used = uuid4(), next(streams()), key(b"used")
    opened = await log.append(Append(tenant, (event(stream),), opens_log=True))
    await log.append(Append(tenant, (event(stream),), receipt=used, auth_epoch=opened.auth_epoch))
    door = Append(
        tenant, (event(stream, opens_a_door=True),), receipt=key(b"door"), auth_epoch=opened.auth_epoch
    )
    await log.append(door)
    with pytest.raises(StaleAuthorisation):
        await log.append(
            Append(
                tenant,
                (event(stream),),
                receipt=used._replace(command_id=uuid4()),
                auth_epoch=opened.auth_epoch,
            )
        )
    assert (await log.append(door)).replayed is not None, "the very request that moved the epoch is answered"


async def test_reading_stops_where_it_is_told(log: TenantLog) -> None:
    tenant, stream = uuid4(), next(streams())
    await log.append(Append(tenant, tuple(event(stream) for _ in range(5)), opens_log=True))
    assert [row.position for row in await log.read_log(tenant, after=1, limit=2)] == [2, 3]
    assert [row.position for row in await log.read_log(tenant, after=3, up_to=4)] == [4]
    ((second, third),) = await log.read_streams(tenant, [(stream, 1)], up_to_position=3)
    assert (second.version, third.version) == (2, 3)


async def test_of_each_stream_so_many_as_are_asked_for(log: TenantLog) -> None:
    tenant, one, two, none = uuid4(), next(streams()), next(streams()), next(streams())
    await log.append(Append(tenant, (*[event(one)] * 3, *[event(two)] * 3), opens_log=True))
    asked = [(one, 0), (none, 0), (two, 1)]
    for limit, expected in ((1, [[1], [], [2]]), (2, [[1, 2], [], [2, 3]]), (None, [[1, 2, 3], [], [2, 3]])):
        found = await log.read_streams(tenant, asked, limit=limit)
        assert [[row.version for row in rows] for rows in found] == expected
    alone = await log.read_streams(tenant, [(one, 0)], limit=1, up_to_position=3)
    assert [[row.version for row in rows] for rows in alone] == [[1]]


async def test_tenants_do_not_see_each_other(log: TenantLog) -> None:
    mine, yours, stream = uuid4(), uuid4(), next(streams())
    await log.append(Append(mine, (event(stream),), (), key(b"k"), opens_log=True))
    await log.append(Append(yours, (event(stream),), ((stream, 0),), key(b"k"), opens_log=True))
    assert [row.tenant_id for row in await log.read_log(yours)] == [yours]
    assert (await log.read_streams(yours, [(stream, 0)]))[0][0].version == 1


async def test_streams_of_a_category_are_counted_without_those_that_ended(log: TenantLog) -> None:
    tenant, other = uuid4(), uuid4()
    for whose in (tenant, other):
        names = [f"seat:{number}" for number in range(5)]
        beside = ["seats:1", "sea:1", "seat;1"]
        begun = tuple(event(name) for name in (*names, *names, *beside))
        ended = tuple(event(name)._replace(name="tests.ended") for name in names[:2])
        await log.append(Append(whose, (*begun, *ended), opens_log=True))
    assert await log.count_streams(tenant, "seat", ["tests.ended"]) == 3
    assert await log.count_streams(tenant, "seat", []) == 5
    assert await log.count_streams(tenant, "none", ["tests.ended"]) == 0


async def test_events_of_some_names_are_read_without_the_others(log: TenantLog) -> None:
    tenant, other = uuid4(), uuid4()
    names = ["tests.paid", "tests.sent", "tests.made", "tests.sent", "tests.paid", "tests.paid"]
    for whose in (tenant, other):
        events = tuple(event("thing:1")._replace(name=name) for name in names)
        await log.append(Append(whose, events, opens_log=True))
    rows = await log.read_named(tenant, ["tests.paid", "tests.made"], after=0, up_to=6)
    assert rows == [row for row in await log.read_log(tenant) if row.name != "tests.sent"]
    assert {row.tenant_id for row in rows} == {tenant}
    assert [row.position for row in await log.read_named(tenant, ["tests.paid"], after=1, up_to=5)] == [5]
    assert await log.read_named(tenant, ["tests.none"], after=0, up_to=6) == []


async def test_events_are_counted_by_how_a_field_of_theirs_begins(log: TenantLog) -> None:
    tenant = uuid4()
    told = [b'{"at":"2026-10-31"}', b'{"at":"2026-11-01"}', b'{"at":null}', b"{}", b'{"at":"2026-11-30"}']
    sent = [event("message:1")._replace(name="tests.sent", payload=payload) for payload in told]
    await log.append(Append(tenant, (*sent, event("message:2")), opens_log=True))
    count = partial(log.count_events, tenant, "tests.sent", "at")
    assert await count("2026-11", after=0, up_to=6) == 2
    assert await count("2026-11", after=2, up_to=6) == 1
    assert await count("2026-11", after=0, up_to=4) == 1
    assert await count("", after=0, up_to=6) == 3
