"""The tenant log as the application sees it.

A log is one tenant's: positions 1..N without a gap, in commit order; time order is position order. The second log of a
tenant, `access`, has the same shape and its own positions.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from application.ports.positions import Position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

MOST_EVENTS: Final = 1_000
"""What one append holds at most: whoever has more cuts it up, so that others get their turn in between."""


class NewEvent(NamedTuple):
    """An event as it will be stored: `payload` and `metadata` are deterministic JSON and never rewritten."""

    stream: str
    name: str
    schema_version: int
    payload: bytes
    metadata: bytes
    changes_access: bool = False
    version: int | None = None
    """The version in its stream; None lets the log number it after the stream's latest."""


class Recorded(NamedTuple):
    """An event as it is stored."""

    tenant_id: UUID
    position: int
    stream: str
    version: int
    name: str
    schema_version: int
    payload: bytes
    metadata: bytes
    recorded_at: datetime

    @property
    def category(self) -> str:
        """The kind of stream."""
        return self.stream.partition(":")[0]


class ReceiptKey(NamedTuple):
    """Idempotency: HMACs of the caller's key and of the body it was used with."""

    key_hmac: bytes
    body_hmac: bytes
    command_id: UUID
    command: str


class Receipt(NamedTuple):
    """What became of a key: the command, and the positions of its events (`last < first` when it made none)."""

    command_id: UUID
    command: str
    body_hmac: bytes
    first_position: int
    last_position: int
    recorded_at: datetime


class Append(NamedTuple):
    """One request to change one tenant's log: all of it or nothing.

    `expected` names the version at which each stream was read (0: it has no events), also of streams only read.
    `auth_epoch` is the log's access epoch under which the caller was authorised; None when nobody was (workflows).
    """

    tenant_id: UUID
    events: tuple[NewEvent, ...]
    expected: tuple[tuple[str, int], ...] = ()
    receipt: ReceiptKey | None = None
    auth_epoch: int | None = None
    opens_log: bool = False


class Appended(NamedTuple):
    """What an accepted request became. `replayed`: it had been accepted before; nothing was appended now."""

    tenant_id: UUID
    epoch: int
    first_position: int
    last_position: int
    recorded_at: datetime
    auth_epoch: int
    replayed: Receipt | None = None
    versions: Mapping[str, int] = MappingProxyType({})
    """The latest version of each stream the request touched."""

    @property
    def position(self) -> Position:
        """The log's position after this request."""
        return Position(self.epoch, self.last_position)


class Head(NamedTuple):
    """Where a log stands."""

    tenant_id: UUID
    epoch: int
    position: int
    recorded_at: datetime
    auth_epoch: int


class LogError(Exception):
    """The log did not take a request."""


class VersionConflict(LogError):
    """A stream moved since it was read. Read it again and decide again."""

    def __init__(self, stream: str, expected: int, current: int) -> None:
        """Name the stream, the version it was expected at and the one it has."""
        super().__init__(f"stream is at version {current}, not {expected}")
        self.stream, self.expected, self.current = stream, expected, current


class KeyReused(LogError):
    """The idempotency key was used before, with another body."""


class StaleAuthorisation(LogError):
    """Access to this log changed since the caller was authorised. Authorise again."""


class UnknownLog(LogError):
    """There is no log of this tenant here."""


class LogUnavailable(LogError):
    """The database cannot be reached, or is too busy. Nothing was written; try again."""


class Unstorable(LogError):
    """The request holds what can never be stored: a NUL character, a number out of range. Nothing was written."""


class OutcomeUnknown(LogError):
    """The connection broke during COMMIT of a request without a receipt: it may or may not be in the log."""


class TenantLog(Protocol):
    """Append to, and read, the logs of tenants."""

    async def append(self, request: Append) -> Appended:
        """Append durably. Raises a `LogError`; a receipt found means `replayed`."""

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        """The events of each `(stream, after version)`, in order, one list a stream; up to a position if given.

        `limit`: of each stream that many at most, its first after the version.
        """

    async def read_stream(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Recorded]:
        """A window of one stream by version, `after` (exclusive) to `up_to`; with `newest_first` from its end."""

    async def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """Events of a log in order of position, from `after` (exclusive)."""

    async def count_streams(self, tenant_id: UUID, category: str, ended: Sequence[str]) -> int:
        """How many streams of a category there are in which none of the events named in `ended` is.

        Each of those is in a stream once at most.
        """

    async def count_events(
        self, tenant_id: UUID, name: str, field: str, prefix: str, *, after: int, up_to: int
    ) -> int:
        """How many events of a name, between `after` (exclusive) and `up_to`, have a plain field that begins so."""

    async def read_named(
        self, tenant_id: UUID, names: Sequence[str], *, after: int, up_to: int
    ) -> list[Recorded]:
        """Events of these names, between `after` (exclusive) and `up_to`, in order of position."""

    async def head(self, tenant_id: UUID) -> Head | None:
        """Where a log stands, or None where there is none."""

    async def receipt(self, tenant_id: UUID, key_hmacs: Sequence[bytes]) -> Receipt | None:
        """The receipt of a key, under any of its HMACs."""


async def recorded_at(log: TenantLog, tenant_id: UUID, position: Position) -> datetime | None:
    """When the event at a position was recorded; None at the beginning."""
    if position.n == 0:
        return None
    rows = await log.read_log(tenant_id, after=position.n - 1, limit=1, up_to=position.n)
    return rows[0].recorded_at if rows else None
