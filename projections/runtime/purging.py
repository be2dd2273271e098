"""Writing tables anew, so that what was deleted is gone from their files too.

A deleted row stays in its page until VACUUM, and its bytes in the page's free space after that; only a table that is
written anew (VACUUM FULL) leaves them nowhere. It locks the table for as long as it takes, about a second for 100 MB,
so that a large one is written anew once a day at most, for all erasures of that day. When that was, and when it was
last tried in vain, is kept as the table's comment: it goes where the table goes. Indexes are made anew with their
table. Statistics of columns that hold people's values are never collected (`tables.py`): Postgres would keep samples
of them in its catalogue.
"""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from application.ports.purging import NotPurgedYet, Reached, RequestsKept, UploadsLeft
from projections.runtime.builds import live_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from projections.runtime.facts import Projection
    from projections.runtime.tables import Table

log = logging.getLogger(__name__)

SMALL: Final = 64 * 1024 * 1024
"""Bytes of a table with its indexes that may be written anew at any time: well under a second."""
_ONCE_A_DAY: Final = timedelta(days=1)
PACE: Final = 5_000_000
"""Bytes a second of smaller tables, in the long run: so a table is locked a twentieth of the time at most, however many
are erased, and those who come meanwhile are served by one writing."""
_WORDS: Final = re.compile(r"^(?:written anew (?P<done>[^;]+))?(?:; )?(?:tried (?P<tried>.+))?$")
"""A table's comment: when it was written anew, and when that was begun last while somebody still saw old rows."""
_LEFT: Final = re.compile(r"^\D*(\d+)")
"""In whatever language the server speaks: the detail begins with how many dead rows cannot be removed yet."""
_LONGEST_IMPORT: Final = timedelta(days=1)


def holding(projections: Iterable[Projection]) -> dict[str, tuple[Table, ...]]:
    """The tables that hold values of addressees, by projection."""
    found = {
        projection.name: tuple(
            table
            for table in projection.tables.values()
            if table.personal and "addressee_id" in table.columns
        )
        for projection in projections
    }
    return {name: tables for name, tables in found.items() if tables}


class TablePurge:
    """Implements `Purge` on the builds of these projections."""

    def __init__(
        self,
        dsn: str,
        projections: Iterable[Projection],
        *,
        files_kept: timedelta,
        small: int = SMALL,
        pace: float = PACE,
    ) -> None:
        """`dsn` connects as the role that owns the views; `files_kept`: how long an import keeps its files."""
        self._dsn = dsn
        self._known = {projection.name for projection in projections}
        self._tables = holding(projections)
        self._files_kept = files_kept
        self._small = small
        self._pace = pace

    async def reached(self, tenant_id: UUID, position: int) -> Reached:
        """See `Purge.reached`."""
        return await asyncio.to_thread(self._reached, tenant_id, position)

    async def rewrite(self, since: datetime) -> Mapping[str, datetime]:
        """See `Purge.rewrite`."""
        return await asyncio.to_thread(self._rewrite, since)

    async def uploads_left(self, tenant_id: UUID, before: datetime) -> UploadsLeft:
        """See `Purge.uploads_left`. One that runs is given a day; one that waits may still be started."""
        return await asyncio.to_thread(self._uploads_left, tenant_id, before)

    async def requests_kept(self, tenant_id: UUID, addressee_id: UUID) -> RequestsKept:
        """See `Purge.requests_kept`."""
        return await asyncio.to_thread(self._requests_kept, tenant_id, addressee_id)

    def _reached(self, tenant_id: UUID, position: int) -> Reached:
        with self._connect() as connection:
            rows = connection.execute(_STANDING, {"tenant": tenant_id}).fetchall()
        positions: dict[str, int] = {}
        builds: dict[str, int] = {}
        for name, build, state, read, stopped in rows:
            if state != "live":
                if name in self._tables:
                    raise NotPurgedYet(f"build {build} of {name} is {state}")
                continue
            if name not in self._known:
                continue
            if read is None or read < position:
                why = "has stopped" if stopped else "has not read so far yet"
                raise NotPurgedYet(f"build {build} of {name} {why}")
            positions[name] = read
            if name in self._tables:
                builds[name] = build
        missing = self._known - positions.keys()
        if missing:
            raise NotPurgedYet(f"there is no view {min(missing)} yet")
        return Reached(positions, builds)

    def _rewrite(self, since: datetime) -> dict[str, datetime]:
        done: dict[str, datetime] = {}
        with self._connect() as connection:
            builds = connection.execute(
                "SELECT name, schema_name FROM ops.projection_versions "
                "WHERE name = ANY(%s) AND state = 'live' ORDER BY name",
                ([*self._tables],),
            ).fetchall()
            for name, schema in builds:
                for table in self._tables[name]:
                    done[f"{schema}.{table.name}"] = self._anew(connection, schema, table.name, since)
        return done

    def _anew(self, connection: Connection[Any], schema: str, table: str, since: datetime) -> datetime:
        where = f"{schema}.{table}"
        row = connection.execute(
            "SELECT obj_description(c.oid, 'pg_class'), pg_total_relation_size(c.oid) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
            (schema, table),
        ).fetchone()
        if row is None:
            raise NotPurgedYet(f"{where} is being replaced")
        done, tried = _last(row[0])
        if done is not None and done > since:
            return done
        last = tried or done
        began = _now(connection)
        pause = _ONCE_A_DAY if row[1] > self._small else timedelta(seconds=row[1] / self._pace)
        if last is not None and began - last < pause:
            raise NotPurgedYet(
                f"{where} has {row[1]} bytes, and was written anew, or tried, less than {pause} ago"
            )
        name, left = sql.Identifier(schema, table), list[int]()

        def hear(told: Diagnostic) -> None:
            found = _LEFT.search(told.message_detail or "")
            if found is not None:
                left.append(int(found[1]))

        connection.add_notice_handler(hear)
        try:
            connection.execute("SET lock_timeout = '500ms'")
            connection.execute(sql.SQL("VACUUM (FULL, VERBOSE) {}").format(name))
        except psycopg.errors.LockNotAvailable:
            raise NotPurgedYet(f"{where} is being read") from None
        finally:
            connection.remove_notice_handler(hear)
        in_vain = not left or any(left)
        words = _words(done, began) if in_vain else _words(began, None)
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(words)))
        if in_vain:
            raise NotPurgedYet(f"somebody still looks at old rows of {where}")
        return began

    def _uploads_left(self, tenant_id: UUID, before: datetime) -> UploadsLeft:
        with self._connect() as connection:
            live = live_schema(connection, "imports")
            if live is None:
                raise NotPurgedYet("there is no view imports yet")
            row = connection.execute(
                sql.SQL(
                    "SELECT count(*), max(coalesce(files_until, greatest(created_at, now()) + %(kept)s * 2)) "
                    "FROM {} WHERE tenant_id = %(tenant)s AND created_at < %(before)s AND NOT files_destroyed"
                ).format(sql.Identifier(live[1], "imports")),
                {
                    "kept": self._files_kept + _LONGEST_IMPORT,
                    "tenant": tenant_id,
                    "before": before,
                },
            ).fetchone()
        return UploadsLeft(0, None) if row is None else UploadsLeft(*row)

    def _requests_kept(self, tenant_id: UUID, addressee_id: UUID) -> RequestsKept:
        with self._connect() as connection:
            live = live_schema(connection, "subject_requests")
            if live is None:
                raise NotPurgedYet("there is no view subject_requests yet")
            row = connection.execute(
                sql.SQL(
                    "SELECT count(*), CASE WHEN bool_and(details_until IS NOT NULL) THEN max(details_until) END "
                    "FROM {} WHERE tenant_id = %s AND addressee_id = %s AND details_destroyed IS NOT TRUE"
                ).format(sql.Identifier(live[1], "subject_requests")),
                (tenant_id, addressee_id),
            ).fetchone()
        return RequestsKept(0, None) if row is None else RequestsKept(*row)

    def _connect(self) -> Connection[Any]:
        return psycopg.connect(
            self._dsn,
            autocommit=True,
            application_name="purge",
            options="-c timezone=UTC",
            connect_timeout=10,
        )


def _now(connection: Connection[Any]) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    return row[0].astimezone(UTC) if row else datetime.now(UTC)


def _last(comment: str | None) -> tuple[datetime | None, datetime | None]:
    """When a table was written anew, and when that was tried in vain since, as its comment says."""
    found = _WORDS.match(comment or "")
    if found is None:
        return None, None
    done, tried = (datetime.fromisoformat(one) if one else None for one in found.group("done", "tried"))
    return done, tried


def _words(done: datetime | None, tried: datetime | None) -> str:
    told = (("written anew", done), ("tried", tried))
    return "; ".join(f"{word} {at.isoformat()}" for word, at in told if at is not None)


_STANDING: Final = """
    SELECT v.name, v.build, v.state, CASE WHEN p.epoch = h.epoch THEN p.position END, p.state = 'poisoned'
    FROM ops.projection_versions v
    LEFT JOIN ops.projection_positions p ON p.projection = v.name AND p.build = v.build AND p.tenant_id = %(tenant)s
    LEFT JOIN log.heads h ON h.tenant_id = %(tenant)s
    ORDER BY v.name, v.build
"""
