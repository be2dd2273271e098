"""How undo with consequences looks on a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERDICTS = {
    "yes": "It can be undone, and nothing rests on it.",
    "with_consequences": "It can be undone, and it has consequences.",
    "needs_words": "It can be undone; somebody has to give what the log does not tell.",
    "not_now": "The rules refuse it, as things are now.",
    "no_need": "It is undone already: what would undo it changes nothing.",
    "never": "It is never undone.",
}


def undo_lines(told: dict[str, Any]) -> Iterator[str]:
    """The verdict, the reasons, the events, the commands that undo them, and what rests on them."""
    actor = told["actor"] or {}
    yield f"{told['command_name']} by {actor.get('kind')} ({told['command']})"
    yield _VERDICTS[told["verdict"]]
    for one in told["reasons"]:
        where = f" (position {one['position']})" if one["position"] is not None else ""
        yield f"  {one['code']}: {one['detail']}{where}"
    yield "Its events:"
    for one in told["events"]:
        how = one["undone"].replace("_", " ")
        along = f": {', '.join(one['along_with'])}" if one["along_with"] else ""
        yield f"  {one['position']} {one['name']} {one['stream']}: {how}{along}"
    if told["by"]:
        yield "Undone by:"
    for one in told["by"]:
        yield f"  POST {one['path']} {json.dumps(one['body'], ensure_ascii=False)}"
        yield from (f"      {line}" for line in _said(one))
    yield from _rests(told["rests_on_it"])


def _said(one: dict[str, Any]) -> Iterator[str]:
    for lack in one["lacks"]:
        yield f"lacks {lack['field']} ({lack['why']})"
    if one["refused"] is not None:
        yield f"refused, {one['refused']['code']}: {one['refused']['detail']}"
    if one["would_append"] is not None:
        yield f"would append {', '.join(event['name'] for event in one['would_append']) or 'nothing'}"
    if one["note"]:
        yield one["note"]


def _rests(rests: dict[str, Any]) -> Iterator[str]:
    events = rests["events"] + rests["made_from"]
    yield (
        "Rests on it:"
        if events or rests["jobs"] or rests["webhooks"] or rests["exports"]
        else "Nothing rests on it."
    )
    for one in events:
        yield f"  {one['position']} {one['name']} {one['stream']} ({one['how'].replace('_', ' ')})"
    for job in rests["jobs"]:
        yield f"  job {job['workflow']} {job['job']} ({'done' if job['done'] else 'not done'})"
    for one in rests["webhooks"] or ():
        yield f"  webhook {one['endpoint_id']} was sent positions {', '.join(map(str, one['positions']))}"
    for one in rests["exports"] or ():
        yield f"  export {one['query']} by {one['reader_id']} at {one['recorded_at']}"
    if not rests["complete"]:
        looked = rests["looked_at"]
        yield f"Looked at positions {looked['after'] + 1} to {looked['up_to']}: there may be more."
