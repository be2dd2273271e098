"""SQL of analysts: one SELECT over a tenant's own facts, and why one is not answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from application.ports.positions import Position
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import Permission

Scalar = str | int | float | bool | None
"""What a parameter may be."""

MOST_PARAMETERS: Final = 50
_SQL: Final = "/sql"


class SqlRefused(Refusal):
    """The SQL was looked at and not answered. It changes nothing, whatever it says; see the problem for the remedy."""

    code = "sql-refused"
    kind = RefusalKind.INVALID
    field = _SQL


class SqlSyntax(SqlRefused):
    """The SQL cannot be read; `line` and `column` say from where. DuckDB's grammar is the one that holds."""

    code = "sql-syntax"


class SqlNotOneSelect(SqlRefused):
    """One SELECT is asked at a time, and nothing else. Leave out what writes, sets, loads or attaches."""

    code = "sql-not-one-select"


class SqlUnknownTable(SqlRefused):
    """The SQL names a table that is not there. Name one that `GET /v1/sql/schema` lists; `suggestions` come near."""

    code = "sql-unknown-table"


class SqlFunctionNotAllowed(SqlRefused):
    """The SQL calls a function that does more than compute on values. Use those that `GET /v1/sql/schema` lists."""

    code = "sql-function-not-allowed"


class SqlNotAllowed(SqlRefused):
    """The SQL says what is not taken here. Ask one SELECT over the facts, by their plain names."""

    code = "sql-not-allowed"


class SqlInvalid(SqlRefused):
    """The SQL does not fit the tables and their columns. Look them up with `GET /v1/sql/schema`."""

    code = "sql-invalid"


class SqlParameters(SqlRefused):
    """Parameters are those that the SQL names, as `$name`, each with a value. Give all of them, and no other."""

    code = "sql-parameters"
    field = "/parameters"


class SqlFailed(SqlRefused):
    """A value does not fit what the SQL does with it. TRY_CAST and TRY give NULL instead of failing."""

    code = "sql-failed"


class SqlTooSlow(SqlRefused):
    """The query took longer than a query may. Narrow it, by days say, or sum less."""

    code = "sql-too-slow"


class SqlTooMuchMemory(SqlRefused):
    """The query took more memory than a query may. Narrow it, sum before you join, or take fewer columns."""

    code = "sql-too-much-memory"


class SqlResultTooLarge(SqlRefused):
    """One row alone is larger than an answer may be. Take less of it."""

    code = "sql-result-too-large"


class SqlStopped(SqlRefused):
    """The process that ran the query ended before it answered: it took too much. Narrow the query."""

    code = "sql-stopped"


class SqlSheetTooSmall(SqlRefused):
    """A sheet of a workbook holds 1,048,575 rows and 16,384 columns. Ask fewer, or another format."""

    code = "sql-sheet-too-small"
    field = "/format"


class SqlTooManyAtOnce(Refusal):
    """A tenant asks so many queries at once and no more. Wait until one of them is answered, then ask again."""

    code = "sql-too-many-at-once"
    kind = RefusalKind.LIMIT


REFUSALS: Final[Mapping[str, type[Refusal]]] = {
    cls.code: cls
    for cls in (
        SqlSyntax,
        SqlNotOneSelect,
        SqlUnknownTable,
        SqlFunctionNotAllowed,
        SqlNotAllowed,
        SqlInvalid,
        SqlParameters,
        SqlFailed,
        SqlTooSlow,
        SqlTooMuchMemory,
        SqlResultTooLarge,
        SqlStopped,
        SqlTooManyAtOnce,
    )
}
"""By code: what may be said across processes."""


@dataclass(frozen=True, slots=True)
class SqlQuestion:
    """A tenant's question. `parameters` are those that the SQL names as `$name`.

    `permissions`: what the asker holds in the whole tenant; a table that needs another is not read.
    """

    tenant_id: UUID
    sql: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    min_position: Position | None = None
    permissions: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """Rows as an Arrow table (`pyarrow.Table`), of the facts as they were at `position`.

    `tables`: the facts that the SQL names. `truncated`: there were more rows than an answer holds.
    """

    table: Any
    position: Position
    as_of: datetime | None
    tables: tuple[str, ...]
    truncated: bool


class SqlRunner(Protocol):
    """Answers SQL over one tenant's facts."""

    async def ask(self, question: SqlQuestion) -> SqlAnswer:
        """Answer it. Raises a `SqlRefused`, `MissingPermission`, `SqlTooManyAtOnce` or an `AnalyticsError`."""

    async def close(self) -> None:
        """Give connections back."""
