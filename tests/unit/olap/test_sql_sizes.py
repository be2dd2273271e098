"""How much an answer counts: every value of it, in whichever nest and whichever part of a batch."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import duckdb
import pytest

from adapters.duckdb.sandbox.frames import least_size

SQL = """
SELECT i, NULL AS nothing, range(i) AS list, [range(i), NULL, []] AS lists, {'a': i, 'b': range(i)} AS struct,
    MAP {i: range(i)} AS map, [i, NULL]::INTEGER[2] AS array, CASE WHEN i % 2 = 0 THEN [i, i] END AS gaps
FROM range(7) AS made (i)
"""


def counted(value: Any) -> int:
    match value:
        case list():
            return 1 + sum(map(counted, value))
        case tuple():
            return sum(map(counted, value))
        case dict():
            return 1 + sum(map(counted, value.values()))
        case _:
            return 1


@pytest.mark.parametrize(("first", "rows"), [(0, 7), (0, 0), (2, 3), (6, 1), (3, 4)])
def test_every_value_counts_sixteen_bytes(first: int, rows: int) -> None:
    with closing(duckdb.connect()) as connection:
        (batch,) = connection.sql(SQL).to_arrow_table().to_batches()
    part = batch.slice(first, rows)
    values = sum(counted(value) for column in part.columns for value in column.to_pylist())
    assert least_size(part.columns) == 16 * values
