"""The owner of the analytics file, in a process of its own, over logs that grow by themselves: for `reports`.

All of it is the product's: the room, its projector, the Flight service. Only the logs are made here, as Postgres would
give them: events come at an even rate, some at a time, in logs drawn by chance: the longer one is, the more often. What
they are is drawn, too, each kind as often as it stands in the file already.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from bisect import bisect_right
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
_TERMS: Final = """{
    "status":"active", "currency":"USD", "discounts":[], "period_start":null, "period_end":null, "trial_ends_at":null,
    "cancel_at":null, "ended_at":null, "items":[{
        "price":"a/4900/month", "kind":"plan", "of":"starter", "unit_amount":4900, "quantity":1, "interval":"month",
        "interval_count":1
    }]
}"""
_TELLING: Final = f"""{{
    "subscription_id":"%s", "teller":"stripe", "told_as":"%s", "reference":"sub_1", "effective_at":{_DAY}, "rank":1,
    "terms":{_TERMS}
}}"""
_INVOICE: Final = f"""{{
    "invoice_id":"%s", "subscription_id":"%s", "currency":"USD", "subtotal":4900, "discount":0, "total":4900,
    "finalised_at":{_DAY}, "lines":[{{
        "kind":"plan", "of":"starter", "amount":4900, "discount":0, "proration":false, "period_start":{_DAY},
        "period_end":"2027-01-01T00:00:00Z"
    }}]
}}"""
_PAYMENT: Final = f"""{{
    "payment_id":"%s", "invoice_id":"%s", "outcome":"paid", "currency":"USD", "amount":4900, "fee":172,
    "fee_currency":"USD", "received_at":{_DAY}
}}"""
_EVENTS: Final = {
    "audience.addressee_registered": (1, None),
    "audience.email_claimed": (1, None),
    "audience.contact_created": (1, f'{{"contact_id":"%s","workspace_id":"%s",{_SEGMENT}}}'),
    "audience.consent_recorded": (1, None),
    "audience.permission_decided": (2, _DECISION),
    "audience.message_dispatched": (2, f'{{"message_id":"%s","occurred_at":{_DAY},"workspace_id":"%s"}}'),
    "audience.opted_out": (3, _OPT_OUT),
    "costs.cost_entered": (1, _COST),
    "billing.subscription_reported": (1, _TELLING),
    "billing.invoice_finalised": (1, _INVOICE),
    "billing.payment_received": (1, _PAYMENT),
}
"""What comes, by its name: version, and payload with places for a fresh id and a workspace's."""


class GrowingLogs:
    """A `LogSource` over logs that grow at `rate` events a second from when `begun` is set.

    `happened`: by name, how often each event stands in the file.
    """

    def __init__(self, rate: float, happened: Mapping[str, int], begun: Event, stopped: Event) -> None:
        self._rate = rate
        self._names = [name for name in _EVENTS if happened.get(name)]
        self._shares = list(accumulate(happened[name] for name in self._names))
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
            fresh = uuid5(part.tenant_id, str(position))
            # The same position is the same event, however often it is read.
            drawn = fresh.int % self._shares[-1]
            name = self._names[bisect_right(self._shares, drawn)]
            version, payload = _EVENTS[name]
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
def owner(settings: OlapSettings, rate: float, happened: Mapping[str, int]) -> Iterator[Owner]:
    """A process that owns the file in the folder of the settings. For the logs see `GrowingLogs`."""
    begun, ready, stopped = _SPAWN.Event(), _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_own, args=(settings, rate, happened, begun, ready, stopped))
    process.start()
    try:
        while not ready.wait(0.1):
            if not process.is_alive():
                raise RuntimeError(f"the owner of the file ended with {process.exitcode}")
        yield Owner(begun)
    finally:
        stopped.set()
        process.join()


def _own(
    settings: OlapSettings,
    rate: float,
    happened: Mapping[str, int],
    begun: Event,
    ready: Event,
    stopped: Event,
) -> None:
    with Folder(settings.folder) as folder:
        room = Room(settings, folder, lambda: GrowingLogs(rate, happened, begun, stopped))
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
