"""The tenant log as a recorder of the `eventsourcing` library: one tenant's log is one application sequence.

A notification's id is the position. A stream's name is `<category>:<id>` for an id that is a UUID, and the text itself
otherwise; a topic is `<name>@<schema version>`. `docs/adr/eventsourcing-face.md` says what does not apply.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)

from adapters.eventstore.log import CHANNEL, SyncLog
from application.ports.log import (
    Append,
    Appended,
    LogError,
    NewEvent,
    Recorded,
    UnknownLog,
    Unstorable,
    VersionConflict,
)

FROM_ONE: Final = b"{}"
FROM_ZERO: Final = b'{"first_version":0}'
"""The metadata of a stream whose first version is 0 in the library's counting; the log counts from 1."""

_VERSIONED: Final = re.compile(r"(.+)@([1-9]\d{0,3})")
_PAGE: Final = 1_000
_POLL: Final = 0.1


class TenantRecorder(ApplicationRecorder):
    """Records the events of one tenant; many recorders and threads share the log's groups."""

    def __init__(
        self, log: SyncLog, tenant_id: UUID, *, category: str = "aggregate", listen_dsn: str | None = None
    ) -> None:
        """Subscriptions hear the log's hint at `listen_dsn`, and poll without it. A log that is missing is opened."""
        self.log = log
        self.tenant_id = tenant_id
        self.listen_dsn = listen_dsn
        self._prefix = f"{category}:"

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, metadata: bytes | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Append all or nothing; gives their positions. `metadata`: as in `docs/envelope.md`, of all of them.

        A stream begins at version 0 or 1 and has no gap. Raises `IntegrityError` for a version that is taken or leaves
        a gap, `DataError` for what cannot be stored, `OperationalError` when the database cannot be reached.
        """
        if not stored_events:
            return None
        done = self._append(stored_events, metadata)
        return list(range(done.first_position, done.first_position + len(stored_events)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """A stream's events with `gt < version <= lte`, oldest or newest first."""
        # One more on each side, because only the events say whether this stream counts from 0 or from 1.
        with errors():
            rows = self.log.read_stream(
                self.tenant_id,
                self.stream(originator_id),
                after=0 if gt is None else max(gt, 0),
                up_to=None if lte is None else lte + 1,
                limit=None if limit is None else limit + 1,
                newest_first=desc,
            )
        numbered = [(originator_version(row), row) for row in rows]
        found = [
            StoredEvent(originator_id, version, topic(row), row.payload)
            for version, row in numbered
            if (gt is None or version > gt) and (lte is None or version <= lte)
        ]
        return found[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The log's events from `start` to `stop`, at most `limit`, of some topics where any are named."""
        after = max((start or 0) - (1 if inclusive_of_start and start is not None else 0), 0)
        found: list[Notification] = []
        page = _PAGE if topics else limit
        while len(found) < limit:
            with errors():
                rows = self.log.read_log(self.tenant_id, after=after, limit=page, up_to=stop)
            found += [note for row in rows if (note := self.notification(row, topics)) is not None]
            if len(rows) < page:
                break
            after = rows[-1].position
        return found[:limit]

    def max_notification_id(self) -> int | None:
        """The log's position; None while it has no event."""
        with errors():
            head = self.log.head(self.tenant_id)
        return head.position or None if head is not None else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """The events after `gt`, and then each new one as it comes; until stopped."""
        return TenantSubscription(self, gt, topics)

    def stream(self, originator_id: UUID | str) -> str:
        """The stream's name. Raises `DataError` for a text that reads like the name of another id's stream."""
        if isinstance(originator_id, UUID):
            return f"{self._prefix}{originator_id}"
        if isinstance(self.originator_id(originator_id), UUID):
            raise DataError(
                f"an id that begins with '{self._prefix}' must not end in a UUID: pass the UUID itself"
            )
        return originator_id

    def originator_id(self, stream: str) -> UUID | str:
        """The id that a stream's name was made from."""
        end = stream.removeprefix(self._prefix)
        if end != stream:
            with contextlib.suppress(ValueError):
                if str(UUID(end)) == end:
                    return UUID(end)
        return stream

    def notification(self, row: Recorded, topics: Sequence[str]) -> Notification | None:
        """The library's form of an event of the log; None where its topic is not among those asked for."""
        if topics and topic(row) not in topics:
            return None
        return Notification(
            self.originator_id(row.stream), originator_version(row), topic(row), row.payload, id=row.position
        )

    def _append(
        self,
        stored_events: Sequence[StoredEvent],
        metadata: bytes | None,
        also: Sequence[tuple[NewEvent, int]] = (),
    ) -> Appended:
        """Append, with `also` some events of the recorder's own, each with the version its stream is expected at."""
        bases: dict[str, int] = {}
        while True:
            events, expected = self._numbered(stored_events, bases, metadata)
            events += [event for event, _ in also]
            expected += [(event.stream, version) for event, version in also]
            try:
                return self._send(Append(self.tenant_id, tuple(events), tuple(expected)))
            except VersionConflict as conflict:
                base = self._base(conflict.stream) if conflict.current else None
                if base is None or bases.get(conflict.stream) == base:
                    raise IntegrityError(
                        "this version is taken, or leaves a gap; read the events again"
                    ) from conflict
                bases[conflict.stream] = base
            except LogError as error:
                raise translated(error) from error

    def _numbered(
        self, stored_events: Sequence[StoredEvent], bases: dict[str, int], metadata: bytes | None
    ) -> tuple[list[NewEvent], list[tuple[str, int]]]:
        events: list[NewEvent] = []
        latest: dict[str, int] = {}
        expected: list[tuple[str, int]] = []
        for stored in stored_events:
            stream = self.stream(stored.originator_id)
            if stored.originator_version < 0:
                raise DataError("a version is 0 or more")
            base = bases.setdefault(stream, min(stored.originator_version, 1))
            version = stored.originator_version - base + 1
            if stream not in latest:
                expected.append((stream, version - 1))
            elif version != latest[stream] + 1:
                raise IntegrityError("the versions of one stream must follow each other without a gap")
            latest[stream] = version
            content = (FROM_ONE if base else FROM_ZERO) if metadata is None else metadata
            if not base and metadata is not None:
                raise DataError("a stream with metadata of its own counts its versions from 1")
            name, schema_version = parsed(stored.topic)
            events.append(NewEvent(stream, name, schema_version, stored.state, content, version=version))
        return events, expected

    def _base(self, stream: str) -> int:
        with errors():
            first = self.log.read_stream(self.tenant_id, stream, limit=1)
        return originator_version(first[0]) if first else 1

    def _send(self, request: Append) -> Appended:
        try:
            return self.log.append(request)
        except UnknownLog:
            self.log.append(Append(self.tenant_id, (), opens_log=True))
            return self.log.append(request)


class TenantSubscription(ListenNotifySubscription[TenantRecorder]):
    """Pulls when the log's hint is heard, and every second whatever is heard; without a hint ten times a second."""

    def __init__(self, recorder: TenantRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        """Start to pull, and to listen."""
        self._stopped = threading.Event()
        super().__init__(recorder, gt, topics)
        self._listen_thread = threading.Thread(target=self._listen, name="log-hint", daemon=True)
        self._listen_thread.start()

    def stop(self) -> None:
        """Stop both threads."""
        super().stop()
        self._stopped.set()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        """Stop, and wait until both threads have ended."""
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()

    def _listen(self) -> None:
        while not self._stopped.wait(_POLL):
            self._has_been_notified.set()
            if self._recorder.listen_dsn is not None:
                with contextlib.suppress(psycopg.OperationalError):  # polling goes on; the hint comes back
                    self._hear(self._recorder.listen_dsn)

    def _hear(self, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            silent = 0.0
            while not self._stopped.is_set():
                heard = [*connection.notifies(timeout=_POLL, stop_after=1)]
                silent += _POLL
                if heard or silent >= 1:
                    self._has_been_notified.set()
                    silent = 0.0


def originator_version(row: Recorded) -> int:
    """The version in the library's counting."""
    return row.version - 1 if row.metadata == FROM_ZERO else row.version


def topic(row: Recorded) -> str:
    """The library's name of an event's shape."""
    return f"{row.name}@{row.schema_version}" if row.schema_version else row.name


def parsed(text: str) -> tuple[str, int]:
    """Name and schema version of a topic; version 0 for a topic that has none."""
    found = _VERSIONED.fullmatch(text)
    return (text, 0) if found is None else (found[1], int(found[2]))


def translated(error: LogError) -> DataError | OperationalError:
    """An error of the log in the library's words."""
    return (DataError if isinstance(error, Unstorable) else OperationalError)(str(error))


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Raise the log's errors in the library's words."""
    try:
        yield
    except LogError as error:
        raise translated(error) from error
