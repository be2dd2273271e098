"""Waiting until views have reached a position: read your own writes, bounded.

One poller a process asks for everybody who waits, in one statement. It asks for the live builds, so a wait goes on
across the swap of a rebuild.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from application.ports.positions import Position
from application.queries import ViewNotReady, ViewStopped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from psycopg import AsyncConnection

log = logging.getLogger(__name__)

_SHORTEST: Final = 0.003
_LONGEST: Final = 0.05


@dataclass(eq=False, slots=True)
class _Waiter:
    projections: tuple[str, ...]
    tenant_id: UUID
    position: Position
    reached: asyncio.Future[None]


class Waiting:
    """The waits of one process. `connect` gives an autocommit connection that sees every tenant's positions."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection[Any]]]) -> None:
        """Nothing is opened until somebody waits."""
        self._connect = connect
        self._waiters: set[_Waiter] = set()
        self._somebody = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        self._poller = asyncio.create_task(self._poll(), name="waiting")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; those who still wait are told that the view is not ready."""
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller
        for waiter in self._waiters:
            if not waiter.reached.done():
                waiter.reached.set_exception(ViewNotReady())

    async def wait_for(
        self, projections: Sequence[str], tenant_id: UUID, position: Position, within: float
    ) -> None:
        """Return once every one of these views shows `position` of the tenant's log, or a later epoch.

        Raises `ViewNotReady` after `within` seconds, and `ViewStopped` where a view is parked before the position.
        """
        waiter = _Waiter(tuple(projections), tenant_id, position, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        self._somebody.set()
        try:
            await asyncio.wait_for(waiter.reached, within)
        except TimeoutError as error:
            raise ViewNotReady from error
        finally:
            self._waiters.discard(waiter)

    async def _poll(self) -> None:
        while True:
            await self._somebody.wait()
            try:
                async with await self._connect() as connection:
                    await self._serve(connection)
            except psycopg.Error as error:
                log.warning("waiting: database trouble: %s", type(error).__name__)
                await asyncio.sleep(_LONGEST)

    async def _serve(self, connection: AsyncConnection[Any]) -> None:
        pause = _SHORTEST
        while True:
            if not self._waiters:
                self._somebody.clear()
                await self._somebody.wait()
                pause = _SHORTEST
            waiters = list(self._waiters)
            standing = await _standing(connection, waiters)
            answered = [_answer(waiter, standing) for waiter in waiters]
            pause = _SHORTEST if any(answered) else min(pause * 1.5, _LONGEST)
            await asyncio.sleep(pause)


_Standing = dict[tuple[str, "UUID"], tuple[Position, str]]


async def _standing(connection: AsyncConnection[Any], waiters: Sequence[_Waiter]) -> _Standing:
    rows = await connection.execute(
        "SELECT p.projection, p.tenant_id, p.epoch, p.position, p.state "
        "FROM ops.projection_versions v JOIN ops.projection_positions p "
        "ON p.projection = v.name AND p.build = v.build "
        "WHERE v.state = 'live' AND p.projection = ANY(%s) AND p.tenant_id = ANY(%s)",
        (
            sorted({name for waiter in waiters for name in waiter.projections}),
            list({waiter.tenant_id for waiter in waiters}),
        ),
    )
    return {
        (name, tenant): (Position(epoch, position), state)
        async for name, tenant, epoch, position, state in rows
    }


def _answer(waiter: _Waiter, standing: _Standing) -> bool:
    """Tell a waiter what there is to tell; whether there was anything."""
    if waiter.reached.done():
        return False
    found = [standing.get((name, waiter.tenant_id)) for name in waiter.projections]
    behind = [one for one in found if one is None or one[0] < waiter.position]
    if not behind:
        waiter.reached.set_result(None)
    elif any(one is not None and one[1] == "poisoned" for one in behind):
        waiter.reached.set_exception(ViewStopped())
    else:
        return False
    return True
