"""An answer to SQL as it leaves, and what stands beside its rows in every file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.exports.values import plain, rows_of
from application.completeness import Completeness

if TYPE_CHECKING:
    from uuid import UUID

    from adapters.duckdb.settings import SqlLimits
    from application.completeness import Signed
    from application.ports.sql import SqlAnswer, SqlQuestion

_CUT: Final = "no: an answer holds no more rows than these, and there are more; narrow the question"
_VERIFY: Final = (
    'question is the SHA-256 of the SQL and its parameters, written as {"parameters":{...},"sql":"..."}; sha256 is '
    "that of the columns and rows as the JSON answer holds them, written as "
    '{"columns":[names],"rows":[[...],...]}. Both in UTF-8 without spaces, the names within { } in their order.'
)


@dataclass(frozen=True)
class Answered:
    """An answer: to which question, asked by whom and within which limits.

    `asked_by` is the kind and id of an actor, never a name. No file holds the SQL: people type addresses into it.
    """

    answer: SqlAnswer
    question: SqlQuestion
    asked_by: str
    limits: SqlLimits
    query_id: UUID | None = None
    checkpoint: Signed | None = None

    @property
    def completeness(self) -> Completeness:
        """What it is made from, and whether rows were cut off."""
        return completeness_of(self.answer, self.question.tenant_id, self.checkpoint)

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, as Python holds their values."""
        return rows_of(self.answer.table)

    @property
    def names(self) -> list[str]:
        """The names of the columns; they may be repeated."""
        found: list[str] = self.answer.table.column_names
        return found


def completeness_of(found: SqlAnswer, tenant_id: UUID, checkpoint: Signed | None) -> Completeness:
    """The certificate of an answer. What its SQL leaves out is the question itself, whose hash names it."""
    return Completeness(
        tenant_id, found.position, found.table.num_rows, checkpoint, whole=not found.truncated
    )


def answer_facts(made: Answered) -> list[tuple[str, str]]:
    """Names and texts, in the order in which a reader asks for them."""
    found, question = made.answer, made.question
    last = found.position.n
    return [
        ("question", _hash({"sql": question.sql, "parameters": dict(question.parameters)})),
        *([] if made.query_id is None else [("saved_query", str(made.query_id))]),
        ("tables", ", ".join(found.tables) or "none"),
        ("tenant", str(question.tenant_id)),
        ("asked_by", made.asked_by),
        ("as_of", "" if found.as_of is None else found.as_of.isoformat()),
        ("position", found.position.token()),
        ("positions", f"1 to {last}" if last else "none: nothing has happened yet"),
        ("time_zone", "UTC"),
        ("limits", _limits(made.limits)),
        ("rows", str(found.table.num_rows)),
        ("complete", _CUT if found.truncated else "yes: every row that the question asks for"),
        *made.completeness.facts(),
        ("sha256", _hash({"columns": made.names, "rows": [list(map(plain, row)) for row in made.rows]})),
        ("verify", _VERIFY),
    ]


def _limits(limits: SqlLimits) -> str:
    return (
        f"{limits.rows:,} rows and {limits.megabytes} MB of an answer, {limits.seconds:g} seconds, "
        f"{limits.memory_mb} MB of memory"
    )


def _hash(content: object) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
