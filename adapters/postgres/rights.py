"""The matrix of rights against what the database says of itself."""

import re
from collections.abc import Iterator

from psycopg import Connection, sql

from adapters.postgres.policies import (
    MATRIX,
    VIEW_SCHEMAS,
    WITHOUT_TENANT,
    Rights,
    listed,
    owner_of,
    row_of,
    table_statements,
)
from adapters.postgres.roles import OWNER, Role


def apply_policies(connection: Connection) -> list[str]:
    """Bring grants and policies of the migrated tables to the matrix; gives what differed.

    Runs as the tables' owner inside the caller's transaction. Touches, and so locks, nothing that agrees.
    """
    differing = differences(connection, views=False)
    for table in sorted({line.partition(":")[0] for line in differing} & MATRIX.keys()):
        schema, _, name = table.partition(".")
        strays = connection.execute(
            "SELECT policyname FROM pg_policies WHERE schemaname = %s AND tablename = %s", (schema, name)
        ).fetchall()
        for (policy,) in strays:
            connection.execute(
                sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), sql.Identifier(schema, name))
            )
        for statement in table_statements(schema, name, MATRIX[table]):
            connection.execute(statement)
    for schema in sorted({table.partition(".")[0] for table in MATRIX}):
        roles = {role for table, row in MATRIX.items() if table.startswith(f"{schema}.") for role in row}
        connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), listed(sorted(roles)))
        )
    return differing


def differences(connection: Connection, *, views: bool = True) -> list[str]:
    """Where the database departs from the matrix, one `schema.table: what` a line; empty when nowhere.

    `views`: look at the projections' schemas too.
    """
    schemas = ["log", "ops", "ledger", *([VIEW_SCHEMAS] if views else [])]
    found = _Found(connection, schemas)
    return [*found.roles(), *(line for table in found.tables() for line in found.table(table))]


class _Found:
    """What the catalogue says."""

    def __init__(self, connection: Connection, schemas: list[str]) -> None:
        self._connection = connection
        self._schemas = schemas

    def roles(self) -> Iterator[str]:
        rows = self._connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) "
            "AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication "
            "OR pg_has_role(oid, %s::regrole, 'MEMBER'))",
            (list(Role), OWNER),
        )
        for (role,) in rows:
            yield f"{role}: has powers beyond the matrix (superuser, bypassrls, create, or the owner's)"

    def tables(self) -> list[tuple[str, str, str, bool, bool, bool]]:
        return self._connection.execute(
            """
            SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
                   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                           AND NOT a.attisdropped)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND n.nspname LIKE ANY(%s)
            ORDER BY 1, 2
            """,
            (self._schemas,),
        ).fetchall()

    def table(self, told: tuple[str, str, str, bool, bool, bool]) -> Iterator[str]:
        schema, table, owner, enabled, forced, has_tenant = told
        name = f"{schema}.{table}"
        row = row_of(name)
        if row is None:
            yield f"{name}: stands in no row of the matrix"
            return
        if owner != owner_of(row):
            yield f"{name}: is owned by {owner}, not by {owner_of(row)}"
        guarded = name not in WITHOUT_TENANT
        if guarded != has_tenant:
            yield f"{name}: {'has no' if guarded else 'has a'} tenant_id, against the matrix"
        if guarded and not (enabled and forced):
            yield f"{name}: row level security is not enabled and forced"
        yield from _compared(name, "grant", _wanted_grants(row), self._grants(schema, table, owner))
        policies = set(_wanted_policies(row)) if guarded else set()
        yield from _compared(name, "policy", policies, self._policies(schema, table))

    def _grants(self, schema: str, table: str, owner: str) -> set[str]:
        rows = self._connection.execute(
            # By the catalogue, not by name as regclass: that takes USAGE, which not every role has on every schema.
            """
            WITH t AS (
                SELECT c.oid, c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = %(schema)s AND c.relname = %(table)s
            )
            SELECT COALESCE(r.rolname, 'PUBLIC') || ' ' || g.privilege_type || g.columns
            FROM (
                SELECT x.grantee, x.privilege_type, '' AS columns
                FROM t, aclexplode(t.relacl) x
                UNION ALL
                SELECT x.grantee, x.privilege_type,
                       ' (' || string_agg(a.attname, ', ' ORDER BY a.attname) || ')'
                FROM t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) x
                GROUP BY 1, 2
            ) g LEFT JOIN pg_roles r ON r.oid = g.grantee
            WHERE r.rolname IS DISTINCT FROM %(owner)s
            """,
            {"schema": schema, "table": table, "owner": owner},
        )
        return {line for (line,) in rows}

    def _policies(self, schema: str, table: str) -> set[str]:
        rows = self._connection.execute(
            "SELECT roles::text[], cmd, permissive, COALESCE(qual, with_check), COALESCE(with_check, qual) "
            "FROM pg_policies WHERE schemaname = %s AND tablename = %s",
            (schema, table),
        )
        return {
            f"{permissive} {', '.join(roles)} {action} {_plain(using)} {_plain(check)}"
            for roles, action, permissive, using, check in rows
        }


def _wanted_grants(row: Rights) -> set[str]:
    wanted = set()
    for role, cells in row.items():
        if role == owner_of(row):
            continue  # what an owner may do is no grant
        for action, right in cells.items():
            columns = "" if right.columns is None else f" ({', '.join(sorted(right.columns))})"
            wanted.add(f"{role} {action}{columns}")
    return wanted


def _wanted_policies(row: Rights) -> Iterator[str]:
    for role, cells in row.items():
        for action, right in cells.items():
            condition = _plain(right.rows.value)
            yield f"PERMISSIVE {role} {action} {condition} {condition}"


def _compared(name: str, kind: str, wanted: set[str], found: set[str]) -> Iterator[str]:
    for line in sorted(wanted - found):
        yield f"{name}: lacks the {kind} {line}"
    for line in sorted(found - wanted):
        yield f"{name}: has the {kind} {line}, which the matrix does not give"


def _plain(expression: str) -> str:
    """An expression less what Postgres adds when it prints one: brackets, spaces, casts of text, an alias."""
    return re.sub(r'::text|\bas\s+"nullif"|[()\s]', "", expression.lower())
