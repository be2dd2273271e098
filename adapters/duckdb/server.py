"""The owner's Flight service: reports by ticket, and a few actions."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
from pyarrow import flight

from adapters.duckdb import platform, wire
from adapters.duckdb import sql as sql_wire
from adapters.duckdb.kept import Found
from adapters.duckdb.renewals import Renewals
from adapters.duckdb.room import Room
from adapters.duckdb.sandbox.runner import Sandbox
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.turns import NoTurn, Turns
from application.ports.analytics import AnalyticsError, AnalyticsUnavailable, ReportTooLarge
from application.ports.positions import Position
from application.ports.sql import SqlQuestion, SqlTooSlow
from domain.kernel.errors import Refusal
from projections.olap.difference import run_difference
from projections.olap.extract import write_facts
from projections.olap.query import run_events_behind

ACTIONS: Final = (
    ("health", "lag, rates and errors, as JSON"),
    ("positions", "how far each tenant's facts are, as JSON"),
    ("standing", "how far the facts of the tenant in the body (its id) are, as JSON"),
    ("rebuild", "build the facts anew beside the present ones"),
    (sql_wire.ABANDON, "end what is done for the call of SQL in the body: nobody waits for it any more"),
    ("checkpoint", "fold the write-ahead log into the file"),
)


class _Find(Protocol):
    """Looks for an answer that may be given again; `again`: it was looked for before."""

    def __call__(self, *, again: bool = False) -> Found | None: ...


class _TokenRequired(flight.ServerMiddlewareFactory):  # type: ignore[misc]  # pyarrow ships no types
    """Refuses calls without the token."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    def start_call(self, info: Any, headers: dict[str, list[str]]) -> None:  # noqa: ARG002 - the interface's signature
        given = (headers.get("authorization") or [""])[0].encode()
        if not hmac.compare_digest(given, self._expected):
            raise flight.FlightUnauthenticatedError("give the token of the owner's settings")


class ReportServer(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow ships no types
    """Answers as long as the room is open. Each call runs on a thread of gRPC's."""

    def __init__(self, room: Room, settings: OlapSettings) -> None:
        """Listen at once."""
        self._room = room
        self._turns = Turns(
            quick=settings.threads, most=settings.concurrent_reports, patience=settings.report_seconds
        )
        self._renewals = Renewals(self._turns, settings.threads, settings.report_seconds)
        self._patience = settings.report_seconds
        self._sandbox = Sandbox(settings.folder / "sql", settings.sql)
        self._calls: dict[str, threading.Event] = {}
        middleware = {"token": _TokenRequired(settings.token)} if settings.token else None
        super().__init__(settings.location(), middleware=middleware)

    def do_get(self, context: Any, ticket: Any) -> Any:
        """A report, the events behind a cell of one, or what an analyst's SQL asks."""
        with _told():
            of_sql = sql_wire.question_of(ticket.ticket)
            if of_sql is not None:
                return flight.RecordBatchStream(self._of_sql(*of_sql, context))
            of_all = platform.question_of(ticket.ticket)
            if of_all is not None:
                return flight.RecordBatchStream(self._of_all(of_all))
            asked = wire.Ticket.decode(ticket.ticket)
            self._room.await_position(asked.tenant_id, asked.min_position)
            return flight.RecordBatchStream(self._of_one(asked))

    def _of_one(self, asked: wire.Ticket) -> Any:
        """What was answered before, if that still holds, or a new answer."""
        if not asked.of_report:
            with self._turn(*asked.names):
                return self._opened(asked)
        return self._found_or_made(
            asked.question,
            partial(self._room.kept, asked),
            partial(self._room.answer, asked),
            asked.names,
        )

    def _of_all(self, asked: platform.Question) -> Any:
        """As `_of_one`, about all customers."""
        return self._found_or_made(
            asked.encode(),
            partial(self._room.recent, asked),
            partial(self._room.answer_of_all, asked),
            ("platform", asked.platform, asked.report),
        )

    def _found_or_made(
        self,
        question: Hashable,
        find: _Find,
        make: Callable[[], Any],
        names: tuple[str, ...],
    ) -> Any:
        """An answer that may be given again, or a new one."""
        found = find()
        if found is None and self._renewals.joined(question):
            found = find(again=True)
        if found is not None:
            self._renewals.consider(question, found.left, make, names)
            return found.table
        with self._turn(*names):
            # Somebody may have asked the same while this one waited.
            again = find(again=True)
            return make() if again is None else again.table

    @contextmanager
    def _turn(self, *names: str) -> Iterator[None]:
        """Raises `AnalyticsUnavailable` when the turn does not come in time."""
        try:
            with self._turns.turn(*names):
                yield
        except NoTurn as error:
            raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error

    def _opened(self, asked: wire.Ticket) -> Any:
        """The events behind a cell, or the difference between two positions."""
        with self._room.reading() as cursor:
            if asked.between is not None:
                first, last = asked.between
                return wire.difference_table(
                    run_difference(
                        cursor,
                        asked.report,
                        asked.tenant_id,
                        asked.params,
                        first=first,
                        last=last,
                        after=asked.after,
                        limit=asked.limit,
                        seconds=2 * self._patience,
                    )
                )
            events = run_events_behind(
                cursor,
                asked.report,
                asked.tenant_id,
                asked.cell or {},
                asked.params,
                after=asked.after,
                limit=asked.limit,
            )
            return wire.events_table(events)

    def _of_sql(self, question: SqlQuestion, call: str, context: Any) -> Any:
        abandoned = self._calls.setdefault(call, threading.Event())

        def extract(tables: tuple[str, ...], folder: Path) -> tuple[Position, datetime | None]:
            try:
                with self._room.reading() as cursor:
                    return write_facts(cursor, question.tenant_id, tables, folder)
            except ReportTooLarge as error:
                raise SqlTooSlow from error

        def gone() -> bool:
            return abandoned.is_set() or bool(context.is_cancelled())

        try:
            self._room.await_position(question.tenant_id, question.min_position)
            return sql_wire.answer_table(self._sandbox.ask(question, extract, gone))
        finally:
            self._calls.pop(call, None)

    def end_queries(self) -> None:
        """End the children of the sandbox: whoever waits for one is told that analytics are unavailable."""
        self._sandbox.close()

    def tidy(self) -> None:
        """Leave nothing of queries behind, once the service has ended and the room was interrupted."""
        self._renewals.close()
        self._sandbox.remove()

    def do_action(self, context: Any, action: Any) -> list[bytes]:  # noqa: ARG002 - the interface's signature
        """One of `ACTIONS`."""
        with _told():
            match action.type:
                case "health":
                    return [wire.health_json(self._room.health())]
                case "positions":
                    return [wire.positions_json(self._room.positions())]
                case "standing":
                    return [
                        wire.standing_json(self._room.standing(wire.read_tenant(action.body.to_pybytes())))
                    ]
                case "rebuild":
                    return [b"begun" if self._room.rebuild() else b"under way"]
                case sql_wire.ABANDON:
                    call = self._calls.get(action.body.to_pybytes().decode())
                    if call is not None:
                        call.set()
                    return [b"done"]
                case "checkpoint":
                    self._room.checkpoint()
                    return [b"done"]
        raise flight.FlightServerError(f"no such action; there are {', '.join(name for name, _ in ACTIONS)}")

    def list_actions(self, context: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - the interface's signature
        """The actions there are."""
        return list(ACTIONS)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except AnalyticsError as error:
        raise flight.FlightServerError("analytics", extra_info=wire.error_json(error)) from error
    except Refusal as refusal:
        raise flight.FlightServerError("sql", extra_info=sql_wire.refusal_json(refusal)) from refusal
    except duckdb.Error as error:
        # Its own words repeat values, and whoever is told of it may write them down.
        raise flight.FlightServerError(f"duckdb: {type(error).__name__}") from None
