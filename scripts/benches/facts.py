"""Makes the analytics file of a platform that has been at work for two years, without going through the logs.

About `events` events of 2,000 tenants, whose sizes follow Zipf's law, over 24 months with seasons, weekends and growth;
and the facts that an ingest would have made of them: the models' own tables, in the order of a rebuild. The same seed
makes the same rows. What happens in a log, and in which order, is in `facts_plan`.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from domain.kernel.ids import PLATFORM
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from projections.olap import derived
from projections.olap.sql import FACTS, MODELS, insert
from projections.olap.tracking import mark_complete, prepare
from scripts.benches import facts_paid, facts_plan, facts_rows

TENANTS: Final = 2_000
SEED: Final = 20_261_127
FIRST_DAY: Final = date(2024, 12, 1)
LAST_DAY: Final = FIRST_DAY + timedelta(days=729)
_EVENTS_A_TENANT: Final = 200
_PLATFORM_EVENTS_A_TENANT: Final = 6
_SLICES: Final = 24
"""How many times the largest table, in order of time, is sorted in parts: what is sorted at once fits in memory."""


_DAILY: Final = next(model.sections["fill"] for model in MODELS if model.name == "fact_event_daily")


def make(path: Path, events: int, *, memory_limit: str = "2GB") -> int:
    """Make a new file at `path`; how many rows of facts it holds, of about `events` events.

    Nothing is read of the clock or of chance: the same numbers give the same rows.
    """
    with duckdb.connect(str(path), config={"memory_limit": memory_limit, "threads": 2}) as con:
        prepare(con)
        _plan(con, events)
        for table, rows in {**facts_rows.TYPED, **facts_paid.PAID}.items():
            _say(f"  {table}")
            con.execute(insert(table, rows))
        _say("  fact_event")
        for number in range(_SLICES):
            con.execute(insert("fact_event", facts_rows.EVENTS), {"slice": number, "slices": _SLICES})
        con.execute(insert("fact_event_daily", _DAILY))
        _say("  what is derived")
        derived.fill(con)
        con.execute(facts_rows.POSITIONS)
        con.execute(facts_rows.DONE)
        mark_complete(con)
        con.execute("CHECKPOINT")
        return sum(_size(con, table) for table in FACTS)


def _plan(con: duckdb.DuckDBPyConnection, events: int) -> None:
    """Lay down who there is, which days their logs have, and what the rare events are."""
    tenants = max(3, min(TENANTS, events // _EVENTS_A_TENANT))
    con.execute(facts_plan.MACROS.replace("{seed}", str(SEED)))
    con.execute(
        facts_plan.TENANTS,
        {
            "tenants": tenants,
            "events": events,
            "platform": str(PLATFORM),
            "platform_events": tenants * (1 + _PLATFORM_EVENTS_A_TENANT) + 200,
        },
    )
    con.execute("INSERT INTO dim_tenant SELECT tenant_key, tenant_id FROM planned ORDER BY tenant_key")
    con.execute(facts_plan.SEASON, {"first": FIRST_DAY, "last": LAST_DAY})
    con.execute(facts_plan.SPANS)
    con.execute(facts_plan.RARE)
    con.execute(
        "SET VARIABLE laws = ?::STRUCT(law VARCHAR, pack VARCHAR, allow VARCHAR[], hold VARCHAR[], deny VARCHAR[])[]",
        [_laws()],
    )


def _laws() -> list[dict[str, Any]]:
    """The rules of each pack that has some that allow: which allow, and which hold or deny what they do not."""
    laws = []
    for pack in load_packs():
        allow, hold = (
            [rule.id for rule in pack.rules if rule.verdict is verdict]
            for verdict in (Verdict.ALLOW, Verdict.HOLD)
        )
        deny = [f"{pack.law}.otherwise"]
        if allow:
            told = {"law": pack.law, "pack": pack.version, "allow": allow, "hold": hold or deny, "deny": deny}
            laws.append(told)
    return laws


def _size(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own table names
    return int(row[0]) if row else 0


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
