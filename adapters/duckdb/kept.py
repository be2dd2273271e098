"""Answers that are kept as long as they are true: until a table that they were made from changes for their tenant.

An answer is a function of the tenant's rows, the parameters and, in some reports, the day of the last event. The file's
`tracked` says when each table last changed, so nothing is ever asked twice to see whether it still holds. As of a
position in the past it holds as long as the epoch does. What is kept is of one file: a rebuild begins with nothing.

For some seconds an answer is given although it holds no more, unless a later position is asked for: it says of which
position and moment it is. So questions about logs that grow all along do not cost a new answer each. Each that is found
says how long it may still be given, so that a new one can be made before (`renewals`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from adapters.duckdb.wire import Ticket, relabelled
from application.ports.analytics import Report
from application.ports.positions import Position
from projections.olap.query import definition
from projections.olap.touched import of_one_log, sources
from projections.olap.tracking import Tracked

_OVERHEAD: Final = 1_000
"""Bytes that an answer takes beside its columns, about."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer's table, and for how many seconds more it may be given: `inf`, as long as it holds."""

    table: Any
    left: float = math.inf


@dataclass(frozen=True, slots=True)
class _Answer:
    table: Any
    position: Position
    tables: frozenset[str]
    of_position: bool
    past: bool
    of_one_log: bool
    by_day: bool
    day: date | None
    made: float

    def size(self) -> int:
        return int(self.table.nbytes) + _OVERHEAD

    def holds(self, tenant: Tracked) -> bool:
        """Whether the tenant's rows still give this. An answer may be newer than what is known of the tenant."""
        if self.position.epoch != tenant.epoch or not self.of_one_log:
            return False
        if self.past or self.position.n >= tenant.position:
            return True
        if self.by_day and self.day != _day(tenant.recorded_at):
            return False
        return tenant.same_since(self.position, self.tables)


class KeptAnswers:
    """The answers of one file, the last used stay. May be used from any thread.

    `limit` is in bytes; `recent`: for how many seconds an answer is given that holds no more.
    """

    def __init__(self, limit: int, recent: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is kept yet; with a limit of 0 nothing ever is."""
        self._limit = limit
        self._recent = recent
        self._clock = clock
        self._answers: OrderedDict[tuple[str, ...], _Answer] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0
        self._found = 0
        self._asked = 0

    def find(self, ticket: Ticket, tenant: Tracked | None, *, again: bool = False) -> Found | None:
        """An answer that holds, a recent one, or None.

        What holds is labelled with the tenant's present position, unless it was asked for as of one: that one stays.

        `again`: it was looked for before, and somebody else may have asked the same.
        """
        key = ticket.question
        with self._lock:
            self._asked += not again
            answer = self._answers.get(key)
            if answer is None or tenant is None:
                return None
            left = math.inf if answer.holds(tenant) else self._left(answer, ticket, tenant)
            if left < 0:
                self._drop(key)
                return None
            self._answers.move_to_end(key)
            self._found += 1
        if left < math.inf or answer.of_position or answer.position.n >= tenant.position:
            return Found(answer.table, left)
        return Found(relabelled(answer.table, tenant.at, tenant.recorded_at))

    def _left(self, answer: _Answer, ticket: Ticket, tenant: Tracked) -> float:
        """For how many seconds an answer may be given that holds no more: under its own position, if that will do."""
        wanted = ticket.min_position
        if answer.position.epoch != tenant.epoch or (wanted is not None and answer.position < wanted):
            return -math.inf
        return self._recent - (self._clock() - answer.made)

    def keep(self, ticket: Ticket, report: Report, table: Any) -> None:
        """Keep an answer, if there is room for it. One that does not follow from one log alone is recent at most."""
        told, of_position = definition(ticket.report), ticket.params.get("at_position") is not None
        answer = _Answer(
            table,
            report.position,
            sources(told.rows),
            of_position=of_position,
            # What emptied an answer about the past is looked for in what came after, too.
            past=of_position and bool(report.rows),
            of_one_log=of_one_log(told.rows, ticket.tenant_id),
            by_day="$last_day" in told.rows,
            day=_day(report.as_of),
            made=self._clock(),
        )
        if answer.size() > self._limit // 4:
            return
        with self._lock:
            self._drop(ticket.question)
            self._answers[ticket.question] = answer
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


class RecentAnswers:
    """Answers about all customers, kept as long as nothing is read of any log, and else for some seconds.

    Each says of which moment it is and where every log stood, so it is older than it might be, and never wrong. May be
    used from any thread; `limit` is in bytes.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is kept yet."""
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[Any, Mapping[UUID, Tracked], float]] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0
        self._found = 0
        self._asked = 0

    def find(self, question: bytes, tracked: Mapping[UUID, Tracked], *, again: bool = False) -> Found | None:
        """An answer that is young enough, or None. `tracked`: how far each tenant is now.

        `again`: as in `KeptAnswers.find`.
        """
        with self._lock:
            self._asked += not again
            if (kept := self._answers.get(question)) is None:
                return None
            table, then, made = kept
            left = math.inf if then is tracked else self._seconds - (self._clock() - made)
            if left < 0:
                self._drop(question)
                return None
            self._found += 1
            return Found(table, left)

    def keep(self, question: bytes, table: Any, tracked: Mapping[UUID, Tracked]) -> None:
        """Keep an answer. `tracked`: how far each tenant was before it was made."""
        if int(table.nbytes) + _OVERHEAD > self._limit // 4:
            return
        with self._lock:
            self._drop(question)
            self._answers[question] = table, tracked, self._clock()
            self._size += int(table.nbytes) + _OVERHEAD
            while self._size > self._limit:
                self._drop(next(iter(self._answers)))

    def _drop(self, question: bytes) -> None:
        if (kept := self._answers.pop(question, None)) is not None:
            self._size -= int(kept[0].nbytes) + _OVERHEAD

    def figures(self) -> dict[str, float]:
        """How often one was asked for and found."""
        with self._lock:
            return {"recent_asked_total": float(self._asked), "recent_found_total": float(self._found)}


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None
