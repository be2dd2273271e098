"""Changes of rows, gathered per table and key over a batch of events and written in bulk.

Handlers say what happens to single rows; what they say about one row within a batch is merged before it reaches the
database. One statement a table and kind of change carries all rows as one JSON document, which Postgres takes apart:
measured 62,000 contacts a second, against 49,000 with COPY and row-wise Python, at a sixth of the client's time.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import orjson

from projections.runtime.tables import POSITION, TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from psycopg import Connection

    from application.ports.log import Recorded
    from projections.runtime.facts import Fact, Projection
    from projections.runtime.tables import Table


_SOON: Final = timedelta(seconds=1)
"""An event that comes so soon after another of its stream belongs to it: what is between the two lasts for nobody."""


class _Kind(Enum):
    INSERT = "insert"  # the row is not in the database
    UPSERT = "upsert"  # it may be
    UPDATE = "update"
    DELETE = "delete"


class _Change:
    """What becomes of one row: `values` set, `added` on top of what the database holds."""

    __slots__ = ("added", "kind", "values")

    def __init__(self, kind: _Kind, values: dict[str, Any], added: dict[str, int] | None = None) -> None:
        self.kind = kind
        self.values = values
        self.added = added or {}


_Key = tuple[Any, ...]


class _Segment:
    """Changes of one table whose order among each other does not matter, or one kind of delete by other columns."""

    __slots__ = ("changes", "columns", "matching")

    def __init__(self, columns: tuple[str, ...] | None = None) -> None:
        self.changes: dict[_Key, _Change] = {}
        self.columns = columns
        self.matching: list[dict[str, Any]] = []


class Rows:
    """The changes of one projection over one batch. Handlers call the verbs; the runtime calls the rest."""

    def __init__(self, projection: Projection) -> None:
        """Begin with no changes."""
        self._tables = projection.tables
        self._handled = projection.handlers.keys()
        self._counts = {
            (table.counted_in.table, table.counted_in.column)
            for table in projection.tables.values()
            if table.counted_in is not None
        }
        self._segments: dict[str, list[_Segment]] = {name: [] for name in projection.tables}
        self._recalled = {recall.table for recall in projection.recalls}
        self._known_rows: dict[tuple[str, UUID | None, tuple[str, ...]], dict[str, Any] | None] = {}
        self._followed: set[tuple[UUID, int]] = set()
        self._tenant: UUID | None = None
        self._position = 0

    def remember(self, table: str, tenant: UUID, key: tuple[str, ...], values: dict[str, Any]) -> None:
        """A row that stands in the database, for `recall`."""
        self._known_rows[table, tenant, key] = values

    def recall(self, table: str, *key: Any) -> dict[str, Any] | None:
        """What is known of a row that the event is about, with what this batch made of it; None: it is not there."""
        return self._known_rows.get((table, self._tenant, tuple(map(str, key))))

    def expect(self, events: Iterable[Recorded]) -> None:
        """What will be taken in, a log's events in their order, for `is_followed`."""
        last: dict[tuple[UUID, str], Recorded] = {}
        for event in events:
            if event.name not in self._handled:
                continue
            before = last.get((event.tenant_id, event.stream))
            if before is not None and event.recorded_at - before.recorded_at <= _SOON:
                self._followed.add((before.tenant_id, before.position))
            last[event.tenant_id, event.stream] = event

    def is_followed(self, fact: Fact) -> bool:
        """Whether this batch holds an event of the stream, at most a second later, that makes the same rows anew."""
        return (fact.tenant_id, fact.position) in self._followed

    def at(self, fact: Fact) -> None:
        """The event that the next changes follow from."""
        self._tenant = fact.recorded.tenant_id
        self._position = fact.recorded.position

    def insert(self, table: str, values: dict[str, Any]) -> None:
        """A new row; columns left out are null. A row that is there already is an error of ours, found at writing."""
        self._now(table, values, values)
        changes, key, row = self._prepare(table, values)
        before = changes.get(key)
        if before is None or before.kind is _Kind.UPDATE:  # an update of a row that is not there did nothing
            changes[key] = _Change(_Kind.INSERT, row)
        elif before.kind is _Kind.DELETE:
            changes[key] = _Change(_Kind.UPSERT, row)
        else:
            raise ValueError(f"{table}: a row is inserted twice")

    def upsert(self, table: str, values: dict[str, Any]) -> None:
        """The whole row, whether it is there or not; columns left out are null."""
        self._not_counted(table, self._tables[table].columns)
        self._now(table, values, values)
        changes, key, row = self._prepare(table, values)
        before = changes.get(key)
        fresh = before is not None and before.kind is _Kind.INSERT
        changes[key] = _Change(_Kind.INSERT if fresh else _Kind.UPSERT, row)

    def update(self, table: str, values: dict[str, Any]) -> None:
        """Some columns of a row, its key among `values`; nothing where the row is not there."""
        self._change(table, values, {})

    def add(self, table: str, key: dict[str, Any], **amounts: int) -> None:
        """Add to columns of a row, null counting as 0; nothing where the row is not there."""
        self._change(table, key, amounts)

    def delete(self, table: str, key: dict[str, Any]) -> None:
        """The row with this key, if it is there."""
        self._now(table, key, None)
        changes, found, row = self._prepare(table, key)
        before = changes.get(found)
        if before is not None and before.kind is _Kind.INSERT:
            del changes[found]
        else:
            changes[found] = _Change(_Kind.DELETE, row)

    def delete_where(self, table: str, **columns: Any) -> None:
        """Every row of the tenant with these values in these columns; give the columns an index."""
        self._written_whole(table)
        self._known(table, columns)
        names = tuple(sorted(columns))
        segments = self._segments[table]
        if not segments or segments[-1].columns != names:
            segments.append(_Segment(names))
        segments[-1].matching.append({TENANT: self._tenant, **columns})

    def _change(self, table: str, values: dict[str, Any], amounts: dict[str, int]) -> None:
        self._not_counted(table, (*values, *amounts))
        self._written_whole(table)
        self._known(table, amounts)
        changes, key, row = self._prepare(table, values)
        before = changes.get(key)
        if before is None:
            changes[key] = _Change(_Kind.UPDATE, row, dict(amounts))
            return
        if before.kind is _Kind.DELETE:
            return
        for column in values:
            before.added.pop(column, None)
        before.values.update(row)
        for column, amount in amounts.items():
            if before.kind is not _Kind.UPDATE or column in before.values:
                before.values[column] = (before.values.get(column) or 0) + amount
            else:
                before.added[column] = before.added.get(column, 0) + amount

    def _prepare(
        self, table: str, values: dict[str, Any]
    ) -> tuple[dict[_Key, _Change], _Key, dict[str, Any]]:
        self._known(table, values)
        segments = self._segments[table]
        if not segments or segments[-1].columns is not None:
            segments.append(_Segment())
        key = (self._tenant, *[values[column] for column in self._tables[table].key])
        return segments[-1].changes, key, {TENANT: self._tenant, POSITION: self._position, **values}

    def _now(self, table: str, key: dict[str, Any], values: dict[str, Any] | None) -> None:
        if table in self._recalled:
            place = tuple([str(key[column]) for column in self._tables[table].key])
            self._known_rows[table, self._tenant, place] = values

    def _written_whole(self, table: str) -> None:
        if table in self._recalled:
            raise ValueError(f"{table} is recalled: its rows are written whole, or deleted by their key")

    def _known(self, table: str, values: dict[str, Any]) -> None:
        types = self._tables[table].types
        if not values.keys() <= types.keys():
            raise ValueError(f"{table} has no column {min(values.keys() - types.keys())}")

    def _not_counted(self, table: str, columns: Iterable[str]) -> None:
        if self._tables[table].counted_in is not None:
            raise ValueError(f"{table} is counted: its rows are inserted and deleted, nothing else")
        if self._counts and any((table, column) in self._counts for column in columns):
            raise ValueError(f"{table} holds a count: it is set once, when the row is inserted")

    def flush(self, connection: Connection[Any], schema: str) -> None:
        """Write everything in the caller's transaction, table by table in the order of their declaration."""
        for statement, rows in self.statements(schema):
            connection.execute(statement.encode(), [orjson.dumps(rows).decode()])

    def statements(self, schema: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The statements, each with the rows of its one parameter."""
        for name, segments in self._segments.items():
            table = self._tables[name]
            for segment in segments:
                if segment.columns is not None:
                    yield _delete(schema, table, segment.columns), segment.matching
                else:
                    yield from _of_changes(schema, table, segment.changes.values())


def _of_changes(
    schema: str, table: Table, changes: Iterable[_Change]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    groups: dict[tuple[_Kind, frozenset[str], frozenset[str]], list[dict[str, Any]]] = {}
    nothing: frozenset[str] = frozenset()
    for change in changes:
        if change.kind is _Kind.UPDATE:
            columns, added = frozenset(change.values), frozenset(change.added)
            row = change.values | {f"add_{column}": amount for column, amount in change.added.items()}
        else:
            columns, added, row = nothing, nothing, change.values
        groups.setdefault((change.kind, columns, added), []).append(row)
    for (kind, set_, moved), rows in groups.items():
        match kind:
            case _Kind.INSERT | _Kind.UPSERT:
                if kind is _Kind.UPSERT and table.counted_in is not None:
                    # What left and came back within the batch: both, so that the count and the position are right.
                    yield _delete(schema, table, table.key), rows
                yield _insert(schema, table, replace=kind is _Kind.UPSERT), rows
            case _Kind.UPDATE:
                yield _update(schema, table, sorted(set_), sorted(moved)), rows
            case _Kind.DELETE:
                yield _delete(schema, table, table.key), rows


def _given(types: dict[str, str]) -> str:
    return f"json_to_recordset(%s::json) AS r({', '.join(f'{name} {kind}' for name, kind in types.items())})"


def _insert(schema: str, table: Table, *, replace: bool) -> str:
    columns = ", ".join(table.types)
    keys = (TENANT, *table.key)
    text = f"INSERT INTO {schema}.{table.name} ({columns}) SELECT {columns} FROM {_given(table.types)}"  # noqa: S608 - names are of our own declarations
    if table.counted_in is not None:
        return _counted(schema, table, f"{text} ON CONFLICT DO NOTHING", "+")
    if replace:
        others = ", ".join(f"{name} = excluded.{name}" for name in table.types if name not in keys)
        text += f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {others}"
    return text


def _update(schema: str, table: Table, columns: list[str], added: list[str]) -> str:
    keys = (TENANT, *table.key)
    types = {name: table.types[name] for name in columns} | {f"add_{name}": "bigint" for name in added}
    changes = [f"{name} = r.{name}" for name in columns if name not in keys]
    changes += [f"{name} = coalesce(t.{name}, 0) + r.add_{name}" for name in added]
    return f"UPDATE {schema}.{table.name} t SET {', '.join(changes)} FROM {_given(types)} WHERE {_same(keys)}"  # noqa: S608 - names are of our own declarations


def _delete(schema: str, table: Table, columns: tuple[str, ...]) -> str:
    types = {name: table.types[name] for name in (TENANT, *columns)}
    text = f"DELETE FROM {schema}.{table.name} t USING {_given(types)} WHERE {_same(types)}"  # noqa: S608 - names are of our own declarations
    return text if table.counted_in is None else _counted(schema, table, text, "-")


def _counted(schema: str, table: Table, change: str, sign: str) -> str:
    """The change, and the parent's count moved by the rows that really came or went."""
    count = table.counted_in
    if count is None:
        return change
    keys = (TENANT, *count.key)
    source = "t." if sign == "-" else ""
    listed = ", ".join(keys)
    return (
        f"WITH done AS ({change} RETURNING {', '.join(f'{source}{key}' for key in keys)}), "  # noqa: S608 - names are of our own declarations
        f"r AS (SELECT {listed}, count(*) AS n FROM done GROUP BY {listed}) "
        f"UPDATE {schema}.{count.table} t SET {count.column} = coalesce(t.{count.column}, 0) {sign} r.n "
        f"FROM r WHERE {_same(keys)}"
    )


def _same(columns: Iterable[str]) -> str:
    return " AND ".join(f"t.{name} = r.{name}" for name in columns)
