"""Who may touch which table, and which of its rows: the one matrix.

Grants and row level security are made from it, docs/rls-matrix.md is printed from it, and `rights` compares
it with what the database says of itself. A role has no right that does not stand here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from psycopg import sql

from adapters.postgres.roles import OWNER, Role


class Action(StrEnum):
    """What can be done to rows."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Rows(Enum):
    """Which rows a right reaches; TENANT: those of the tenant in the setting `app.tenant_id`, else none."""

    ALL = "true"
    # In a sub-select, so that it is worked out once a statement; nullif, because a setting that a past
    # transaction made reads as '' and not as null.
    TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"


@dataclass(frozen=True, slots=True)
class Right:
    """One cell of the matrix. `columns`: None for all of them (always so for INSERT and DELETE)."""

    rows: Rows
    columns: tuple[str, ...] | None = None


Rights = Mapping[Role, Mapping[Action, Right]]
"""One row of the matrix: what each role may do to one table."""
_ALL = Right(Rows.ALL)
_TENANT = Right(Rows.TENANT)
_READ_TENANT = {Action.SELECT: _TENANT}
_READ_ALL = {Action.SELECT: _ALL}
_CHANGE_ALL = dict.fromkeys(Action, _ALL)
_CLEAR = {Action.SELECT: _ALL, Action.DELETE: _ALL}
_ADD = {Action.SELECT: _ALL, Action.INSERT: _ALL}

_KEYS = Right(Rows.ALL, ("tenant_id", "stream", "version", "position", "recorded_at"))
_HEAD = Right(Rows.ALL, ("epoch", "position", "recorded_at", "auth_epoch"))
_SNAPSHOT = Right(Rows.ALL, ("version", "schema", "state"))
_APPEND = {Action.INSERT: _ALL, Action.SELECT: _KEYS}
_MOVE_HEAD = {Action.INSERT: _ALL, Action.SELECT: _ALL, Action.UPDATE: _HEAD}

MATRIX: dict[str, Rights] = {
    "log.events": {
        Role.APPENDER: _APPEND,
        Role.LOADER: _READ_ALL,
        Role.PROJECTOR: _READ_ALL,
        Role.NOTARY: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "log.heads": {
        Role.APPENDER: _MOVE_HEAD,
        Role.LOADER: _READ_ALL,
        Role.PROJECTOR: _READ_ALL,
        Role.NOTARY: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: {**_CLEAR, Action.UPDATE: _HEAD},
    },
    "log.receipts": {
        Role.APPENDER: {Action.INSERT: _ALL, Action.SELECT: _ALL},
        Role.LOADER: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "log.access_events": {
        Role.APPENDER: _APPEND,
        Role.LOADER: _READ_ALL,
        Role.PROJECTOR: _READ_ALL,
        Role.NOTARY: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "log.access_heads": {
        Role.APPENDER: _MOVE_HEAD,
        Role.LOADER: _READ_ALL,
        Role.PROJECTOR: _READ_ALL,
        Role.NOTARY: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: {**_CLEAR, Action.UPDATE: _HEAD},
    },
    "ledger.epochs": {
        Role.NOTARY: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: {**_CLEAR, Action.INSERT: _ALL},
    },
    "ledger.trees": {
        Role.NOTARY: {**_ADD, Action.UPDATE: _ALL},
        Role.PROJECTOR: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    # Made of the events, and so made anew where a restore cut the log.
    "ledger.tiles": {
        Role.NOTARY: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ledger.checkpoints": {
        Role.NOTARY: _ADD,
        Role.PROJECTOR: _ADD,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ledger.cosignatures": {
        Role.NOTARY: _ADD,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ledger.refusals": {
        Role.NOTARY: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ledger.keys": {
        Role.NOTARY: {**_ADD, Action.UPDATE: Right(Rows.ALL, ("signs_until",))},
        Role.REQUEST: _READ_ALL,
        Role.MAINTENANCE: _READ_ALL,
    },
    "ops.projection_versions": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.LOADER: _READ_ALL,
        Role.REQUEST: _READ_ALL,
        Role.MAINTENANCE: _READ_ALL,
    },
    "ops.projection_positions": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.LOADER: _READ_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.job_runs": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.webhook_runs": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.access_watches": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.rate_limits": {
        Role.APPENDER: _CHANGE_ALL,
        Role.REQUEST: _READ_TENANT,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.snapshots": {
        Role.APPENDER: {Action.INSERT: _ALL, Action.SELECT: _ALL, Action.UPDATE: _SNAPSHOT},
        Role.LOADER: _READ_ALL,
        Role.MAINTENANCE: _CLEAR,
    },
    "ops.tracking": {
        Role.PROJECTOR: _CHANGE_ALL,
        Role.MAINTENANCE: _CLEAR,
    },
}
WITHOUT_TENANT = frozenset({"ledger.keys", "ops.projection_versions", "ops.tracking"})
"""Tables whose rows are no tenant's: rights alone guard them."""

VIEW: Rights = {
    Role.PROJECTOR: _CHANGE_ALL,
    Role.REQUEST: _READ_TENANT,
    Role.MAINTENANCE: _CLEAR,
}
"""Every table of a projection, in schemas `views_<name>_v<version>` that the projector makes and owns."""
VIEW_SCHEMAS = "views\\_%"


def row_of(table: str) -> Rights | None:
    """The row of the matrix for `schema.table`; None for a table that is not ours."""
    return VIEW if table.startswith("views_") else MATRIX.get(table)


def policies_for_view(schema: str, *tables: str) -> list[sql.Composed]:
    """The statements that put tables of a new projection schema under the matrix; run them as its owner."""
    others = sorted(role for role in VIEW if role is not Role.PROJECTOR)
    statements = [
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), listed(others)),
    ]
    for table in tables:
        statements += table_statements(schema, table, VIEW)
    return statements


def owner_of(row: Rights) -> str:
    """Who owns the tables of a row: projections their own, the owner of the schema the rest."""
    return Role.PROJECTOR if row is VIEW else OWNER


def table_statements(schema: str, table: str, row: Rights) -> Iterator[sql.Composed]:
    """Take every right on one table away, then give those of its row in the matrix."""
    name = sql.Identifier(schema, table)
    others = [role for role in Role if role != owner_of(row)]
    yield sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}").format(name, listed(others))
    for role in others:
        for action, right in row.get(role, {}).items():
            columns = sql.Composed([])
            if right.columns is not None:
                columns = sql.SQL(" ({})").format(listed(right.columns))
            yield sql.SQL("GRANT {}{} ON {} TO {}").format(
                sql.SQL(action.value), columns, name, sql.Identifier(role)
            )
    if f"{schema}.{table}" in WITHOUT_TENANT:
        return
    yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY").format(name)
    for role in Role:
        for action in Action:
            policy = sql.Identifier(f"{role}_{action.lower()}")
            yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, name)
            if action in row.get(role, {}):
                yield sql.SQL("CREATE POLICY {} ON {} FOR {} TO {} ").format(
                    policy, name, sql.SQL(action.value), sql.Identifier(role)
                ) + sql.SQL(_CLAUSES[action].format(row[role][action].rows.value))


_CLAUSES = {
    Action.SELECT: "USING ({0})",
    Action.INSERT: "WITH CHECK ({0})",
    Action.UPDATE: "USING ({0}) WITH CHECK ({0})",
    Action.DELETE: "USING ({0})",
}


def listed(names: Iterable[str]) -> sql.Composed:
    """Roles or columns, as a statement lists them."""
    return sql.SQL(", ").join(map(sql.Identifier, names))
