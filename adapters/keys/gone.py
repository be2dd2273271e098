"""The list of destroyed keys: a plain file beside the key store that only ever grows, and outlives old copies of it.

The log says which keys are gone, and so does the store; a restore of both from before an erasure knows it from neither.
This file does, as long as it is not itself put back from then. One line a key, `["<tenant>","<subject>","<kind>"]`, in
JSON: ids alone. `["<tenant>","*","*"]` names all keys of a tenant whose log is deleted.
"""

# ruff: noqa: S608 - the condition put into statements is our own, never input
from __future__ import annotations

import json
import logging
import os
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.keys.keks import sync_folder

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

NAME: Final = "destroyed.list"
Row = tuple[bytes, str, str]
"""A key as the store's tables name it: tenant, subject, kind."""


WHOLE: Final = "*"
"""In place of subject and kind: every key of the tenant, its pseudonym keys too."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS listed (bytes INTEGER NOT NULL);
CREATE TEMP TABLE told (
  tenant BLOB NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (tenant, subject, kind)) WITHOUT ROWID
"""
_ALIVE: Final = "wrapped IS NOT NULL AND (tenant, subject, kind) IN (SELECT tenant, subject, kind FROM told)"


class DestroyedKeys:
    """The file in one folder. Every method is called in the store's write transaction: by one process at a time.

    The store's table `listed` says how much of the file it has heeded, so that opening it reads nothing of the file.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is made before the first key is destroyed."""
        self._folder = folder
        self._path = folder / NAME

    def enter(self, rows: Iterable[Row], database: sqlite3.Connection) -> None:
        """Enter keys that the store's open transaction destroys: on the disk before it commits.

        What was entered by one that then failed is destroyed when the store is next opened.
        """
        database.execute("UPDATE listed SET bytes = bytes + ?", (self._append(rows),))

    def end(self, tenant: bytes, database: sqlite3.Connection) -> int:
        """Enter that all keys of a tenant are gone, and destroy them in the store's open transaction; how many."""
        mark = (tenant, WHOLE, WHOLE)
        marked = database.execute(
            "SELECT count(*) FROM keys WHERE (tenant, subject, kind) = (?, ?, ?)", mark
        ).fetchone()[0]
        if not marked:
            self.enter([mark], database)
        return _end(tenant, database)

    def agree(self, database: sqlite3.Connection) -> None:
        """Destroy again what the file names and an old copy of the store has.

        What the store knows to be destroyed and the file does not name is entered in it.
        """
        for statement in _TABLES.split(";"):
            database.execute(statement)
        known = database.execute("SELECT max(bytes) FROM listed").fetchone()[0]
        if known != self._size():
            self._agree(database)
        database.execute("DROP TABLE told")

    def _agree(self, database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR IGNORE INTO told VALUES (?, ?, ?)", self._rows())
        database.execute(
            f"INSERT INTO destroyed SELECT DISTINCT tenant, ? FROM keys WHERE {_ALIVE} ON CONFLICT DO NOTHING",
            (time.time(),),
        )
        again = database.execute(f"UPDATE keys SET wrapped = NULL, kek = 0 WHERE {_ALIVE}").rowcount
        database.execute(
            "INSERT INTO keys SELECT tenant, subject, kind, 0, NULL FROM told WHERE true ON CONFLICT DO NOTHING"
        )
        for (tenant,) in database.execute("SELECT tenant FROM told WHERE subject = ?", (WHOLE,)).fetchall():
            again += _end(tenant, database)
        self._append(
            database.execute(
                "SELECT tenant, subject, kind FROM keys WHERE wrapped IS NULL EXCEPT SELECT * FROM told"
            )
        )
        database.execute("UPDATE generation SET n = n + 1")
        database.execute("DELETE FROM listed")
        database.execute("INSERT INTO listed VALUES (?)", (self._size(),))
        if again:
            log.warning("%d keys that had come back were destroyed again", again)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _append(self, rows: Iterable[Row]) -> int:
        """Add lines, on the disk when this returns; how many bytes."""
        lines = [json.dumps([str(UUID(bytes=tenant)), subject, kind]) for tenant, subject, kind in rows]
        if not lines:
            return 0
        fresh = self._size() == 0
        with open(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:  # noqa: PTH123 - the mode matters
            added = "\n".join(lines).encode() + b"\n"
            if not fresh:
                file.seek(-1, os.SEEK_END)
                # Half a line is what a crash left of a destruction that never was: it is closed, and read as nothing.
                added = added if file.read(1) == b"\n" else b"\n" + added
            file.write(added)
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            sync_folder(self._folder)
        return len(added)

    def _rows(self) -> Iterator[Row]:
        """All that is in it. Lines that cannot be read are left out, and counted in the log."""
        if self._size() == 0:
            return
        amiss = 0
        with self._path.open("rb") as file:
            for line in file:
                try:
                    tenant, subject, kind = json.loads(line)
                    yield UUID(tenant).bytes, str(subject), str(kind)
                except (ValueError, TypeError, AttributeError):
                    amiss += 1
        if amiss:
            log.warning("%d lines of the list of destroyed keys cannot be read", amiss)


def _end(tenant: bytes, database: sqlite3.Connection) -> int:
    """Take out every key of a tenant; one row stays, and says that there were some."""
    alive = database.execute(
        "SELECT count(*) FROM keys WHERE tenant = ? AND wrapped IS NOT NULL", (tenant,)
    ).fetchone()[0]
    database.execute("DELETE FROM keys WHERE tenant = ?", (tenant,))
    database.execute("INSERT INTO keys VALUES (?, ?, ?, 0, NULL)", (tenant, WHOLE, WHOLE))
    database.execute("DELETE FROM pseudonym_keys WHERE tenant = ?", (tenant,))
    database.execute("DELETE FROM destroyed WHERE tenant = ?", (tenant,))
    database.execute("UPDATE generation SET n = n + 1")
    return int(alive)
