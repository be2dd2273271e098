"""How imports follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.imports.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

IMPORTS: Final = Projection("imports", version=3, tables=TABLES)

_COUNTED: Final = ("imported", "updated", "skipped", "rejected")
_UNDONE: Final = ("removed", "restored", "kept")


@IMPORTS.on("audience.import_registered")
def registered(event: Fact, rows: Rows) -> None:
    """A file was uploaded."""
    payload = event.payload
    told = (
        "import_id",
        "workspace_id",
        "kind",
        "uploaded_by",
        "file_name",
        "size",
        "sha256",
        "encoding",
        "delimiter",
    )
    rows.insert(
        "imports",
        {
            **{name: payload[name] for name in told},
            "status": "registered",
            **dict.fromkeys((*_COUNTED, "rows", *_UNDONE), 0),
            "files_destroyed": False,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@IMPORTS.on("audience.import_ready")
def ready(event: Fact, rows: Rows) -> None:
    """The file was looked into."""
    payload = event.payload
    told = ("import_id", "encoding", "delimiter", "columns")
    rows.update("imports", {"status": "ready", **{name: payload[name] for name in told}})


@IMPORTS.on("audience.import_started")
def started(event: Fact, rows: Rows) -> None:
    """It runs."""
    payload = event.payload
    told = ("import_id", "mapping", "list_id")
    rows.update("imports", {"status": "running", **{name: payload[name] for name in told}})


@IMPORTS.on("audience.import_chunk_applied")
def chunk_applied(event: Fact, rows: Rows) -> None:
    """Some rows were dealt with."""
    payload = event.payload
    counts = {name: payload[name] for name in _COUNTED}
    rows.add("imports", {"import_id": payload["import_id"]}, **counts, rows=sum(counts.values()))
    told = ("import_id", "chunk", "first_row", "last_row", "warnings", "problems")
    rows.insert("import_chunks", {name: payload[name] for name in told})


@IMPORTS.on("audience.import_paused", "audience.import_resumed")
def paused(event: Fact, rows: Rows) -> None:
    """It waits, or goes on."""
    payload = event.payload
    told = {name: payload.get(name) for name in ("problem", "remedy")}
    status = "paused" if event.name == "audience.import_paused" else "running"
    rows.update("imports", {"import_id": payload["import_id"], "status": status, **told})


@IMPORTS.on(
    "audience.import_completed",
    "audience.import_failed",
    "audience.import_cancelled",
    "audience.import_expired",
)
def ended(event: Fact, rows: Rows) -> None:
    """It does not run any more."""
    payload = event.payload
    rows.update(
        "imports",
        {
            "import_id": payload["import_id"],
            "status": event.name.removeprefix("audience.import_"),
            "problem": payload.get("problem"),
            "remedy": payload.get("remedy"),
            "files_until": payload["files_until"],
        },
    )


@IMPORTS.on("audience.import_rollback_requested")
def rollback_requested(event: Fact, rows: Rows) -> None:
    """It is being undone."""
    rows.update("imports", {"import_id": event.payload["import_id"], "status": "rolling_back"})


@IMPORTS.on("audience.import_rollback_chunk_applied")
def rollback_chunk_applied(event: Fact, rows: Rows) -> None:
    """Some contacts were put back."""
    payload = event.payload
    rows.add("imports", {"import_id": payload["import_id"]}, **{name: payload[name] for name in _UNDONE})


@IMPORTS.on("audience.import_rolled_back")
def rolled_back(event: Fact, rows: Rows) -> None:
    """It is undone."""
    rows.update("imports", {"import_id": event.payload["import_id"], "status": "rolled_back"})


@IMPORTS.on("audience.import_files_destroyed")
def files_destroyed(event: Fact, rows: Rows) -> None:
    """Its files cannot be read any more."""
    rows.update("imports", {"import_id": event.payload["import_id"], "files_destroyed": True})


@IMPORTS.on("audience.contact_created", "audience.contact_updated")
def contact_touched(event: Fact, rows: Rows) -> None:
    """An import made or changed a contact."""
    payload = event.payload
    if payload["import_id"] is not None:
        rows.insert(
            "import_contacts",
            {
                "import_id": payload["import_id"],
                "contact_id": payload["contact_id"],
                "version": event.version,
                "change": event.name.removeprefix("audience.contact_"),
            },
        )


@IMPORTS.on("audience.contact_erased")
def contact_erased(event: Fact, rows: Rows) -> None:
    """Nothing points at an erased person."""
    rows.delete_where("import_contacts", contact_id=event.payload["contact_id"])
