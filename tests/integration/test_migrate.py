"""Migrating: once, twice, by two at once, as superuser and as an ordinary owner."""

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres.embedded import DATABASE, EmbeddedPostgres
from adapters.postgres.migrate import migrate, migrate_tables
from adapters.postgres.policies import MATRIX
from adapters.postgres.revisions import VERSIONS, heads, revisions
from adapters.postgres.rights import differences
from adapters.postgres.roles import Passwords, Role, RolesUnusable, address
from tests.support.database import QUICK, Database, reachable_folder

TABLES = set(MATRIX)
DOCS = Path(__file__).parents[2] / "docs"


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('log', 'ops', 'ledger')"
        )
        return {name for (name,) in rows}


@pytest.fixture
def empty(any_server: EmbeddedPostgres) -> Iterator[str]:
    """The administrator's address of a database with nothing in it."""
    name = f"empty_{secrets.token_hex(4)}"
    elsewhere = make_conninfo(any_server.admin_dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_conninfo(any_server.admin_dsn, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_second_time_changes_nothing(any_database: Database) -> None:
    assert tables(any_database.admin) == TABLES
    assert migrate(any_database.admin, any_database.passwords) == []


def test_two_at_once_agree(empty: str, any_server: EmbeddedPostgres) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(empty, any_server.passwords), range(2)))
    assert tables(empty) == TABLES
    with psycopg.connect(empty) as connection:
        assert differences(connection) == []


def test_the_migrations_that_there_are_are_those_that_alembic_runs() -> None:
    script = ScriptDirectory(str(VERSIONS.parent))
    assert revisions() == {one.revision: one.down_revision for one in script.walk_revisions()}
    assert heads() == set(script.get_heads())


def test_a_failure_leaves_nothing_behind(empty: str, any_server: EmbeddedPostgres) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE SCHEMA ops")  # stands in the way of the second migration
    with pytest.raises(Exception, match='schema "ops" already exists'):
        migrate(empty, any_server.passwords)
    assert tables(empty) == set()


def steps_of(page: str) -> list[str]:
    """The SQL statements of a page of the docs."""
    blocks = re.findall(r"```sql\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return [statement for block in blocks for statement in block.split(";") if statement.strip()]


def test_an_owner_who_is_no_superuser_may_migrate_as_the_docs_say(any_server: EmbeddedPostgres) -> None:
    with (
        reachable_folder() as folder,
        EmbeddedPostgres(folder / "data", bin_folder=any_server.binaries.folder, settings=QUICK) as server,
    ):
        elsewhere = make_conninfo(server.admin_dsn, dbname="postgres")
        with psycopg.connect(elsewhere, autocommit=True) as administrator:
            administrator.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(DATABASE)))
            for statement in steps_of("deploy.md"):
                administrator.execute(statement)
        given = make_conninfo(server.admin_dsn, user="penguinmails_dba", password="choose one")
        migrate(given, server.passwords)
        assert migrate(given, server.passwords) == []
        assert tables(given) == TABLES
        with psycopg.connect(address(given, Role.PROJECTOR, server.passwords)) as projector:
            projector.execute("CREATE SCHEMA views_contacts_v1")
        with psycopg.connect(given) as owner:
            assert differences(owner) == []


def test_a_user_who_may_not_is_told_what_to_use(any_database: Database) -> None:
    with psycopg.connect(any_database.admin) as connection:
        connection.execute("DROP ROLE IF EXISTS nobody_much")
        connection.execute("CREATE ROLE nobody_much LOGIN PASSWORD 'x'")
    weak = make_conninfo(any_database.admin, user="nobody_much", password="x")
    try:
        with pytest.raises(
            RolesUnusable, match=r"'nobody_much' may not prepare the database.*docs/deploy\.md"
        ):
            migrate(weak, any_database.passwords)
    finally:
        with psycopg.connect(any_database.admin) as connection:
            connection.execute("DROP ROLE nobody_much")


def test_passwords_of_another_installation_are_refused_by_name(
    any_database: Database, tmp_path: Path
) -> None:
    strangers = Passwords(tmp_path / "secrets" / "postgres.json")
    with pytest.raises(RolesUnusable, match=r"cannot log in with the password in .*postgres\.json"):
        migrate(any_database.admin, strangers)


def test_passwords_can_be_reset(any_database: Database, tmp_path: Path) -> None:
    fresh = Passwords(tmp_path / "secrets" / "postgres.json")
    try:
        migrate(any_database.admin, fresh, reset_passwords=True)
        with psycopg.connect(address(any_database.admin, Role.LOADER, fresh)) as connection:
            assert connection.info.user == Role.LOADER
    finally:
        migrate(any_database.admin, any_database.passwords, reset_passwords=True)


def test_tables_alone_need_no_role_and_make_no_policy(empty: str) -> None:
    migrate_tables(empty)
    migrate_tables(empty)
    assert tables(empty) == TABLES
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM pg_policies").fetchone() == (0,)
        objects = connection.execute(
            "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), "
            "(SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname IN ('log', 'ops', 'ledger')), (SELECT count(*) FROM pg_sequences)"
        )
        assert objects.fetchone() == (0, 0, 0)
