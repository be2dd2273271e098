"""Events as the log holds them, for tests of what reads them: written by hand, so that no codec is in the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from application.ports.log import Recorded
from application.ports.positions import Position

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def segment(
    country: str | None = "CA", source: str | None = "import", kind: str | None = "business"
) -> dict[str, str | None]:
    """What a contact's event says of it that names nobody."""
    return {"country": country, "subscriber_type": kind, "source": source}


@dataclass
class History:
    """One tenant's log in the making. An hour passes between events."""

    tenant_id: UUID = field(default_factory=uuid4)
    workspace_id: UUID = field(default_factory=uuid4)
    events: list[Recorded] = field(default_factory=list)

    @property
    def position(self) -> Position:
        """Where the log stands, in its first epoch."""
        return Position(1, len(self.events))

    def happen(
        self,
        name: str,
        payload: object = None,
        *,
        stream: str | None = None,
        actor: str = "member",
        version: int = 1,
        metadata: bytes | None = None,
    ) -> Recorded:
        """Append an event. A payload that is bytes is stored as it is."""
        position = len(self.events) + 1
        stored = payload if isinstance(payload, bytes) else json.dumps(payload or {}).encode()
        about = {
            "actor": {"grant": None, "id": str(uuid4()), "kind": actor, "member": None},
            "channel": "api",
        }
        recorded = Recorded(
            self.tenant_id,
            position,
            stream or f"thing:{uuid4()}",
            1,
            name,
            version,
            stored,
            metadata if metadata is not None else json.dumps(about, separators=(",", ":")).encode(),
            BEGIN + timedelta(hours=position),
        )
        self.events.append(recorded)
        return recorded

    def contact(
        self, change: str, contact_id: UUID | None = None, *, actor: str = "member", **fields: object
    ) -> UUID:
        """A contact is created, updated, removed or erased."""
        contact_id = contact_id or uuid4()
        payload = {
            "contact_id": str(contact_id),
            "workspace_id": str(self.workspace_id),
            "email": {"~": "profile", "s": str(contact_id), "c": "c2VhbGVk", "h": "Y29tbWl0"},
            **(fields or {"segment": segment()}),
        }
        self.happen(f"audience.contact_{change}", payload, stream=f"contact:{contact_id}", actor=actor)
        return contact_id


def write(dsn: str, events: list[Recorded], *, epoch: int = 1) -> None:
    """Put events into the log as its owner would, and move the heads."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO log.events (tenant_id, position, stream, version, name, schema_version, payload, metadata,"
            " recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    event.tenant_id,
                    event.position,
                    event.stream,
                    event.position,
                    event.name,
                    event.schema_version,
                    event.payload,
                    event.metadata,
                    event.recorded_at,
                )
                for event in events
            ],
        )
        heads = {event.tenant_id: event for event in events}
        cursor.executemany(
            "INSERT INTO log.heads (tenant_id, epoch, position, recorded_at, auth_epoch) VALUES (%s, %s, %s, %s, 0)"
            " ON CONFLICT (tenant_id) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,"
            " recorded_at = excluded.recorded_at",
            [(head.tenant_id, epoch, head.position, head.recorded_at) for head in heads.values()],
        )
