"""What was known at an approval, as every door tells it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from api.http.commands import events_of
from application.queries import QUERIES
from application.showing import is_pseudonym, without_pseudonyms

if TYPE_CHECKING:
    from application.knowing import Known, Opened, PageThen


class Leaves(StrEnum):
    """Whether the approver's reads of a page left entries in the log of reads."""

    ALWAYS = "always"
    WHERE_PERSONAL = "where_personal"
    """Where it showed them personal values: there was a row, and they may read it."""
    NEVER = "never"


def known(found: Known) -> dict[str, Any]:
    """As JSON. `opened` null: reads of this page leave no entry, or who asks may not see who read what."""
    row, context = found.recorded, found.context
    actor = context.get("actor") or {}
    return {
        **events_of([row])[0],
        "recorded_at": row.recorded_at.isoformat(),
        "approver": actor,
        "reason": context.get("reason"),
        "event": without_pseudonyms(found.payload),
        "stood_at": found.stood_at.token(),
        "pages": [_page(one, found, staff=actor.get("kind") == "staff") for one in found.pages],
        "reads": None if found.reads is None else [_read(one) for one in found.reads],
        "all_reads": found.all_reads,
        "then": without_pseudonyms(found.then.state),
        "changes_since": [asdict(one) for one in found.changes if not is_pseudonym(one.path)],
    }


def _page(page: PageThen, found: Known, *, staff: bool) -> dict[str, Any]:
    query = QUERIES.get(page.name)
    personal = query is not None and query.personal
    leaves = Leaves.ALWAYS if staff else Leaves.WHERE_PERSONAL if personal else Leaves.NEVER
    unknown = found.reads is None or leaves is Leaves.NEVER
    opened = None if unknown else [_read(one) for one in page.opened]
    return {"page": page.name, "address": page.address, "leaves_entries": leaves.value, "opened": opened}


def _read(one: Opened) -> dict[str, Any]:
    return asdict(one)
