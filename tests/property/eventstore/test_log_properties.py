"""Whatever is asked of the logs at once, by whomever: each accepted request is there once, a refused one not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.eventstore.log import LogThread
from application.ports.log import (
    Append,
    Appended,
    KeyReused,
    LogError,
    UnknownLog,
    Unstorable,
    VersionConflict,
)
from tests.support.database import Database
from tests.support.logs import assert_sound, event, key, opened, running


@dataclass(frozen=True)
class Asked:
    """A request, in small numbers: `process` and `thread` say who asks."""

    tenant: int
    streams: tuple[int, ...]
    expected: int | None
    receipt: int | None
    body: int
    poison: str
    process: int
    thread: bool


ASKED = st.builds(
    Asked,
    tenant=st.integers(0, 3),
    streams=st.lists(st.integers(0, 2), max_size=3).map(tuple),
    expected=st.none() | st.integers(0, 3),
    receipt=st.none() | st.integers(0, 4),
    body=st.sampled_from([0, 0, 0, 1]),
    poison=st.sampled_from(["", "", "", "", "", "\0", "\ud800"]),
    process=st.integers(0, 1),
    thread=st.booleans(),
)
NOWHERE = 3


@pytest.fixture(scope="module")
def processes(module_database: Database) -> Iterator[list[LogThread]]:
    """Two logs on one database: what two processes have."""
    with running(module_database) as one, running(module_database) as other:
        yield [one, other]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(ASKED, min_size=1, max_size=40))
def test_each_accepted_request_is_there_once(
    asked: list[Asked], processes: list[LogThread], module_database: Database
) -> None:
    tenants = [*opened(processes[0], uuid4(), uuid4(), uuid4()), uuid4()]
    requests = [request_of(number, one, tenants) for number, one in enumerate(asked)]
    outcomes = ask_all(asked, requests, processes)
    logs = assert_sound(module_database.admin)

    made: dict[tuple[UUID, bytes], Appended] = {}
    for one, request, outcome in zip(asked, requests, outcomes, strict=True):
        log = logs.get(request.tenant_id, [])
        places = [row for row in log if row[3] in {new.payload.decode() for new in request.events}]
        if isinstance(outcome, LogError):
            assert not places, "a refused request leaves nothing"
            assert_deserved(outcome, one, request, requests)
            continue
        assert one.tenant != NOWHERE
        if outcome.replayed is None:
            assert [row[0] for row in places] == list(
                range(outcome.first_position, outcome.last_position + 1)
            )
            assert [row[1] for row in places] == [new.stream for new in request.events]
            for stream, version in request.expected:
                before = [row for row in log if row[1] == stream and row[0] < outcome.first_position]
                assert len(before) == version, "accepted on the version that was expected"
            if request.receipt is not None:
                slot = request.tenant_id, request.receipt.key_hmac
                assert slot not in made, "a key is accepted once"
                made[slot] = outcome
        else:
            assert not places or places[0][0] == outcome.first_position
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Appended) and outcome.replayed is not None and request.receipt is not None:
            first = made[request.tenant_id, request.receipt.key_hmac]
            assert (outcome.first_position, outcome.last_position) == (
                first.first_position,
                first.last_position,
            )
            assert outcome.recorded_at == first.recorded_at


def assert_deserved(outcome: LogError, one: Asked, request: Append, requests: list[Append]) -> None:
    """Each refusal has its reason."""
    match outcome:
        case Unstorable():
            assert one.poison
            assert one.streams
        case UnknownLog():
            assert one.tenant == NOWHERE
        case KeyReused():
            assert request.receipt is not None
            assert any(
                other.receipt is not None
                and other.tenant_id == request.tenant_id
                and other.receipt.key_hmac == request.receipt.key_hmac
                and other.receipt.body_hmac != request.receipt.body_hmac
                for other in requests
            )
        case VersionConflict():
            assert outcome.current != outcome.expected
            assert (outcome.stream, outcome.expected) in request.expected
        case _:
            pytest.fail(f"{outcome!r} has no reason")


def request_of(number: int, one: Asked, tenants: list[UUID]) -> Append:
    """The request; its payloads name it, so that its events can be found."""
    streams = [f"thing:{stream}" for stream in one.streams]
    events = tuple(
        event(stream + one.poison, f"{number}-{place}-{uuid4()}") for place, stream in enumerate(streams)
    )
    expected = ((streams[0] if streams else "thing:0", one.expected),) if one.expected is not None else ()
    receipt = None if one.receipt is None else key(f"k{one.receipt}", f"b{one.body}")
    return Append(tenants[one.tenant], events, expected, receipt)


def ask_all(
    asked: list[Asked], requests: list[Append], processes: list[LogThread]
) -> list[Appended | LogError]:
    """Everybody at once: threads through the sync face, coroutines on each log's own loop."""

    def ask(one: Asked, request: Append) -> Appended | LogError:
        thread = processes[one.process]
        try:
            if one.thread:
                return thread.sync.append(request)
            return asyncio.run_coroutine_threadsafe(thread.sync.log.append(request), thread.loop).result(30)
        except LogError as error:
            return error

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(ask, asked, requests))
