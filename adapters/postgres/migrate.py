"""Bring a database to the schema of this version: roles, tables, rights, in one transaction or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from psycopg import Connection, sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from adapters.postgres.revisions import HALF_RESTORED
from adapters.postgres.rights import apply_policies
from adapters.postgres.roles import OWNER, Passwords, check_passwords, ensure_roles

_FOLDER = Path(__file__).parent / "migrations"
# Any number will do as long as it stays: two that migrate at once wait for each other on it.
_LOCK = 7_305_122_417

T = TypeVar("T")


def migrate(admin: str, passwords: Passwords, *, reset_passwords: bool = False) -> list[str]:
    """Migrate the database at `admin` (a libpq address); a second call changes nothing.

    Safe while others do the same and while the product runs. Gives what differed from the matrix of rights
    before. Raises `RolesUnusable` and psycopg's errors; the database is then as it was.
    """
    with _transaction(admin) as (transaction, connection):
        _take_on(connection, passwords, reset_passwords=reset_passwords)
        _upgrade(transaction)
        changed = apply_policies(connection)
    check_passwords(admin, passwords)
    return changed


def begin_restore(admin: str, passwords: Passwords, *, reset_passwords: bool = False) -> None:
    """Mark a database, an empty one, as half restored: whoever looks at its schema refuses it from then on.

    Raises `RolesUnusable` and psycopg's errors.
    """
    with psycopg.connect(admin) as connection:
        _take_on(connection, passwords, reset_passwords=reset_passwords)
        for statement in (
            "CREATE SCHEMA IF NOT EXISTS migrations",
            "CREATE TABLE IF NOT EXISTS migrations.applied (version_num text PRIMARY KEY)",
        ):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations.applied VALUES (%s) ON CONFLICT DO NOTHING", (HALF_RESTORED,)
        )
    check_passwords(admin, passwords)


def restore(
    admin: str,
    passwords: Passwords,
    revision: str,
    load: Callable[[Connection], None],
    then: Callable[[Connection], T],
) -> T:
    """End what `begin_restore` began, in one transaction: tables of `revision`, `load`, this version's, `then`, rights.

    Both are called as the tables' owner, whom no policy binds yet. Until all is done the database stays marked.
    """
    with _transaction(admin) as (transaction, connection):
        _take_on(connection, passwords)
        connection.execute("DROP TABLE migrations.applied")
        _upgrade(transaction, revision)
        load(connection)
        _upgrade(transaction)
        done = then(connection)
        apply_policies(connection)
    return done


def _take_on(connection: Connection, passwords: Passwords, *, reset_passwords: bool = False) -> None:
    """Become the owner of the tables, alone, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    ensure_roles(connection, passwords, reset=reset_passwords)
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))


def migrate_tables(admin: str) -> None:
    """The tables alone, without roles, policies or locks: for a distributed Postgres that has none of these.

    What guards tenants from each other there is the service itself and the tenant in every statement.
    """
    with _transaction(admin) as (transaction, _):
        _upgrade(transaction)


@contextmanager
def _transaction(address: str) -> Iterator[tuple[sqlalchemy.Connection, Connection]]:
    """One transaction on one connection, as alembic sees it and as psycopg does."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(address), poolclass=NullPool
    )
    with engine.begin() as transaction:
        driver = transaction.connection.driver_connection
        if not isinstance(driver, Connection):
            raise TypeError("the driver beneath alembic is not psycopg")
        yield transaction, driver


def _upgrade(transaction: sqlalchemy.Connection, revision: str = "head") -> None:
    transaction.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS migrations")
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = transaction
    command.upgrade(config, revision)
