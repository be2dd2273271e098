"""The ledger as requests read it: rows of one tenant, on a connection that sees no other's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from application.ports.ledger import KeyTold, SignedTree
from application.ports.log import LogUnavailable
from projections.audit.logs import ENVELOPE, EVENTS_OF

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from domain.audit.origins import LogId

_SLOWEST: Final = "8s"


class LedgerInViews:
    """A `Ledger` over a pool of connections for requests."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Take connections from `pool`."""
        self._pool = pool

    async def tree(self, log: LogId) -> SignedTree | None:
        """See `Ledger.tree`."""
        rows = await self._rows(log, _TREE, (*log,))
        return SignedTree(*rows[0]) if rows else None

    async def kept(
        self, log: LogId, *, after: tuple[int, int] = (0, -1), limit: int = 100
    ) -> Sequence[SignedTree]:
        """See `Ledger.kept`."""
        rows = await self._rows(log, _KEPT, (*log, *after, limit))
        return [SignedTree(*row) for row in rows]

    async def tiles(self, log: LogId, wanted: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], bytes]:
        """See `Ledger.tiles`."""
        levels, numbers = [level for level, _ in wanted], [number for _, number in wanted]
        rows = await self._rows(log, _TILES, (*log, levels, numbers))
        return {(level, number): hashes for level, number, hashes in rows}

    async def envelopes(self, log: LogId, first: int, last: int) -> Sequence[bytes]:
        """See `Ledger.envelopes`."""
        statement = _ENVELOPES.format(envelope=ENVELOPE, events=EVENTS_OF[log.log])
        return [envelope for (envelope,) in await self._rows(log, statement, (log.tenant_id, first, last))]

    async def epochs(self, log: LogId) -> Mapping[int, int]:
        """See `Ledger.epochs`."""
        return dict(await self._rows(log, _EPOCHS, (*log,)))

    async def keys(self) -> Sequence[KeyTold]:
        """See `Ledger.keys`."""
        async with self._connection() as connection:
            found = await connection.execute(_KEYS, binary=True)
            return [KeyTold(*row) for row in await found.fetchall()]

    async def _rows(self, log: LogId, statement: Any, parameters: tuple[Any, ...]) -> list[Any]:
        async with self._connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true)",
                (str(log.tenant_id), _SLOWEST),
            )
            found = await connection.execute(statement, parameters, binary=True)
            return await found.fetchall()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise LogUnavailable("the database cannot be reached; try again") from error


# Beneath each note stand the lines of the witnesses that cosigned it.
_TREE: Final = """
    SELECT t.epoch, t.size, t.note || coalesce(c.lines, ''::bytea), t.signed_at, r.words
    FROM ledger.trees t LEFT JOIN ledger.refusals r USING (tenant_id, log)
    CROSS JOIN LATERAL (
        SELECT string_agg(line, ''::bytea ORDER BY witness) AS lines FROM ledger.cosignatures
        WHERE tenant_id = t.tenant_id AND log = t.log AND epoch = t.epoch AND size = t.size) c
    WHERE t.tenant_id = %s AND t.log = %s
"""
_KEPT: Final = """
    SELECT k.epoch, k.size, k.note || coalesce(c.lines, ''::bytea), k.signed_at
    FROM ledger.checkpoints k
    CROSS JOIN LATERAL (
        SELECT string_agg(line, ''::bytea ORDER BY witness) AS lines FROM ledger.cosignatures
        WHERE tenant_id = k.tenant_id AND log = k.log AND epoch = k.epoch AND size = k.size) c
    WHERE k.tenant_id = %s AND k.log = %s AND (k.epoch, k.size) > (%s, %s) ORDER BY k.epoch, k.size LIMIT %s
"""
_TILES: Final = """
    SELECT level, tile, hashes FROM ledger.tiles
    WHERE tenant_id = %s AND log = %s AND (level, tile) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))
"""
_ENVELOPES: Final = """
    SELECT {envelope} FROM {events} WHERE tenant_id = %s AND position BETWEEN %s AND %s ORDER BY position
"""
_EPOCHS: Final = "SELECT epoch, kept FROM ledger.epochs WHERE tenant_id = %s AND log = %s"
_KEYS: Final = "SELECT number, name, public_key, signs_from, signs_until FROM ledger.keys ORDER BY number"
