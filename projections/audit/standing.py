"""How the ledger stands: logs that are refused, and how long the oldest unsigned event has waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from psycopg import Connection


class Standing(NamedTuple):
    """`refused`: logs of which nothing new is signed. `behind`: logs that wait; `seconds`: since when the longest."""

    refused: int
    behind: int
    seconds: float


def standing(connection: Connection[Any]) -> Standing:
    """Look at all logs; those that are refused are not counted among those that wait."""
    row = connection.execute(_STANDING).fetchone()
    return Standing(0, 0, 0.0) if row is None else Standing(*row)


_STANDING: Final = """
    WITH heads AS (
        SELECT tenant_id, 'events' AS log, epoch, position, recorded_at FROM log.heads
        UNION ALL SELECT tenant_id, 'access', epoch, position, recorded_at FROM log.access_heads
    )
    SELECT
        (SELECT count(*) FROM ledger.refusals),
        count(*),
        coalesce(extract(epoch FROM max(clock_timestamp() - h.recorded_at)), 0)::float8
    FROM heads h
    LEFT JOIN ledger.trees t USING (tenant_id, log)
    LEFT JOIN ledger.refusals r USING (tenant_id, log)
    WHERE h.position > 0 AND (t.epoch, t.size) IS DISTINCT FROM (h.epoch, h.position) AND r.tenant_id IS NULL
"""
