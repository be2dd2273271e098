"""Real databases for tests: one server for the session, a copy of a migrated database for each test."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres.embedded import DATABASE, EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Passwords, Role, address, grant_database
from tests.support.needs import requires

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
needs_postgres_15 = requires(POSTGRES_15.is_dir(), "Postgres 15: apt-get install postgresql-15")

# Tests outlive no power cut, and the machine has other work for its memory.
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
}
MEMORY = Path("/dev/shm")  # noqa: S108 - whoever may write there: a folder with a name that nobody can guess is made
ROOM = 3 * 1024**3
"""Bytes. What three workers at once had there was seen to be a sixth of it."""


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of its own. All addresses are libpq connection strings."""

    name: str
    admin: str
    passwords: Passwords

    def dsn(self, role: Role) -> str:
        """The address for one of the product's roles."""
        return address(self.admin, role, self.passwords)

    @property
    def appender(self) -> str:
        """Writes to the log."""
        return self.dsn(Role.APPENDER)

    @property
    def loader(self) -> str:
        """Reads streams of any tenant."""
        return self.dsn(Role.LOADER)

    @property
    def projector(self) -> str:
        """Reads the log, owns the views."""
        return self.dsn(Role.PROJECTOR)

    @property
    def request(self) -> str:
        """Reads one tenant's rows at a time."""
        return self.dsn(Role.REQUEST)

    @property
    def maintenance(self) -> str:
        """Deletes closed tenants."""
        return self.dsn(Role.MAINTENANCE)


def _roomy() -> Path | None:
    """The file system in memory, if there is one with room for a whole run; None: where temporary files go."""
    there = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if there else None


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that every user may pass through (pytest's own are private to root, where root runs it).

    It is in memory where there is room: a database is hundreds of files, and a disk is ten times as long about them.
    """
    folder = Path(tempfile.mkdtemp(prefix="penguinmails-", dir=_roomy()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def migrated_server(bin_folder: Path | None) -> Iterator[EmbeddedPostgres]:
    """A server whose product database is migrated; it then serves as the template."""
    with (
        reachable_folder() as folder,
        EmbeddedPostgres(folder / "data", bin_folder=bin_folder, settings=QUICK) as server,
    ):
        migrate(server.admin_dsn, server.passwords)
        yield server


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[Database]:
    """A copy of the migrated database, dropped afterwards whoever is still connected."""
    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    made = Database(name, make_conninfo(server.admin_dsn, dbname=name), server.passwords)
    elsewhere = make_conninfo(server.admin_dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(DATABASE)
            )
        )
    with psycopg.connect(made.admin) as connection:
        grant_database(connection)  # a copy does not inherit who may connect
    try:
        yield made
    finally:
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def empty_database(server: EmbeddedPostgres) -> Iterator[Database]:
    """A database with nothing in it, dropped afterwards."""
    name = f"empty_{os.getpid()}_{secrets.token_hex(4)}"
    elsewhere = make_conninfo(server.admin_dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield Database(name, make_conninfo(server.admin_dsn, dbname=name), server.passwords)
    finally:
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The embedded server, of the version the product ships with."""
    with migrated_server(None) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[EmbeddedPostgres]:
    """The oldest version supported; mark tests that use it with `needs_postgres_15`."""
    with migrated_server(POSTGRES_15) as server:
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A migrated, empty database for one test."""
    with fresh_database(postgres) as made:
        yield made


@pytest.fixture(scope="module")
def module_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A migrated, empty database for the tests of one module, which must not trip over each other."""
    with fresh_database(postgres) as made:
        yield made


@pytest.fixture(params=["postgres", pytest.param("postgres_15", marks=needs_postgres_15)])
def any_server(request: pytest.FixtureRequest) -> EmbeddedPostgres:
    """The test runs once on each version of Postgres."""
    server: EmbeddedPostgres = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def any_database(any_server: EmbeddedPostgres) -> Iterator[Database]:
    """A migrated, empty database, once on each version of Postgres."""
    with fresh_database(any_server) as made:
        yield made
