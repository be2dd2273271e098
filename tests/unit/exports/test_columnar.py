"""Parquet and Arrow: types by unit, values exact, meanings beside them; the same types go over the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.duckdb.wire import read_report, report_table
from adapters.exports.columnar import arrow_bytes, parquet_bytes
from application.figures import Figures
from projections.olap.reports import REPORTS
from tests.support.figures import (
    AS_OF,
    COLUMNS,
    DANGEROUS,
    DIGEST,
    ROWS,
    UNICODE,
    figures,
    figures_of_all,
    report_of,
    texts,
)


def from_parquet(made: Figures) -> Any:
    return pq.read_table(pa.BufferReader(parquet_bytes(made)))


def from_arrow(made: Figures) -> Any:
    with pa.ipc.open_file(pa.BufferReader(arrow_bytes(made))) as file:
        return file.read_all()


Read = Callable[[Figures], Any]
both = pytest.mark.parametrize("read", [from_parquet, from_arrow])


@both
def test_values_and_types(read: Read) -> None:
    table = read(figures())
    assert table.column_names == [column.name for column in COLUMNS]
    assert [str(field.type) for field in table.schema] == [
        "date32[day]",
        "string",
        "string",
        "int64",
        "int64",
        *["double"] * 4,
    ]
    assert [tuple(row.values()) for row in table.to_pylist()] == list(ROWS)


@both
def test_meanings(read: Read) -> None:
    made = figures(since="2026-11-01")
    schema = read(made).schema
    about = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert about["position"] == report_of(made).position.token()
    assert about["definition_version"] == made.definition
    assert about["parameters"] == "dating=posting, from=2026-11-01"
    assert about["sha256"] == made.sha256()
    amount = {key.decode(): value.decode() for key, value in schema.field("amount").metadata.items()}
    assert (amount["unit"], amount["currency_column"]) == ("minor units", "currency")


@both
def test_what_figures_of_all_logs_are_made_from(read: Read) -> None:
    about = {key.decode(): value.decode() for key, value in read(figures_of_all()).schema.metadata.items()}
    assert (about["logs"], about["digest"], about["as_of"]) == ("12", DIGEST, AS_OF.isoformat())
    assert "position" not in about


@both
def test_empty_texts_and_many_rows(read: Read) -> None:
    empty = read(figures([], as_of=None))
    assert (empty.num_rows, empty.schema.field("day").type) == (0, pa.date32())
    told = read(texts(*DANGEROUS, *UNICODE))
    assert told.column("note").to_pylist() == [*DANGEROUS, *UNICODE]
    assert read(figures(ROWS * 2_000)).num_rows == 10_000


@pytest.mark.parametrize("encode", [parquet_bytes, arrow_bytes])
def test_equal_figures_give_equal_bytes(encode: Callable[[Figures], bytes]) -> None:
    assert encode(figures()) == encode(figures())


def test_a_fraction_of_a_second_comes_over_the_wire() -> None:
    definition = REPORTS["opt_outs"]
    values = {"day": None, "latency_seconds": 1.5, "latency_median": 0.25, "opt_outs": 2}
    row = tuple(values.get(column.name) for column in definition.info.columns)
    names = tuple(column.name for column in definition.info.columns)
    report = replace(report_of(figures()), columns=names, rows=(row,))
    assert read_report(report_table("opt_outs", report)).rows == (row,)
