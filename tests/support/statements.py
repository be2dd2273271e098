"""What a log says to its database, statement by statement, and in which transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from uuid import UUID

import psycopg

from adapters.eventstore.arrays import UuidArray
from adapters.eventstore.wire import Rows, Statement, WireConnection


@dataclass
class Transaction:
    """The statements of one transaction and the ids that they named."""

    statements: list[str] = field(default_factory=list)
    ids: set[UUID] = field(default_factory=set)


class RecordingConnection(WireConnection):
    """Notes each statement before it is sent. A test subclasses it to have a list of its own."""

    transactions: ClassVar[list[Transaction]]
    _open: Transaction | None = None

    @classmethod
    def fresh(cls) -> type[Self]:
        """A class with an empty list."""
        return type("Recording", (cls,), {"transactions": []})

    async def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.AsyncCursor[Any]:
        """Note, then execute."""
        self._note(str(query), params or ())
        return await super().execute(query, params, **options)

    async def together(self, *statements: Statement) -> list[Rows]:
        """Note each, then send them."""
        for text, parameters in statements:
            self._note(text, parameters)
        return await super().together(*statements)

    def _note(self, text: str, parameters: Iterable[object]) -> None:
        if text == "BEGIN" or self._open is None:
            self._open = Transaction()
            self.transactions.append(self._open)
        self._open.statements.append(text)
        self._open.ids |= {one for parameter in parameters for one in ids_in(parameter)}
        if text in ("COMMIT", "ROLLBACK") or self._open.statements[0] != "BEGIN":
            self._open = None


def ids_in(parameter: object) -> set[UUID]:
    """The UUIDs that a parameter holds."""
    if isinstance(parameter, UUID):
        return {parameter}
    if isinstance(parameter, UuidArray):
        content = parameter.data[20:]
        return {UUID(bytes=content[at + 4 : at + 20]) for at in range(0, len(content), 20)}
    return set()
