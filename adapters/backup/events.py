"""The events out of a database and into another: one snapshot of the tables that a backup has, as binary COPY."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from adapters.backup import blobs
from adapters.backup.errors import DatabaseNotEmpty, FileAltered, RowsDiffer
from adapters.backup.files import PIECE, Written, pieces, unpacked, untold
from adapters.backup.manifest import Events, LogHead, Table
from adapters.backup.tables import EVENTS, KEPT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from psycopg import Connection

    from adapters.backup.files import Tell

_COLUMNS: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    " ORDER BY attnum"
)
_PATIENT: Final = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
# As rows were added, by one process: positions then come about in their order.
_IN_ORDER: Final = (
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
)
_OURS: Final = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm')
    AND (n.nspname IN ('log', 'ops', 'ledger', 'dramatiq') OR n.nspname LIKE 'views\\_%') ORDER BY 1 LIMIT 1
"""


def take(
    dsn: str,
    folder: Path,
    sealed: Path,
    revision: Callable[[], str],
    tell: Tell = untold,
) -> Events:
    """Write the tables and the sealed files into a folder; the manifest is given back, to be written last.

    `dsn` connects as the role for maintenance, which may read all tenants' rows. `revision` tells the schema's, and is
    asked once no migration can change these tables any more. `tell` hears the rows. Raises psycopg's errors.
    """
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # First the locks, for they take no snapshot: what is then seen is what the locked tables are.
        names = sql.SQL(", ").join(map(_name, KEPT))
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        for setting in (*_PATIENT, *_IN_ORDER):
            connection.execute(setting)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        taken_at = row[0].astimezone(UTC) if row is not None else datetime.now(UTC)
        applied = revision()
        logs = tuple(
            LogHead(tenant_id=tenant, log=log, epoch=epoch, position=position)
            for log, (_, heads) in EVENTS.items()
            for tenant, epoch, position in connection.execute(
                sql.SQL("SELECT tenant_id, epoch, position FROM {} ORDER BY tenant_id").format(_name(heads))
            )
        )
        for log, (events, _) in EVENTS.items():
            tell(events, 0, sum(head.position for head in logs if head.log == log))
        tables = tuple(_copied(connection, table, folder, tell) for table in KEPT)
        server = connection.info.parameter_status("server_version") or ""
    # What an event speaks of was on the disk before the event: it is there, or was destroyed since.
    return Events(
        taken_at=taken_at,
        revision=applied,
        server=server,
        tables=tables,
        blobs=blobs.pack(sealed, folder),
        logs=logs,
    )


def load(connection: Connection[Any], folder: Path, manifest: Events, tell: Tell) -> None:
    """Put the rows of a backup into its tables, empty ones of its revision, in the transaction that is open.

    The caller's role owns the tables, and no policy is on them yet. Raises `RowsDiffer`, `FileAltered`, and what
    reading raises.
    """
    for setting in _PATIENT:
        connection.execute(setting)
    for kept in manifest.tables:
        content = unpacked(pieces(folder, kept, tell), kept.name)
        text = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            _name(kept.table), sql.SQL(", ").join(map(sql.Identifier, kept.columns))
        )
        with connection.cursor() as cursor:
            try:
                with cursor.copy(text) as copy:
                    for piece in content:
                        copy.write(piece)
            except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
                raise FileAltered(
                    f"{folder / kept.name} is refused by the database: {type(error).__name__}."
                ) from None
            if cursor.rowcount != kept.rows:
                raise RowsDiffer(f"{kept.name} has {cursor.rowcount} rows, the manifest says {kept.rows}.")


def must_be_empty(connection: Connection[Any]) -> None:
    """Raises `DatabaseNotEmpty` where the database has a table of the product."""
    found = connection.execute(_OURS).fetchone()
    if found is not None:
        raise DatabaseNotEmpty(f"The database {connection.info.dbname} has a table {found[0]}.")


def erased_since(connection: Connection[Any], destroyed: list[tuple[UUID, str]]) -> list[tuple[UUID, UUID]]:
    """Of these subjects, those that are addressees of a log which does not say that they were erased."""
    rows = connection.execute(
        "SELECT e.tenant_id, e.stream FROM unnest(%s::uuid[], %s::text[]) AS u(t, s)"
        " JOIN log.events e ON e.tenant_id = u.t AND e.stream = u.s AND e.version = 1"
        " WHERE NOT EXISTS (SELECT FROM log.events k WHERE k.tenant_id = u.t AND k.stream = u.s"
        " AND k.name = 'audience.addressee_erased')",
        ([tenant for tenant, _ in destroyed], [f"addressee:{subject}" for _, subject in destroyed]),
    )
    return [(tenant, UUID(stream.partition(":")[2])) for tenant, stream in rows]


def _copied(connection: Connection[Any], table: str, folder: Path, tell: Tell) -> Table:
    columns = tuple(name for (name,) in connection.execute(_COLUMNS, (table,)))
    text = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT BINARY)").format(
        _name(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    gathered, rows = bytearray(), 0
    with Written(folder, f"{table}.copy.gz", gzip=True) as written, connection.cursor() as cursor:
        with cursor.copy(text) as copy:
            for row in copy:
                gathered += row
                rows += 1
                if len(gathered) >= PIECE:
                    written.write(bytes(gathered))
                    gathered.clear()
                    tell(table, rows)
                    rows = 0
        written.write(bytes(gathered))
        tell(table, rows)
        return Table(table=table, columns=columns, rows=cursor.rowcount, **written.finish().model_dump())


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
