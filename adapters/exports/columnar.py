"""Parquet and Arrow: typed columns that say what they mean, for other tools of analysis.

Dates are dates; counts and minor units whole numbers of 64 bits; percentages, ratios, seconds and other numbers floats.
The schema's metadata holds what the figures are made from, each field's metadata its unit and meaning.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.columns import arrow_type
from adapters.exports.facts import facts_of
from application.figures import CURRENCY, Figures, Form, form_of
from application.ports.analytics import Column


def parquet_bytes(figures: Figures) -> bytes:
    """A Parquet file."""
    return parquet_of(table_of(figures))


def arrow_bytes(figures: Figures) -> bytes:
    """An Arrow file (the IPC format with its footer, which is also Feather's)."""
    return arrow_of(table_of(figures))


def parquet_of(table: Any) -> bytes:
    """A table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def arrow_of(table: Any) -> bytes:
    """A table as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def table_of(figures: Figures) -> Any:
    """The figures as an Arrow table."""
    columns = figures.info.columns
    currency = next((column.name for column in columns if column.unit == CURRENCY), None)
    schema = pa.schema(
        [pa.field(column.name, arrow_type(column), metadata=_about(column, currency)) for column in columns],
        metadata=dict(facts_of(figures)),
    )
    values = list(zip(*figures.report.rows, strict=True)) or [()] * len(columns)
    return pa.Table.from_arrays(
        [pa.array(value, type=field.type) for value, field in zip(values, schema, strict=True)], schema=schema
    )


def _about(column: Column, currency: str | None) -> dict[str, str]:
    told = {"kind": column.kind, "unit": column.unit, "about": column.about}
    return told | {"currency_column": currency} if currency and form_of(column) is Form.MONEY else told
