"""Where events come from: who is behind, and the batch that brings them up, as Postgres answers it.

What leaves Postgres is an allow-list: payloads of handled events alone (the models take named fields of those), the
kind of the actor, and ids of streams that are UUIDs. Ids of pseudonymous streams stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from psycopg import sql

from application.ports.positions import Position
from projections.olap.sql import HANDLED

PSEUDONYMOUS: Final = ("address_hash", "cost_reference", "email_claim", "platform_address", "slug")
"""Categories of streams whose ids are HMACs."""

LIVE_BATCH: Final = 1_000
REBUILD_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where a tenant's log stands."""

    tenant_id: UUID
    position: Position


@dataclass(frozen=True, slots=True)
class Range:
    """A contiguous stretch of one tenant's log, `after` exclusive, `upto` inclusive."""

    tenant_id: UUID
    tenant_key: int
    epoch: int
    after: int
    upto: int
    reaches_head: bool

    @property
    def events(self) -> int:
        """How many events it must hold: positions have no gaps."""
        return self.upto - self.after


@dataclass(frozen=True, slots=True)
class Everything:
    """All logs in one snapshot: every tenant's events 1..head, in no order, as Arrow tables."""

    heads: Sequence[LogHead]
    tables: Iterator[Any]


class LogSource(Protocol):
    """The logs, as the projector reads them. Raises `SourceUnavailable`.

    Arrow tables have the columns tenant_id, position, name, schema_version, recorded_at, stream, actor and payload.
    """

    def behind(self, seen: Mapping[UUID, Position]) -> list[LogHead]:
        """The logs whose head is not where `seen` says; logs not in `seen` included."""

    def fetch(self, ranges: Sequence[Range]) -> Any:
        """The events of the ranges."""

    def everything(self) -> AbstractContextManager[Everything]:
        """All events of all logs, streamed in the order in which they lie on disk: many times faster than by tenant."""

    def wait(self, seconds: float) -> None:
        """Return when something may have been appended, and after `seconds` at the latest."""

    def close(self) -> None:
        """Give connections back."""


class SourceUnavailable(Exception):
    """The database of the logs cannot be reached or does not answer. It is asked again."""


BEHIND: Final = """
    SELECT head.tenant_id, head.epoch, head.position
    FROM log.heads AS head
    LEFT JOIN unnest(%s::uuid[], %s::int[], %s::bigint[]) AS seen (tenant_id, epoch, position) USING (tenant_id)
    WHERE seen.tenant_id IS NULL OR (head.epoch, head.position) <> (seen.epoch, seen.position)
"""
"""Parameters: tenant ids, epochs and positions that were read, as arrays of one length."""

HEADS: Final = "SELECT tenant_id::text, epoch, position FROM log.heads ORDER BY tenant_id"

# `actor` is the first key of the metadata, because keys are sorted; so the first kind in it is the actor's.
_FIELDS: Final = sql.SQL("""
    event.tenant_id,
    event.position,
    event.name,
    event.schema_version,
    event.recorded_at,
    CASE
        WHEN
            event.stream LIKE '%:________-____-____-____-____________'
            AND NOT event.stream LIKE ANY ({pseudonymous})
            THEN event.stream
        ELSE split_part(event.stream, ':', 1)
    END AS stream,
    CASE
        WHEN substring(event.metadata FOR 10) = '{{"actor":{{'::bytea
            THEN
                encode(
                    substring(event.metadata FROM position('"kind":"'::bytea IN event.metadata) + 8 FOR 16), 'escape'
                )
    END AS actor,
    CASE WHEN event.name IN ({handled}) THEN event.payload END AS payload
""").format(
    pseudonymous=sql.Literal([f"{category}:%" for category in PSEUDONYMOUS]),
    handled=sql.SQL(", ").join(map(sql.Literal, sorted(HANDLED))),
)
_EVERYTHING: Final = sql.SQL("SELECT {fields} FROM log.events AS event").format(fields=_FIELDS)
_BATCH: Final = sql.SQL("""
    SELECT {fields}
    FROM (VALUES {ranges}) AS range (tenant_id, after, upto)
    CROSS JOIN LATERAL (
        SELECT log.events.*
        FROM log.events
        WHERE
            log.events.tenant_id = range.tenant_id
            AND log.events.position > range.after
            AND log.events.position <= range.upto
        ORDER BY log.events.position
    ) AS event
""")


def batch_query(ranges: Sequence[Range]) -> str:
    """The query for a batch. COPY, which ADBC reads by, takes no parameters: ids and numbers are quoted by psycopg."""
    values = sql.SQL(", ").join(
        sql.SQL("({}::uuid, {}::bigint, {}::bigint)").format(
            *(sql.Literal(value) for value in (str(part.tenant_id), part.after, part.upto))
        )
        for part in ranges
    )
    return _BATCH.format(fields=_FIELDS, ranges=values).as_string(None)


def everything_query() -> str:
    """The query for all events, to be run in the snapshot in which `HEADS` was."""
    return _EVERYTHING.as_string(None)


def batches(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Cut ranges into batches: small ones while little is behind, so that it shows soon; large ones for a long way."""
    total = sum(part.events for part in ranges)
    limit = LIVE_BATCH if total <= 10 * LIVE_BATCH else REBUILD_BATCH
    batch: list[Range] = []
    room = limit
    for part in ranges:
        after = part.after
        while after < part.upto:
            upto = min(part.upto, after + room)
            reaches_head = part.reaches_head and upto == part.upto
            batch.append(Range(part.tenant_id, part.tenant_key, part.epoch, after, upto, reaches_head))
            room -= upto - after
            after = upto
            if room == 0:
                yield batch
                batch, room = [], limit
    if batch:
        yield batch
