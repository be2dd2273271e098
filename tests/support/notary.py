"""A notary over a database of a test's own, and logs that are written past the product, by whoever has every right."""

# ruff: noqa: S608 - the names put into statements are the tables above them, never input

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection

from adapters.eventstore.codec import envelope
from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.roles import Role
from application.ports.log import Recorded
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note, SignatureType, VerifierKey
from domain.audit.origins import LogId, LogKind
from domain.audit.tiles import Tile
from projections.audit.notary import Notary
from tests.support.database import Database

TABLES = {
    LogKind.EVENTS: ("log.events", "log.heads"),
    LogKind.ACCESS: ("log.access_events", "log.access_heads"),
}


@dataclass
class Office:
    """A notary, its files, and the database it signs for."""

    database: Database
    folder: Path
    admin: Connection
    connection: Connection
    notary: Notary
    memory: SqliteNotaryMemory
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))

    def log(self, kind: LogKind = LogKind.EVENTS) -> LogId:
        """A fresh log without events."""
        of = LogId(uuid4(), kind)
        self.admin.execute(
            f"INSERT INTO {TABLES[kind][1]} VALUES (%s, 1, 0, '2026-03-01Z', 1)", (of.tenant_id,)
        )
        return of

    def add(self, of: LogId, events: int) -> None:
        """Add events to a log, as an append leaves them."""
        table, heads = TABLES[of.log]
        with self.admin.transaction():
            row = self.admin.execute(f"SELECT position FROM {heads} WHERE tenant_id = %s", (of.tenant_id,))
            (head,) = row.fetchone() or (0,)
            self.admin.execute(
                f"INSERT INTO {table} SELECT %s, n, 'test:' || n / 3, 1 + mod(n, 3), 'test.happened', 1,"
                " convert_to('{\"n\":' || n || ',\"r\":\"' || gen_random_uuid() || '\"}', 'UTF8'), '{}',"
                " timestamptz '2026-03-01Z' + n * interval '1 ms' FROM generate_series(%s + 1, %s) n",
                (of.tenant_id, head, head + events),
            )
            self.admin.execute(
                f"UPDATE {heads} SET position = %s WHERE tenant_id = %s", (head + events, of.tenant_id)
            )

    @property
    def keys(self) -> KeptSigningKeys:
        """The keys that sign."""
        return KeptSigningKeys(self._keys(), self.memory)

    def entries(self, of: LogId) -> list[bytes]:
        """What the leaves of a log's tree are made over."""
        return [sha256(one).digest() for one in self.envelopes(of)]

    def envelopes(self, of: LogId) -> list[bytes]:
        """A log's rows by the product's own envelope."""
        rows = self.admin.execute(
            "SELECT tenant_id, position, stream, version, name, schema_version, payload, metadata,"
            f" recorded_at AT TIME ZONE 'UTC' FROM {TABLES[of.log][0]} WHERE tenant_id = %s ORDER BY position",
            (of.tenant_id,),
            binary=True,
        )
        return [envelope(Recorded(*row)) for row in rows]

    def sign(self) -> None:
        """Bring everything forward."""
        while self.notary.step(self.connection):
            pass

    def checkpoint(self, of: LogId) -> Checkpoint:
        """The latest of a log."""
        return Checkpoint.read(Note.read(self.note(of)).text)

    def note(self, of: LogId) -> bytes:
        """The same as it was signed."""
        row = self.admin.execute(
            "SELECT note FROM ledger.trees WHERE tenant_id = %s AND log = %s", (of.tenant_id, of.log.value)
        ).fetchone()
        assert row is not None
        return bytes(row[0])

    def verifier_keys(self, of: LogId) -> list[VerifierKey]:
        """The keys that a log's checkpoints are signed by."""
        origin = self.checkpoint(of).origin
        rows = self.admin.execute("SELECT public_key FROM ledger.keys ORDER BY number").fetchall()
        return [VerifierKey(origin, SignatureType.ED25519, bytes(key)) for (key,) in rows]

    def tile(self, of: LogId, tile: Tile) -> bytes:
        """A tile's hashes."""
        row = self.admin.execute(
            "SELECT hashes FROM ledger.tiles WHERE tenant_id = %s AND log = %s AND level = %s AND tile = %s",
            (of.tenant_id, of.log.value, tile.level, tile.index),
        ).fetchone()
        assert row is not None
        return bytes(row[0])[: tile.width * 32]

    def refused(self) -> dict[UUID, str]:
        """Which tenants' logs are not signed, and why."""
        rows = self.admin.execute("SELECT tenant_id, words FROM ledger.refusals").fetchall()
        return dict(rows)

    def again(self) -> Notary:
        """The notary of a process that begins, over the same files."""
        self.notary = Notary(self.notary.connect, self.memory, self.keys, lambda: self.now)
        return self.notary

    def _keys(self) -> SqliteKeyStore:
        return SqliteKeyStore(self.folder)


@contextmanager
def office(database: Database, folder: Path) -> Iterator[Office]:
    """A notary that has signed nothing."""
    memory = SqliteNotaryMemory(folder, "penguinmails.test/ledger")

    def connect() -> Connection:
        return psycopg.connect(database.dsn(Role.NOTARY), autocommit=True)

    with psycopg.connect(database.admin, autocommit=True) as admin, connect() as connection:
        keys = KeptSigningKeys(SqliteKeyStore(folder), memory)
        made = Office(
            database, folder, admin, connection, Notary(connect, memory, keys, lambda: made.now), memory
        )
        made.notary.tell_keys(connection)
        yield made
    memory.close()
