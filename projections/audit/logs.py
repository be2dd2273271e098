"""The logs as the notary reads them: which are ahead of their trees, and the envelopes between two positions.

The envelope is put together by the database: half as much goes over the wire and through this interpreter, and a test
holds these bytes to those of `docs/envelope.md`. Hashes are made here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.audit.errors import MalformedFrontier
from domain.audit.origins import LogId, LogKind
from domain.audit.tree import Frontier, leaves_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

EVENTS_OF: Final = {LogKind.EVENTS: "log.events", LogKind.ACCESS: "log.access_events"}
"""The table of each log's events."""

_HEADS_OF: Final = {LogKind.EVENTS: "log.heads", LogKind.ACCESS: "log.access_heads"}
_FETCH: Final = 2_000

ENVELOPE: Final = (
    "'{\"metadata\":'::bytea || metadata"
    " || convert_to(',\"name\":' || to_json(name) || ',\"payload\":', 'UTF8') || payload"
    ' || convert_to(\',"position":\' || position || \',"recorded_at":"\''
    " || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    ' || \'","schema_version":\' || schema_version || \',"stream":\' || to_json(stream)'
    " || ',\"tenant\":\"' || tenant_id || '\",\"version\":' || version || '}', 'UTF8')"
)
"""The bytes of `docs/envelope.md`, of a row of either log."""


class Tree(NamedTuple):
    """What the database holds of a log's tree; `frontier` is None where it is none of that size."""

    epoch: int
    size: int
    frontier: Frontier | None


@dataclass(frozen=True, slots=True)
class Behind:
    """A log whose tree is not that of its head, or that is refused.

    `kept`: with how many events a restore began the head's epoch.
    """

    log: LogId
    epoch: int
    position: int
    kept: int | None
    tree: Tree | None
    refused: bool = False


class Span(NamedTuple):
    """Events of a log, from `after` (exclusive) to `up_to`."""

    log: LogId
    after: int
    up_to: int


class Gap(Exception):
    """A log lacks an event between two that it has, or before its head; or has two in one place."""

    def __init__(self, log: LogId, position: int, *, there: int | None = None) -> None:
        """Name the position that is not there. `there`: which event stands in its place."""
        doubled = there is not None and there < position
        self.log, self.position = log, there if doubled and there is not None else position
        super().__init__(f"position {self.position} is {'twice' if doubled else 'not'} in the log")


def find_behind(connection: Connection[Any], resting: Sequence[LogId], most: int) -> list[Behind]:
    """Logs whose trees are to be brought forward, those longest unsigned first; without those that rest."""
    found: list[Behind] = []
    for kind, heads in _HEADS_OF.items():
        rows = connection.execute(
            _BEHIND.format(heads=heads),
            {
                "log": kind.value,
                "resting": [one.tenant_id for one in resting if one.log is kind],
                "most": most,
            },
            binary=True,
        ).fetchall()
        for tenant_id, epoch, position, kept, tree_epoch, size, frontier, refused in rows:
            tree = None if tree_epoch is None else Tree(tree_epoch, size, _read(size, frontier))
            found.append(Behind(LogId(tenant_id, kind), epoch, position, kept, tree, refused))
    return found


def _read(size: int, data: bytes) -> Frontier | None:
    try:
        frontier = Frontier.from_bytes(data)
    except MalformedFrontier:
        return None
    return frontier if frontier.size == size else None


def leaves(connection: Connection[Any], spans: Sequence[Span]) -> Iterator[tuple[LogId, list[bytes]]]:
    """The leaves' hashes of each span, in order, some thousands at a time. Raises `Gap`."""
    for log, envelopes in envelopes_of(connection, spans):
        yield log, leaves_of(envelopes)


def leaves_ahead(connection: Connection[Any], spans: Sequence[Span]) -> Iterator[tuple[LogId, list[bytes]]]:
    """The same, with the next batch read meanwhile: nobody else may use the connection until the last was taken."""
    batches = envelopes_of(connection, spans)
    with ThreadPoolExecutor(1, "leaves") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            log, envelopes = batch
            yield log, leaves_of(envelopes)


def envelopes_of(connection: Connection[Any], spans: Sequence[Span]) -> Iterator[tuple[LogId, list[bytes]]]:
    """The envelopes of each span, in order, some thousands at a time. Raises `Gap`."""
    for kind in EVENTS_OF:
        mine = [span for span in spans if span.log.log is kind]
        if mine:
            yield from _of_one_kind(connection, kind, mine)


def _of_one_kind(
    connection: Connection[Any], kind: LogKind, spans: Sequence[Span]
) -> Iterator[tuple[LogId, list[bytes]]]:
    wanted = {
        "tenants": [span.log.tenant_id for span in spans],
        "after": [span.after for span in spans],
        "up_to": [span.up_to for span in spans],
    }
    reached = [span.after for span in spans]
    with connection.transaction(), connection.cursor(name="leaves", binary=True) as cursor:
        cursor.execute(_ENVELOPES.format(events=EVENTS_OF[kind], envelope=ENVELOPE), wanted)
        while rows := cursor.fetchmany(_FETCH):
            taken: dict[int, list[bytes]] = {}
            gap = None
            for place, position, envelope in rows:
                reached[place - 1] += 1
                if position != reached[place - 1]:
                    gap = Gap(spans[place - 1].log, reached[place - 1], there=position)
                    break
                taken.setdefault(place, []).append(envelope)
            for place, envelopes in taken.items():
                yield spans[place - 1].log, envelopes
            if gap is not None:
                raise gap
    for span, position in zip(spans, reached, strict=True):
        if position < span.up_to:
            raise Gap(span.log, position + 1)


def kept_of(connection: Connection[Any], log: LogId) -> dict[int, int]:
    """With how many events each epoch of a log began that a restore opened."""
    rows = connection.execute(
        "SELECT epoch, kept FROM ledger.epochs WHERE tenant_id = %s AND log = %s", (*log,)
    )
    return dict(rows.fetchall())


_BEHIND: Final = """
    SELECT h.tenant_id, h.epoch, h.position, e.kept, t.epoch, t.size, t.frontier, r.tenant_id IS NOT NULL
    FROM {heads} h
    LEFT JOIN ledger.trees t ON t.tenant_id = h.tenant_id AND t.log = %(log)s
    LEFT JOIN ledger.epochs e ON e.tenant_id = h.tenant_id AND e.log = %(log)s AND e.epoch = h.epoch
    LEFT JOIN ledger.refusals r ON r.tenant_id = h.tenant_id AND r.log = %(log)s
    WHERE ((t.epoch, t.size) IS DISTINCT FROM (h.epoch, h.position) OR r.tenant_id IS NOT NULL)
        AND (h.position > 0 OR t.size IS NOT NULL)
        AND h.tenant_id <> ALL (%(resting)s::uuid[])
    ORDER BY t.signed_at NULLS FIRST, h.tenant_id
    LIMIT %(most)s
"""
_ENVELOPES: Final = """
    SELECT s.place, e.position, {envelope}
    FROM unnest(%(tenants)s::uuid[], %(after)s::bigint[], %(up_to)s::bigint[]) WITH ORDINALITY
        AS s(tenant, after, up_to, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {events}
        WHERE tenant_id = s.tenant AND position > s.after AND position <= s.up_to
        ORDER BY position
        LIMIT s.up_to - s.after
    ) e
"""
