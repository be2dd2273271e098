"""A log and a projector for tests of projections, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from adapters.postgres.policies import policies_for_view
from application.ports.codec import Cause
from application.ports.log import NewEvent
from application.queries import QUERIES, Page, Scope
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import new_id
from projections.runtime.facts import Projection
from projections.runtime.projector import Projector, ProjectorSettings
from tests.support.database import Database


def fresh() -> UUID:
    """A new id."""
    return new_id(datetime.now(UTC))


CAUSE = Cause(Actor(ActorKind.SYSTEM, UUID(int=1)), UUID(int=2), "Test", UUID(int=3))


@dataclass
class World:
    """Logs written to directly, in one transaction an append, and projections over them."""

    database: Database
    projections: Sequence[Projection]
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    live_batch: int = 1_000
    catch_up_batch: int = 5_000

    def __post_init__(self) -> None:
        self.codec = JsonCodec(self.keys)
        self.projector = Projector(self.settings())

    def settings(self) -> ProjectorSettings:
        return ProjectorSettings(
            self.database.projector,
            self.codec,
            self.projections,
            policies_for_view,
            self.live_batch,
            self.catch_up_batch,
        )

    def append(self, tenant_id: UUID, *events: tuple[str, Event]) -> int:
        """Write events to a tenant's log as the log's owner would; its new position."""
        return self.append_raw(tenant_id, self.codec.encode(tenant_id, events, CAUSE))

    def append_raw(self, tenant_id: UUID, events: Sequence[NewEvent]) -> int:
        with psycopg.connect(self.database.admin) as connection:
            connection.execute(
                "INSERT INTO log.heads VALUES (%s, 1, 0, now(), 1) ON CONFLICT DO NOTHING", (tenant_id,)
            )
            row = connection.execute(
                "SELECT position FROM log.heads WHERE tenant_id = %s FOR UPDATE", (tenant_id,)
            ).fetchone()
            assert row is not None
            position: int = row[0]
            for event in events:
                position += 1
                connection.execute(
                    "INSERT INTO log.events SELECT %s, %s, %s, coalesce(max(version), 0) + 1, %s, %s, %s, %s, "
                    "clock_timestamp() FROM log.events WHERE tenant_id = %s AND stream = %s",
                    (
                        tenant_id,
                        position,
                        event.stream,
                        event.name,
                        event.schema_version,
                        event.payload,
                        event.metadata,
                        tenant_id,
                        event.stream,
                    ),
                )
            connection.execute(
                "UPDATE log.heads SET position = %s, recorded_at = clock_timestamp() WHERE tenant_id = %s",
                (position, tenant_id),
            )
        return position

    def project(self) -> None:
        """Run the projector until nothing is behind."""
        with self.projector.connect() as connection:
            self.projector.refresh_soon()
            while self.projector.step(connection):
                self.projector.refresh_soon()

    async def ask(
        self, name: str, seen: Scope, cursor: str | None = None, limit: int = 100, /, **filters: Any
    ) -> Page[Any]:
        """What a query shows to somebody who sees so much, as the database's role for requests is shown it."""
        query = QUERIES[name]
        connection = await psycopg.AsyncConnection.connect(self.database.request, autocommit=True)
        paging = () if query.single else (cursor, limit)
        async with connection:
            return await query.run(connection, seen, query.params.model_validate(filters), *paging)

    def rows(self, projection: str, table: str, order: str = "1, 2") -> list[dict[str, Any]]:
        """The live rows of a table, of all tenants."""
        with psycopg.connect(self.database.admin) as connection:
            schema = connection.execute(
                "SELECT schema_name FROM ops.projection_versions WHERE name = %s AND state = 'live'",
                (projection,),
            ).fetchone()
            assert schema is not None
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
            text = f"SELECT * FROM {schema[0]}.{table} ORDER BY {order}"  # noqa: S608 - names of our own
            return cursor.execute(text.encode()).fetchall()
