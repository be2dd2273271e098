"""How far each tenant's log is in the facts: read, planned from, and set back after a restore."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import duckdb

from application.ports.analytics import TenantStanding
from application.ports.positions import Position
from projections.olap.derived import OF_TENANTS
from projections.olap.source import LogHead, Range
from projections.olap.sql import FINGERPRINT, tables

State = Literal["reading", "live", "poisoned"]


@dataclass(frozen=True, slots=True)
class Tracked:
    """How far a tenant's log is in the facts; `error` says why a poisoned one stopped.

    `recorded_at` is when the last event was, in UTC without a zone. `changed`: by table, the position of the last batch
    that may have changed the tenant's rows of it; of the others nothing is known from before `known_from`.
    """

    tenant_id: UUID
    tenant_key: int
    epoch: int
    position: int
    state: State
    error: str | None = None
    recorded_at: datetime | None = None
    known_from: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)

    def same_since(self, then: Position, tables: Collection[str]) -> bool:
        """Whether the tenant's rows of these tables are those that there were at an earlier position."""
        if then.epoch != self.epoch:
            return False
        return all(self.changed.get(table, self.known_from) <= then.n for table in tables)

    def after(self, earlier: Tracked | None, tables: Collection[str]) -> Tracked:
        """This, read after a batch that may have changed these tables; `earlier` is what was known before it."""
        if earlier is None or earlier.epoch != self.epoch:
            return self
        changed = {**earlier.changed, **dict.fromkeys(tables, self.position)}
        return replace(self, known_from=earlier.known_from, changed=changed)

    @property
    def at(self) -> Position:
        """The position with its epoch."""
        return Position(self.epoch, self.position)

    def reached(self, wanted: Position) -> bool:
        """Whether what `wanted` stands for is in the facts.

        A token of an earlier epoch is reached once this epoch's log was read to its head: what it names was either
        kept, and is in, or lost by the restore.
        """
        if self.epoch == wanted.epoch:
            return self.position >= wanted.n
        return self.epoch > wanted.epoch and self.state == "live"


def standing_of(tenant: Tracked | None) -> TenantStanding:
    """How far a tenant is, for those who ask from outside."""
    if tenant is None:
        return TenantStanding(Position(0, 0), stopped=False)
    return TenantStanding(tenant.at, stopped=tenant.state == "poisoned")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit, or roll back and let the error through."""
    con.execute("BEGIN")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        try:
            con.execute("ROLLBACK")
        except duckdb.TransactionException as ended:
            # A COMMIT that failed has ended the transaction itself.
            if "no transaction is active" not in str(ended):
                raise
        raise


def prepare(con: duckdb.DuckDBPyConnection) -> bool:
    """Make the tables of a new file; in an old one free the poisoned tenants, which a newer build may be able to read.

    False: the file was made by other models and must be rebuilt.
    """
    with transaction(con):
        made = con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta' AND NOT temporary"
        ).fetchone()
        if made == (0,):
            con.execute(tables())
        if con.execute("SELECT models FROM meta").fetchone() != (FINGERPRINT,):
            return False
        con.execute("UPDATE positions SET state = 'reading', error = NULL WHERE state = 'poisoned'")
    return True


def mark_complete(con: duckdb.DuckDBPyConnection) -> None:
    """Every log was read to its head: from now on the file may be shown."""
    con.execute("UPDATE meta SET complete = true WHERE NOT complete")


def is_complete(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether every log was read to its head once."""
    return con.execute("SELECT complete FROM meta").fetchone() == (True,)


def tracked(con: duckdb.DuckDBPyConnection, tenant_keys: Sequence[int] | None = None) -> dict[UUID, Tracked]:
    """The positions of these tenants, or of all."""
    rows = con.execute(
        """
        SELECT tenant_id, tenant_key, epoch, position, state, error, recorded_at, position FROM positions
        WHERE $keys::INTEGER[] IS NULL OR tenant_key IN (SELECT unnest($keys::INTEGER[]))
        """,
        {"keys": tenant_keys},
    ).fetchall()
    return {row[0]: Tracked(*row) for row in rows}


def plan(heads: Sequence[LogHead], known: Mapping[UUID, Tracked]) -> list[Range]:
    """What to read to bring every log to its head, those least behind first; new tenants get the next keys."""
    key = max((tenant.tenant_key for tenant in known.values()), default=0)
    ranges = []
    for head in sorted(heads, key=lambda head: (_lag(head, known), head.tenant_id)):
        tenant = known.get(head.tenant_id)
        if tenant is None:
            key += 1
            tenant = Tracked(head.tenant_id, key, head.position.epoch, 0, "reading")
        if tenant.state != "poisoned" and tenant.position < head.position.n:
            ranges.append(
                Range(
                    tenant_id=head.tenant_id,
                    tenant_key=tenant.tenant_key,
                    epoch=tenant.epoch,
                    after=tenant.position,
                    upto=head.position.n,
                    reaches_head=True,
                )
            )
    return ranges


def _lag(head: LogHead, known: Mapping[UUID, Tracked]) -> int:
    tenant = known.get(head.tenant_id)
    return head.position.n - (tenant.position if tenant else 0)


def enrol(con: duckdb.DuckDBPyConnection, tenants: Sequence[Tracked]) -> None:
    """Rows at position 0 for those of the tenants that have none."""
    if not tenants:
        return
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE enrolled AS
        SELECT
            unnest(?::INTEGER[]) AS tenant_key,
            unnest(?::UUID[]) AS tenant_id,
            unnest(?::INTEGER[]) AS epoch
        """,
        [
            [tenant.tenant_key for tenant in tenants],
            [str(tenant.tenant_id) for tenant in tenants],
            [tenant.epoch for tenant in tenants],
        ],
    )
    con.execute("""
        DELETE FROM enrolled WHERE tenant_key IN (SELECT tenant_key FROM positions);
        INSERT INTO dim_tenant SELECT tenant_key, tenant_id FROM enrolled;
        INSERT INTO positions SELECT tenant_id, tenant_key, epoch, 0, 'reading', NULL, NULL FROM enrolled;
    """)


def poison(con: duckdb.DuckDBPyConnection, tenant_key: int, error: str) -> None:
    """Stop a tenant; the others go on. It is tried again when the owner starts."""
    con.execute(
        "UPDATE positions SET state = 'poisoned', error = ? WHERE tenant_key = ?", [error, tenant_key]
    )


def restarted(
    con: duckdb.DuckDBPyConnection, heads: Sequence[LogHead], known: Mapping[UUID, Tracked]
) -> dict[UUID, Tracked]:
    """Begin anew with the logs that were restored, and stop those that went back without saying so.

    After a restore a log may have grown past what it lost before anybody looked, so no position of the old epoch can be
    trusted: all rows of the tenant go, and are read again. Returns the tenants that changed.
    """
    changed = {}
    for head in heads:
        tenant = known.get(head.tenant_id)
        if tenant is None or tenant.state == "poisoned":
            continue
        if tenant.epoch != head.position.epoch:
            with transaction(con):
                _forget(con, tenant.tenant_key, head.position.epoch)
            changed[head.tenant_id] = Tracked(
                tenant.tenant_id, tenant.tenant_key, head.position.epoch, 0, "reading"
            )
        elif tenant.position > head.position.n:
            reason = (
                f"the log ends at {head.position.n} and {tenant.position} events were read: it went back without "
                "a new epoch. Run `penguinmails restored`, then `penguinmails projections rebuild analytics`"
            )
            with transaction(con):
                poison(con, tenant.tenant_key, reason)
            changed[head.tenant_id] = replace(tenant, state="poisoned", error=reason)
    return changed


def _forget(con: duckdb.DuckDBPyConnection, tenant_key: int, epoch: int) -> None:
    for table in OF_TENANTS:
        con.execute(f"DELETE FROM {table} WHERE tenant_key = ?", [tenant_key])  # noqa: S608 - our own table names
    con.execute(
        "UPDATE positions SET epoch = ?, position = 0, state = 'reading', recorded_at = NULL WHERE tenant_key = ?",
        [epoch, tenant_key],
    )
