"""How workspaces follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.workspaces.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

WORKSPACES: Final = Projection("workspaces", version=2, tables=TABLES, reveals=False)


@WORKSPACES.on("tenancy.workspace_created")
def created(event: Fact, rows: Rows) -> None:
    """A workspace is there."""
    rows.insert(
        "workspaces",
        {
            "workspace_id": event.payload["workspace_id"],
            "name": event.payload["workspace_name"],
            "country": event.payload["country"],
            "archived": False,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@WORKSPACES.on("tenancy.workspace_renamed")
def renamed(event: Fact, rows: Rows) -> None:
    """It took another name."""
    rows.update("workspaces", {"workspace_id": event.payload["workspace_id"], "name": event.payload["after"]})


@WORKSPACES.on("tenancy.workspace_archived")
def archived(event: Fact, rows: Rows) -> None:
    """It takes nothing new any more."""
    rows.update("workspaces", {"workspace_id": event.payload["workspace_id"], "archived": True})
