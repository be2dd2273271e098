"""What stands against addressees, all of a tenant's: a page at a time, as of one position of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout

from application.exporting import Held
from application.ports.log import LogUnavailable
from projections.operational.consents.queries import later
from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from application.ports.positions import Position

PROJECTIONS: Final = ("consents", "hashes")
_PAGE: Final = 1_000
# Rows are only ever added, and so what stood at a position can be told at any time after it.
_HELD: Final = (
    "SELECT t.addressee_id, t.kind, t.scope, t.within, t.occurred_at, t.created_position "
    "FROM {consents}.entries t"
    + later(until="%(until)s")
    + " WHERE t.tenant_id = %(tenant_id)s AND t.created_position > %(after)s AND t.created_position <= %(until)s "
    "AND t.what IN ('opt_out', 'suppression') AND later.ended_at IS NULL "
    "ORDER BY t.created_position LIMIT %(limit)s"
)
_COUNTED: Final = (
    "SELECT count(*) FROM {hashes}.hashes t WHERE t.tenant_id = %(tenant_id)s AND t.first "
    "AND t.created_position <= %(until)s"
)


class SuppressedPeople:
    """Reads the views; nobody holds a connection while a page is written out."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def begun(self, tenant_id: UUID) -> tuple[Position, int]:
        """See `Suppressed.begun`."""
        try:
            async with (
                self._pool.connection() as connection,
                snapshot(connection, tenant_id, PROJECTIONS) as at,
            ):
                values = {"tenant_id": tenant_id, "until": at.position.n}
                text = _COUNTED.format_map(at.schemas).encode()
                counted = await (await connection.execute(text, values)).fetchone()
                return at.position, 0 if counted is None else counted[0]
        except (OperationalError, PoolTimeout) as error:
            raise LogUnavailable("the database cannot be reached; try again") from error

    async def held(self, tenant_id: UUID, until: Position) -> AsyncIterator[list[Held]]:
        """See `Suppressed.held`."""
        values: dict[str, Any] = {"tenant_id": tenant_id, "after": 0, "until": until.n, "limit": _PAGE}
        while True:
            try:
                async with (
                    self._pool.connection() as connection,
                    snapshot(connection, tenant_id, PROJECTIONS) as at,
                ):
                    text = _HELD.format_map(at.schemas).encode()
                    rows = await (await connection.execute(text, values)).fetchall()
            except (QueryCanceled, OperationalError, PoolTimeout) as error:
                raise LogUnavailable("the database cannot be reached; try again") from error
            if not rows:
                return
            values["after"] = rows[-1][-1]
            yield [Held(*row) for row in rows]
