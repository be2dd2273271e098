"""Every row of one tenant in the analytics file, while no owner has it open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from adapters.duckdb.files import Folder
from projections.olap.derived import OF_TENANTS

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

_KEYED: Final = (*OF_TENANTS, "positions", "dim_tenant")


def let_go(folder: Path) -> None:
    """Raises `AlreadyOwned` where a process has the file."""
    if folder.exists():
        Folder(folder).close()


def counted(folder: Path, tenant_id: UUID) -> dict[str, int]:
    """How many rows a tenant has by table, those without any left out. Raises `AlreadyOwned`."""
    return _each(folder, tenant_id, delete=False)


def deleted(folder: Path, tenant_id: UUID) -> dict[str, int]:
    """Delete them in one transaction, with what a rebuild that did not finish left; how many there were by table.

    Raises `AlreadyOwned`.
    """
    return _each(folder, tenant_id, delete=True)


def _each(folder: Path, tenant_id: UUID, *, delete: bool) -> dict[str, int]:
    if not folder.exists():
        return {}
    with Folder(folder) as owned:
        if delete:
            owned.tidy()
        if not owned.current.exists():
            return {}
        connection = duckdb.connect(
            str(owned.current), config={"autoinstall_known_extensions": "false", "threads": 1}
        )
        try:
            return _of(connection, tenant_id, delete=delete)
        finally:
            connection.close()


def _of(connection: duckdb.DuckDBPyConnection, tenant_id: UUID, *, delete: bool) -> dict[str, int]:
    there = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    keys = (
        connection.execute(
            "SELECT tenant_key FROM dim_tenant WHERE tenant_id = $1 "
            "UNION SELECT tenant_key FROM positions WHERE tenant_id = $1",
            [tenant_id],
        ).fetchall()
        if {"dim_tenant", "positions"} <= there
        else []
    )
    found: dict[str, int] = {}
    connection.execute("BEGIN")
    for (key,) in keys:
        for table in _KEYED:
            if table in there:
                row = connection.execute(
                    f"SELECT count(*) FROM {table} WHERE tenant_key = ?",  # noqa: S608 - our own table names
                    [key],
                ).fetchone()
                count = 0 if row is None else row[0]
                if count:
                    found[f"analytics.{table}"] = found.get(f"analytics.{table}", 0) + count
                if count and delete:
                    connection.execute(f"DELETE FROM {table} WHERE tenant_key = ?", [key])  # noqa: S608 - as above
    connection.execute("COMMIT")
    if delete:
        connection.execute("CHECKPOINT")
    return found
