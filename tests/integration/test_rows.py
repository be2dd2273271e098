"""Changes merged over a batch leave the same rows as the same changes one at a time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.log import Recorded
from projections.runtime.facts import Fact, Projection
from projections.runtime.rows import Rows
from projections.runtime.tables import Count, Table
from tests.support.database import Database

THINGS = Projection(
    "things",
    version=1,
    tables=[
        Table("groups", key=("g",), columns={"g": "int", "note": "text", "n": "bigint"}),
        Table("boxes", key=("g",), columns={"g": "int", "note": "text", "members": "bigint"}),
        Table(
            "members",
            key=("g", "m"),
            columns={"g": "int", "m": "int", "data": "jsonb"},
            indexes=(("m",),),
            counted_in=Count("boxes", ("g",), "members"),
        ),
    ],
)
TENANTS = (UUID(int=1), UUID(int=2))
Change = Callable[[Rows], None]

numbers = st.integers(0, 2)
changes = st.one_of(
    st.builds(lambda g, t: ("upsert", g, t), numbers, st.text("aé\"\\\n'", max_size=3)),
    st.builds(lambda g, t: ("update", g, t), numbers, st.none() | st.text("ab", max_size=2)),
    st.builds(lambda g, n: ("add", g, n), numbers, st.integers(-3, 3)),
    st.builds(lambda g: ("delete", g), numbers),
    st.builds(lambda g, m: ("join", g, m), numbers, numbers),
    st.builds(lambda g, m: ("leave", g, m), numbers, numbers),
    st.builds(lambda m: ("gone", m), numbers),
)


def make(rows: Rows, change: tuple[Any, ...]) -> None:
    match change:
        case ("upsert", g, note):
            rows.upsert("groups", {"g": g, "note": note, "n": 0})
        case ("update", g, note):
            rows.update("groups", {"g": g, "note": note})
            rows.update("boxes", {"g": g, "note": note})
        case ("add", g, n):
            rows.add("groups", {"g": g}, n=n)
        case ("delete", g):
            rows.delete("groups", {"g": g})
            rows.delete_where("members", g=g)
        case ("box", g):
            rows.insert("boxes", {"g": g, "members": 0})
        case ("join", g, m):
            rows.delete("members", {"g": g, "m": m})
            rows.insert("members", {"g": g, "m": m, "data": {"of": [g, m]}})
        case ("leave", g, m):
            rows.delete("members", {"g": g, "m": m})
        case ("gone", m):
            rows.delete_where("members", m=m)


def event(tenant: UUID, position: int) -> Fact:
    return Fact(Recorded(tenant, position, "x:1", 1, "a.b", 1, b"", b"", datetime.now(UTC)), {})


def written(connection: psycopg.Connection[Any], batches: list[list[tuple[UUID, tuple[Any, ...]]]]) -> Any:
    """The rows after the batches, in tables that are empty before."""
    with connection.transaction(force_rollback=True):
        position = 0
        boxes = [(tenant, ("box", g)) for tenant in TENANTS for g in range(3)]
        for batch in [boxes, *batches]:
            rows = Rows(THINGS)
            for tenant, change in batch:
                position += 1
                rows.at(event(tenant, position))
                make(rows, change)
            rows.flush(connection, "things")
        return [
            connection.execute(f"SELECT * FROM things.{table} ORDER BY 1, 2, 3".encode()).fetchall()  # noqa: S608 - names of our own
            for table in THINGS.tables
        ]


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Any:
    with psycopg.connect(module_database.admin) as made:
        made.execute("CREATE SCHEMA things")
        for table in THINGS.tables.values():
            for statement in table.ddl("things"):
                made.execute(statement.encode())
        yield made


@given(st.lists(st.tuples(st.sampled_from(TENANTS), changes), max_size=14), st.integers(1, 14))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_leaves_what_single_changes_leave(
    connection: psycopg.Connection[Any], said: list[tuple[UUID, tuple[Any, ...]]], cut: int
) -> None:
    alone = written(connection, [[one] for one in said])
    assert written(connection, [said]) == alone
    assert written(connection, [said[:cut], said[cut:]]) == alone


def test_a_row_inserted_twice_is_an_error(connection: psycopg.Connection[Any]) -> None:
    rows = Rows(THINGS)
    rows.at(event(TENANTS[0], 1))
    rows.insert("groups", {"g": 1})
    with pytest.raises(ValueError, match="inserted twice"):
        rows.insert("groups", {"g": 1})
    with connection.transaction(force_rollback=True):
        rows.flush(connection, "things")
        with pytest.raises(psycopg.errors.UniqueViolation):
            rows.flush(connection, "things")


def test_an_unknown_column_is_named() -> None:
    rows = Rows(THINGS)
    rows.at(event(TENANTS[0], 1))
    with pytest.raises(ValueError, match="groups has no column colour"):
        rows.update("groups", {"g": 1, "colour": "red"})
    with pytest.raises(ValueError, match="is counted"):
        rows.update("members", {"g": 1, "m": 1})
    with pytest.raises(ValueError, match="holds a count"):
        rows.add("boxes", {"g": 1}, members=1)
