"""The database of an installation: the embedded one, or the one that DATABASE_URL names."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.postgres.binaries import OLDEST
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.revisions import HALF_RESTORED, heads, revisions
from api.ops.errors import CannotRun
from api.ops.folder import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.settings import Settings

_PATIENCE: Final = 10


class DatabaseUnusable(CannotRun):
    """The database that DATABASE_URL names cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the database is. `admin` is the address to migrate with; `place` is for people, without passwords."""

    admin: str
    version: str
    place: str
    embedded: EmbeddedPostgres | None


@contextmanager
def opened(settings: Settings, *, watch: bool = True) -> Iterator[Database]:
    """The database, running for as long as the block does.

    The embedded one is started, taken over or attached to, and kept running by this process when `watch` is set.
    Raises `DatabaseUnusable`, `FolderUnusable`, and the embedded server's own errors.
    """
    if settings.database_url is not None:
        yield _own(settings.database_url.get_secret_value())
        return
    with made(settings.root):
        embedded = EmbeddedPostgres(settings.root, bin_folder=settings.pg_bin, user=settings.pg_user)
    embedded.start(watch=watch)
    try:
        number = f"{embedded.binaries.version[0]}.{embedded.binaries.version[1]}"
        yield Database(embedded.admin_dsn, number, str(embedded.place.cluster), embedded)
    finally:
        embedded.stop()


def _own(url: str) -> Database:
    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE) as connection:
            version, info = connection.info.server_version, connection.info
            if version < OLDEST * 10_000:
                raise DatabaseUnusable(
                    f"The server of DATABASE_URL is Postgres {version // 10_000}; {OLDEST} or newer is needed. "
                    "Upgrade it, or leave DATABASE_URL out to use the embedded one."
                )
            place = f"{info.dbname} at {info.host or 'localhost'}:{info.port}"
            return Database(url, f"{version // 10_000}.{version % 10_000}", place, None)
    except psycopg.OperationalError as error:
        # The library's words may repeat the address with its password: the first line names host and cause alone.
        said = str(error).partition("\n")[0]
        raise DatabaseUnusable(f"The database of DATABASE_URL cannot be reached: {said}") from None
    except psycopg.ProgrammingError:
        raise DatabaseUnusable(
            "DATABASE_URL cannot be read. Write it as postgresql://user:password@host:5432/database."
        ) from None


class HalfRestored(CannotRun):
    """A restore of this database did not end. Run `penguinmails restore` again: it starts anew."""


class Schema(StrEnum):
    """How the database's schema stands to this version of the product."""

    CURRENT = "current"
    BEHIND = "behind"
    NEWER = "newer"


def schema_of(admin: str) -> Schema:
    """Whether the database at `admin` was migrated to this version. Raises `HalfRestored`, and psycopg's errors."""
    with psycopg.connect(admin, connect_timeout=_PATIENCE) as connection:
        made = connection.execute("SELECT to_regclass('migrations.applied') IS NOT NULL").fetchone()
        if made is None or not made[0]:
            return Schema.BEHIND
        applied = {
            revision for (revision,) in connection.execute("SELECT version_num FROM migrations.applied")
        }
    if HALF_RESTORED in applied:
        raise HalfRestored(HalfRestored.__doc__)
    if applied == heads():
        return Schema.CURRENT
    return Schema.BEHIND if applied <= set(revisions()) else Schema.NEWER
