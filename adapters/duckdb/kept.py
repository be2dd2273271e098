"""Answers that are kept as long as they are true: until a table that they were made from changes for their tenant.

An answer is a function of the tenant's rows, the parameters and, in some reports, the day of the last event. The file's
`tracked` says when each table last changed, so nothing is ever asked twice to see whether it still holds. As of a
position in the past it holds as long as the epoch does. What is kept is of one file: a rebuild begins with nothing.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from adapters.duckdb.wire import Ticket, relabelled
from application.ports.analytics import Report
from application.ports.positions import Position
from projections.olap.query import definition
from projections.olap.touched import of_one_log, sources
from projections.olap.tracking import Tracked

_OVERHEAD: Final = 1_000
"""Bytes that an answer takes beside its columns, about."""


@dataclass(frozen=True, slots=True)
class _Answer:
    table: Any
    position: Position
    tables: frozenset[str]
    past: bool
    by_day: bool
    day: date | None

    def size(self) -> int:
        return int(self.table.nbytes) + _OVERHEAD

    def holds(self, tenant: Tracked) -> bool:
        """Whether the tenant's rows still give this. An answer may be newer than what is known of the tenant."""
        if self.position.epoch != tenant.epoch:
            return False
        if self.past or self.position.n >= tenant.position:
            return True
        if self.by_day and self.day != _day(tenant.recorded_at):
            return False
        return tenant.same_since(self.position, self.tables)


class KeptAnswers:
    """The answers of one file, the last used stay. May be used from any thread; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        """Nothing is kept yet; with a limit of 0 nothing ever is."""
        self._limit = limit
        self._answers: OrderedDict[tuple[str, ...], _Answer] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0
        self._found = 0
        self._asked = 0

    def find(self, ticket: Ticket, tenant: Tracked | None) -> Any:
        """The table of an answer that holds, labelled with the tenant's present position; or None."""
        key = _key(ticket)
        with self._lock:
            self._asked += 1
            answer = self._answers.get(key)
            if answer is None or tenant is None:
                return None
            if not answer.holds(tenant):
                self._drop(key)
                return None
            self._answers.move_to_end(key)
            self._found += 1
        if answer.position.n >= tenant.position:
            return answer.table
        return relabelled(answer.table, tenant.at, tenant.recorded_at)

    def keep(self, ticket: Ticket, report: Report, table: Any) -> None:
        """Keep an answer, if it follows from the tenant's log alone and there is room for it."""
        told = definition(ticket.report)
        if not of_one_log(told.rows, ticket.tenant_id):
            return
        answer = _Answer(
            table,
            report.position,
            sources(told.rows),
            # What emptied an answer about the past is looked for in what came after, too.
            past=ticket.params.get("at_position") is not None and bool(report.rows),
            by_day="$last_day" in told.rows,
            day=_day(report.as_of),
        )
        if answer.size() > self._limit // 4:
            return
        with self._lock:
            self._drop(_key(ticket))
            self._answers[_key(ticket)] = answer
            self._size += answer.size()
            while self._size > self._limit:
                self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[str, ...]) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._size -= answer.size()

    def figures(self) -> dict[str, float]:
        """How many are kept, their bytes, and how often one was asked for and found."""
        with self._lock:
            return {
                "kept_answers": float(len(self._answers)),
                "kept_bytes": float(self._size),
                "kept_asked_total": float(self._asked),
                "kept_found_total": float(self._found),
            }


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _key(ticket: Ticket) -> tuple[str, ...]:
    return ticket.report, str(ticket.tenant_id), json.dumps(ticket.params, sort_keys=True, default=str)
