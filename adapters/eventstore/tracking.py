"""How far somebody has processed somebody else's log, kept with what was made of it: the library's tracking."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError, OperationalError, Tracking, TrackingRecorder

_MOVE = (
    "INSERT INTO ops.tracking (recorder, application, notification_id) VALUES (%s, %s, %s)"
    " ON CONFLICT (recorder, application) DO UPDATE SET notification_id = excluded.notification_id"
    " WHERE ops.tracking.notification_id < excluded.notification_id RETURNING 1"
)
_LATEST = "SELECT notification_id FROM ops.tracking WHERE recorder = %s AND application = %s"


class PostgresTrackingRecorder(TrackingRecorder):
    """Positions in `ops.tracking`, of one recorder by application; the application is a tenant's log.

    with recorder.transaction(tracking) as cursor:
        cursor.execute(...)  # rows that stand or fall with the position
    """

    def __init__(self, dsn: str, name: str = "default") -> None:
        """Connect as the projector when first used; `name` keeps recorders of one database apart."""
        self._dsn = dsn
        self._name = name
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the position forward. Raises `IntegrityError` where it has been reached or passed already."""
        with self.transaction(tracking):
            pass

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far the application has been processed; None when not at all."""
        with self._cursor() as cursor:
            row = cursor.execute(_LATEST, (self._name, application_name)).fetchone()
        return None if row is None else row[0]

    @contextlib.contextmanager
    def transaction(self, tracking: Tracking) -> Iterator[psycopg.Cursor[Any]]:
        """A transaction that moves the position first: what is processed already raises before anything is done."""
        with self._cursor() as cursor, cursor.connection.transaction():
            moved = cursor.execute(_MOVE, (self._name, tracking.application_name, tracking.notification_id))
            if moved.fetchone() is None:
                raise IntegrityError("this notification, or a later one, was processed already")
            yield cursor

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[psycopg.Cursor[Any]]:
        with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=5)
                with self._connection.cursor() as cursor:
                    yield cursor
            except psycopg.OperationalError as error:
                self._drop()
                raise OperationalError("the database cannot be reached; try again") from error

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
