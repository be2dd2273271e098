"""What a witness cosigned: a SQLite file, one row a log, on the disk before an answer is given.

Look-up, judgement and entry are one transaction that no other may write beside, so that of two requests at once the
second is judged by what the first left (tlog-witness, add-checkpoint: checking and persisting are one).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from domain.audit.witnessing import Cosigned, Found, judged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.audit.witnessing import Submitted, Verdict

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS witness (verifier_key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cosigned (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS contradictions (
  origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, cosigned BLOB NOT NULL, told BLOB NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (origin, size, root))
"""
_MOST_KEPT: Final = 100
"""So many contradictions of one log are kept: one proves what there is to prove."""
_WAIT: Final = 10


class WitnessMemoryUnusable(Exception):
    """The witness's memory cannot be read or written, or is another's. Nothing is cosigned until it can."""


class SqliteWitnessMemory:
    """What one witness cosigned; for all threads."""

    def __init__(self, file: Path) -> None:
        """Open, or make, the memory."""
        self._lock = threading.Lock()
        try:
            self._database = sqlite3.connect(
                file, check_same_thread=False, isolation_level=None, timeout=_WAIT
            )
            os.chmod(file, 0o600)  # noqa: PTH101 - the same call as everywhere for modes
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._database.execute(f"PRAGMA {pragma}")
            for statement in _SCHEMA.split(";"):
                self._database.execute(statement)
        except (sqlite3.Error, OSError) as error:
            raise _unusable(error) from error

    def belong_to(self, verifier_key: str, *, new: bool) -> None:
        """Hold the memory to its witness's key. Raises `WitnessMemoryUnusable`.

        `new`: the key was made just now, and is not in its place yet. A key with another memory than its own, or with
        none, could sign a second past.
        """
        with self._writing() as database:
            of = database.execute("SELECT verifier_key FROM witness").fetchone()
            used = database.execute("SELECT 1 FROM cosigned LIMIT 1").fetchone() is not None
            if of == (verifier_key,):
                return
            if used or not new:
                raise WitnessMemoryUnusable(
                    "the memory is not that of this key. Put both back as they were; where the memory is lost, begin"
                    " another witness with a new key in an empty folder, for this one could sign a second past"
                )
            database.execute("DELETE FROM witness")
            database.execute("INSERT INTO witness VALUES (?)", (verifier_key,))

    def enter(self, asked: Submitted, at: int) -> Verdict:
        """Judge a checkpoint by what was cosigned last. Where it may be cosigned, it is on the disk by then."""
        checkpoint = asked.checkpoint
        row = (checkpoint.origin, checkpoint.size, checkpoint.root)
        with self._writing() as database:
            last = database.execute(
                "SELECT size, root, note FROM cosigned WHERE origin = ?", (checkpoint.origin,)
            ).fetchone()
            verdict = judged(asked, Cosigned() if last is None else Cosigned(*last[:2]))
            if verdict.found is Found.CONSISTENT:
                database.execute(
                    "INSERT OR REPLACE INTO cosigned VALUES (?, ?, ?, ?, ?)",
                    (*row, asked.note.to_bytes(), at),
                )
            elif verdict.found is Found.TWO_ROOTS and last is not None:
                database.execute(
                    _KEEP, (*row, last[2], asked.note.to_bytes(), at, checkpoint.origin, _MOST_KEPT)
                )
        return verdict

    def logs(self) -> int:
        """Of how many logs something was cosigned."""
        with self._reading() as database:
            (count,) = database.execute("SELECT count(*) FROM cosigned").fetchone()
        return int(count)

    def contradictions(self) -> list[tuple[str, int, bytes, bytes]]:
        """Of each log that told two pasts: origin, size, the note that was cosigned, and the other that it signed."""
        with self._reading() as database:
            return database.execute(
                "SELECT origin, size, cosigned, told FROM contradictions ORDER BY origin, at"
            ).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

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
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise


_KEEP: Final = """
INSERT OR IGNORE INTO contradictions SELECT ?, ?, ?, ?, ?, ?
WHERE (SELECT count(*) FROM contradictions WHERE origin = ?) < ?
"""


def _unusable(error: Exception) -> WitnessMemoryUnusable:
    return WitnessMemoryUnusable(f"the witness's memory fails ({type(error).__name__}); nothing is cosigned")
