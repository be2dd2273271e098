"""One analytics file: its writing connection, its readers' cursors, and the end of both."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb

from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import AnalyticsUnavailable


class Store:
    """An open file. Writing is for one thread; `enter` is for any, each with a cursor of its own."""

    def __init__(self, path: Path | None, settings: OlapSettings) -> None:
        """Open `path`, or a file in memory for None."""
        self.path = path
        self._report_milliseconds = int(settings.report_seconds * 1000)
        self._connection = duckdb.connect(
            ":memory:" if path is None else str(path),
            config={
                "memory_limit": settings.memory_limit,
                "threads": settings.threads,
                "checkpoint_threshold": settings.checkpoint_threshold,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self.writing = self._connection.cursor()
        self._readers: set[duckdb.DuckDBPyConnection] = set()
        self._changed = threading.Condition()
        self._closing = False

    def enter(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one report, which may run so long and no longer; `leave` it. Raises `AnalyticsUnavailable`."""
        with self._changed:
            if self._closing:
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__)
            cursor = self._connection.cursor()
            self._readers.add(cursor)
        try:
            cursor.execute(f"SET max_execution_time = {self._report_milliseconds}")
        except BaseException as error:
            self.leave(cursor)
            if isinstance(error, duckdb.InterruptException):  # the file is being closed
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error
            raise
        return cursor

    def leave(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Give a cursor of `enter` back."""
        with self._changed:
            self._readers.discard(cursor)
            cursor.close()
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Let no reader in any more and wait for those inside; False if some are still there."""
        with self._changed:
            self._closing = True
            return self._changed.wait_for(lambda: not self._readers, seconds)

    def interrupt(self) -> None:
        """Stop what runs, readers and the writer: each gets an interrupt error."""
        with self._changed:
            self._closing = True
            for cursor in (*self._readers, self.writing):
                cursor.interrupt()

    def close(self) -> None:
        """Close; the writer's thread must have ended. Readers still inside are interrupted and waited for."""
        while not self.drain(0.1):
            with self._changed:
                for cursor in self._readers:
                    cursor.interrupt()
        self.writing.close()
        self._connection.close()
