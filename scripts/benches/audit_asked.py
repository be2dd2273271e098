"""What was, asked of a log of very many events: a stream's state as of a moment, its blame, what changed in it."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.roles import Role
from application.blame import Blame
from application.ports.codec import Cause
from application.replay import Replay
from domain.audience.contact import ContactCreated, ContactUpdated, Segment
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId, new_id

STEP: Final = 500
"""Every so many positions an event of a contact is put in place of what fills the log."""

BEGUN: Final = datetime(2026, 3, 1, tzinfo=UTC)
EVERY: Final = timedelta(milliseconds=1)
_EACH: Final = 10
_DRAWN: Final = 200


def put_in(admin: Connection[Any], keys: SqliteKeyStore, tenant: UUID, events: int) -> list[str]:
    """Put events of contacts, ten of each, over a whole log; their streams."""
    codec, workspace = JsonCodec(keys), WorkspaceId(new_id(BEGUN))
    actor, command = Actor(ActorKind.API_KEY, new_id(BEGUN)), new_id(BEGUN)
    contacts = [
        (ContactId(new_id(BEGUN)), AddresseeId(new_id(BEGUN))) for _ in range(events // STEP // _EACH)
    ]
    pairs: list[tuple[str, Event]] = [
        (f"contact:{contact}", _event(workspace, contact, addressee, version))
        for version in range(_EACH)
        for contact, addressee in contacts
    ]
    cause = Cause(actor, command, "bench.record", command, ip="192.0.2.1")
    with admin.cursor() as cursor:
        cursor.executemany(
            "UPDATE log.events SET stream = %s, version = %s, name = %s, schema_version = %s, payload = %s,"
            " metadata = %s WHERE tenant_id = %s AND position = %s",
            [
                (
                    one.stream,
                    number // len(contacts) + 1,
                    one.name,
                    one.schema_version,
                    one.payload,
                    one.metadata,
                    tenant,
                    (number + 1) * STEP,
                )
                for number, one in enumerate(codec.encode(tenant, pairs, cause))
            ],
        )
    return [f"contact:{contact}" for contact, _ in contacts]


def _event(workspace: WorkspaceId, contact: ContactId, addressee: AddresseeId, version: int) -> Event:
    segment = Segment(country="DE", source="bench")
    if not version:
        return ContactCreated(
            contact_id=contact,
            workspace_id=workspace,
            addressee_id=addressee,
            email="person@example.org",
            first_name="Person",
            segment=segment,
        )
    return ContactUpdated(
        contact_id=contact,
        workspace_id=workspace,
        addressee_id=addressee,
        before={"first_name": "Person"},
        after={"first_name": f"Person {version}"},
        segment_before=segment,
        segment_after=segment,
    )


async def asked(
    server: EmbeddedPostgres, keys: SqliteKeyStore, tenant: UUID, streams: list[str], events: int
) -> dict[str, float]:
    """The figures, in milliseconds."""
    codec, drawn = JsonCodec(keys), random.Random(1)  # noqa: S311 - the same questions at each run
    log = PostgresLog(server.dsn(Role.APPENDER), server.dsn(Role.LOADER), hints=False)
    replay = Replay(log, codec)
    blame = Blame(replay, codec)

    def moment() -> datetime:
        return BEGUN + drawn.randint(len(streams) * STEP, events) * EVERY

    async def state() -> None:
        await replay.state(tenant, drawn.choice(streams), at=moment(), reveal=True)

    async def blamed() -> None:
        await blame.of_stream(tenant, drawn.choice(streams), at=moment(), reveal=True)

    async def difference() -> None:
        earlier, later = sorted([moment(), moment()])
        await replay.difference(tenant, drawn.choice(streams), earlier, later, reveal=True)

    figures = {}
    for name, ask in (("state_as_of_p50_ms", state), ("blame_ms", blamed), ("difference_ms", difference)):
        figures[name], cpu = await _median(ask)
        figures[name.replace("_p50", "").replace("_ms", "_cpu_ms")] = cpu
    await log.stop()
    return figures


async def _median(ask: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """The median time of many questions, and this process's CPU time of each."""
    await ask()
    took, began = [], time.process_time()
    for _ in range(_DRAWN):
        started = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000, (time.process_time() - began) / _DRAWN * 1000
