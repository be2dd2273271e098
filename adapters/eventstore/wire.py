"""Statements sent together and answered together: one round trip, prepared once a connection, binary both ways.

psycopg's own pipeline makes a cursor, and finds the types of its parameters, anew at each statement: for the few
statements of a group of appends that was a fifth of all the work of a command. This takes libpq's pipeline as psycopg
hands it on (`psycopg.pq`, `psycopg.generators`), and psycopg's readers for what comes back.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    from adapters.eventstore.arrays import Packed

Rows: TypeAlias = "list[tuple[Any, ...]]"
Statement: TypeAlias = "tuple[str, Sequence[Packed]]"
"""A text with `%s` for each parameter, and the parameters."""

_PLACE: Final = re.compile("%s")
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class WireConnection(psycopg.AsyncConnection[Any]):
    """A connection in autocommit mode whose statements can also be sent together.

    Whoever uses `together` uses it for ROLLBACK too: after one of its own, psycopg drops whatever is prepared.
    """

    def __init__(self, pgconn: PGconn, *arguments: Any) -> None:
        """See `AsyncConnection`."""
        super().__init__(pgconn, *arguments)
        self._prepared_here: dict[str, bytes] = {}
        self._numbers = count()

    async def together(self, *statements: Statement) -> list[Rows]:
        """The rows of each statement, in order.

        Raises the `psycopg.Error` of the first that failed; the server then skipped those after it.
        """
        async with self.lock:
            results = await self.wait(self._exchange(statements))
        for result in results:
            if result.status not in _DONE:
                raise error_from_result(result)
        return [self._rows(result) for result in results]

    def _exchange(self, statements: Sequence[Statement]) -> PQGen[list[PGresult]]:
        """One result for each statement, and one before it for what had to be prepared and could not be."""
        server, known = self.pgconn, self._prepared_here
        server.enter_pipeline_mode()
        asked: list[str | None] = []
        for text, parameters in statements:
            if text not in known:
                known[text] = b"wire_%d" % next(self._numbers)
                server.send_prepare(known[text], _numbered(text), [one.array for one in parameters])
                asked.append(text)
            values = [one.data for one in parameters]
            formats = [Format.BINARY] * len(values)
            server.send_query_prepared(known[text], values, formats, Format.BINARY)
            asked.append(None)
        server.pipeline_sync()
        yield from generators.send(server)
        results: list[PGresult] = []
        for text_prepared in asked:
            result = (yield from generators.fetch_many(server))[-1]
            if text_prepared is None:
                results.append(result)
            elif result.status not in _DONE:
                del known[text_prepared]
                results.append(result)
        yield from generators.fetch_many(server)  # the end of the pipeline
        server.exit_pipeline_mode()
        return results

    def _rows(self, result: PGresult) -> Rows:
        if not result.ntuples:
            return []
        reader = Transformer(self)
        reader.set_pgresult(result, format=Format.BINARY)
        return reader.load_rows(0, result.ntuples, tuple)


def _numbered(text: str) -> bytes:
    """`%s` as `$1`, `$2` and so on."""
    numbers = count(1)
    return _PLACE.sub(lambda _: f"${next(numbers)}", text).encode()
