"""Looking at imports. Which contacts one touched: contacts filtered by `import_id`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.audience.contact_import import ImportStatus
from domain.audience.intake import FileKind
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class ImportRow(Row):
    """An import. `rows` were dealt with so far: `imported + updated + skipped + rejected`.

    `kind`: contacts or suppressions. `removed`, `restored` and `kept` count contacts of a roll-back.
    """

    import_id: UUID
    workspace_id: UUID
    list_id: UUID | None
    kind: str
    status: str
    uploaded_by: UUID
    file_name: Profile[str]
    size: int
    sha256: str
    encoding: str | None
    delimiter: str | None
    rows: int
    imported: int
    updated: int
    skipped: int
    rejected: int
    problem: str | None
    remedy: str | None
    removed: int
    restored: int
    kept: int
    files_until: datetime | None
    files_destroyed: bool
    created_position: int
    updated_position: int
    created_at: datetime


class ImportDetail(ImportRow):
    """An import with its columns, its mapping, and how often each warning and problem came up, by code."""

    columns: dict[str, str] | None
    mapping: dict[str, Any] | None
    warnings: dict[str, int]
    problems: dict[str, int]


class ImportFilters(Params):
    """Which imports."""

    workspace_id: UUID | None = None
    kind: FileKind | None = None
    status: ImportStatus | None = None


_COUNTS = (
    "(SELECT coalesce(jsonb_object_agg(s.code, s.n), '{{{{}}}}') FROM (SELECT c.key AS code, sum(c.value::bigint) AS n "
    "FROM {{imports}}.import_chunks k CROSS JOIN LATERAL jsonb_each_text(k.{column}) c "
    "WHERE k.tenant_id = t.tenant_id AND k.import_id = t.import_id GROUP BY c.key) s)"
)
_COMPUTED = {column: _COUNTS.format(column=column) for column in ("warnings", "problems")}


@query(
    context="audience",
    path="imports",
    permission=Permission.CONTACTS_READ,
    params=ImportFilters,
    row=ImportRow,
    projections=("imports",),
)
async def imports(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ImportFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ImportRow]:
    """Imports, the newest first."""
    select = Select("audience.imports", "imports", "imports")
    select.within(scope)
    select.where("t.workspace_id = %(workspace_id)s", workspace_id=params.workspace_id)
    select.where("t.kind = %(kind)s", kind=params.kind)
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, ImportRow, select, params, cursor, limit)


@query(
    context="audience",
    path="imports/{id}",
    permission=Permission.CONTACTS_READ,
    params=ById,
    row=ImportDetail,
    projections=("imports",),
)
async def contact_import(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ImportDetail]:
    """One import."""
    select = Select("audience.contact_import", "imports", "imports", computed=_COMPUTED)
    select.within(scope)
    select.where("t.import_id = %(id)s", id=params.id)
    return await one(connection, scope, ImportDetail, select, params)
