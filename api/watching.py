"""The watch of the access logs, wired for a process that has the parts of a composition."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.composition import RECONNECT_FOR
from application.watching import AccessWatch
from projections.watching.cursors import PostgresWatchCursors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.parts import Composition


@asynccontextmanager
async def watch_of(parts: Composition, dsn: str) -> AsyncIterator[AccessWatch]:
    """A watch; `dsn` connects as the role that owns the views."""
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=1,
        timeout=5,
        reconnect_timeout=RECONNECT_FOR,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": 5, "application_name": "access watch"},
    )
    async with pool:
        yield AccessWatch(parts.commands, parts.entries, PostgresWatchCursors(pool))
