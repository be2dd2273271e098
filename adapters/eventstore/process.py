"""A process of the `eventsourcing` library: its events and how far it has read stand in one append to one log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from eventsourcing.persistence import IntegrityError, Notification, ProcessRecorder, StoredEvent, Tracking

from adapters.eventstore.recorder import FROM_ONE, TenantRecorder, errors
from application.ports.log import NewEvent, Recorded

_TRACKED: Final = "eventsourcing.tracked"


class TenantProcessRecorder(TenantRecorder, ProcessRecorder):
    """Keeps its tracking as events in streams `tracking:<application>` of the tenant's own log.

    So events and position are accepted together or not at all, on any database that the log runs on, and what was
    processed when is history like all else. These events take positions; notifications leave them out.
    """

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        metadata: bytes | None = None,
        tracking: Tracking | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        """As `TenantRecorder.insert_events`; also `IntegrityError` where `tracking` was reached or passed already."""
        if tracking is None:
            return super().insert_events(stored_events, metadata=metadata)
        latest = self._latest(tracking.application_name)
        if latest is not None and _tracked(latest) >= tracking.notification_id:
            raise IntegrityError("this notification, or a later one, was processed already")
        payload = orjson.dumps({"notification_id": tracking.notification_id})
        stream = _stream(tracking.application_name)
        # Expected at the version just read: whoever processed the same notification meanwhile wins, and this fails.
        moved = (NewEvent(stream, _TRACKED, 1, payload, FROM_ONE), 0 if latest is None else latest.version)
        done = self._append(stored_events, metadata, [moved])
        return list(range(done.first_position, done.first_position + len(stored_events))) or None

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record that a notification was processed and made no event."""
        self.insert_events([], tracking=tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far the application has been processed; None when not at all."""
        latest = self._latest(application_name)
        return None if latest is None else _tracked(latest)

    def notification(self, row: Recorded, topics: Sequence[str]) -> Notification | None:
        """As `TenantRecorder.notification`, without the tracking events."""
        return None if row.name == _TRACKED else super().notification(row, topics)

    def _latest(self, application: str) -> Recorded | None:
        with errors():
            rows = self.log.read_stream(self.tenant_id, _stream(application), limit=1, newest_first=True)
        return rows[0] if rows else None


def _stream(application: str) -> str:
    return f"tracking:{application}"


def _tracked(row: Recorded) -> int:
    return int(orjson.loads(row.payload)["notification_id"])
