"""From events to the bytes of the log and back, personal values sealed and opened on the way."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from application.ports.keys import SubjectKey
    from application.ports.log import NewEvent, Recorded
    from domain.kernel.commands import Actor
    from domain.kernel.events import Event
    from domain.kernel.personal import KeyKind


class Cause(NamedTuple):
    """Why an event is: what goes into its metadata."""

    actor: Actor
    command_id: UUID
    command_name: str
    correlation: UUID
    causation: UUID | None = None
    request: str | None = None
    channel: str = "api"
    ip: str | None = None
    reason: str | None = None
    workspace: UUID | None = None


class Sealed(NamedTuple):
    """A personal value as it stands in an event (docs/envelope.md): in which field, whose, by which key."""

    field: str
    subject: str
    kind: KeyKind
    ciphertext: str
    commitment: str


class Unopened(StrEnum):
    """Why a value does not open: its key was destroyed, or it is not what was stored."""

    ERASED = "erased"
    DAMAGED = "damaged"


class EventCodec(Protocol):
    """Encode events with their cause; decode them with the personal values shown as far as keys and `reveal` allow.

    Subject keys are made on first use and durable before the event is. `reveal=False` shows personal values as
    `[sealed]` without touching a key; a value whose key was destroyed shows as `[erased]`, always.
    """

    def keys_of(
        self, tenant_id: UUID, events: Iterable[Event], cause: Cause | None = None
    ) -> list[SubjectKey]:
        """The subject keys that encoding these events, and their cause, needs, each once."""

    def encode(
        self,
        tenant_id: UUID,
        events: Sequence[tuple[str, Event]],
        cause: Cause,
        keys: Sequence[SubjectKey] | None = None,
    ) -> list[NewEvent]:
        """The stored form of `(stream, event)` pairs of one command; `keys`: what `keys_of` said of them, if asked."""

    def decode(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool | None = None
    ) -> list[Event]:
        """The events, upcast to their current shape; evidence is shown as `reveal` says unless told otherwise."""

    def payloads(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool = False
    ) -> list[dict[str, Any]]:
        """The payloads as stored (no upcasting) with personal values shown, `evidence` ones only where asked for."""

    def metadata(
        self, recorded: Sequence[Recorded], *, reveal: bool = False, evidence: bool = False
    ) -> list[dict[str, Any]]:
        """The metadata with what the actor wrote (`reveal`) and their address (`evidence`) shown or sealed."""

    def openings(self, tenant_id: UUID, values: Sequence[Sealed]) -> list[tuple[bytes, bytes] | Unopened]:
        """Of each value what opens its commitment, and its JSON; or why it does not open."""
