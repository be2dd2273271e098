"""How lists follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.lists.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

LISTS: Final = Projection("lists", version=1, tables=TABLES, reveals=False)


@LISTS.on("audience.list_created")
def created(event: Fact, rows: Rows) -> None:
    """A list is there, empty."""
    payload = event.payload
    rows.insert(
        "lists",
        {
            "list_id": payload["list_id"],
            "workspace_id": payload["workspace_id"],
            "name": payload["list_name"],
            "archived": False,
            "members": 0,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@LISTS.on("audience.list_renamed")
def renamed(event: Fact, rows: Rows) -> None:
    """It took another name."""
    rows.update("lists", {"list_id": event.payload["list_id"], "name": event.payload["after"]})


@LISTS.on("audience.list_archived")
def archived(event: Fact, rows: Rows) -> None:
    """It does not change any more."""
    rows.update("lists", {"list_id": event.payload["list_id"], "archived": True})


@LISTS.on("audience.list_members_added")
def members_added(event: Fact, rows: Rows) -> None:
    """Contacts came onto it."""
    for contact in event.payload["contact_ids"]:
        rows.insert("list_members", {"list_id": event.payload["list_id"], "contact_id": contact})


@LISTS.on("audience.list_members_removed")
def members_removed(event: Fact, rows: Rows) -> None:
    """Contacts left it."""
    for contact in event.payload["contact_ids"]:
        rows.delete("list_members", {"list_id": event.payload["list_id"], "contact_id": contact})


@LISTS.on("audience.contact_removed", "audience.contact_erased")
def contact_gone(event: Fact, rows: Rows) -> None:
    """A contact that is not there is on no list."""
    rows.delete_where("list_members", contact_id=event.payload["contact_id"])
