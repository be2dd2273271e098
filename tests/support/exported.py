"""Files that reports leave as, read back by others: what is in them as rows, and as one text."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import load_workbook


def rows_of(content: bytes, form: str) -> list[dict[str, Any]]:
    """The rows of a file, by column."""
    match form:
        case "csv":
            return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        case "xlsx":
            header, *rows = load_workbook(io.BytesIO(content))["facts"].iter_rows(values_only=True)
            read = (dict(zip(header, row, strict=True)) for row in rows)
            return [row for row in read if any(value is not None for value in row.values())]
        case _:
            found: list[dict[str, Any]] = _table(content, form).to_pylist()
            return found


def text_of(content: bytes, form: str) -> str:
    """Everything that is in a file, to be searched."""
    match form:
        case "csv":
            return content.decode("utf-8-sig")
        case "xlsx":
            file = zipfile.ZipFile(io.BytesIO(content))
            return "\n".join(file.read(name).decode() for name in file.namelist())
        case _:
            table = _table(content, form)
            return f"{table.to_pylist()} {table.schema.metadata}"


def _table(content: bytes, form: str) -> Any:
    if form == "parquet":
        return pq.read_table(pa.BufferReader(content))
    with pa.ipc.open_file(pa.BufferReader(content)) as file:
        return file.read_all()
