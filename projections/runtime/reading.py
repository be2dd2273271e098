"""Reading views: one moment, one tenant, and the position that the answer was made from.

Which build is live is read in the same snapshot as the rows, so an answer is never of two builds, whatever is swapped
meanwhile.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.errors import InvalidSchemaName, UndefinedColumn, UndefinedTable

from application.ports.positions import Position
from application.queries import ViewNotReady

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from psycopg import AsyncConnection

SLOWEST: Final = "5s"
"""A search that takes longer is cut off: it would hold a connection that others wait for."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of some views of one tenant. `position` is that of the view that is furthest behind."""

    connection: AsyncConnection[Any]
    tenant_id: UUID
    schemas: Mapping[str, str]
    position: Position
    auth_epoch: int


@asynccontextmanager
async def snapshot(
    connection: AsyncConnection[Any], tenant_id: UUID, projections: Sequence[str]
) -> AsyncIterator[Snapshot]:
    """Open a read-only, repeatable-read transaction that sees this tenant's rows alone.

    Raises `ViewNotReady` where a view has no live build, or one of another shape than the query expects.
    """
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
                {name: schema for name, schema, *_ in rows},
                min(Position(epoch, position) for _, _, epoch, position, _ in rows),
                rows[0][4],
            )
    except (InvalidSchemaName, UndefinedTable, UndefinedColumn) as error:
        raise ViewNotReady from error


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
