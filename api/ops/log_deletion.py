"""The end of a tenant's log, wired for whoever maintains an installation: every store that has something of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.duckdb import forgetting
from adapters.folders.local import LocalFolders
from adapters.postgres.roles import Role
from adapters.postgres.tenant_rows import DatabaseRows
from application.log_end import LogEnd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from uuid import UUID

    from api.parts import Composition


@dataclass(frozen=True, slots=True)
class AllRows:
    """Implements `TenantRows`: the database, and the analytics file."""

    database: DatabaseRows
    analytics: Path

    def let_go(self) -> None:
        """See `TenantRows.let_go`. Raises `AlreadyOwned`."""
        forgetting.let_go(self.analytics)

    def counted(self, tenant_id: UUID) -> dict[str, int]:
        """See `TenantRows.counted`. Raises `AlreadyOwned`."""
        return {**forgetting.counted(self.analytics, tenant_id), **self.database.counted(tenant_id)}

    def deleted(self, tenant_id: UUID) -> dict[str, int]:
        """See `TenantRows.deleted`. Raises `AlreadyOwned`."""
        return {**forgetting.deleted(self.analytics, tenant_id), **self.database.deleted(tenant_id)}

    def heads(self, tenant_id: UUID) -> dict[str, tuple[int, int]]:
        """See `TenantRows.heads`."""
        return self.database.heads(tenant_id)

    def holds_over_people(self, tenant_id: UUID) -> Iterable[tuple[str, str, int, bytes]]:
        """See `TenantRows.holds_over_people`."""
        return self.database.holds_over_people(tenant_id)


def log_end(parts: Composition, server: str) -> LogEnd:
    """What ends logs of this installation, over the database at `server`."""
    settings = parts.settings
    rows = AllRows(DatabaseRows(settings.dsn(Role.MAINTENANCE, server)), settings.olap_folder)
    return LogEnd(
        commands=parts.commands,
        ledger=parts.ledger,
        keys=parts.keys,
        blobs=parts.blobs,
        delivered=LocalFolders(settings.deliveries_folder),
        rows=rows,
    )
