"""Figures of what the payment provider told, asked of the view when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from projections.runtime.builds import live_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

ABOUT: Final = {
    "gateway_events_kept": "Webhooks of the payment provider that were kept.",
    "gateway_events_waiting": "Webhooks that were kept and wait for their place in a tenant's log.",
    "gateway_events_set_aside": "Webhooks that changed nothing: somebody has to look.",
    "gateway_event_age_s": "Seconds since the last webhook was kept; without one there is no such figure.",
}
_COUNTS: Final = """
    SELECT count(*), count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'set_aside'),
        extract(epoch FROM clock_timestamp() - max(received_at))
    FROM {schema}.gateway_events
"""


def figures(dsn: str) -> Mapping[str, float]:
    """The figures by the names of `ABOUT`; none where the database or the view is away. `dsn`: of the projector."""
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=1) as connection:
            live = live_schema(connection, "gateway_events")
            if live is None:
                return {}
            row = connection.execute(_COUNTS.format(schema=live[1]).encode()).fetchone()
    except psycopg.Error:
        return {}
    found = zip(ABOUT, row or (), strict=False)
    return {name: float(value) for name, value in found if value is not None}
