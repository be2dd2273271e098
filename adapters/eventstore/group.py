"""One group of appends: what must be known, how each request is judged, and what is written. No input or output."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import psycopg

from adapters.eventstore.arrays import (
    BigintArray,
    BytesArray,
    MomentArray,
    Packed,
    SmallintArray,
    TextArray,
    UuidArray,
)
from application.ports.log import (
    Append,
    Appended,
    Head,
    KeyReused,
    LogError,
    LogUnavailable,
    NewEvent,
    Receipt,
    StaleAuthorisation,
    UnknownLog,
    Unstorable,
    VersionConflict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


Outcome = Appended | Exception | None
"""What became of a request; None: its head is held by another session, and it has to wait."""


class _Log:
    """A head while the group is judged."""

    __slots__ = ("auth_epoch", "epoch", "moved", "position", "recorded_at")

    def __init__(self, head: Head, now: datetime) -> None:
        self.epoch = head.epoch
        self.position = head.position
        self.auth_epoch = head.auth_epoch
        self.recorded_at = max(now, head.recorded_at)
        self.moved = False


class Group:
    """Requests that share a transaction."""

    def __init__(self, requests: list[Append]) -> None:
        """Collect what must be locked and read for `requests`."""
        self.requests = requests
        self.tenants: list[UUID] = list({request.tenant_id: None for request in requests})
        self.opens: list[UUID] = list({request.tenant_id: None for request in requests if request.opens_log})
        self.receipt_keys = [(r.tenant_id, r.receipt.key_hmac) for r in requests if r.receipt is not None]
        self._streams: dict[UUID, dict[str, int]] = {tenant: {} for tenant in self.tenants}
        for request in requests:
            streams = self._streams[request.tenant_id]
            streams |= dict.fromkeys([event.stream for event in request.events], 0)
            streams |= dict.fromkeys([stream for stream, _ in request.expected], 0)
        self._logs: dict[UUID, _Log] = {}
        self._held: set[UUID] = set()
        self._receipts: dict[tuple[UUID, bytes], Receipt] = {}
        self._rows: list[tuple[UUID, int, int, NewEvent, datetime]] = []
        self.receipts_made: list[tuple[UUID, bytes, Receipt]] = []
        self.accepted = False

    @property
    def event_count(self) -> int:
        """How many events the group writes."""
        return len(self._rows)

    def streams(self) -> list[tuple[UUID, list[str]]]:
        """The streams whose versions must be known, by tenant; the versions are told in this order."""
        return [(tenant, list(streams)) for tenant, streams in self._streams.items()]

    def learn(
        self, heads: list[tuple[Any, ...]], versions: tuple[Any, ...] | None, receipts: list[tuple[Any, ...]]
    ) -> None:
        """Take in what was read under the lock."""
        now, numbers = versions or (None, None)
        if now is None:
            msg = "the database answered no time"
            raise psycopg.DataError(msg)
        self._logs = {head[0]: _Log(Head(*head), now) for head in heads}
        current = iter(numbers or ())
        for streams in self._streams.values():
            streams.update(zip(streams, islice(current, len(streams)), strict=True))
        self._receipts = {
            (row[0], bytes(row[1])): Receipt(row[2], row[3], bytes(row[4]), *row[5:]) for row in receipts
        }

    def not_locked(self) -> list[UUID]:
        """The tenants whose head was not given: it is held by another session, or there is none."""
        return [tenant for tenant in self.tenants if tenant not in self._logs]

    def set_aside(self, tenants: set[UUID]) -> None:
        """Leave the requests of these tenants alone."""
        self._held = tenants

    def judge(self) -> list[Outcome]:
        """Accept or refuse each request, in order; accepted ones are what the next ones meet."""
        outcomes: list[Outcome] = []
        for request in self.requests:
            if request.tenant_id in self._held:
                outcomes.append(None)
                continue
            try:
                outcomes.append(self._judge(request))
            except LogError as error:
                outcomes.append(error)
        return outcomes

    def _judge(self, request: Append) -> Appended:
        log = self._logs.get(request.tenant_id)
        if log is None:
            raise UnknownLog(UnknownLog.__doc__)
        tenant, receipt = request.tenant_id, request.receipt
        known = None if receipt is None else self._receipts.get((tenant, receipt.key_hmac))
        # What a broken COMMIT left in the log is this very request's, whatever it did to its own caller's access.
        own = known is not None and receipt is not None and known.command_id == receipt.command_id
        if not own and request.auth_epoch is not None and request.auth_epoch != log.auth_epoch:
            raise StaleAuthorisation(StaleAuthorisation.__doc__)
        if known is not None and receipt is not None:
            if known.body_hmac != receipt.body_hmac:
                raise KeyReused(KeyReused.__doc__)
            return Appended(
                tenant,
                log.epoch,
                known.first_position,
                known.last_position,
                known.recorded_at,
                log.auth_epoch,
                known,
            )
        streams = self._streams[tenant]
        for stream, expected in request.expected:
            current = streams[stream]
            if current != expected:
                raise VersionConflict(stream, expected, current)
        return self._accept(request, log)

    def _accept(self, request: Append, log: _Log) -> Appended:
        tenant, position = request.tenant_id, log.position
        streams = self._streams[tenant]
        versions: dict[str, int] = {}
        rows: list[tuple[UUID, int, int, NewEvent, datetime]] = []
        for event in request.events:
            current = versions.get(event.stream)
            if current is None:
                current = streams[event.stream]
            if event.version is not None and event.version != current + 1:
                raise VersionConflict(event.stream, event.version - 1, current)
            versions[event.stream] = current + 1
            position += 1
            rows.append((tenant, position, current + 1, event, log.recorded_at))
        first = log.position + 1
        streams |= versions
        self._rows += rows
        log.position = position
        log.moved = True
        log.auth_epoch += any(event.changes_access for event in request.events)
        self.accepted = True
        if request.receipt is not None:
            key = request.receipt
            receipt = Receipt(key.command_id, key.command, key.body_hmac, first, position, log.recorded_at)
            self._receipts[tenant, key.key_hmac] = receipt
            self.receipts_made.append((tenant, key.key_hmac, receipt))
        return Appended(tenant, log.epoch, first, position, log.recorded_at, log.auth_epoch, None, versions)

    def event_columns(self) -> Iterable[Packed]:
        """The columns of the new events."""
        rows = self._rows
        events = [row[3] for row in rows]
        return (
            UuidArray.repeated([(tenant, len(list(run))) for tenant, run in groupby(row[0] for row in rows)]),
            BigintArray.of([row[1] for row in rows]),
            TextArray.of([event.stream for event in events]),
            BigintArray.of([row[2] for row in rows]),
            TextArray.of([event.name for event in events]),
            SmallintArray.of([event.schema_version for event in events]),
            BytesArray.of([event.payload for event in events]),
            BytesArray.of([event.metadata for event in events]),
            MomentArray.of([row[4] for row in rows]),
        )

    def receipt_columns(self) -> Iterable[Packed]:
        """The columns of the new receipts; none where none were made."""
        made = self.receipts_made
        if not made:
            return ()
        return (
            UuidArray.of([tenant for tenant, _, _ in made]),
            BytesArray.of([key for _, key, _ in made]),
            BytesArray.of([receipt.body_hmac for _, _, receipt in made]),
            UuidArray.of([receipt.command_id for _, _, receipt in made]),
            TextArray.of([receipt.command for _, _, receipt in made]),
            BigintArray.of([receipt.first_position for _, _, receipt in made]),
            BigintArray.of([receipt.last_position for _, _, receipt in made]),
            MomentArray.of([receipt.recorded_at for _, _, receipt in made]),
        )

    def head_columns(self) -> Iterable[Packed]:
        """Where the heads move to."""
        moved = [(tenant, log) for tenant, log in self._logs.items() if log.moved]
        return (
            UuidArray.of([tenant for tenant, _ in moved]),
            BigintArray.of([log.position for _, log in moved]),
            MomentArray.of([log.recorded_at for _, log in moved]),
            BigintArray.of([log.auth_epoch for _, log in moved]),
        )


def refuse(error: Exception) -> LogError:
    """What a caller is told when its request alone cannot be written. The server's words may hold data: they stay."""
    what = f"the request cannot be written ({type(error).__name__}); nothing was written"
    if isinstance(error, psycopg.OperationalError):
        return LogUnavailable(f"{what}; try again")
    return Unstorable(f"{what}")
