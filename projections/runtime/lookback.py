"""Looking back: the sessions in which views of earlier moments are kept for those who look again.

A second look at a moment finds its rows made, one at a later moment folds what lies between. Few are kept, and for
minutes: they hold values of people in the clear. Each is dropped once any key was destroyed since its first value was
opened, before anybody is shown it again, and within seconds where nobody asks.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg.pq import TransactionStatus

from application.ports.keys import KeysUnavailable
from application.ports.log import LogUnavailable
from application.queries import BeingRebuilt
from projections.runtime.differing import Comparison
from projections.runtime.rebuilt import Rebuilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.log import TenantLog
    from application.ports.positions import Position
    from application.queries import Page
    from projections.runtime.differing import RowChange
    from projections.runtime.facts import Projection
    from projections.runtime.reading import RebuiltConnection

KEPT: Final = 4
AT_ONCE: Final = 2
KEPT_FOR: Final = 300.0
LOOKED_AFTER_EVERY: Final = 5.0
LONGEST: Final = 6.0
"""Seconds that one answer may spend on making a moment anew; one that compares as long again for the other moment."""
_PATIENCE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Span:
    """Two positions of a log, and the clocks by which rows are judged at each."""

    first: Position
    last: Position
    earlier: datetime | None
    later: datetime | None


@dataclass(slots=True)
class _Kept:
    rebuilt: Rebuilt
    used_at: float
    busy: bool = field(default=True)


class LookBack:
    """Views as of earlier moments. Use as a context manager."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[RebuiltConnection]],
        log: TenantLog,
        codec: EventCodec,
        keys: KeyStore,
        projections: Sequence[Projection],
        *,
        kept_for: float = KEPT_FOR,
        looked_after_every: float = LOOKED_AFTER_EVERY,
        longest: float = LONGEST,
    ) -> None:
        """`connect` opens a session of the role that requests have, which may make temporary tables."""
        self._connect = connect
        self._log = log
        self._codec = codec
        self._keys = keys
        self._projections = {one.name: one for one in projections}
        self._kept_for = kept_for
        self._every = looked_after_every
        self._longest = longest
        self._kept: list[_Kept] = []
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._caretaker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin with nothing kept."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop everything."""
        if self._caretaker is not None:
            self._caretaker.cancel()
            with suppress(asyncio.CancelledError):
                await self._caretaker
        for one in [*self._kept]:
            await self._drop(one)

    @property
    def kept(self) -> int:
        """How many moments are kept now."""
        return len(self._kept)

    @asynccontextmanager
    async def as_of(
        self, tenant_id: UUID, names: Sequence[str], position: Position, moment: datetime | None
    ) -> AsyncIterator[Rebuilt]:
        """The views `names` of a tenant as of a position that its log has; rows are judged by the clock of `moment`.

        Raises `BeingRebuilt` where that takes longer than one answer may, or others are at it; `ViewStopped`;
        `LogUnavailable`.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            raise BeingRebuilt from None
        try:
            until = monotonic() + self._longest
            kept = await self._nearest(tenant_id, names, position)
            try:
                await kept.rebuilt.forward(self._log, self._codec, position.n, until)
                kept.rebuilt.show(moment)
                yield kept.rebuilt
            except psycopg.OperationalError as error:
                if kept.rebuilt.connection.closed:
                    raise LogUnavailable("the database cannot be reached; try again") from error
                raise
            finally:
                await self._put_back(kept)
        finally:
            self._turns.release()

    async def difference(
        self,
        run: Callable[[RebuiltConnection, str | None], Awaitable[Page[Any]]],
        names: Sequence[str],
        tenant_id: UUID,
        span: Span,
        after: tuple[Any, ...] | None,
        limit: int,
    ) -> tuple[list[RowChange], bool]:
        """What a query shows otherwise at the end of a span than at its beginning; `run` gives a page of it.

        Raises as `as_of`, and as `Comparison.changes`.
        """
        async with self.as_of(tenant_id, names, span.first, span.earlier) as rebuilt:
            comparison = Comparison(
                rebuilt,
                lambda cursor: run(rebuilt.connection, cursor),
                self._log,
                self._codec,
                span.last.n,
                span.earlier,
                span.later,
                monotonic() + self._longest,
            )
            return await comparison.changes(after, limit)

    async def _nearest(self, tenant_id: UUID, names: Sequence[str], position: Position) -> _Kept:
        """What is kept nearest before the position, or a new one, taken for this caller alone."""
        generation = await asyncio.to_thread(self._keys.generation)
        await self._drop_old(generation)
        wanted = set(names)
        fit = [
            one
            for one in self._kept
            if not one.busy
            and one.rebuilt.tenant_id == tenant_id
            and {projection.name for projection in one.rebuilt.projections} == wanted
            and one.rebuilt.epoch == position.epoch
            and one.rebuilt.position <= position.n
        ]
        if fit:
            found = max(fit, key=_position)
            found.busy = True
            return found
        idle = [one for one in self._kept if not one.busy]
        if len(self._kept) >= KEPT and idle:
            await self._drop(min(idle, key=_used_at))
        try:
            connection = await self._connect()
        except psycopg.OperationalError as error:
            raise LogUnavailable("the database cannot be reached; try again") from error
        projections = [self._projections[name] for name in sorted(wanted)]
        made = _Kept(Rebuilt(connection, tenant_id, projections, position.epoch, generation), monotonic())
        self._kept.append(made)
        try:
            await made.rebuilt.begin()
        except BaseException:
            await self._drop(made)
            raise
        if self._caretaker is None:
            self._caretaker = asyncio.create_task(self._look_after())
        return made

    async def _put_back(self, kept: _Kept) -> None:
        """Keep it for the next, unless its session broke or is in the middle of something."""
        kept.used_at, kept.busy = monotonic(), False
        connection = kept.rebuilt.connection
        connection.then = None
        idle = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        if not (idle and kept.rebuilt.sound):
            await self._drop(kept)

    async def _drop_old(self, generation: int) -> None:
        earliest = monotonic() - self._kept_for
        for one in [*self._kept]:
            if not one.busy and (one.rebuilt.generation != generation or one.used_at < earliest):
                await self._drop(one)

    async def _drop(self, kept: _Kept) -> None:
        if kept in self._kept:
            self._kept.remove(kept)
        await kept.rebuilt.connection.close()

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            if not self._kept:
                continue
            try:
                await self._drop_old(await asyncio.to_thread(self._keys.generation))
            except KeysUnavailable:
                for one in [one for one in self._kept if not one.busy]:
                    await self._drop(one)


def _position(kept: _Kept) -> int:
    return kept.rebuilt.position


def _used_at(kept: _Kept) -> float:
    return kept.used_at
