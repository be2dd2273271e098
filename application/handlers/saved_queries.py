"""Commands on saved queries: they are changed and deleted by who may ask what they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.readable import must_read, needs_of_sql
from application.unit import handles
from domain.reporting.saved_query import ChangeQuery, DeleteQuery, RenameQuery, SavedQuery

if TYPE_CHECKING:
    from application.unit import Unit


@handles(RenameQuery)
@handles(ChangeQuery)
@handles(DeleteQuery)
async def change_query(command: RenameQuery | ChangeQuery | DeleteQuery, unit: Unit) -> None:
    """Change a query whose facts one may read, to one whose facts one may read."""
    state = await unit.load("saved_query", command.stamp.target)
    if isinstance(state, SavedQuery):
        must_read(needs_of_sql(state.sql), unit.principal_permissions)
    if isinstance(command, ChangeQuery):
        must_read(needs_of_sql(command.sql), unit.principal_permissions)
    unit.decide(command)
