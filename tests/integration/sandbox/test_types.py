"""Every type that DuckDB has, in an answer: none is mangled on its way out of the child."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from adapters.duckdb.settings import SqlLimits
from application.ports.sql import SqlFailed
from tests.support.sandbox import Questions, questions
from tests.support.sql_types import TYPES, select

LIMITS = SqlLimits(rows=1_000, megabytes=4)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    yield from questions(tmp_path_factory.mktemp("types"), LIMITS)


def ids() -> set[str]:
    """The types of DuckDB by its own count."""
    with closing(duckdb.connect()) as connection:
        return {kind.id for kind in connection.sql("FROM test_all_types()").types}


def test_the_list_holds_every_type_that_duckdb_names() -> None:
    with closing(duckdb.connect()) as connection:
        here = {connection.sql(f"SELECT {one.sql}").types[0].id for one in TYPES}
    assert ids() - here == set(), "add the new type"


@pytest.mark.parametrize(("more", "parameters"), [("", {}), (" WHERE $none IS NULL", {"none": None})])
def test_every_type_leaves_the_child_as_it_is_told(
    asked: Questions, more: str, parameters: dict[str, None]
) -> None:
    table = asked.ask(select() + more, **parameters).table
    told = {one.name: str(column.type) for one, column in zip(TYPES, table.columns, strict=True)}
    assert told == {one.name: one.arrow for one in TYPES}
    assert [column.null_count for column in table.columns] == [1] * len(TYPES), "the second row is NULL"


def test_repeated_names_and_the_order_stay(asked: Questions) -> None:
    told = asked.ask(
        'SELECT i AS x, i::VARCHAR::BIT AS x, INTERVAL (i) DAY AS "a""b" FROM range(2) AS t (i) ORDER BY i DESC'
    ).table
    assert told.column_names == ["x", "x", 'a"b']
    assert told.column(0).to_pylist() == [1, 0]
    assert told.column(1).to_pylist() == ["1", "0"]
    assert told.column(2).to_pylist() == [{"months": 0, "days": day, "microseconds": 0} for day in (1, 0)]


@pytest.mark.parametrize("value", [f"{2**127 - 1}::HUGEINT", f"[{2**127 - 1}::HUGEINT]", "TIME '24:00:00'"])
def test_what_arrow_cannot_hold_is_refused_with_the_remedy(asked: Questions, value: str) -> None:
    with pytest.raises(SqlFailed, match="Cast it to VARCHAR"):
        asked.ask(f"SELECT {value}")
    assert asked.ask(f"SELECT ({value})::VARCHAR").table.num_rows == 1


def test_values_that_take_no_bytes_count_too(asked: Questions) -> None:
    columns = ", ".join(["NULL"] * 1_000)
    found = asked.ask(f"SELECT {columns} FROM range(1000)")  # noqa: S608 - the test's own
    assert found.truncated
    assert 0 < found.table.num_rows < 1_000
