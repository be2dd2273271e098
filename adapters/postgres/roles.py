"""The database roles the product runs as, their passwords, and the addresses made of both.

Every process connects as the least of these that does its work; none is owner or superuser. Passwords are
made here and kept in one file (0600) beside the data, apart from the database.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from adapters.postgres.place import write_private

OWNER = "penguinmails_owner"
"""Owns schemas and tables, cannot log in: migrations take it on, nothing else does."""


class Role(StrEnum):
    """The roles that log in. What each may do stands in `policies.MATRIX`."""

    APPENDER = "penguinmails_appender"
    LOADER = "penguinmails_loader"
    PROJECTOR = "penguinmails_projector"
    REQUEST = "penguinmails_request"
    NOTARY = "penguinmails_notary"
    MAINTENANCE = "penguinmails_maintenance"


class RolesUnusable(Exception):
    """The database has our roles but not with the passwords kept here, or may not be given them."""


class Passwords:
    """The roles' passwords, one JSON file readable by its owner alone."""

    def __init__(self, file: Path) -> None:
        """Read `file`, or make it with fresh passwords. Two processes that make it at once agree on one.

        Roles that came with a later version get theirs when it is first read.
        """
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make(file, {})
        self._of: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
        self.file = file
        if not self._of.keys() >= set(Role):
            with file.with_name(f"{file.name}.lock").open("a", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._of = json.loads(file.read_text(encoding="utf-8"))
                if not self._of.keys() >= set(Role):
                    self._of = self._make(file, self._of)

    @staticmethod
    def _make(file: Path, known: Mapping[str, str]) -> Mapping[str, str]:
        """Put a file with every role's password in place, whole; where nothing is known, the first one stands."""
        made = {name: secrets.token_urlsafe(24) for name in ("penguinmails_admin", *Role)} | dict(known)
        making = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        write_private(making, json.dumps(made, indent=1))
        if known:
            making.replace(file)
            return made
        try:
            os.link(making, file)  # fails, whole, when another process was first
        except FileExistsError:
            pass
        finally:
            making.unlink()
        return made

    def __getitem__(self, role: str) -> str:
        """The password of a role."""
        return self._of[role]


def address(server: str, role: Role, passwords: Passwords) -> str:
    """The address (libpq connection string) of the same database as `server`, for another role."""
    return make_conninfo(server, user=role.value, password=passwords[role])


def ensure_roles(connection: Connection, passwords: Passwords, *, reset: bool = False) -> None:
    """Make the roles that are missing, inside the caller's transaction.

    The connection's user must be superuser, or have CREATEROLE and own the database. An existing role keeps
    its password unless `reset`. Raises `RolesUnusable` where the user may not.
    """
    try:
        there = {
            name
            for (name,) in connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", ([OWNER, *Role],)
            )
        }
        plain = sql.SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
        if OWNER not in there:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(OWNER), plain))
        for role in Role:
            if role not in there:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN {}").format(sql.Identifier(role), plain))
            if reset or role not in there:
                # The verifier, not the password, so that no server log can show it.
                verifier = connection.pgconn.encrypt_password(
                    passwords[role].encode(), role.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
                )
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(OWNER)))
        grant_database(connection)
    except psycopg.errors.InsufficientPrivilege as refused:
        raise RolesUnusable(
            f"The user '{connection.info.user}' may not prepare the database: {refused.diag.message_primary}."
            " Use the database's owner with CREATEROLE for DATABASE_URL; see docs/deploy.md."
        ) from refused


def grant_database(connection: Connection) -> None:
    """Let the roles connect to this database, the owner and the projector make schemas in it.

    Requests make temporary tables: views as they were, which their session alone sees.
    """
    database = sql.Identifier(connection.info.dbname)
    rights = (("CONNECT", [OWNER, *Role]), ("CREATE", [OWNER, Role.PROJECTOR]), ("TEMPORARY", [Role.REQUEST]))
    for right, roles in rights:
        names = sql.SQL(", ").join(map(sql.Identifier, roles))
        connection.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), database, names))


def check_passwords(server: str, passwords: Passwords) -> None:
    """Log in once as each role. Raises `RolesUnusable` when one is refused."""
    for role in Role:
        try:
            psycopg.connect(address(server, role, passwords), connect_timeout=10).close()
        except psycopg.OperationalError as refused:
            if "password authentication failed" not in str(refused):
                raise
            raise RolesUnusable(
                f"The role '{role}' cannot log in with the password in {passwords.file}. It was made by "
                "another installation, or the file was lost: put that installation's file there, or migrate "
                "with --reset-passwords, which locks the other installation out."
            ) from refused
