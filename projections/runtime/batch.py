"""One batch: a fair share of every log that is behind, read once, handled once a build, committed once.

What cannot be taken in is found by halving the batch, down to one event of one tenant for one build; that build is
parked there for that tenant, and everything else goes on.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import psycopg

from application.ports.keys import KeysUnavailable
from application.ports.log import Recorded
from projections.runtime.facts import facts_of
from projections.runtime.positions import Overtaken, Step, move, park
from projections.runtime.recalling import recall
from projections.runtime.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from psycopg import Connection

    from application.ports.codec import EventCodec
    from projections.runtime.builds import Build
    from projections.runtime.facts import Projection

    _Taken = tuple[Recorded, list[tuple[Projection, Rows]]]

log = logging.getLogger(__name__)

_FETCH: Final = 1_000
_AT_ONCE: Final = 250
_MOST_BYTES: Final = 32_000_000
_OF_THE_MACHINE: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
    KeysUnavailable,
)


@dataclass(frozen=True, slots=True)
class Slice:
    """What one build takes in of one log in this batch: the events it handles among those of the step."""

    step: Step
    events: tuple[Recorded, ...]


@dataclass(slots=True)
class Done:
    """What a batch did: positions passed (over all builds), events handled, builds parked for a tenant."""

    positions: int = 0
    handled: int = 0
    parked: int = 0


def take_in(connection: Connection[Any], codec: EventCodec, steps: Sequence[Step]) -> Done:
    """Bring builds forward by `steps`, as far as memory allows. Raises `Overtaken`, and what is the machine's fault."""
    slices = list(_read(connection, steps))
    done = Done()
    if slices:
        _apply(connection, codec, slices, done)
    return done


def _read(connection: Connection[Any], steps: Sequence[Step]) -> Iterator[Slice]:
    """The steps with their events; the last logs are cut short, or left out, where their bytes are too many."""
    spans: dict[UUID, tuple[int, int]] = {}
    names: set[str] = set()
    for step in steps:
        old, new = spans.get(step.tenant_id, (step.old, step.new))
        spans[step.tenant_id] = min(old, step.old), max(new, step.new)
        names.update(step.build.projection.handlers)
    events: dict[UUID, list[Recorded]] = defaultdict(list)
    taken = 0
    cut: int | None = None
    order = sorted(spans)
    wanted = {
        "tenants": order,
        "after": [spans[tenant][0] for tenant in order],
        "up_to": [spans[tenant][1] for tenant in order],
        "names": sorted(names),
    }
    for place, recorded in _fetch(connection, wanted, small=sum(b - a for a, b in spans.values()) <= _FETCH):
        events[recorded.tenant_id].append(recorded)
        taken += len(recorded.payload) + len(recorded.metadata)
        if taken >= _MOST_BYTES:
            cut = recorded.position
            order = order[:place]
            break
    ends = {tenant: spans[tenant][1] for tenant in order}
    if cut is not None:
        ends[order[-1]] = cut
    for step in steps:
        end = min(step.new, ends.get(step.tenant_id, 0))
        if end > step.old:
            handled = step.build.projection.handlers
            mine = tuple(
                row
                for row in events[step.tenant_id]
                if step.old < row.position <= end and row.name in handled
            )
            yield Slice(replace(step, new=end), mine)


def _fetch(
    connection: Connection[Any], wanted: dict[str, Any], *, small: bool
) -> Iterator[tuple[int, Recorded]]:
    """Place of the log among those wanted, and event: in the order of both."""
    if small:
        yield from _in_order(connection.execute(_EVENTS, wanted, binary=True))
        return
    with connection.transaction(), connection.cursor(name="events", binary=True) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(_EVENTS, wanted)
        yield from _in_order(cursor)


def _in_order(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Recorded]]:
    """The nested loop gives rows in order; sorting them would hold the batch in memory twice, so it is checked."""
    last = (0, 0)
    for place, *columns in rows:
        recorded = Recorded(*columns)
        if (place, recorded.position) <= last:
            raise RuntimeError("events came out of order")
        last = (place, recorded.position)
        yield place, recorded


_EVENTS: Final = """
    SELECT s.place, e.tenant_id, e.position, e.stream, e.version, e.name, e.schema_version, e.payload, e.metadata,
           e.recorded_at
    FROM unnest(%(tenants)s::uuid[], %(after)s::bigint[], %(up_to)s::bigint[]) WITH ORDINALITY
        AS s(tenant_id, after, up_to, place)
    CROSS JOIN LATERAL (
        SELECT * FROM log.events
        WHERE tenant_id = s.tenant_id AND position > s.after AND position <= s.up_to AND name = ANY(%(names)s)
        ORDER BY position
        LIMIT s.up_to - s.after
    ) e
"""


def _apply(connection: Connection[Any], codec: EventCodec, slices: Sequence[Slice], done: Done) -> bool:
    """Whether every slice was taken in whole; one that was not is parked."""
    try:
        _commit(connection, codec, slices)
    except (*_OF_THE_MACHINE, Overtaken):
        raise
    except Exception as error:  # noqa: BLE001 - whatever an event causes parks it, and nothing else
        halves = _halves(slices)
        if halves is None:
            _park(connection, slices[0], error, done)
            return False
        first = _apply(connection, codec, halves[0], done)
        # The later half of one slice stands on its first half.
        if not first and len(slices) == 1:
            return False
        return _apply(connection, codec, halves[1], done) and first
    done.positions += sum(piece.step.new - piece.step.old for piece in slices)
    done.handled += sum(len(piece.events) for piece in slices)
    return True


def _halves(slices: Sequence[Slice]) -> tuple[Sequence[Slice], Sequence[Slice]] | None:
    """Two smaller batches that make up this one; None for one event of one build."""
    if len(slices) > 1:
        middle = len(slices) // 2
        return slices[:middle], slices[middle:]
    step, events = slices[0].step, slices[0].events
    middle = len(events) // 2
    if not middle:
        return None
    end = events[middle - 1].position
    return (
        [Slice(replace(step, new=end), events[:middle])],
        [Slice(replace(step, old=end, known=True), events[middle:])],
    )


def _park(connection: Connection[Any], piece: Slice, error: Exception, done: Done) -> None:
    """Stop at the event that fails; all before it counts. Raises the error where there is no event to blame."""
    if not piece.events:
        raise error
    step, culprit = piece.step, piece.events[0]
    if culprit.position - 1 > step.old:
        with connection.transaction():
            move(connection, [replace(step, new=culprit.position - 1)])
        step = replace(step, old=culprit.position - 1, known=True)
    kind = type(error).__name__
    park(connection, replace(step, new=culprit.position), kind)
    done.parked += 1
    log.error(
        "projection %s (build %d) stopped for tenant %s at position %d, event %s: %s",
        step.build.projection.name,
        step.build.number,
        step.tenant_id,
        culprit.position,
        culprit.name,
        kind,
    )


def _commit(connection: Connection[Any], codec: EventCodec, slices: Sequence[Slice]) -> None:
    changes = _begun(connection, slices)
    _handled(codec, slices, changes)
    with connection.transaction():
        move(connection, [piece.step for piece in slices])
        for build, rows in changes.items():
            rows.flush(connection, build.schema)


def _begun(connection: Connection[Any], slices: Sequence[Slice]) -> dict[Build, Rows]:
    """No changes yet, and the rows that handlers will look at."""
    changes = {piece.step.build: Rows(piece.step.build.projection) for piece in slices}
    for build, rows in changes.items():
        if not build.projection.recalls:
            continue
        mine = [event for piece in slices if piece.step.build == build for event in piece.events]
        rows.expect(mine)
        for wanted in build.projection.recalls:
            recall(connection, build.schema, wanted, build.projection.tables[wanted.table], mine, rows)
    return changes


def _handled(codec: EventCodec, slices: Sequence[Slice], changes: Mapping[Build, Rows]) -> None:
    """What the handlers make of the events, each event decoded once however many builds take it in.

    A few hundred events at a time are decoded and handled while they are in the processor's caches, then forgotten.
    """
    for reveal in (True, False):
        events = _takers(
            [piece for piece in slices if piece.step.build.projection.reveals is reveal], changes
        )
        for start in range(0, len(events), _AT_ONCE):
            some = events[start : start + _AT_ONCE]
            facts = facts_of([row for row, _ in some], codec, reveal=reveal)
            for fact, (_, takers) in zip(facts, some, strict=True):
                for projection, rows in takers:
                    rows.at(fact)
                    projection.handlers[fact.recorded.name](fact, rows)


def _takers(slices: Sequence[Slice], changes: Mapping[Build, Rows]) -> list[_Taken]:
    """The events of the slices, each log's in order, each with those who take it in."""
    logs: dict[UUID, dict[int, _Taken]] = defaultdict(dict)
    for piece in slices:
        events = logs[piece.step.tenant_id]
        taker = piece.step.build.projection, changes[piece.step.build]
        for row in piece.events:
            if row.position in events:
                events[row.position][1].append(taker)
            else:
                events[row.position] = row, [taker]
    return [events[position] for events in logs.values() for position in sorted(events)]
