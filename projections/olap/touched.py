"""Which tables of a tenant a batch of events changes: an answer stays true until one that it was made from does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final
from uuid import UUID

import duckdb

from domain.kernel.ids import PLATFORM
from projections.olap.derived import DERIVED, EVENTS_OF
from projections.olap.sending import SENDING
from projections.olap.sql import FACTS, MODELS

_ALWAYS: Final = frozenset(model.name for model in MODELS if "rows" in model.sections and not model.handles)
"""Models that every event has a row in."""

_CHANGED_BY: Final = {
    model.name: frozenset(EVENTS_OF[model.name]) for model in MODELS if EVENTS_OF[model.name]
}


def touched(names: Iterable[str]) -> frozenset[str]:
    """The tables that events of these names may change."""
    happened = frozenset(names)
    return _ALWAYS | {table for table, events in _CHANGED_BY.items() if events & happened}


def touched_by_batch(con: duckdb.DuckDBPyConnection) -> dict[int, frozenset[str]]:
    """By tenant key, the tables that the events of the staged batch may change."""
    rows = con.execute("SELECT tenant_key, list(DISTINCT name) FROM batch GROUP BY tenant_key").fetchall()
    return {tenant_key: touched(happened) for tenant_key, happened in rows}


@cache
def sources(statement: str) -> frozenset[str]:
    """The tables of one tenant that a report's SQL is answered from."""
    named = {table for table in FACTS if table in statement}
    named |= {model.name for model in DERIVED if model.name in statement}
    return frozenset(named | ({"fact_dispatch"} if SENDING in statement else set()))


def of_one_log(statement: str, tenant_id: UUID) -> bool:
    """Whether an answer follows from the tenant's log alone: what the platform sees of who sends does not."""
    return tenant_id != PLATFORM or SENDING not in statement
