"""How keys follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.api_keys.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

API_KEYS: Final = Projection("api_keys", version=1, tables=TABLES, reveals=False)


@API_KEYS.on("tenancy.api_key_created")
def created(event: Fact, rows: Rows) -> None:
    """A key is there; its secret's HMAC stays in the log."""
    payload = event.payload
    rows.insert(
        "api_keys",
        {
            "api_key_id": payload["api_key_id"],
            "label": payload["label"],
            "role": payload["role"],
            "permissions": payload["permissions"],
            "workspaces": payload["workspaces"],
            "person_id": payload["member_id"] or payload["staff_id"],
            "expires_at": payload["expires_at"],
            "revoked": False,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@API_KEYS.on("tenancy.auditor_admitted")
def admitted(event: Fact, rows: Rows) -> None:
    """An outside auditor has a key; what it opens stands in the history."""
    told = {name: event.payload[name] for name in ("api_key_id", "label", "expires_at")}
    position = {"created_position": event.position, "created_at": event.recorded_at}
    rows.insert("api_keys", {**told, "role": "auditor", "revoked": False, **position})


@API_KEYS.on("tenancy.api_key_renamed")
def renamed(event: Fact, rows: Rows) -> None:
    """It has another label."""
    rows.update("api_keys", {"api_key_id": event.payload["api_key_id"], "label": event.payload["after"]})


@API_KEYS.on("tenancy.api_key_revoked")
def revoked(event: Fact, rows: Rows) -> None:
    """It stopped working."""
    rows.update("api_keys", {"api_key_id": event.payload["api_key_id"], "revoked": True})


@API_KEYS.on("tenancy.member_removed", "platform.staff_removed")
def person_gone(event: Fact, rows: Rows) -> None:
    """Keys that spoke for this person are dead."""
    person = event.payload["member_id"] if "member_id" in event.payload else event.payload["staff_id"]
    rows.upsert("people_gone", {"person_id": person})
