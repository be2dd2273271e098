"""Looking at the packs that were sealed."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class BoardPackRow(Row):
    """A sealed pack. `log_position` and `as_of`: what it is made of. `sealed_by`: a member, a key, or a workflow.

    `currency`: the one that amounts are of alone, where one was named. `pdf` and `figures_file` are where its files
    are; `drift` is where it is told how far its figures have moved since.
    """

    pack_id: UUID
    definition: str
    definition_version: str
    period_from: date
    period_to: date
    log_position: str
    as_of: datetime | None
    pdf_sha256: str
    pdf_size: int
    figures_sha256: str
    figures: int
    needs: list[str]
    currency: str | None
    sealed_at: datetime
    sealed_by: UUID | None
    pdf: str
    figures_file: str
    drift: str
    created_position: int
    updated_position: int


class BoardPackFilters(Params):
    """Which packs: of a definition, and about a day that their period holds."""

    definition: str | None = None
    about: date | None = None


@query(
    context="packs",
    path="",
    permission=Permission.REPORTS_READ,
    params=BoardPackFilters,
    row=BoardPackRow,
    projections=("board_packs",),
)
async def sealed_packs(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: BoardPackFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[BoardPackRow]:
    """The sealed packs whose reports the caller may all read, the newest first."""
    select = Select("packs.sealed_packs", "board_packs", "board_packs")
    select.computed = {
        "pdf": "'/v1/packs/' || t.pack_id || '/pdf'",
        "figures_file": "'/v1/packs/' || t.pack_id || '/figures'",
        "drift": "'/v1/packs/' || t.pack_id",
    }
    select.where("t.definition = %(definition)s", definition=params.definition)
    select.where("%(about)s BETWEEN t.period_from AND t.period_to", about=params.about)
    held = None if scope.held is None else Jsonb(sorted(scope.held))
    select.where("t.needs <@ %(held)s", held=held)
    return await page(connection, scope, BoardPackRow, select, params, cursor, limit)
