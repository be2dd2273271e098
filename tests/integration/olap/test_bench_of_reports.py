"""What the bench of reports asks over is what an ingest would have made, and it is asked and compared as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from domain.kernel.ids import PLATFORM
from projections.olap.reports import REPORTS
from projections.olap.sql import FACTS, MODELS, Model, names
from scripts.benches import reports
from scripts.benches.facts import make

_EVENTS = 20_000
_COUNTED = [model for model in MODELS if "events" in model.sections]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    file = tmp_path_factory.mktemp("facts") / "facts.duckdb"
    make(file, _EVENTS)
    with duckdb.connect(str(file), read_only=True) as con:
        yield con


@pytest.mark.parametrize("model", _COUNTED, ids=[model.name for model in _COUNTED])
def test_the_facts_stand_for_the_events_that_are_their_business(
    made: duckdb.DuckDBPyConnection, model: Model
) -> None:
    business = f"WHERE name IN ({names(model.handles)})" if model.handles else ""
    due = made.execute(f"SELECT count(*) FROM fact_event {business}").fetchall()  # noqa: S608 - our own models
    assert made.execute(model.sections["events"]).fetchall() == due
    assert due > [(0,)]


def test_logs_have_no_gaps_and_go_on_in_time(made: duckdb.DuckDBPyConnection) -> None:
    gaps = (
        "SELECT 1 FROM fact_event GROUP BY tenant_key HAVING count(*) <> max(position) OR min(position) <> 1"
    )
    assert made.execute(gaps).fetchall() == []
    back = """
        SELECT 1 FROM (
            SELECT recorded_at, lag(recorded_at) OVER (PARTITION BY tenant_key ORDER BY position) AS before
            FROM fact_event
        ) WHERE recorded_at < before
    """
    assert made.execute(back).fetchall() == []


def test_a_contact_comes_once_and_goes_once_at_most(made: duckdb.DuckDBPyConnection) -> None:
    sums = "SELECT DISTINCT sum(delta)::INTEGER FROM fact_contact_change GROUP BY tenant_key, contact_id ORDER BY 1"
    assert made.execute(sums).fetchall() == [(0,), (1,)]


def test_what_was_reversed_costs_nothing(made: duckdb.DuckDBPyConnection) -> None:
    costs = """
        SELECT DISTINCT list(change ORDER BY position, change DESC), sum(amount) = 0
        FROM fact_cost GROUP BY tenant_key, cost_id ORDER BY ALL
    """
    assert made.execute(costs).fetchall() == [
        (["entered"], False),
        (["entered", "estimated", "confirmed"], False),
        (["entered", "reversed"], True),
    ]


def test_months_are_locked_one_after_the_other(made: duckdb.DuckDBPyConnection) -> None:
    jumps = """
        SELECT 1 FROM (
            SELECT open_from, lag(open_from) OVER (PARTITION BY tenant_key ORDER BY position) AS before FROM fact_period
        ) WHERE open_from NOT IN (before + INTERVAL 1 MONTH, before - INTERVAL 1 MONTH)
    """
    assert made.execute(jumps).fetchall() == []


def test_rows_lie_in_the_order_of_a_rebuild(made: duckdb.DuckDBPyConnection) -> None:
    for model in MODELS:
        if model.sections.get("order", "").startswith("tenant_key, position") and model.name in FACTS:
            back = f"""
                SELECT 1 FROM (
                    SELECT (tenant_key, position) AS place, lag((tenant_key, position)) OVER (ORDER BY rowid) AS before
                    FROM {model.name}
                ) WHERE place < before
            """  # noqa: S608 - our own table names
            assert made.execute(back).fetchall() == [], model.name


def test_the_same_numbers_make_the_same_facts(made: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    make(tmp_path / "again.duckdb", _EVENTS)
    with duckdb.connect(str(tmp_path / "again.duckdb"), read_only=True) as again:
        for table in FACTS:
            digest = f"SELECT count(*), bit_xor(hash(row)) FROM {table} AS row"  # noqa: S608 - our own table names
            assert again.execute(digest).fetchall() == made.execute(digest).fetchall(), table


def test_every_report_is_asked_and_every_peer_compared() -> None:
    told = reports.over(5_000, 1, peers=True)
    of_one_round = {"lag_events", "found_again", "recent_again"}
    assert all(value > 0 for name, value in told.items() if name not in of_one_round)
    tenants = dict.fromkeys(("median", "large", "largest", "platform"), ((PLATFORM, 1),))
    assert {case.report for case in reports.cases(tenants)} == REPORTS.keys()
