"""SQL that is asked over and over, parsed once: texts are long, and reading them is no small part of what they cost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb

_ROOM: Final = 2**20
"""Characters of SQL that stay parsed; a parsed one takes about 14 bytes for each."""


class Parsed:
    """Statements by their text, the last used stay. May be used from any thread."""

    def __init__(self, room: int) -> None:
        """Nothing is parsed yet; `room` is in characters of SQL."""
        self._room = room
        self._statements: OrderedDict[str, list[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0

    def of(self, con: duckdb.DuckDBPyConnection, text: str) -> list[Any]:
        """The statements of a text. Raises as DuckDB does for what is no SQL."""
        with self._lock:
            if found := self._statements.get(text):
                self._statements.move_to_end(text)
                return found
        statements = con.extract_statements(text)
        with self._lock:
            if text not in self._statements:
                self._statements[text] = statements
                self._size += len(text)
            while self._size > self._room:
                self._size -= len(self._statements.popitem(last=False)[0])
        return statements


_PARSED: Final = Parsed(_ROOM)


def run(
    con: duckdb.DuckDBPyConnection, text: str, values: Mapping[str, object] | Sequence[object] | None = None
) -> duckdb.DuckDBPyConnection:
    """Execute one or more statements; the answer is that of the last, which is given the values."""
    *before, last = _PARSED.of(con, text)
    for statement in before:
        con.execute(statement)
    return con.execute(last) if values is None else con.execute(last, values)
