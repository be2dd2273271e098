"""Between the product's events and the library's stored events, by the one codec of the logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent

from adapters.eventstore.recorder import parsed
from application.ports.codec import Cause, EventCodec
from application.ports.log import Recorded
from domain.kernel.events import Event


@dataclass(frozen=True, slots=True)
class Placed:
    """One of our events with its place: what the library calls a domain event."""

    originator_id: str
    originator_version: int
    event: Event


class PenguinMapper(Mapper[str]):
    """Maps `Placed` events of one tenant: topic = name@version, state = the payload, personal values sealed in it.

    The metadata is no part of a stored event: give it to the recorder's `insert_events`.
    """

    def __init__(self, codec: EventCodec, tenant_id: UUID, cause: Cause, *, reveal: bool = False) -> None:
        """`reveal`: open personal values as far as their keys live; else they show as `[sealed]`."""
        super().__init__(JSONTranscoder())
        self._codec = codec
        self._tenant_id = tenant_id
        self._cause = cause
        self._reveal = reveal

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Encode and seal. Raises `SubjectErased` and `TypeError` for an event that is no `Placed`."""
        if not isinstance(domain_event, Placed):
            raise TypeError("PenguinMapper maps Placed events; wrap the event with its stream and version")
        pair = (domain_event.originator_id, domain_event.event)
        (new,) = self._codec.encode(self._tenant_id, [pair], self._cause)
        return StoredEvent(
            new.stream, domain_event.originator_version, f"{new.name}@{new.schema_version}", new.payload
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Placed:
        """Decode, upcast to the present shape. Raises `MapperDeserialisationError`."""
        name, schema_version = parsed(stored_event.topic)
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        row = Recorded(
            self._tenant_id, 0, stream, version, name, schema_version, stored_event.state, b"{}", _NO_MOMENT
        )
        try:
            (event,) = self._codec.decode([row], reveal=self._reveal)
        except (LookupError, ValueError) as error:
            raise MapperDeserialisationError(
                f"{stored_event.topic} cannot be read: {type(error).__name__}"
            ) from error
        return Placed(stream, version, event)


_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
