"""The child: reads one question, takes everything from itself, says which facts it needs, and answers from those.

Its parent believes nothing that it says. It is this Python running this module, with no environment and no open files
but its two pipes; it is never used twice. What goes over the pipes is told in `frames`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import duckdb
import pyarrow as pa

from adapters.duckdb.sandbox import confinement
from adapters.duckdb.sandbox.frames import ARROW, JSON, Hostile, frame, least_size, must_be_simple, read_frame
from adapters.duckdb.sandbox.rules import Refused, checked, line_and_column
from adapters.duckdb.sandbox.shapes import givable

_BATCH: Final = 2_048
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_NOWHERE: Final = -1
_LONGEST_LIFE: Final = 60.0
_TOO_SLOW: Final = (
    "sql-too-slow",
    "The query took longer than a query may. Narrow it, by days say, or sum less.",
)
_TOO_MUCH: Final = (
    "sql-too-much-memory",
    "The query took more memory than a query may. Narrow it, sum before you join, or take fewer columns.",
)
_TOO_LARGE: Final = ("sql-result-too-large", "A row alone is larger than an answer may be. Take less of it.")
_NO_VALUE: Final = (
    "sql-failed",
    "A number has more than 38 digits, or a time is 24:00:00, which cannot be given as such. Cast it to VARCHAR.",
)


def main() -> None:
    """Answer the one question."""
    # What a library prints must not get among the frames.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    confinement.end_in(_LONGEST_LIFE)
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    asked = _received(sys.stdin.buffer)
    os.nice(10)
    connection = connected(asked["memory_mb"])
    fences = confinement.confine(asked["uid"])
    shut(connection, asked["seconds"])
    confinement.limit(statm, memory=asked["address_space"], seconds=asked["seconds"])
    _tell(pipe, {"ready": fences})
    try:
        read = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [asked["sql"]]).fetchall()
        needed = checked(read[0][0], asked["facts"], asked["sql"])
        _tell(pipe, {"needs": needed})
        _received(sys.stdin.buffer)  # they are there
        confinement.end_in(asked["seconds"] + 1)
        for name in needed:
            _view(connection, name)
        _answer(connection, asked, pipe)
    except Refused as error:
        _tell(pipe, {"refused": error.code, "detail": error.detail, "told": error.told})
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        _tell(pipe, _failed(_with_place(connection, asked, error), asked["sql"]))
    except (duckdb.Error, pa.ArrowException, MemoryError) as error:
        _tell(pipe, _failed(error, asked["sql"]))


def connected(memory_mb: int) -> duckdb.DuckDBPyConnection:
    """DuckDB on the one thread that there is. It looks at the machine as it opens, which it could not later."""
    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "async_threads": 0,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": "",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "errors_as_json": "true",
        },
    )


def shut(connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
    """Leave nothing to be set. What may be read has to be told first: else our own files are shut too."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_directories = [{_quoted(str(Path.cwd()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute(f"SET max_execution_time = {int(seconds * 1000)}")
    connection.execute("SET lock_configuration = true")


def _view(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("facts have plain names")
    path = str(Path.cwd() / f"{name}.parquet")
    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({_quoted(path)})")  # noqa: S608 - a plain name and our own folder


def _answer(connection: duckdb.DuckDBPyConnection, asked: dict[str, Any], pipe: BinaryIO) -> None:
    """Send the rows as an Arrow stream, as far as the caps go, and how it ended."""
    most, left, rows, truncated = asked["rows"], asked["bytes"], 0, False
    relation = givable(connection.sql(asked["sql"], params=asked["parameters"] or None))
    reader = relation.to_arrow_reader(_BATCH)
    try:
        must_be_simple(reader.schema)
    except Hostile:
        raise Refused(
            "sql-invalid", "A column is of a type that cannot be given. Cast it, to VARCHAR say."
        ) from None
    sink = _Sink(pipe)
    with pa.ipc.new_stream(sink, reader.schema) as stream:
        for batch in reader:
            part = _fitting(batch.slice(0, most - rows), left)
            if part.num_rows == 0 < batch.num_rows and rows == 0:
                raise Refused(*_TOO_LARGE)
            _must_be_valid(part)
            stream.write_batch(part)
            rows += part.num_rows
            left -= _size(part)
            if part.num_rows < batch.num_rows:
                truncated = True
                break
    _tell(pipe, {"rows": rows, "truncated": truncated})


def _fitting(batch: Any, most: int) -> Any:
    """The first rows of a batch, as many as fit into so many bytes."""
    while batch.num_rows and _size(batch) > most:
        batch = batch.slice(0, batch.num_rows // 2)
    return batch


def _size(batch: Any) -> int:
    """What a batch counts of the bytes that an answer may have."""
    return max(int(batch.nbytes), least_size(batch.columns))


def _must_be_valid(batch: Any) -> None:
    """What DuckDB has and Arrow has not would be taken for an attack by the parent."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        raise Refused(*_NO_VALUE) from None


class _Sink:
    """What Arrow writes, in frames."""

    closed = False

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def write(self, content: Any) -> int:
        """One frame, or none for nothing."""
        if len(content):
            self._pipe.write(frame(ARROW, bytes(content)))
        return len(content)

    def flush(self) -> None:
        """See a file's."""
        self._pipe.flush()

    def close(self) -> None:
        """See a file's; the pipe stays open."""


def _with_place(connection: duckdb.DuckDBPyConnection, asked: dict[str, Any], error: Exception) -> Exception:
    """The same mistake with its place, which is told of statements alone; it is made before anything is run."""
    try:
        connection.execute(asked["sql"], asked["parameters"] or None)
    except (duckdb.BinderException, duckdb.CatalogException) as told:
        return told
    except duckdb.Error:
        return error
    return error


def _failed(error: Exception, sql: str) -> dict[str, Any]:
    """What went wrong, without a value of the facts or of the SQL: names and places alone."""
    try:
        told = json.loads(str(error).partition(": ")[2])
    except ValueError:
        told = {}
    at = told.get("position", _NOWHERE)
    place = line_and_column(sql, int(at) if str(at).isdigit() else _NOWHERE)
    where = f" at line {place['line']}, column {place['column']}" if place else ""
    match error:
        case duckdb.InterruptException():
            code, detail = _TOO_SLOW
        case duckdb.OutOfMemoryException() | MemoryError() | pa.ArrowMemoryError():
            code, detail = _TOO_MUCH
        case duckdb.BinderException() | duckdb.InvalidInputException() if "arameter" in str(error):
            code, detail = "sql-parameters", "The parameters are not those that the SQL names, as $name."
        case duckdb.BinderException() | duckdb.CatalogException() | duckdb.ParserException():
            code, detail = "sql-invalid", f"The SQL does not fit the tables{where}.{_reason(told)}"
        case duckdb.ConversionException() | duckdb.OutOfRangeException() | duckdb.InvalidInputException():
            code = "sql-failed"
            detail = f"A value does not fit what is done with it{where}. TRY_CAST and TRY give NULL instead."
        case _:
            code, detail = (
                "sql-failed",
                f"DuckDB could not carry the query out{where}. Say it in another way.",
            )
    return {"refused": code, "detail": detail, "told": place}


def _reason(told: dict[str, Any]) -> str:
    """What DuckDB says of names; of a few kinds of mistakes alone, since messages may repeat values."""
    match told.get("error_subtype"):
        case "COLUMN_NOT_FOUND":
            near = [one for one in str(told.get("candidates", "")).split(",") if one]
            meant = f" Did you mean {' or '.join(near[:3])}?" if near else ""
            return f" There is no such column.{meant}"
        case "NO_MATCHING_FUNCTION":
            return " A function does not take values of these types; cast them."
        case _:
            return ""


def _received(pipe: BinaryIO) -> dict[str, Any]:
    kind, content = read_frame(pipe)
    if kind != JSON:
        raise ValueError("a parent speaks JSON")
    received: dict[str, Any] = json.loads(content)
    return received


def _tell(pipe: BinaryIO, told: dict[str, Any]) -> None:
    pipe.write(frame(JSON, json.dumps(told).encode()))
    pipe.flush()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
