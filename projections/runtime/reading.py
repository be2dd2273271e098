"""Reading views: one moment, one tenant, and the position that the answer was made from.

Which build is live is read in the same snapshot as the rows, so an answer is never of two builds, whatever is swapped
meanwhile.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection
from psycopg.errors import InvalidSchemaName, UndefinedColumn, UndefinedTable

from application.ports.positions import Position
from application.queries import ViewNotReady
from domain.kernel.moments import EARLIEST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

SLOWEST: Final = "5s"
"""A search that takes longer is cut off: it would hold a connection that others wait for."""


TEMPORARY: Final = "pg_temp"
"""The schema of a session's own tables: no other session sees them, whatever its role."""
_OF_NOW: Final = {"now": "now()", "of_now": "true"}


@dataclass(frozen=True, slots=True)
class Then:
    """A moment of a tenant's log that a session holds views as of. `moment`: by which clock its rows are judged.

    `places`: the only rows that are looked at, as `Page.places` has them; None: all.
    """

    tenant_id: UUID
    position: Position
    moment: datetime | None
    places: Sequence[tuple[Any, ...]] | None = None

    def words(self) -> dict[str, str]:
        """What stands in queries for the clock; before the first event nothing had begun."""
        moment = "-infinity" if self.moment is None else self.moment.isoformat()
        return {"now": f"'{moment}'::timestamptz", "of_now": "false"}


class RebuiltConnection(AsyncConnection[Any]):
    """A session whose temporary tables hold views as of `then`: queries that run on it show them, not the live ones."""

    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of some views of one tenant. `position` is that of the view that is furthest behind.

    `schemas` are by the views' names; besides them, `now` is the clock that rows are judged by, and `of_now` whether
    that is the present one: what stands beside the log is known of no other moment. `places`: as of `Then`.
    """

    connection: AsyncConnection[Any]
    tenant_id: UUID
    schemas: Mapping[str, str]
    position: Position
    auth_epoch: int
    places: Sequence[tuple[Any, ...]] | None = None


@asynccontextmanager
async def snapshot(
    connection: AsyncConnection[Any], tenant_id: UUID, projections: Sequence[str]
) -> AsyncIterator[Snapshot]:
    """Open a read-only, repeatable-read transaction that sees this tenant's rows alone.

    Raises `ViewNotReady` where a view has no live build, or one of another shape than the query expects.
    """
    if isinstance(connection, RebuiltConnection):
        async with _of_then(connection, tenant_id, projections) as found:
            yield found
        return
    try:
        async with connection.transaction():
            async with connection.pipeline():
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                await connection.execute(
                    "SELECT set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true)",
                    (str(tenant_id), SLOWEST),
                )
                cursor = await connection.execute(
                    _STANDING, {"names": list(projections), "tenant": tenant_id}
                )
            rows = await cursor.fetchall()
            if len(rows) < len(set(projections)):
                raise ViewNotReady
            yield Snapshot(
                connection,
                tenant_id,
                {name: schema for name, schema, *_ in rows} | _OF_NOW,
                min(Position(epoch, position) for _, _, epoch, position, _ in rows),
                rows[0][4],
            )
    except (InvalidSchemaName, UndefinedTable, UndefinedColumn) as error:
        raise ViewNotReady from error


@asynccontextmanager
async def _of_then(
    connection: RebuiltConnection, tenant_id: UUID, projections: Sequence[str]
) -> AsyncIterator[Snapshot]:
    """The same over what the session itself holds."""
    then = connection.then
    if then is None or then.tenant_id != tenant_id:
        raise RuntimeError("the session holds no view of this tenant")
    async with connection.transaction():
        await connection.execute(
            "SELECT set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true), "
            "set_config('transaction_read_only', 'on', true)",
            (str(tenant_id), SLOWEST),
        )
        cursor = await connection.execute(
            "SELECT auth_epoch FROM log.heads WHERE tenant_id = %s", (tenant_id,)
        )
        row = await cursor.fetchone()
        schemas = dict.fromkeys(projections, TEMPORARY) | then.words()
        yield Snapshot(connection, tenant_id, schemas, then.position, row[0] if row else 0, then.places)


def clock_of(connection: AsyncConnection[Any]) -> datetime:
    """By which clock what is read on a connection is judged."""
    then = connection.then if isinstance(connection, RebuiltConnection) else None
    return datetime.now(UTC) if then is None else then.moment or EARLIEST


_STANDING: Final = """
    SELECT v.name, v.schema_name, coalesce(p.epoch, h.epoch, 1), coalesce(p.position, 0), coalesce(h.auth_epoch, 0)
    FROM ops.projection_versions v
    LEFT JOIN log.heads h ON h.tenant_id = %(tenant)s
    LEFT JOIN ops.projection_positions p
        ON p.projection = v.name AND p.build = v.build AND p.tenant_id = %(tenant)s
    WHERE v.state = 'live' AND v.name = ANY(%(names)s)
"""


async def positions(connection: AsyncConnection[Any], tenant_id: UUID) -> dict[str, Position]:
    """How far each live view of a tenant has come: what has caught up with a receipt's last position."""
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant_id),))
        rows = await connection.execute(
            "SELECT v.name, p.epoch, p.position FROM ops.projection_versions v JOIN ops.projection_positions p "
            "ON p.projection = v.name AND p.build = v.build WHERE v.state = 'live' AND p.tenant_id = %s",
            (tenant_id,),
        )
        return {name: Position(epoch, position) async for name, epoch, position in rows}
