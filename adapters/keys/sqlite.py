"""The key store on this machine: a SQLite file and a key-encryption file, in a folder of their own (0700).

Three layers, each opening the next: the *master key* (file `master.key`, 0600, or the environment), a *key-encryption
key* per tenant (file `keks.json`), and the keys themselves (table `keys`). All are AES-256-GCM. Rotating a tenant's
key-encryption key wraps what is left anew and forgets the old one, so that copies of destroyed rows in free pages or
in backups of `keys.sqlite` alone open no more.
"""

# ruff: noqa: S608 - the names put into statements are our own tables, never input
from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import sqlite3
import threading
import time
from collections import defaultdict
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports.keys import KeysUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from application.ports.keys import SubjectKey
    from domain.kernel.personal import KeyKind

P = ParamSpec("P")
R = TypeVar("R")

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
_NONCE: Final = 12
_KEY: Final = 32
_WRAPPED: Final = _NONCE + _KEY + 16
"""Bytes of a wrapped key: nonce, key, tag."""

# One statement for all keys of a tenant and kind: each one frees and takes back the interpreter, which a busy thread
# gives up every 5 ms only. CROSS JOIN keeps the order: a look-up by the primary key for each that is asked for.
_PRESENT: Final = (
    "SELECT asked.value FROM json_each(?) AS asked CROSS JOIN keys"
    " ON keys.tenant = ? AND keys.subject = asked.value AND keys.kind = ?"
)
_MAKE: Final = (
    f"INSERT INTO keys SELECT ?, value, ?, ?, substr(?, 1 + {_WRAPPED} * key, {_WRAPPED}) FROM json_each(?) WHERE true"
    " ON CONFLICT DO NOTHING"
)
_MANY: Final = (
    "SELECT asked.key, kek, wrapped FROM json_each(?) asked CROSS JOIN keys"
    " WHERE tenant = ? AND subject = asked.value AND kind = ?"
)
_DESTROYED: Final = "INSERT INTO destroyed VALUES (?, ?) ON CONFLICT DO NOTHING"
_DUE: Final = "SELECT tenant FROM destroyed WHERE since < ? LIMIT 1"
_OLD: Final = (
    "SELECT subject, kind, kek, wrapped FROM keys WHERE tenant = ? AND (subject, kind) > (?, ?)"
    " AND kek < ? AND wrapped IS NOT NULL ORDER BY subject, kind LIMIT ?"
)
_OLD_PSEUDONYMS: Final = "SELECT version, kek, wrapped FROM pseudonym_keys WHERE tenant = ? AND kek < ?"
_PSEUDONYMS: Final = "SELECT kek, wrapped FROM pseudonym_keys WHERE tenant = ? ORDER BY version DESC"

_SLICE: Final = 4_000
"""Keys that a rotation wraps anew in one transaction: some 50 ms of the only write lock there is."""
_PAUSE: Final = 0.1
"""Seconds between two of them. Who waits for the lock asks again every 100 ms at the latest (SQLite's busy handler)."""

_AMISS: Final = (sqlite3.Error, OSError, KeyError, json.JSONDecodeError, InvalidTag)
"""The file or the disk fails, a key-encryption key is not there or not readable, the master key is another one."""


def _in_the_ports_words(method: Callable[P, R]) -> Callable[P, R]:
    @wraps(method)
    def said(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except _AMISS as error:
            raise KeysUnavailable(f"the key store fails ({type(error).__name__}); try again") from error

    return said


class SqliteKeyStore:
    """The keys of one installation; safe for many threads and many processes of one machine."""

    def __init__(self, folder: Path, master_key: bytes | None = None) -> None:
        """Open, or make, the store in `folder`. `master_key`: 32 bytes, else the file `master.key`, made if missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._folder = folder
        self._master = AESGCM(master_key or _secret_file(folder / "master.key"))
        self._lock = threading.RLock()
        self._keks: dict[tuple[bytes, int], AESGCM] = {}
        self._seen_keks: tuple[tuple[int, int, int], dict[str, dict[str, str]]] = ((0, 0, 0), {})
        self._database = sqlite3.connect(
            folder / "keys.sqlite", check_same_thread=False, isolation_level=None, timeout=30
        )
        os.chmod(folder / "keys.sqlite", 0o600)  # noqa: PTH101 - the same call as everywhere for modes
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._make_tables()
        # Readers never wait for a writer's disk: WAL lets a second connection read meanwhile.
        self._read_lock = threading.Lock()
        self._reader = sqlite3.connect(
            folder / "keys.sqlite", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._reader.execute("PRAGMA query_only=ON")

    def _make_tables(self) -> None:
        """What is not there yet. Stores older than `destroyed` owe a rotation for whatever was destroyed in them."""
        with self._transaction():
            older = self._database.execute(_HAS_DESTROYED).fetchone() is None
            for statement in _SCHEMA.split(";"):
                self._database.execute(statement)
            if older:
                self._database.execute(_SEED_DESTROYED)

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._read_lock:
            self._database.close()
            self._reader.close()

    @_in_the_ports_words
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
            newest = self._latest_kek(owner)
            encrypt = self._kek(owner, newest).encrypt
            random = secrets.token_bytes(len(subjects) * (_KEY + _NONCE))
            wrapped: list[bytes] = []
            for number, subject in enumerate(subjects):
                start = number * (_KEY + _NONCE)
                key, nonce = random[start : start + _KEY], random[start + _KEY : start + _KEY + _NONCE]
                made[tenant, subject, kind] = key
                wrapped += (nonce, encrypt(nonce, key, owner))
            row = (owner, kind.value, newest, b"".join(wrapped), json.dumps(subjects))
            written += self._database.execute(_MAKE, row).rowcount
        return made if written == len(keys) else self._read(keys, self._database)

    @_in_the_ports_words
    def find(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """See `KeyStore.find`."""
        with self._read_lock:
            found = self._read(list(dict.fromkeys(keys)), self._reader)
        return {key: value for key, value in found.items() if value is not None}

    @_in_the_ports_words
    def destroy(self, keys: Iterable[SubjectKey]) -> int:
        """See `KeyStore.destroy`. A key that never was is marked too: it will never be made."""
        destroyed = 0
        with self._lock, self._transaction():
            for tenant, subject, kind in keys:
                row = (tenant.bytes, subject, kind.value)
                had = self._database.execute(
                    "SELECT wrapped IS NOT NULL FROM keys WHERE (tenant, subject, kind) = (?, ?, ?)", row
                ).fetchone()
                destroyed += bool(had and had[0])
                self._database.execute(
                    "INSERT INTO keys VALUES (?, ?, ?, 0, NULL) ON CONFLICT DO UPDATE SET wrapped = NULL, kek = 0",
                    row,
                )
                self._database.execute(_DESTROYED, (tenant.bytes, time.time()))
            self._database.execute("UPDATE generation SET n = n + 1")
        return destroyed

    @_in_the_ports_words
    def hmac_keys(self, tenant_id: UUID) -> list[bytes]:
        """See `KeyStore.hmac_keys`. Never waits for a writer's disk, but where the first key is made."""
        with self._read_lock:
            known = self._pseudonym_keys(tenant_id, self._reader)
        if known:
            return known
        with self._lock:
            with self._transaction():
                kek, wrapped = self._wrap(tenant_id.bytes, secrets.token_bytes(_KEY))
                self._database.execute(
                    "INSERT INTO pseudonym_keys VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING",
                    (tenant_id.bytes, kek, wrapped),
                )
            return self._pseudonym_keys(tenant_id, self._database)

    @_in_the_ports_words
    def generation(self) -> int:
        """See `KeyStore.generation`."""
        with self._read_lock:
            return int(self._reader.execute("SELECT n FROM generation").fetchone()[0])

    @_in_the_ports_words
    def rotate_due(
        self, destroyed_before: datetime, stopping: Callable[[], bool] = lambda: False
    ) -> list[UUID]:
        """See `KeyStore.rotate_due`. One at a time, for another process may be at it too: they share the work."""
        rotated: dict[UUID, None] = {}
        while not stopping() and (tenant_id := self._due(destroyed_before)) is not None:
            if self.rotate(tenant_id, stopping):
                rotated[tenant_id] = None
        return list(rotated)

    def _due(self, destroyed_before: datetime) -> UUID | None:
        """A tenant that is due. First those with two key-encryption keys: their rotation was interrupted."""
        with self._read_lock:
            for tenant, keks in self._load_keks().items():
                if len(keks) > 1:
                    return UUID(tenant)
            row = self._reader.execute(_DUE, (destroyed_before.timestamp(),)).fetchone()
        return None if row is None else UUID(bytes=row[0])

    @_in_the_ports_words
    def rotate(self, tenant_id: UUID, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wrap what is left of a tenant's keys anew and destroy its old key-encryption keys; or finish doing so.

        A slice at a time, each a transaction of its own, and others write in between. Interrupted anywhere it loses no
        live key, and whoever rotates next goes on with what is left, towards the same key-encryption key. False when
        it was asked to stop before the end.
        """
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
            self._edit_keks(
                tenant, lambda keks: [keks.pop(number) for number in list(keks) if int(number) < fresh]
            )
            for known in [known for known in list(self._keks) if known[0] == tenant and known[1] < fresh]:
                self._keks.pop(known, None)
        return True

    def _begin_rotation(self, tenant: bytes) -> int:
        """The key-encryption key to wrap with: a new one, or that of a rotation that is not over.

        The mark that the tenant is due goes together with the new one's coming, not at the end: a key that is destroyed
        after this may be wrapped with the new one in some backup, so it makes the tenant due again. Meanwhile two
        key-encryption keys say that there is work left.
        """
        with self._lock, self._transaction():
            numbers = self._load_keks().get(tenant.hex(), {})
            if len(numbers) > 1:
                return max(map(int, numbers))
            self._database.execute("DELETE FROM destroyed WHERE tenant = ?", (tenant,))
            return self._new_kek(tenant)

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
        return self._sealed(tenant, fresh, self._unwrap(tenant, kek, wrapped), secrets.token_bytes(_NONCE))

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
        return None if wrapped is None else self._unwrap(tenant, kek, wrapped)

    def _pseudonym_keys(self, tenant_id: UUID, database: sqlite3.Connection) -> list[bytes]:
        tenant = tenant_id.bytes

        def live() -> list[bytes]:
            rows = database.execute(_PSEUDONYMS, (tenant,)).fetchall()
            return [self._unwrap(tenant, kek, wrapped) for kek, wrapped in rows]

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
        newest = self._latest_kek(tenant)
        return newest, self._sealed(tenant, newest, key, secrets.token_bytes(_NONCE))

    def _sealed(self, tenant: bytes, number: int, key: bytes, nonce: bytes) -> bytes:
        return nonce + self._kek(tenant, number).encrypt(nonce, key, tenant)

    def _unwrap(self, tenant: bytes, number: int, wrapped: bytes) -> bytes:
        return self._kek(tenant, number).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], tenant)

    def _kek(self, tenant: bytes, number: int) -> AESGCM:
        known = self._keks.get((tenant, number))
        if known is None:
            wrapped = base64.b64decode(self._load_keks()[tenant.hex()][str(number)])
            known = AESGCM(self._master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], tenant))
            self._keks[tenant, number] = known
        return known

    def _latest_kek(self, tenant: bytes) -> int:
        """The tenant's newest key-encryption key, looked up inside each transaction that seals with it.

        What another process has rotated away must not seal anything more. A rotation holds the write transaction while
        it adds its key, so none can come between this look and the commit.
        """
        numbers = self._load_keks().get(tenant.hex(), {})
        if not numbers:
            return self._new_kek(tenant, only_first=True)
        return max(map(int, numbers))

    def _new_kek(self, tenant: bytes, *, only_first: bool = False) -> int:
        def add(keks: dict[str, str]) -> None:
            if keks and only_first:
                return
            nonce = secrets.token_bytes(_NONCE)
            wrapped = nonce + self._master.encrypt(nonce, secrets.token_bytes(_KEY), tenant)
            keks[str(max(map(int, keks), default=0) + 1)] = base64.b64encode(wrapped).decode()

        return max(map(int, self._edit_keks(tenant, add)))

    def _load_keks(self) -> dict[str, dict[str, str]]:
        """All tenants' entries; parsed anew when the file was replaced, for it grows with the number of tenants."""
        try:
            with (self._folder / "keks.json").open("rb") as file:
                told = os.fstat(file.fileno())
                state = told.st_ino, told.st_mtime_ns, told.st_size
                if state != self._seen_keks[0]:
                    self._seen_keks = state, json.loads(file.read())
        except FileNotFoundError:
            return {}
        return self._seen_keks[1]

    def _edit_keks(self, tenant: bytes, edit: Callable[[dict[str, str]], object]) -> dict[str, str]:
        """Change one tenant's entry under a file lock; the file is replaced whole, after it is on disk."""
        with (self._folder / "keks.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._load_keks()
            keks = dict(known.get(tenant.hex(), {}))
            edit(keks)
            content = {**known, tenant.hex(): keks}
            fresh = self._folder / "keks.json.new"
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - the mode matters
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / "keks.json")
            _sync_folder(self._folder)
        return keks


def _by_kind(keys: Iterable[SubjectKey]) -> dict[tuple[UUID, KeyKind], list[str]]:
    """The subjects of keys by their tenant and kind."""
    subjects: dict[tuple[UUID, KeyKind], list[str]] = {}
    for tenant, subject, kind in keys:
        subjects.setdefault((tenant, kind), []).append(subject)
    return subjects


def _secret_file(path: Path) -> bytes:
    """32 random bytes kept in a 0600 file, made once even when two processes start together."""
    if not path.exists():
        making = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - the mode matters
            file.write(secrets.token_bytes(_KEY))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first, and its file is whole
            os.link(making, path)
        making.unlink()
        _sync_folder(path.parent)
    return path.read_bytes()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
