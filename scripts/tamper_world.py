"""What is tampered with: an installation's logs of some hours, signed hour by hour, and a copy of the database of each.

The copies are templates: a case begins from the last in no time, and a database that is rolled back is an earlier one.
"""

# ruff: noqa: S608 - the names put into statements are the tables below, never input
from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from adapters.eventstore.codec import envelope
from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import DATABASE, EmbeddedPostgres
from adapters.postgres.restored import start_epoch
from adapters.postgres.roles import Role, address, grant_database
from application.ports.log import Recorded
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note, SignatureType, VerifierKey
from domain.audit.origins import LogId, LogKind
from domain.audit.tiles import Tile, width_at
from domain.audit.tree import HASH_BYTES, leaves_of
from domain.kernel.ids import new_id
from projections.audit.notary import Notary

BEGUN: Final = datetime(2026, 3, 1, 8, tzinfo=UTC)
INSTALLATION: Final = "tamper.example"
RARE: Final = "test.rare"
EVENTS: Final = {LogKind.EVENTS: "log.events", LogKind.ACCESS: "log.access_events"}
HEADS: Final = {LogKind.EVENTS: "log.heads", LogKind.ACCESS: "log.access_heads"}
_HOURS: Final = 6
_QUICK: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_FILL: Final = """
    INSERT INTO {events}
    SELECT %(tenant)s, n, %(stream)s || n / 5, 1 + mod(n, 5),
        CASE WHEN n = %(rare)s THEN 'test.rare' ELSE 'test.happened' END, 1,
        convert_to('{{"n":' || n || ',"r":"' || gen_random_uuid() || '"}}', 'UTF8'),
        convert_to('{{"actor":{{"id":"' || gen_random_uuid() || '"}}}}', 'UTF8'),
        %(since)s + (n - %(after)s) * interval '1 s'
    FROM generate_series(%(after)s + 1, %(up_to)s) n
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The database as it was after an hour: its copy, and each log's size and latest checkpoint."""

    database: str
    at: datetime
    notes: Mapping[LogId, bytes]

    def size(self, of: LogId) -> int:
        """How many events of a log were signed by then."""
        return checkpoint(self.notes[of]).size


@dataclass(frozen=True, slots=True)
class World:
    """The hours of an installation. `leaves` are those of each log as it truly is; `keys` hold the notary's files."""

    server: EmbeddedPostgres
    folder: Path
    stages: Sequence[Stage]
    leaves: Mapping[LogId, Sequence[bytes]]
    key: VerifierKey
    restored: int | None
    """With how many hours a restore began a new epoch; what the next one kept of each log is `kept`."""

    kept: Mapping[LogId, int]

    @property
    def keys(self) -> Path:
        """The folder of the notary's memory and keys, closed."""
        return self.folder / "keys"

    def held(self, of: LogId) -> list[int]:
        """The hours whose checkpoints hold: those that no restore lost."""
        lost = () if self.restored is None else range(self.restored)
        return [
            hour
            for hour, stage in enumerate(self.stages)
            if hour not in lost or stage.size(of) <= self.kept[of]
        ]

    def mirror(self, of: LogId, hour: int) -> Path:
        """A folder with the tiles of level 0 of that hour, made when first asked for."""
        folder = self.folder / f"mirror-{of.tenant_id}-{of.log}-{hour}"
        size = self.stages[hour].size(of)
        for index in range(-(-size // 256)):
            width = width_at(0, index, size)
            file = folder / Tile(0, index, width).path
            if not file.is_file():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b"".join(self.leaves[of][index * 256 : index * 256 + width]))
        return folder


def checkpoint(note: bytes) -> Checkpoint:
    """What a note says."""
    return Checkpoint.read(Note.read(note).text)


def rows(connection: Connection[Any], of: LogId) -> list[Recorded]:
    """A log's events as they stand."""
    found = connection.execute(
        "SELECT tenant_id, position, stream, version, name, schema_version, payload, metadata,"
        f" recorded_at AT TIME ZONE 'UTC' FROM {EVENTS[of.log]} WHERE tenant_id = %s ORDER BY position",
        (of.tenant_id,),
        binary=True,
    )
    return [Recorded(*row) for row in found]


def leaves_there(connection: Connection[Any], of: LogId) -> list[bytes]:
    """The leaves that a log's events make, in order."""
    return leaves_of(envelope(one) for one in rows(connection, of))


def tiles_there(connection: Connection[Any], of: LogId) -> list[bytes]:
    """The hashes of leaves that are kept, as far as tiles follow one another."""
    found = connection.execute(
        "SELECT tile, hashes FROM ledger.tiles WHERE tenant_id = %s AND log = %s AND level = 0 ORDER BY tile",
        (*of,),
        binary=True,
    ).fetchall()
    kept = list[bytes]()
    for index, hashes in found:
        if index * 256 != len(kept):
            break
        kept += [
            hashes[at : at + HASH_BYTES]
            for at in range(0, len(hashes) // HASH_BYTES * HASH_BYTES, HASH_BYTES)
        ]
    return kept


def add(admin: Connection[Any], of: LogId, events: int, since: datetime) -> None:
    """Append events to a log, past the product; the last of them is of the rare kind."""
    row = admin.execute(
        f"SELECT position FROM {HEADS[of.log]} WHERE tenant_id = %s",
        (of.tenant_id,),
    ).fetchone()
    (head,) = row or (0,)
    told = {
        "stream": f"test:{secrets.token_hex(4)}:",
        "tenant": of.tenant_id,
        "rare": head + events,
        "since": since,
        "after": head,
        "up_to": head + events,
    }
    with admin.transaction():
        admin.execute(_FILL.format(events=EVENTS[of.log]).encode(), told)
        admin.execute(
            f"UPDATE {HEADS[of.log]} SET position = %s WHERE tenant_id = %s",
            (head + events, of.tenant_id),
        )


def signed(dsn: str, folder: Path, now: datetime) -> dict[LogId, str]:
    """Sign whatever may be, as a notary's process does when it begins; which logs it refused, in words."""
    memory, keys = SqliteNotaryMemory(folder, INSTALLATION), SqliteKeyStore(folder)
    signing = Notary(
        lambda: psycopg.connect(dsn, autocommit=True), memory, KeptSigningKeys(keys, memory), lambda: now
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        signing.tell_keys(connection)
        while signing.step(connection):
            pass
        found = connection.execute("SELECT tenant_id, log, words FROM ledger.refusals").fetchall()
    memory.close()
    keys.close()
    return {LogId(tenant, LogKind(kind)): words for tenant, kind, words in found}


@contextmanager
def copied(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A database that is the copy of another, by its administrator's address; dropped afterwards."""
    name = f"tamper_{secrets.token_hex(6)}"
    copy(server, name, template)
    made = make_conninfo(server.admin_dsn, dbname=name)
    try:
        yield made
    finally:
        _elsewhere(server, "DROP DATABASE {} WITH (FORCE)", name)


def copy(server: EmbeddedPostgres, name: str, template: str) -> None:
    """Make a database a copy of another that nobody is connected to."""
    _elsewhere(server, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname=name)) as connection:
        grant_database(connection)


def _elsewhere(server: EmbeddedPostgres, statement: LiteralString, *names: str) -> None:
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def made_world(
    server: EmbeddedPostgres, folder: Path, number: int, drawn: Random, *, restored: bool
) -> World:
    """Some hours of three logs. `restored`: between two of them a restore lost a tail and began a new epoch."""
    base = f"world_{number}"
    copy(server, base, DATABASE)
    admin_dsn = make_conninfo(server.admin_dsn, dbname=base)
    dsn = address(admin_dsn, Role.NOTARY, server.passwords)
    tenant, other = new_id(BEGUN), new_id(BEGUN)
    logs = [LogId(tenant, LogKind.EVENTS), LogId(tenant, LogKind.ACCESS), LogId(other, LogKind.EVENTS)]
    keys = folder / "keys"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for of in logs:
            admin.execute(
                f"INSERT INTO {HEADS[of.log]} VALUES (%s, 1, 0, %s, 1)",
                (of.tenant_id, BEGUN),
            )
    stages, kept, begun_anew = list[Stage](), dict[LogId, int](), _HOURS // 2 if restored else None
    leaves: dict[LogId, list[bytes]] = {}
    for hour in range(_HOURS):
        at = BEGUN + timedelta(hours=hour)
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            if hour == begun_anew:
                kept = {of: _lose(admin, of, drawn) for of in logs}
                start_epoch(address(admin_dsn, Role.MAINTENANCE, server.passwords), at)
            for of in logs:
                add(admin, of, drawn.randint(60, 700), at)
        signed(dsn, keys, at + timedelta(minutes=30))
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            notes = {
                LogId(one, LogKind(kind)): bytes(note)
                for one, kind, note in admin.execute("SELECT tenant_id, log, note FROM ledger.trees")
            }
            leaves = {of: leaves_there(admin, of) for of in logs}
        stages.append(Stage(f"{base}_{hour}", at, notes))
        copy(server, stages[-1].database, base)
    with psycopg.connect(admin_dsn) as admin:
        row = admin.execute("SELECT public_key FROM ledger.keys").fetchone()
    trusted = VerifierKey(INSTALLATION, SignatureType.ED25519, bytes(row[0]) if row else b"")
    return World(server, folder, stages, leaves, trusted, begun_anew, kept)


def _lose(admin: Connection[Any], of: LogId, drawn: Random) -> int:
    """A log loses its tail, as where an older backup was put back; how many events it keeps."""
    with admin.transaction():
        row = admin.execute(
            f"UPDATE {HEADS[of.log]} SET position = position - %s WHERE tenant_id = %s RETURNING position",
            (drawn.randint(1, 30), of.tenant_id),
        ).fetchone()
        (left,) = row or (0,)
        admin.execute(
            f"DELETE FROM {EVENTS[of.log]} WHERE tenant_id = %s AND position > %s",
            (of.tenant_id, left),
        )
    return int(left)
