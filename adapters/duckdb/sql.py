"""SQL of analysts over the wire: how its questions, answers and refusals travel, and the client that asks.

A ticket is JSON: {"sql": text, "tenant_id": uuid, "parameters": {...}, "min_position": token or null, "permissions":
[...], "call": hex}; the action `abandon` with the call ends it. The answer is an Arrow table whose schema metadata has
"position", "as_of", "tables" and "truncated".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from adapters.duckdb import wire
from adapters.duckdb.calling import OwnerCalls
from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import InvalidParameters
from application.ports.positions import MalformedPosition, Position
from application.ports.sql import REFUSALS, SqlAnswer, SqlQuestion
from application.principals import MissingPermission
from domain.kernel.errors import Refusal
from domain.kernel.permissions import Permission

ABANDON: Final = "abandon"
_REFUSALS: Final[Mapping[str, type[Refusal]]] = {**REFUSALS, MissingPermission.code: MissingPermission}
_MARGIN_SECONDS: Final = 10.0
_WAITING: Final = 4
"""Calls that may wait at the owner beside those that run there, so that it is the owner who says that it is busy."""


class FlightSql:
    """`SqlRunner` over Flight, on threads apart from those of reports."""

    def __init__(self, settings: OlapSettings) -> None:
        """Connect on first use."""
        limits = settings.sql
        seconds = settings.min_position_seconds + settings.report_seconds + 2 * limits.seconds
        self._owner = OwnerCalls(
            settings,
            seconds=seconds + limits.wait_seconds + _MARGIN_SECONDS,
            at_once=_WAITING * limits.at_once,
            read_error=read_error,
        )

    async def ask(self, question: SqlQuestion) -> SqlAnswer:
        """See `SqlRunner`. Where the task is cancelled, the owner ends what it does for it."""
        call = uuid4().hex
        try:
            return read_answer(await self._owner.get(ticket_of(question, call)))
        except asyncio.CancelledError:
            await self._owner.act(ABANDON, call.encode())
            raise

    async def close(self) -> None:
        """See `SqlRunner`."""
        await self._owner.close()


def ticket_of(question: SqlQuestion, call: str) -> bytes:
    """The bytes of a Flight ticket. `call`: by which it can be abandoned."""
    fields = {
        "sql": question.sql,
        "tenant_id": str(question.tenant_id),
        "parameters": dict(question.parameters),
        "min_position": question.min_position and question.min_position.token(),
        "permissions": sorted(question.permissions),
        "call": call,
    }
    return json.dumps(fields).encode()


def question_of(raw: bytes) -> tuple[SqlQuestion, str] | None:
    """The question on a ticket, and its call; None: it is a report's. Raises `InvalidParameters`."""
    try:
        fields = json.loads(raw)
        if "sql" not in fields:
            return None
        token = fields["min_position"]
        question = SqlQuestion(
            UUID(fields["tenant_id"]),
            str(fields["sql"]),
            dict(fields["parameters"]),
            None if token is None else Position.parse(token),
            frozenset(map(Permission, fields["permissions"])),
        )
        return question, str(fields["call"])
    except (ValueError, TypeError, KeyError, MalformedPosition) as error:
        raise InvalidParameters((("", "not a ticket; see adapters.duckdb.sql"),)) from error


def answer_table(answer: SqlAnswer) -> Any:
    """The table with what is told of it."""
    return answer.table.replace_schema_metadata(
        {
            "position": answer.position.token(),
            "as_of": answer.as_of.isoformat() if answer.as_of else "",
            "tables": ",".join(answer.tables),
            "truncated": "true" if answer.truncated else "false",
        }
    )


def read_answer(table: Any) -> SqlAnswer:
    """An answer out of its Arrow table."""
    about = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    return SqlAnswer(
        table.replace_schema_metadata(None),
        Position.parse(about["position"]),
        datetime.fromisoformat(about["as_of"]) if about["as_of"] else None,
        tuple(name for name in about["tables"].split(",") if name),
        truncated=about["truncated"] == "true",
    )


def refusal_json(refusal: Refusal) -> bytes:
    """A refusal as JSON, to travel in Flight's `extra_info`."""
    return json.dumps({"refused": refusal.code, "detail": refusal.detail, "extra": refusal.extra}).encode()


def read_error(raw: bytes) -> Exception:
    """A refusal, or an error of analytics, out of its JSON."""
    fields = json.loads(raw)
    if "refused" not in fields:
        return wire.read_error(raw)
    return _REFUSALS[fields["refused"]](fields["detail"], **fields["extra"])
