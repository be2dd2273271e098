"""The matrix of rights is what the database enforces, on the oldest and the newest Postgres."""

from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.policies import MATRIX, VIEW, Action, policies_for_view
from adapters.postgres.rights import apply_policies, differences
from adapters.postgres.roles import OWNER, Role
from tests.support.database import Database

OURS = UUID(int=1)
THEIRS = UUID(int=2)
EVENT = """
    INSERT INTO log.events
        (tenant_id, position, stream, version, name, schema_version, payload, metadata, recorded_at)
    VALUES (%s, %s, 'tenant:1', %s, 'tenancy.tenant_registered', 1, '', '', now())
"""


def as_tenant(connection: psycopg.Connection, tenant: UUID) -> None:
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant),))


def with_events(database: Database) -> None:
    with psycopg.connect(database.appender) as connection:
        for tenant in (OURS, THEIRS):
            connection.execute(EVENT, (tenant, 1, 1))


def test_the_database_agrees_with_the_matrix(any_database: Database) -> None:
    with psycopg.connect(any_database.admin) as connection:
        assert differences(connection) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ("GRANT DELETE ON log.events TO penguinmails_appender", "has the grant penguinmails_appender DELETE"),
        ("GRANT SELECT (payload) ON log.events TO penguinmails_appender", "has the grant"),
        ("REVOKE SELECT ON log.heads FROM penguinmails_loader", "lacks the grant penguinmails_loader SELECT"),
        ("GRANT SELECT ON log.receipts TO PUBLIC", "has the grant PUBLIC SELECT"),
        ("ALTER TABLE log.heads NO FORCE ROW LEVEL SECURITY", "not enabled and forced"),
        ("ALTER TABLE log.heads DISABLE ROW LEVEL SECURITY", "not enabled and forced"),
        ("CREATE POLICY stray ON log.events USING (true)", "has the policy"),
        (
            "ALTER POLICY penguinmails_request_select ON log.events USING (true)",
            "has the policy PERMISSIVE penguinmails_request",
        ),
        ("ALTER TABLE log.receipts OWNER TO penguinmails_appender", "is owned by penguinmails_appender"),
    ],
)
def test_what_departs_is_found_and_put_right(any_database: Database, change: str, noticed: str) -> None:
    with psycopg.connect(any_database.admin) as connection:
        connection.execute(change)
        found = differences(connection)
        assert any(noticed in line for line in found), found
        if "OWNER" not in change:
            apply_policies(connection)
            assert differences(connection) == []


@pytest.mark.parametrize("table", ["log.secrets", "ops.secrets", "views_contacts_v1.secrets"])
def test_a_new_table_that_nobody_thought_of_is_found(database: Database, table: str) -> None:
    with psycopg.connect(database.admin) as connection:
        connection.execute("CREATE SCHEMA views_contacts_v1")
        connection.execute(
            sql.SQL("CREATE TABLE {} (tenant_id uuid)").format(sql.Identifier(*table.split(".")))
        )
        assert any(line.startswith(f"{table}: ") for line in differences(connection))


def test_powers_beyond_the_matrix_are_found(database: Database) -> None:
    with psycopg.connect(database.admin) as connection:
        connection.execute("ALTER ROLE penguinmails_request BYPASSRLS")
        connection.execute(sql.SQL("GRANT {} TO penguinmails_loader").format(sql.Identifier(OWNER)))
        found = differences(connection)
        assert {line.partition(":")[0] for line in found} == {"penguinmails_request", "penguinmails_loader"}
        connection.rollback()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("statement", ["UPDATE log.events SET version = 9", "TRUNCATE log.events"])
def test_no_role_rewrites_history(database: Database, role: Role, statement: str) -> None:
    with (
        psycopg.connect(database.dsn(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MAINTENANCE])
def test_only_maintenance_deletes_events(database: Database, role: Role) -> None:
    assert Action.DELETE in MATRIX["log.events"][Role.MAINTENANCE]
    with (
        psycopg.connect(database.dsn(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM log.events")


def test_the_appender_reads_keys_and_no_content(database: Database) -> None:
    with_events(database)
    with psycopg.connect(database.appender) as connection:
        assert connection.execute("SELECT max(version) FROM log.events").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT payload FROM log.events")


def test_a_request_sees_its_own_tenant_alone(database: Database) -> None:
    with_events(database)
    with psycopg.connect(database.request) as connection:
        as_tenant(connection, OURS)
        assert connection.execute("SELECT tenant_id FROM log.events").fetchall() == [(OURS,)]


def test_a_request_without_a_tenant_sees_nothing_also_after_one_that_had(database: Database) -> None:
    with_events(database)
    with psycopg.connect(database.request) as connection:
        assert connection.execute("SELECT count(*) FROM log.events").fetchone() == (0,)
        as_tenant(connection, OURS)
        connection.commit()
        assert connection.execute("SELECT current_setting('app.tenant_id', true)").fetchone() == ("",)
        assert connection.execute("SELECT count(*) FROM log.events").fetchone() == (0,)


def test_loader_and_projector_see_every_tenant(database: Database) -> None:
    with_events(database)
    for address in (database.loader, database.projector):
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT count(*) FROM log.events").fetchone() == (2,)


def test_the_tables_owner_sees_nothing(database: Database) -> None:
    with_events(database)
    with psycopg.connect(database.admin) as connection:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        assert connection.execute("SELECT count(*) FROM log.events").fetchone() == (0,)


def test_a_projections_tables_come_under_the_matrix(any_database: Database) -> None:
    with psycopg.connect(any_database.projector) as connection:
        connection.execute("CREATE SCHEMA views_contacts_v1")
        connection.execute("CREATE TABLE views_contacts_v1.contacts (tenant_id uuid, name text)")
        for statement in policies_for_view("views_contacts_v1", "contacts"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO views_contacts_v1.contacts VALUES (%s, 'a'), (%s, 'b')", (OURS, THEIRS)
        )
        assert differences(connection) == []
    with psycopg.connect(any_database.request) as connection:
        as_tenant(connection, OURS)
        assert connection.execute("SELECT name FROM views_contacts_v1.contacts").fetchall() == [("a",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM views_contacts_v1.contacts")
    assert VIEW[Role.REQUEST].keys() == {Action.SELECT}
