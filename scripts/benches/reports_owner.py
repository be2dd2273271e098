"""The owner of the analytics file, in a process of its own, over logs that grow by themselves: for `reports`.

All of it is the product's: the room, its projector, the Flight service. Only the logs are made here, as Postgres would
give them: events come at an even rate, some at a time, in logs drawn by chance: the longer one is, the more often.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from multiprocessing.synchronize import Event
from typing import Any, Final
from uuid import UUID, uuid5

import pyarrow as pa

from adapters.duckdb.files import Folder
from adapters.duckdb.room import Room
from adapters.duckdb.server import ReportServer
from adapters.duckdb.settings import OlapSettings
from application.ports.positions import Position
from projections.olap.source import Everything, LogHead, Range
from scripts.benches.facts import LAST_DAY, SEED

_SPAWN: Final = multiprocessing.get_context("spawn")
_AT_ONCE: Final = 20
"""How many events a log gets when it is drawn."""

_NIGHT: Final = datetime.combine(LAST_DAY, datetime.min.time()) + timedelta(days=1)
_SCHEMA: Final = pa.schema(
    [
        ("tenant_id", pa.uuid()),
        ("position", pa.int64()),
        ("name", pa.string()),
        ("schema_version", pa.int16()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("stream", pa.string()),
        ("actor", pa.string()),
        ("payload", pa.binary()),
    ]
)
_SEGMENT: Final = '"segment":{"country":"DE","source":"import","subscriber_type":"business"}'
_DAY: Final = '"2026-12-01T00:00:00Z"'
_DECISION: Final = f"""{{
    "decided_at":{_DAY}, "expires_at":{_DAY}, "message_id":"%s", "workspace_id":"%s", "sender_country":"DE",
    "message":{{"campaign_type":"offer","purpose":"marketing"}}, "packs":{{"de":"1"}}, "verdict":"allow",
    "reasons":[{{"law":"de","missing":[],"rule":"de.soft-opt-in","verdict":"allow"}}]
}}"""
_OPT_OUT: Final = f"""{{
    "addressee_id":"%s", "workspace_id":"%s", "channel":"page", "kind":"unsubscribe", "occurred_at":{_DAY},
    "scope":"tenant"
}}"""
_COST: Final = """{"cost_id":"%s", "entry":{
    "amount":4990, "approximate":false, "assigned":"workspace", "category":"ip", "covers_from":"2026-11-01",
    "covers_to":"2026-11-30", "currency":"USD", "incurred_on":"2026-11-01", "provider":"Hostwinds", "workspace_id":"%s"
}}"""
_EVENTS: Final = (
    ("audience.addressee_registered", 1, None),
    ("audience.email_claimed", 1, None),
    ("audience.contact_created", 1, f'{{"contact_id":"%s","workspace_id":"%s",{_SEGMENT}}}'),
    ("audience.consent_recorded", 1, None),
    ("audience.permission_decided", 2, _DECISION),
    ("audience.message_dispatched", 1, f'{{"message_id":"%s","occurred_at":{_DAY},"workspace_id":"%s"}}'),
    ("audience.opted_out", 3, _OPT_OUT),
    ("costs.cost_entered", 1, _COST),
)
"""What comes, over and over: name, version, payload with places for a fresh id and a workspace's."""


class GrowingLogs:
    """A `LogSource` over logs that grow at `rate` events a second from when `begun` is set."""

    def __init__(self, rate: float, begun: Event, stopped: Event) -> None:
        self._rate = rate
        self._begun = begun
        self._stopped = stopped
        self._since: float | None = None
        self._grown = 0
        self._heads: dict[UUID, Position] = {}
        self._tenants: list[UUID] = []
        self._lengths: list[int] = []
        self._chance = random.Random(SEED)  # noqa: S311 - which log grows, no secret

    def behind(self, seen: Mapping[UUID, Position]) -> list[LogHead]:
        """See `LogSource`. The first to ask says where the logs end before they grow."""
        if not self._heads:
            self._heads = dict(seen)
            self._tenants = list(seen)
            self._lengths = list(accumulate(position.n for position in seen.values()))
        if self._begun.is_set():
            self._grow()
        return [LogHead(tenant, head) for tenant, head in self._heads.items() if seen.get(tenant) != head]

    def _grow(self) -> None:
        self._since = self._since or time.monotonic()
        while self._grown + _AT_ONCE <= (time.monotonic() - self._since) * self._rate:
            (tenant,) = self._chance.choices(self._tenants, cum_weights=self._lengths)
            head = self._heads[tenant]
            self._heads[tenant] = Position(head.epoch, head.n + _AT_ONCE)
            self._grown += _AT_ONCE

    def fetch(self, ranges: Sequence[Range]) -> Any:
        """See `LogSource`."""
        return pa.Table.from_pylist([row for part in ranges for row in self._rows(part)], schema=_SCHEMA)

    def _rows(self, part: Range) -> Iterator[dict[str, object]]:
        recorded = _NIGHT + timedelta(seconds=time.monotonic() - (self._since or 0))
        for position in range(part.after + 1, part.upto + 1):
            name, version, payload = _EVENTS[position % len(_EVENTS)]
            fresh = uuid5(part.tenant_id, str(position))
            yield {
                "tenant_id": part.tenant_id.bytes,
                "position": position,
                "name": name,
                "schema_version": version,
                "recorded_at": recorded,
                "stream": f"addressee:{fresh}",
                "actor": 'api_key","id":"0',
                "payload": (payload % (fresh, part.tenant_id)).encode() if payload else None,
            }

    @contextmanager
    def everything(self) -> Iterator[Everything]:
        """See `LogSource`: nothing is kept of what the file was made of."""
        yield Everything([], iter([]))

    def wait(self, seconds: float) -> None:
        """See `LogSource`."""
        self._stopped.wait(seconds)

    def close(self) -> None:
        """See `LogSource`."""


@dataclass(frozen=True)
class Owner:
    """An owner's process that answers; its logs stand still until `write`."""

    begun: Event

    def write(self) -> None:
        """Let the logs grow from now on."""
        self.begun.set()


@contextmanager
def owner(settings: OlapSettings, rate: float) -> Iterator[Owner]:
    """A process that owns the file in the folder of the settings."""
    begun, ready, stopped = _SPAWN.Event(), _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_own, args=(settings, rate, begun, ready, stopped))
    process.start()
    try:
        while not ready.wait(0.1):
            if not process.is_alive():
                raise RuntimeError(f"the owner of the file ended with {process.exitcode}")
        yield Owner(begun)
    finally:
        stopped.set()
        process.join()


def _own(settings: OlapSettings, rate: float, begun: Event, ready: Event, stopped: Event) -> None:
    with Folder(settings.folder) as folder:
        room = Room(settings, folder, lambda: GrowingLogs(rate, begun, stopped))
        try:
            room.start()
            server = ReportServer(room, settings)
            ready.set()
            stopped.wait()
            server.shutdown()
            server.end_queries()
            server.tidy()
        finally:
            room.close()
