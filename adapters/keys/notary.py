"""The notary's memory on this machine: a SQLite file beside the key store; and signing keys out of the key store."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from adapters.keys.ed25519 import public_key, signer, verify
from application.ports.notary import NotaryMemoryUnusable, Signed, SigningKey
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from application.ports.keys import KeyStore
    from domain.audit.origins import LogId

FILE: Final = "notary.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS installation (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signing (number INTEGER PRIMARY KEY, retired INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS latest (
  tenant BLOB NOT NULL, log TEXT NOT NULL, epoch INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
  hour INTEGER NOT NULL, PRIMARY KEY (tenant, log, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stood (
  tenant BLOB NOT NULL, log TEXT NOT NULL, epoch INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
  PRIMARY KEY (tenant, log, epoch, size)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
  tenant BLOB NOT NULL, log TEXT NOT NULL, epoch INTEGER NOT NULL, kept INTEGER, PRIMARY KEY (tenant, log, epoch))
  WITHOUT ROWID;
INSERT INTO signing (number) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM signing)
"""
_AGAINST: Final = """
SELECT 1 FROM latest WHERE tenant = ?1 AND log = ?2 AND epoch = ?3 AND (size > ?4 OR size = ?4 AND root <> ?5)
UNION ALL SELECT 1 FROM stood WHERE tenant = ?1 AND log = ?2 AND epoch = ?3 AND size = ?4 AND root <> ?5
"""
_KEEP: Final = """
INSERT OR IGNORE INTO stood SELECT tenant, log, epoch, size, root FROM latest
WHERE tenant = ? AND log = ? AND epoch = ? AND size <> ? AND hour <> ?
"""
_TOLD: Final = "INSERT INTO kept VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TOLD_OTHERWISE: Final = "SELECT 1 FROM kept WHERE tenant = ? AND log = ? AND epoch = ? AND kept IS NOT ?"
_HOUR: Final = 3_600
_WAIT: Final = 5


class SqliteNotaryMemory:
    """What one installation signed. One process at a time holds it to sign; see `held`."""

    def __init__(self, folder: Path, name: str | None = None) -> None:
        """Open, or make, the memory in the key store's folder. `name`: what a new installation is called."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(
                folder / FILE, check_same_thread=False, isolation_level=None, timeout=_WAIT
            )
            os.chmod(folder / FILE, 0o600)  # noqa: PTH101 - the same call as everywhere for modes
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._database.execute(f"PRAGMA {pragma}")
            with self._writing() as database:
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(
                    "INSERT INTO installation SELECT ? WHERE NOT EXISTS (SELECT 1 FROM installation)",
                    (name or f"penguinmails.localhost/{secrets.token_hex(6)}",),
                )
            (self.name,) = self._database.execute("SELECT name FROM installation").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise _unusable(error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who signs. Raises `NotaryMemoryUnusable` while another process is."""
        with (self._folder / "notary.lock").open("a", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NotaryMemoryUnusable("another notary signs for this installation; stop one") from None
            yield

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def latest(self, logs: Iterable[LogId]) -> Mapping[LogId, Signed]:
        """See `NotaryMemory.latest`."""
        found = {}
        with self._reading() as database:
            for log in logs:
                row = database.execute(
                    "SELECT epoch, size, root FROM latest WHERE tenant = ? AND log = ? ORDER BY epoch DESC LIMIT 1",
                    _key(log),
                ).fetchone()
                if row is not None:
                    found[log] = Signed(log, *row)
        return found

    def remember(self, signed: Iterable[Signed], at: datetime) -> None:
        """See `NotaryMemory.remember`."""
        hour = int(at.timestamp()) // _HOUR
        with self._writing() as database:
            for one in signed:
                row = (*_key(one.log), one.epoch, one.size, one.root)
                began = (*row[:3], one.kept)
                database.execute(_TOLD, began)
                if database.execute(_TOLD_OTHERWISE, began).fetchone() is not None:
                    raise ValueError(f"Of epoch {one.epoch} it was signed otherwise what a restore kept.")
                if database.execute(_AGAINST, row).fetchone() is not None:
                    raise ValueError(f"Epoch {one.epoch} of this log was signed otherwise.")
                database.execute(_KEEP, (*row[:4], hour))
                database.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)", (*row, hour))

    def history(self, log: LogId) -> Sequence[Signed]:
        """See `NotaryMemory.history`."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT epoch, size, root, kept FROM (SELECT * FROM stood UNION SELECT tenant, log, epoch, size, root"
                " FROM latest) LEFT JOIN kept USING (tenant, log, epoch) WHERE tenant = ? AND log = ? ORDER BY 1, 2",
                _key(log),
            ).fetchall()
        return [Signed(log, *row) for row in rows]

    def numbers(self) -> tuple[int, ...]:
        """Of the keys that sign, the newest last."""
        with self._reading() as database:
            rows = database.execute("SELECT number FROM signing WHERE retired = 0 ORDER BY number").fetchall()
        return tuple(number for (number,) in rows)

    def ever(self) -> tuple[int, ...]:
        """Of all keys, those too that sign no more."""
        with self._reading() as database:
            rows = database.execute("SELECT number FROM signing ORDER BY number").fetchall()
        return tuple(number for (number,) in rows)

    def begin_rotation(self) -> int:
        """Have a new key sign beside those that do; its number."""
        with self._writing() as database:
            (newest,) = database.execute("SELECT max(number) FROM signing").fetchone()
            database.execute("INSERT INTO signing (number) VALUES (?)", (newest + 1,))
        return int(newest) + 1

    def end_rotation(self) -> tuple[int, ...]:
        """Have the newest key alone sign; which ones sign no more."""
        with self._writing() as database:
            rows = database.execute(
                "UPDATE signing SET retired = 1 WHERE retired = 0 AND number < (SELECT max(number) FROM signing)"
                " RETURNING number"
            ).fetchall()
        return tuple(sorted(number for (number,) in rows))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except sqlite3.Error as error:
                raise _unusable(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


class KeptSigningKeys:
    """Signing keys whose seeds the key store keeps, as keys of the platform."""

    def __init__(self, keys: KeyStore, memory: SqliteNotaryMemory) -> None:
        """The numbers of those that sign are in the memory."""
        self._keys = keys
        self._memory = memory
        self._made: dict[int, SigningKey] = {}

    def signing(self) -> Sequence[SigningKey]:
        """See `SigningKeys.signing`."""
        numbers = self._memory.numbers()
        for number in numbers:
            if number not in self._made:
                kept = (PLATFORM, f"ledger-signing-{number}", KeyKind.EVIDENCE)
                seed = self._keys.obtain([kept])[kept]
                self._made[number] = SigningKey(number, public_key(seed), signer(seed))
        return [self._made[number] for number in numbers]

    def ever(self) -> Mapping[int, bytes]:
        """The public halves of all that ever signed, by number, as far as their seeds are kept."""
        wanted = {
            number: (PLATFORM, f"ledger-signing-{number}", KeyKind.EVIDENCE) for number in self._memory.ever()
        }
        seeds = self._keys.find(wanted.values())
        return {number: public_key(seeds[key]) for number, key in wanted.items() if key in seeds}

    verify = staticmethod(verify)


def _key(log: LogId) -> tuple[bytes, str]:
    return log.tenant_id.bytes, log.log.value


def _unusable(error: Exception) -> NotaryMemoryUnusable:
    return NotaryMemoryUnusable(f"the notary's memory fails ({type(error).__name__}); nothing is signed")
