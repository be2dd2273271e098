"""The count of each tenant's minute, in an unlogged table: after a crash everyone's minute begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from application.ports.log import LogUnavailable
from application.ports.rates import Lease

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg_pool import AsyncConnectionPool

# The window is the database's minute, the same for every machine. The row is locked by the upsert, so that two
# processes never lease the same part; what is leased is capped by the limit inside the statement.
_LEASE: Final = """
INSERT INTO ops.rate_limits AS kept (tenant_id, bucket, window_start, used, granted)
VALUES (%(tenant)s, %(bucket)s, date_trunc('minute', now()), least(%(wanted)s, %(limit)s), least(%(wanted)s, %(limit)s))
ON CONFLICT (tenant_id, bucket) DO UPDATE SET
    granted = CASE WHEN kept.window_start < excluded.window_start THEN excluded.granted
                   ELSE greatest(0, least(%(wanted)s, %(limit)s - kept.used)) END,
    used = CASE WHEN kept.window_start < excluded.window_start THEN excluded.used
                ELSE kept.used + greatest(0, least(%(wanted)s, %(limit)s - kept.used)) END,
    window_start = greatest(kept.window_start, excluded.window_start)
RETURNING granted, used, extract(epoch FROM window_start + interval '1 minute' - clock_timestamp())
"""


class PostgresRates:
    """Implements `RateCounter` on `ops.rate_limits`, one row a tenant and bucket."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]]) -> None:
        """`pool` connects as the appender."""
        self._pool = pool

    async def lease(self, tenant_id: UUID, bucket: str, wanted: int, limit: int) -> Lease:
        """See `RateCounter.lease`."""
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    _LEASE, {"tenant": tenant_id, "bucket": bucket, "wanted": wanted, "limit": limit}
                )
                row = await cursor.fetchone()
        except psycopg.Error as error:
            raise LogUnavailable("the database cannot be reached; nothing was written; try again") from error
        if row is None:
            raise LogUnavailable("the database gave no lease; nothing was written; try again")
        granted, used, seconds = row
        return Lease(int(granted), max(0, limit - int(used)), max(0.05, float(seconds)))
