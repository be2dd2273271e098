"""One tenant's facts as Parquet files: what a query of an analyst sees, and all that it can see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import duckdb

from application.ports.positions import Position
from domain.kernel.permissions import Permission
from projections.olap.derived import OF_TENANTS
from projections.olap.law import RULE_BASIS, rule_basis
from projections.olap.query import extent
from projections.olap.sql import MODELS, quoted

TABLES: Final = (*OF_TENANTS, RULE_BASIS)
"""What an analyst's SQL may name."""

NEEDS: Final[Mapping[str, Permission]] = {
    model.name: model.permission for model in MODELS if model.name in OF_TENANTS
} | {RULE_BASIS: Permission.REPORTS_READ}
"""By table: the permission without which it is not to be named."""


def write_facts(
    con: duckdb.DuckDBPyConnection, tenant_id: UUID, tables: Iterable[str], folder: Path
) -> tuple[Position, datetime | None]:
    """Write `<table>.parquet` into `folder`, all of one snapshot, and say of which position it is."""
    con.execute("BEGIN")
    try:
        tenant = extent(con, tenant_id)
        for table in tables:
            path = quoted(str(folder / f"{table}.parquet"))
            con.execute(f"COPY ({_rows(table, tenant.tenant_key, TABLES)}) TO {path} (FORMAT parquet)")
    finally:
        con.execute("ROLLBACK")
    return tenant.position, tenant.as_of


def _rows(table: str, tenant_key: int, known: Collection[str]) -> str:
    if table not in known:
        raise ValueError("facts are extracted, and nothing else")
    if table == RULE_BASIS:
        return rule_basis()
    return f"SELECT * EXCLUDE (tenant_key) FROM main.{table} WHERE tenant_key = {tenant_key}"  # noqa: S608 - our own table names and a number
