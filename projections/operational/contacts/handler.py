"""How contacts follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.audience.email import match_form
from domain.kernel.personal import ERASED, is_hidden
from projections.operational.contacts.schema import FOLDED, TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

CONTACTS: Final = Projection("contacts", version=4, tables=TABLES)
_PERSONAL: Final = ("first_name", "last_name", "company", "title", "phone", "attributes")
_FOLDED: Final = {name: f"folded_{name}" for name in FOLDED}


@CONTACTS.on("audience.contact_created")
def created(event: Fact, rows: Rows) -> None:
    """A contact is there."""
    payload = event.payload
    email = payload["email"]
    rows.insert(
        "contacts",
        {
            "contact_id": payload["contact_id"],
            "workspace_id": payload["workspace_id"],
            "addressee_id": payload["addressee_id"],
            "email": email,
            "email_match": None if is_hidden(email) else match_form(email),
            **{name: payload[name] for name in _PERSONAL},
            **payload["segment"],
            "import_id": payload["import_id"],
            **{column: _folded(payload[name]) for name, column in _FOLDED.items()},
            "created_position": event.position,
            "created_at": event.recorded_at,
            "updated_at": event.recorded_at,
        },
    )


@CONTACTS.on("audience.contact_updated")
def updated(event: Fact, rows: Rows) -> None:
    """What is known of it changed; what an erased key hid stays hidden."""
    payload = event.payload
    after: dict[str, Any] = (
        dict.fromkeys(_PERSONAL, ERASED) if is_hidden(payload["after"]) else payload["after"]
    )
    rows.update(
        "contacts",
        {
            "contact_id": payload["contact_id"],
            **after,
            **{column: _folded(after[name]) for name, column in _FOLDED.items() if name in after},
            **payload["segment_after"],
            "updated_at": event.recorded_at,
        },
    )


@CONTACTS.on("audience.contact_removed", "audience.contact_erased")
def gone(event: Fact, rows: Rows) -> None:
    """It is not there any more."""
    rows.delete("contacts", {"contact_id": event.payload["contact_id"]})


def _folded(value: str | dict[str, str] | None) -> str | None:
    """Without case; of attributes their values, each on a line of its own, so that no word spans two."""
    if value is None or is_hidden(value):
        return None
    return (value if isinstance(value, str) else "\n".join(value.values())).casefold()
