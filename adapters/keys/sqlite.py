"""The key store on this machine: a SQLite file and a file of key-encryption keys, in a folder of their own (0700).

The keys are in table `keys`, each wrapped with its tenant's key-encryption key (`keks.py`). Rotating that one wraps
what is left anew and forgets the old one, so that copies of destroyed rows in free pages or in backups of
`keys.sqlite` alone open no more. Which keys were destroyed is also in a list of its own (`gone.py`).
"""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.keys.amiss import OF_A_TENANT, OF_THE_STORE, in_the_ports_words
from adapters.keys.gone import DestroyedKeys
from adapters.keys.keks import KEY, NONCE, WRAPPED, KekFile
from application.ports.keys import RotationIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from adapters.keys.gone import Row
    from application.ports.keys import SubjectKey
    from domain.kernel.personal import KeyKind

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (
  tenant BLOB NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, kek INTEGER NOT NULL, wrapped BLOB,
  PRIMARY KEY (tenant, subject, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pseudonym_keys (
  tenant BLOB NOT NULL, version INTEGER NOT NULL, kek INTEGER NOT NULL, wrapped BLOB NOT NULL,
  PRIMARY KEY (tenant, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (tenant BLOB PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS generation (n INTEGER NOT NULL);
INSERT INTO generation SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM generation)
"""
_HAS_DESTROYED: Final = "SELECT 1 FROM sqlite_master WHERE name = 'destroyed'"
_SEED_DESTROYED: Final = "INSERT INTO destroyed SELECT DISTINCT tenant, 0 FROM keys WHERE wrapped IS NULL"

# One statement for all keys of a tenant and kind: each one frees and takes back the interpreter, which a busy thread
# gives up every 5 ms only. CROSS JOIN keeps the order: a look-up by the primary key for each that is asked for.
_PRESENT: Final = (
    "SELECT asked.value FROM json_each(?) AS asked CROSS JOIN keys"
    " ON keys.tenant = ? AND keys.subject = asked.value AND keys.kind = ?"
)
_MAKE: Final = (
    f"INSERT INTO keys SELECT ?, value, ?, ?, substr(?, 1 + {WRAPPED} * key, {WRAPPED}) FROM json_each(?) WHERE true"
    " ON CONFLICT DO NOTHING"
)
_MANY: Final = (
    "SELECT asked.key, kek, wrapped FROM json_each(?) asked CROSS JOIN keys"
    " WHERE tenant = ? AND subject = asked.value AND kind = ?"
)
_DESTROYED: Final = "INSERT INTO destroyed VALUES (?, ?) ON CONFLICT DO NOTHING"
_DUE: Final = "SELECT tenant FROM destroyed WHERE since < ? LIMIT ?"
_OLD: Final = (
    "SELECT subject, kind, kek, wrapped FROM keys WHERE tenant = ? AND (subject, kind) > (?, ?)"
    " AND kek < ? AND wrapped IS NOT NULL ORDER BY subject, kind LIMIT ?"
)
_OLD_PSEUDONYMS: Final = "SELECT version, kek, wrapped FROM pseudonym_keys WHERE tenant = ? AND kek < ?"
_PSEUDONYMS: Final = "SELECT kek, wrapped FROM pseudonym_keys WHERE tenant = ? ORDER BY version DESC"

_WAIT: Final = 5
"""Seconds that the write lock is waited for; a rotation holds it for a twentieth of one."""
_SLICE: Final = 4_000
"""Keys that a rotation wraps anew in one transaction: some 50 ms of the only write lock there is."""
_PAUSE: Final = 0.1
"""Seconds between two of them. Who waits for the lock asks again every 100 ms at the latest (SQLite's busy handler)."""


class SqliteKeyStore:
    """The keys of one installation; safe for many threads and many processes of one machine."""

    def __init__(self, folder: Path, master_key: bytes | None = None) -> None:
        """Open, or make, the store in `folder`. `master_key`: 32 bytes, else the file `master.key`, made if missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._keks = KekFile(folder, master_key)
        self._gone = DestroyedKeys(folder)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            folder / "keys.sqlite", check_same_thread=False, isolation_level=None, timeout=_WAIT
        )
        os.chmod(folder / "keys.sqlite", 0o600)  # noqa: PTH101 - the same call as everywhere for modes
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            f"busy_timeout={_WAIT * 1000}",
        ):
            self._database.execute(f"PRAGMA {pragma}")
        self._make_tables()
        # Readers never wait for a writer's disk: WAL lets a second connection read meanwhile.
        self._read_lock = threading.Lock()
        self._reader = sqlite3.connect(
            folder / "keys.sqlite", check_same_thread=False, isolation_level=None, timeout=_WAIT
        )
        self._reader.execute("PRAGMA query_only=ON")

    def _make_tables(self) -> None:
        """What is not there yet. Stores older than `destroyed` owe a rotation for whatever was destroyed in them.

        Keys that an old copy of the store brought back, and that the list says are gone, are destroyed again.
        """
        with self._transaction():
            older = self._database.execute(_HAS_DESTROYED).fetchone() is None
            for statement in _SCHEMA.split(";"):
                self._database.execute(statement)
            if older:
                self._database.execute(_SEED_DESTROYED)
            self._gone.agree(self._database)

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._read_lock:
            self._database.close()
            self._reader.close()

    @in_the_ports_words
    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """See `KeyStore.obtain`. One durable transaction for all that were missing."""
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            found = self._read(self._present(wanted), self._database)
            missing = [key for key in wanted if key not in found]
            if missing:
                with self._transaction():
                    found |= self._make(missing)
        return {key: value for key, value in found.items() if value is not None}

    def _present(self, keys: list[SubjectKey]) -> list[SubjectKey]:
        """Those of `keys` that are in the file, destroyed ones included."""
        return [
            (tenant, subject, kind)
            for (tenant, kind), subjects in _by_kind(keys).items()
            for (subject,) in self._database.execute(
                _PRESENT, (json.dumps(subjects), tenant.bytes, kind.value)
            ).fetchall()
        ]

    def _make(self, keys: list[SubjectKey]) -> dict[SubjectKey, bytes | None]:
        """New keys, written in the transaction that is open; those that another process made meanwhile are its."""
        made: dict[SubjectKey, bytes | None] = {}
        written = 0
        for (tenant, kind), subjects in _by_kind(keys).items():
            owner = tenant.bytes
            newest = self._keks.latest(owner)
            encrypt = self._keks.cipher(owner, newest).encrypt
            random = secrets.token_bytes(len(subjects) * (KEY + NONCE))
            wrapped: list[bytes] = []
            for number, subject in enumerate(subjects):
                start = number * (KEY + NONCE)
                key, nonce = random[start : start + KEY], random[start + KEY : start + KEY + NONCE]
                made[tenant, subject, kind] = key
                wrapped += (nonce, encrypt(nonce, key, owner))
            row = (owner, kind.value, newest, b"".join(wrapped), json.dumps(subjects))
            written += self._database.execute(_MAKE, row).rowcount
        return made if written == len(keys) else self._read(keys, self._database)

    @in_the_ports_words
    def find(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """See `KeyStore.find`."""
        with self._read_lock:
            found = self._read(list(dict.fromkeys(keys)), self._reader)
        return {key: value for key, value in found.items() if value is not None}

    @in_the_ports_words
    def destroy(self, keys: Iterable[SubjectKey]) -> int:
        """See `KeyStore.destroy`. A key that never was is marked too: it will never be made."""
        destroyed = 0
        entered: list[Row] = []
        with self._lock, self._transaction():
            for tenant, subject, kind in keys:
                row = (tenant.bytes, subject, kind.value)
                had = self._database.execute(
                    "SELECT wrapped IS NOT NULL FROM keys WHERE (tenant, subject, kind) = (?, ?, ?)", row
                ).fetchone()
                destroyed += bool(had and had[0])
                if had is None or had[0]:
                    entered.append(row)
                self._database.execute(
                    "INSERT INTO keys VALUES (?, ?, ?, 0, NULL) ON CONFLICT DO UPDATE SET wrapped = NULL, kek = 0",
                    row,
                )
                self._database.execute(_DESTROYED, (tenant.bytes, time.time()))
            self._database.execute("UPDATE generation SET n = n + 1")
            self._gone.enter(entered, self._database)
        return destroyed

    @in_the_ports_words
    def destroy_tenant(self, tenant_id: UUID) -> int:
        """See `KeyStore.destroy_tenant`. The list names the tenant once, for all of its keys."""
        owner = tenant_id.bytes
        with self._lock:
            with self._transaction():
                destroyed = self._gone.end(owner, self._database)
            self._keks.end(owner)
        return destroyed

    @in_the_ports_words
    def hmac_keys(self, tenant_id: UUID) -> list[bytes]:
        """See `KeyStore.hmac_keys`. Never waits for a writer's disk, but where the first key is made."""
        with self._read_lock:
            known = self._pseudonym_keys(tenant_id, self._reader)
        if known:
            return known
        with self._lock:
            with self._transaction():
                kek, wrapped = self._wrap(tenant_id.bytes, secrets.token_bytes(KEY))
                self._database.execute(
                    "INSERT INTO pseudonym_keys VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING",
                    (tenant_id.bytes, kek, wrapped),
                )
            return self._pseudonym_keys(tenant_id, self._database)

    @in_the_ports_words
    def generation(self) -> int:
        """See `KeyStore.generation`."""
        with self._read_lock:
            return int(self._reader.execute("SELECT n FROM generation").fetchone()[0])

    @in_the_ports_words
    def rotate_due(
        self, destroyed_before: datetime, stopping: Callable[[], bool] = lambda: False
    ) -> list[UUID]:
        """See `KeyStore.rotate_due`. One at a time, for another process may be at it too: they share the work."""
        rotated: dict[UUID, None] = {}
        failed: dict[bytes, UUID] = {}
        while not stopping() and (tenant_id := self._due(destroyed_before, failed)) is not None:
            try:
                if self._rotate(tenant_id, stopping):
                    rotated[tenant_id] = None
            except OF_THE_STORE:
                raise
            except OF_A_TENANT:
                failed[tenant_id.bytes] = tenant_id
        if failed:
            raise RotationIncomplete(rotated, failed.values())
        return list(rotated)

    def _due(self, destroyed_before: datetime, but: Collection[bytes]) -> UUID | None:
        """A tenant that is due and none of `but`. First those with two key-encryption keys: they were interrupted."""
        with self._read_lock:
            if (interrupted := self._keks.with_two(but)) is not None:
                return UUID(bytes=interrupted)
            rows = self._reader.execute(_DUE, (destroyed_before.timestamp(), len(but) + 1)).fetchall()
        return next((UUID(bytes=tenant) for (tenant,) in rows if tenant not in but), None)

    @in_the_ports_words
    def rotate(self, tenant_id: UUID, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wrap what is left of a tenant's keys anew and destroy its old key-encryption keys; or finish doing so.

        A slice at a time, each a transaction of its own, and others write in between. Interrupted anywhere it loses no
        live key, and whoever rotates next goes on with what is left, towards the same key-encryption key. False when
        it was asked to stop before the end.
        """
        return self._rotate(tenant_id, stopping)

    def _rotate(self, tenant_id: UUID, stopping: Callable[[], bool]) -> bool:
        tenant = tenant_id.bytes
        fresh = self._begin_rotation(tenant)
        done = ("", "")
        while (reached := self._rewrap(tenant, fresh, done)) is not None:
            done = reached
            if stopping():
                return False
            time.sleep(_PAUSE)
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._keks.forget_before(tenant, fresh)
        return True

    def _begin_rotation(self, tenant: bytes) -> int:
        """The key-encryption key to wrap with: a new one, or that of a rotation that is not over.

        The mark that the tenant is due goes together with the new one's coming, not at the end: a key that is destroyed
        after this may be wrapped with the new one in some backup, so it makes the tenant due again. Meanwhile two
        key-encryption keys say that there is work left.
        """
        with self._lock, self._transaction():
            numbers = self._keks.numbers(tenant)
            if len(numbers) > 1:
                return max(numbers)
            for number in numbers:
                # With another master key the new one would be readable with that alone, and the old one with none.
                self._keks.cipher(tenant, number)
            self._database.execute("DELETE FROM destroyed WHERE tenant = ?", (tenant,))
            return self._keks.add(tenant)

    def _rewrap(self, tenant: bytes, fresh: int, after: tuple[str, str]) -> tuple[str, str] | None:
        """Wrap the next slice with `fresh`, in a transaction; up to which (subject, kind), None when nothing is left.

        Whatever is made since `fresh` is there is wrapped with it, so none comes to stand behind.
        """
        with self._lock, self._transaction():
            rows = self._database.execute(_OLD, (tenant, *after, fresh, _SLICE)).fetchall()
            self._database.executemany(
                "UPDATE keys SET kek = ?, wrapped = ? WHERE tenant = ? AND subject = ? AND kind = ?",
                [
                    (fresh, self._rewrapped(tenant, fresh, kek, wrapped), tenant, subject, kind)
                    for subject, kind, kek, wrapped in rows
                ],
            )
            if len(rows) == _SLICE:
                return rows[-1][0], rows[-1][1]
            left = self._database.execute(_OLD_PSEUDONYMS, (tenant, fresh)).fetchall()
            self._database.executemany(
                "UPDATE pseudonym_keys SET kek = ?, wrapped = ? WHERE tenant = ? AND version = ?",
                [
                    (fresh, self._rewrapped(tenant, fresh, kek, wrapped), tenant, version)
                    for version, kek, wrapped in left
                ],
            )
        return None

    def _rewrapped(self, tenant: bytes, fresh: int, kek: int, wrapped: bytes) -> bytes:
        return self._keks.wrap(tenant, fresh, self._keks.unwrap(tenant, kek, wrapped))

    def _read(self, keys: list[SubjectKey], database: sqlite3.Connection) -> dict[SubjectKey, bytes | None]:
        """One statement a tenant and kind; its CROSS JOIN keeps SQLite on the primary key, never on the whole table."""
        groups: dict[tuple[UUID, KeyKind], list[SubjectKey]] = defaultdict(list)
        for key in keys:
            groups[key[0], key[2]].append(key)
        found: dict[SubjectKey, bytes | None] = {}
        for (tenant_id, kind), group in groups.items():
            tenant = tenant_id.bytes
            asked = (json.dumps([subject for _, subject, _ in group]), tenant, kind.value)
            # All rows are fetched at once: a statement left open would keep the second look in the first one's past.
            try:
                found |= self._all_opened(tenant, group, database.execute(_MANY, asked).fetchall())
            except KeyError:  # rotated by another process since the rows were read
                found |= self._all_opened(tenant, group, database.execute(_MANY, asked).fetchall())
        return found

    def _all_opened(
        self, tenant: bytes, keys: list[SubjectKey], rows: Iterable[tuple[int, int, bytes | None]]
    ) -> dict[SubjectKey, bytes | None]:
        return {keys[place]: self._opened(tenant, kek, wrapped) for place, kek, wrapped in rows}

    def _opened(self, tenant: bytes, kek: int, wrapped: bytes | None) -> bytes | None:
        return None if wrapped is None else self._keks.unwrap(tenant, kek, wrapped)

    def _pseudonym_keys(self, tenant_id: UUID, database: sqlite3.Connection) -> list[bytes]:
        tenant = tenant_id.bytes

        def live() -> list[bytes]:
            rows = database.execute(_PSEUDONYMS, (tenant,)).fetchall()
            return [self._keks.unwrap(tenant, kek, wrapped) for kek, wrapped in rows]

        try:
            return live()
        except KeyError:  # rotated by another process since the rows were read
            return live()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _wrap(self, tenant: bytes, key: bytes) -> tuple[int, bytes]:
        newest = self._keks.latest(tenant)
        return newest, self._keks.wrap(tenant, newest, key)


def _by_kind(keys: Iterable[SubjectKey]) -> dict[tuple[UUID, KeyKind], list[str]]:
    """The subjects of keys by their tenant and kind."""
    subjects: dict[tuple[UUID, KeyKind], list[str]] = {}
    for tenant, subject, kind in keys:
        subjects.setdefault((tenant, kind), []).append(subject)
    return subjects
