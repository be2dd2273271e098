"""What an evidence bundle takes out of a log: which events a question chooses, their envelopes, tiles, and law packs.

It works on a connection of its own that sees one tenant's rows, outside of any transaction: events are never changed, a
tile only ever gets wider, and a bundle of millions of events holds nothing back in the database while it is written.
"""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg import DataError

from domain.audience.addressee_events import MessageDispatched, PermissionDecided
from domain.audit.covering import Spans
from domain.audit.errors import LogNotWhole
from domain.audit.tiles import HEIGHT, WIDTH, Tile, width_at
from domain.audit.tree import HASH_BYTES
from projections.audit.logs import ENVELOPE, EVENTS_OF

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from psycopg import Connection

    from domain.audit.covering import Span
    from domain.audit.origins import LogId

_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events of a log: those of a period that name something, are of some names, and were made by somebody.

    `about` is an id that an event's stream or payload names: a person's, a campaign's, a message's, whatever has one.
    """

    about: UUID | None = None
    names: Sequence[str] = ()
    actor: UUID | None = None


class Choice(NamedTuple):
    """What was chosen of the positions that were looked at, and how many each filter hid, in the order of filters."""

    first: int
    last: int
    chosen: Spans
    hidden: tuple[tuple[str, str, int], ...]
    packs: frozenset[tuple[str, str]]


class Decided(NamedTuple):
    """A message that was decided on: whose stream the decisions stand in."""

    stream: str
    message_id: UUID


class Certified(NamedTuple):
    """The events of a person's stream that a decision rests on; `proofs`: where it was decided and handed over."""

    decided: Decided
    choice: Choice
    proofs: tuple[int, ...]


class EvidenceSource:
    """Reads the logs of one tenant. `connection` is the request role's, in autocommit; it is closed with this."""

    def __init__(self, connection: Connection[Any], tenant_id: UUID) -> None:
        """See the rows of this tenant alone."""
        self._connection = connection
        connection.execute("SELECT set_config('app.tenant_id', %s, false)", (str(tenant_id),))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def choose(self, log: LogId, first: int, last: int, wanted: Wanted) -> Choice:
        """Look at the events between two positions, both included. Raises `LogNotWhole` where one is missing."""
        about = None if wanted.about is None else str(wanted.about)
        told: dict[str, Any] = {
            "tenant": log.tenant_id,
            "first": first,
            "last": last,
            "about": about,
            "bytes": None if about is None else about.encode(),
            "names": list(wanted.names) or None,
            "actor": None if wanted.actor is None else f'"id":"{wanted.actor}"'.encode(),
            "decided": PermissionDecided.name,
        }
        given = (("about", wanted.about), ("name", ",".join(wanted.names) or None), ("actor", wanted.actor))
        asked = [(name, str(value)) for name, value in given if value is not None]
        events = EVENTS_OF[log.log]
        self._must_be_whole(log, told)
        try:
            found = self._connection.execute(_PACKS.format(events=events), told).fetchall()
            packs = {(str(law), str(version)) for (made_by,) in found for law, version in made_by.items()}
        except (DataError, AttributeError) as fault:
            raise LogNotWhole(
                f"Among the positions {first} to {last} of the log {log.log} is a decision that none of ours is:"
                " see `penguinmails audit fsck`."
            ) from fault
        if not asked:
            chosen = Spans([(first - 1, last)]) if first <= last else Spans()
            return Choice(first, last, chosen, (), frozenset(packs))
        left = self._connection.execute(_LEFT.format(events=events), told).fetchone() or (0, 0, 0, 0)
        with self._connection.transaction(), self._connection.cursor("chosen", binary=True) as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_CHOSEN.format(events=events), told)
            chosen = Spans.of(position - 1 for (position,) in cursor)
        counts = dict(zip(("about", "name", "actor"), pairwise(left), strict=True))
        hidden = tuple((name, value, counts[name][0] - counts[name][1]) for name, value in asked)
        return Choice(first, last, chosen, hidden, frozenset(packs))

    def decided_at(self, log: LogId, position: int) -> Decided | None:
        """What was decided on at a position; None where no decision stands there."""
        row = self._connection.execute(
            f"SELECT stream, {_MESSAGE} FROM {EVENTS_OF[log.log]} WHERE tenant_id = %s AND position = %s AND name = %s",
            (log.tenant_id, position, PermissionDecided.name),
        ).fetchone()
        return None if row is None else Decided(*row)

    def decided_on(self, log: LogId, message_id: UUID) -> list[tuple[Decided, int]]:
        """Whose streams hold decisions on a message, each with the position of the first. All of the log is read."""
        rows = self._connection.execute(
            f"SELECT stream, min(position) FROM {EVENTS_OF[log.log]} WHERE tenant_id = %s AND name = %s"
            " AND position(%s::bytea IN payload) > 0 GROUP BY stream ORDER BY min(position)",
            (log.tenant_id, PermissionDecided.name, _names(message_id)),
        )
        return [(Decided(stream, message_id), position) for stream, position in rows]

    def certified(self, log: LogId, decided: Decided, *, whole: bool) -> Certified:
        """What the person's stream told up to the last word on a message: to the hand-over, or the last decision.

        Left out are decisions on other messages and their hand-overs, but for those that a decision rests on; `whole`:
        they are not.
        """
        told = {
            "tenant": log.tenant_id,
            "stream": decided.stream,
            "message": _names(decided.message_id),
            "decided": PermissionDecided.name,
            "dispatched": MessageDispatched.name,
        }
        rows = self._connection.execute(_STREAM.format(events=EVENTS_OF[log.log]), told).fetchall()
        own = [position for position, _, of_message, *_ in rows if of_message]
        last = own[-1]
        rests_on = {entry for *_, entries in rows for entry in entries or ()}
        rows = [row for row in rows if row[0] <= last]
        chosen = [
            position
            for position, version, of_message, of_another, *_ in rows
            if whole or of_message or not of_another or version in rests_on
        ]
        hidden = (
            ("stream", decided.stream, last - len(rows)),
            ("message", str(decided.message_id), len(rows) - len(chosen)),
        )
        packs = frozenset(version for *_, found, _ in rows for version in (found or {}).items())
        choice = Choice(1, last, Spans.of(position - 1 for position in chosen), hidden, packs)
        return Certified(decided, choice, tuple(own))

    def envelopes(self, log: LogId, chosen: Spans) -> Iterator[bytes]:
        """The envelopes of these leaves, in order."""
        statement = _ENVELOPES.format(envelope=ENVELOPE, events=EVENTS_OF[log.log])
        for spans in chosen.batches(_AT_ONCE):
            for (envelope,) in self._connection.execute(statement, _told(log, spans), binary=True):
                yield envelope

    def tile(self, log: LogId, tile: Tile) -> bytes:
        """A tile's hashes, as many as it is wide. Raises `LogNotWhole`."""
        row = self._connection.execute(
            "SELECT hashes FROM ledger.tiles WHERE tenant_id = %s AND log = %s AND level = %s AND tile = %s",
            (*log, tile.level, tile.index),
            binary=True,
            prepare=True,
        ).fetchone()
        hashes: bytes = b"" if row is None else row[0][: tile.width * HASH_BYTES]
        if len(hashes) < tile.width * HASH_BYTES:
            raise _lacking(log, tile, len(hashes))
        return hashes

    def must_have_tiles(self, log: LogId, size: int) -> None:
        """Look whether the tiles of a tree of this size are there, as wide as they have to be. Raises `LogNotWhole`."""
        level = 0
        while hashes := size >> (HEIGHT * level):
            row = self._connection.execute(
                _FIRST_NARROW, {**_of(log), "level": level, "hashes": hashes}
            ).fetchone()
            if row is not None:
                raise _lacking(log, Tile(level, row[0], width_at(level, row[0], size)), row[1])
            level += 1

    def _must_be_whole(self, log: LogId, told: Mapping[str, Any]) -> None:
        row = self._connection.execute(_FIRST_GAP.format(events=EVENTS_OF[log.log]), told).fetchone()
        if row is None:
            return
        expected, there = row
        position, how = (there, "twice") if there is not None and there < expected else (expected, "not")
        raise LogNotWhole(
            f"Position {position} is {how} in the log {log.log}: see `penguinmails audit fsck`."
        )


def _lacking(log: LogId, tile: Tile, there: int) -> LogNotWhole:
    """What is said of a tile of which only so many bytes are there."""
    stands_for = WIDTH**tile.level
    first = (tile.index * WIDTH + there // HASH_BYTES) * stands_for + 1
    what = (
        f"position {first}"
        if tile.level == 0
        else f"the subtree of positions {first} to {first + stands_for - 1}"
    )
    return LogNotWhole(f"{tile.path} of the log {log.log} is not there whole: the hash of {what} is missing.")


def _of(log: LogId) -> dict[str, Any]:
    return {"tenant": log.tenant_id, "log": log.log.value}


def _told(log: LogId, spans: Sequence[Span]) -> tuple[Any, ...]:
    return [span.first + 1 for span in spans], [span.end for span in spans], log.tenant_id


def _names(message_id: UUID) -> bytes:
    return f'"message_id":"{message_id}"'.encode()


_JSON: Final = "convert_from(payload, 'UTF8')::jsonb"
_MESSAGE: Final = f"({_JSON} ->> 'message_id')::uuid"
_STREAM: Final = f"""
    SELECT position, version, of_message, NOT of_message AND name IN (%(decided)s, %(dispatched)s),
        CASE WHEN of_message AND name = %(decided)s THEN {_JSON} -> 'packs' END,
        CASE WHEN of_message AND name = %(decided)s THEN ARRAY(
            SELECT jsonb_array_elements_text(reason -> 'entries')::bigint
            FROM jsonb_array_elements({_JSON} -> 'reasons') AS reason
        ) END
    FROM (
        SELECT *, name IN (%(decided)s, %(dispatched)s) AND position(%(message)s::bytea IN payload) > 0 AS of_message
        FROM {{events}} WHERE tenant_id = %(tenant)s AND stream = %(stream)s
    ) AS own
    ORDER BY version
"""
_LOOKED_AT: Final = "tenant_id = %(tenant)s AND position BETWEEN %(first)s AND %(last)s"
_ABOUT: Final = (
    "(%(about)s::text IS NULL OR right(stream, 36) = %(about)s OR position(%(bytes)s::bytea IN payload) > 0)"
)
_NAMED: Final = "(%(names)s::text[] IS NULL OR name = ANY(%(names)s))"
_MADE_BY: Final = "(%(actor)s::bytea IS NULL OR position(%(actor)s IN metadata) > 0)"
_FIRST_NARROW: Final = """
    SELECT n, coalesce(octet_length(hashes), 0)
    FROM generate_series(0, (%(hashes)s - 1) / 256) n
    LEFT JOIN ledger.tiles ON tenant_id = %(tenant)s AND log = %(log)s AND level = %(level)s AND tile = n
    WHERE coalesce(octet_length(hashes), 0) < 32 * least(256, %(hashes)s - 256 * n) ORDER BY n LIMIT 1
"""
_FIRST_GAP: Final = f"""
    SELECT n, position FROM (
        SELECT position, row_number() OVER (ORDER BY position) + %(first)s - 1 AS n FROM {{events}} WHERE {_LOOKED_AT}
        UNION ALL
        SELECT NULL, count(*) + %(first)s FROM {{events}} WHERE {_LOOKED_AT} HAVING count(*) <= %(last)s - %(first)s
    ) e
    WHERE position IS DISTINCT FROM n ORDER BY n LIMIT 1
"""
_LEFT: Final = f"""
    SELECT count(*), count(*) FILTER (WHERE {_ABOUT}), count(*) FILTER (WHERE {_ABOUT} AND {_NAMED}),
        count(*) FILTER (WHERE {_ABOUT} AND {_NAMED} AND {_MADE_BY})
    FROM {{events}} WHERE {_LOOKED_AT}
"""
_CHOSEN: Final = f"""
    SELECT position FROM {{events}}
    WHERE {_LOOKED_AT} AND {_ABOUT} AND {_NAMED} AND {_MADE_BY} ORDER BY position
"""
_PACKS: Final = f"""
    SELECT DISTINCT (convert_from(payload, 'UTF8')::jsonb -> 'packs') FROM {{events}}
    WHERE {_LOOKED_AT} AND name = %(decided)s AND {_ABOUT} AND {_NAMED} AND {_MADE_BY}
"""
_ENVELOPES: Final = """
    SELECT {envelope} FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS s(first, last, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {events} WHERE tenant_id = %s AND position BETWEEN s.first AND s.last
        ORDER BY position LIMIT s.last - s.first + 1
    ) e
    ORDER BY s.place, e.position
"""
