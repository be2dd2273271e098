"""The logs' latest checkpoints, of all tenants, as the database shows them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg

from application.ports.shown_trees import Shown, TreesUnavailable
from domain.audit.mirroring import checkpoint_in, own_note
from domain.audit.origins import LogId, LogKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from psycopg import AsyncConnection

_PAGE: Final = """
    SELECT tenant_id, log, epoch, size, note, signed_at FROM ledger.trees
    WHERE (tenant_id, log) > (%s, %s) ORDER BY tenant_id, log LIMIT %s
"""
_KEEP: Final = """
    INSERT INTO ledger.checkpoints (tenant_id, log, epoch, size, note, signed_at)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::timestamptz[])
    ON CONFLICT DO NOTHING
"""


class TreesInDatabase:
    """Implements `ShownTrees`."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection[Any]]]) -> None:
        """`connect` as a role that reads all trees."""
        self._connect = connect

    async def pages(self, most: int) -> AsyncIterator[Sequence[Shown]]:
        """See `ShownTrees.pages`."""
        after: tuple[UUID, str] = (UUID(int=0), "")
        while rows := await self._page(after, most):
            yield [_shown(*row) for row in rows]
            after = rows[-1][:2]

    async def keep(self, shown: Sequence[Shown]) -> None:
        """See `ShownTrees.keep`."""
        rows = [
            (*one.log, told.epoch, told.size, own_note(one.note, told), one.signed_at)
            for one in shown
            if (told := one.checkpoint) is not None
        ]
        async with _told(), await self._connect() as connection:
            await connection.execute(_KEEP, [list(column) for column in zip(*rows, strict=True)])

    async def _page(self, after: tuple[UUID, str], most: int) -> list[Any]:
        async with _told(), await self._connect() as connection:
            cursor = await connection.execute(_PAGE, (*after, most), binary=True)
            return await cursor.fetchall()


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise TreesUnavailable from error


def _shown(tenant_id: UUID, kind: str, epoch: int, size: int, note: bytes, signed_at: datetime) -> Shown:
    log = LogId(tenant_id, LogKind(kind))
    return Shown(log, checkpoint_in(note, log, epoch, size), note, signed_at)
