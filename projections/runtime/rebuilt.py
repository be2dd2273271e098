"""Some views of one tenant as they were: the log's first events folded into tables that one session alone sees.

The handlers, the tables and the queries are those of the live views. The tables are temporary ones: no other session
sees them, nothing of them is in the write-ahead log, and they are gone with their session. Each takes in rows of the
one tenant alone, by a condition of its own.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
from psycopg.errors import InsufficientPrivilege

from application.ports.keys import KeysUnavailable
from application.ports.log import LogUnavailable
from application.ports.positions import Position
from application.queries import BeingRebuilt, ViewStopped
from projections.runtime.facts import facts_of
from projections.runtime.reading import TEMPORARY, RebuiltConnection, Then
from projections.runtime.recalling import Asked
from projections.runtime.rows import Rows
from projections.runtime.tables import TENANT
from projections.runtime.tracing import TracedRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.log import Recorded, TenantLog
    from projections.runtime.facts import Projection
    from projections.runtime.tracing import Touched

_FIRST: Final = 500
_LEAST: Final = 100
_MOST: Final = 50_000
_EVENTS: Final = 2_000
_BYTES: Final = 8_000_000
_NOT_OF_AN_EVENT: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
    KeysUnavailable,
)


class Rebuilt:
    """Views of one tenant in a session of their own, as of `position` of its log.

    `sound`: the tables are as of that position; else something broke off, and nobody knows what they hold.
    """

    def __init__(
        self,
        connection: RebuiltConnection,
        tenant_id: UUID,
        projections: Sequence[Projection],
        epoch: int,
        generation: int,
    ) -> None:
        """Begin before the first event. `generation`: of the key store, when the first value was opened."""
        self.connection = connection
        self.tenant_id = tenant_id
        self.projections = tuple(projections)
        self.epoch = epoch
        self.generation = generation
        self.position = 0
        self.sound = True
        self._window = _FIRST
        self._touched: Touched | None = None
        self._names = sorted({name for one in self.projections for name in one.handlers})

    async def begin(self) -> None:
        """Make the tables. Raises `LogUnavailable` where the database lets the session have none."""
        try:
            async with self.connection.transaction():
                for projection in self.projections:
                    for table in projection.tables.values():
                        for statement in table.ddl(TEMPORARY):
                            await self.connection.execute(statement.encode())
                        guard = (
                            f"ALTER TABLE {TEMPORARY}.{table.name} ADD CHECK ({TENANT} = '{self.tenant_id}')"
                        )
                        await self.connection.execute(guard.encode())
        except InsufficientPrivilege as error:
            raise LogUnavailable("the database grants no temporary tables; run the migrations") from error

    def show(self, moment: datetime | None, places: Sequence[tuple[Any, ...]] | None = None) -> None:
        """Let queries on the session see the tables, or the rows at `places` alone, by the clock of `moment`."""
        self.connection.then = Then(self.tenant_id, Position(self.epoch, self.position), moment, places)

    @asynccontextmanager
    async def aside(self, touched: Touched | None = None) -> AsyncIterator[None]:
        """What is taken in meanwhile is forgotten at the end. `touched`: where to note what events change."""
        position, window = self.position, self._window
        self._touched = touched
        try:
            async with self.connection.transaction(force_rollback=True):
                yield
        finally:
            self.position, self._window, self._touched = position, window, None

    async def forward(self, log: TenantLog, codec: EventCodec, to: int, until: float) -> None:
        """Take in the events up to the position `to`; nothing where it stands there already.

        Raises `BeingRebuilt` where the clock (`time.monotonic`) passes `until` before that: what was taken in stays.
        Raises `ViewStopped` where an event cannot be taken in.
        """
        while self.position < to:
            end = min(to, self.position + self._window)
            events = await log.read_named(self.tenant_id, self._names, after=self.position, up_to=end)
            self.sound = False  # whoever breaks off in between leaves it so
            await self._take_in(codec, events)
            self.position, self.sound = end, True
            self._pace(events)
            if self.position < to and monotonic() > until:
                raise BeingRebuilt(
                    f"What was then is being made anew from the log: {self.position} of {to} positions are done. Ask "
                    "again, and it goes on from there.",
                    done=self.position,
                    of=to,
                )

    async def _take_in(self, codec: EventCodec, events: Sequence[Recorded]) -> None:
        """Halves what cannot be taken in at once, as a projector does. Raises `ViewStopped` for one event alone."""
        try:
            await self._taken_in(codec, events)
        except _NOT_OF_AN_EVENT:
            raise
        except Exception as error:
            middle = len(events) // 2
            if not middle:
                raise ViewStopped from error
            await self._take_in(codec, events[:middle])
            await self._take_in(codec, events[middle:])

    async def _taken_in(self, codec: EventCodec, events: Sequence[Recorded]) -> None:
        changes = {
            one: (self._rows(one), [event for event in events if event.name in one.handlers])
            for one in self.projections
        }
        for projection, (rows, mine) in changes.items():
            if projection.recalls:
                await self._recall(projection, rows, mine)
        statements = await asyncio.to_thread(handled, codec, changes)
        async with self.connection.transaction():
            for text, values in statements:
                await self.connection.execute(text.encode(), [values])

    def _rows(self, projection: Projection) -> Rows:
        return Rows(projection) if self._touched is None else TracedRows(projection, self._touched)

    async def _recall(self, projection: Projection, rows: Rows, events: Sequence[Recorded]) -> None:
        rows.expect(events)
        for wanted in projection.recalls:
            asked = Asked.of(TEMPORARY, wanted, projection.tables[wanted.table], events)
            if asked is not None:
                cursor = await self.connection.execute(asked.text.encode(), [asked.keys])
                asked.tell(await cursor.fetchall(), rows)

    def _pace(self, events: Sequence[Recorded]) -> None:
        """As many positions at once as make a good batch of events that are handled."""
        size = sum(len(event.payload) + len(event.metadata) for event in events)
        load = max(len(events) / _EVENTS, size / _BYTES)
        if load < 1 / 2:
            self._window = min(_MOST, self._window * 2)
        elif load > 1:
            self._window = max(_LEAST, self._window // 2)


def handled(
    codec: EventCodec, changes: Mapping[Projection, tuple[Rows, Sequence[Recorded]]]
) -> list[tuple[str, str]]:
    """What the handlers make of the events: statements, each with its one parameter."""
    statements: list[tuple[str, str]] = []
    for projection, (rows, events) in changes.items():
        for fact in facts_of(events, codec, reveal=projection.reveals):
            rows.at(fact)
            projection.handlers[fact.recorded.name](fact, rows)
        statements += [(text, orjson.dumps(values).decode()) for text, values in rows.statements(TEMPORARY)]
    return statements
