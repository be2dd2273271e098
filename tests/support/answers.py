"""Answers to SQL as files, without the process that makes them, and what is in those files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import load_workbook

from adapters.duckdb.sandbox.shapes import givable
from adapters.duckdb.settings import SqlLimits
from adapters.exports.answered import Answered
from adapters.exports.values import plain, rows_of
from application.ports.positions import Position
from application.ports.sql import SqlAnswer, SqlQuestion
from tests.support.figures import AS_OF
from tests.support.sql_types import SqlType

QUERY: Final = UUID(int=9)


def answered(sql: str, *, truncated: bool = False, empty: bool = False) -> Answered:
    """The answer of DuckDB to `sql`, as the child would give it."""
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = givable(connection.sql(sql)).to_arrow_table()
    table = table.slice(0, 0) if empty else table
    position = Position(1, 0 if empty else 42)
    found = SqlAnswer(table, position, None if empty else AS_OF, ("fact_event",), truncated)
    question = SqlQuestion(UUID(int=7), sql, {"since": "2026-01-01"})
    return Answered(found, question, f"member {UUID(int=8)}", SqlLimits(), QUERY)


def of_texts(texts: Sequence[str]) -> str:
    """SQL that answers with these texts, each in a row."""
    return "SELECT unnest([" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]) AS note"


def columns_of(content: bytes, form: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names and rows that another library reads in a Parquet or Arrow file, the values as JSON holds them."""
    table = opened(content, form)
    return table.column_names, [tuple(map(plain, row)) for row in rows_of(table)]


def opened(content: bytes, form: str) -> Any:
    """A Parquet or Arrow file as a table."""
    if form == "parquet":
        return pq.read_table(pa.BufferReader(content))
    with pa.ipc.open_file(pa.BufferReader(content)) as file:
        return file.read_all()


def lines_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    """The cells of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def sheet_of(content: bytes, name: str = "answer") -> Any:
    """A sheet of a workbook."""
    return load_workbook(io.BytesIO(content))[name]


def about_of(content: bytes) -> dict[str, str]:
    """What a workbook says of itself."""
    return dict(sheet_of(content, "about").iter_rows(max_col=2, values_only=True))


def cell_of(one: SqlType) -> Any:
    """What stands in a workbook's cell."""
    if one.sheet is not None:
        return one.sheet
    if isinstance(one.json, list | dict):
        return json.dumps(one.json, ensure_ascii=False)
    is_text = one.name in _TEXTS or not one.arrow.startswith(("date", "time"))
    return one.json if is_text else _as_cell(one.json)


_TEXTS: Final = ("early_date", "time_ns", "timestamp_ns", "timestamp_tz_ns")
"""A day before 1900, and what has nanoseconds."""


def _as_cell(told: Any) -> Any:
    """What a cell of a workbook holds of a moment, a day or a time that JSON tells: to the millisecond, in UTC."""
    for kind in (date, time, datetime):
        try:
            read = kind.fromisoformat(told)
        except ValueError:
            continue
        if isinstance(read, datetime):
            return read.replace(tzinfo=None, microsecond=read.microsecond // 1000 * 1000)
        if isinstance(read, time):
            return read.replace(microsecond=read.microsecond // 1000 * 1000)
        return datetime.combine(read, time())
    return told
