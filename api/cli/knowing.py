"""How what was known at an approval looks on a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def known_lines(told: dict[str, Any]) -> Iterator[str]:
    """Who approved what and when, the pages, which were opened, and what changed since."""
    actor = told["approver"]
    yield f"{told['name']} of {told['stream']} at position {told['position']}, {told['recorded_at']}"
    yield f"  by {actor.get('kind')} {actor.get('id')}{': ' + told['reason'] if told['reason'] else ''}"
    yield f"The pages as they stood, at {told['stood_at']}:"
    for page in told["pages"]:
        yield f"  GET {page['address']}"
        yield from (f"      {line}" for line in _opened(page))
    yield "Changed since:" if told["changes_since"] else "Nothing of it changed since."
    for one in told["changes_since"]:
        yield f"  {one['path']}: {_text(one['before'])} -> {_text(one['after'])}"


def _opened(page: dict[str, Any]) -> Iterator[str]:
    if page["leaves_entries"] == "never":
        yield "whether it was opened is not recorded"
    elif page["opened"] is None:
        yield "you may not see who read what"
    elif not page["opened"]:
        shown = " that showed personal values" if page["leaves_entries"] == "where_personal" else ""
        yield f"no read of it{shown} in the hour before"
    for one in page["opened"] or ():
        doubt = "" if one["surely"] else ", this row or another"
        yield f"opened {one['at']}, made from {one['position']}{doubt}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
