"""How blame and causes look on a terminal: lines, and a tree that is drawn with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from application.blame import Blamed


def blame_lines(found: Blamed) -> Iterator[str]:
    """A line for each field, and under it who gave it its value, and why."""
    yield f"{found.stream} version {found.version} at position {found.position} ({found.as_of.isoformat()})"
    for line in found.lines:
        yield f"  {line.path}: {_text(line.value)}"
        why = line.because
        if why is not None:
            reason = f", {why.reason}" if why.reason else ""
            yield (
                f"      before: {_text(line.before)}; position {why.position}, {why.recorded_at.isoformat()}, "
                f"{why.event} by {why.actor.get('kind')} {why.actor.get('id')} through {why.channel} "
                f"({why.command_name}{reason})"
            )


def tree_lines(told: dict[str, Any]) -> Iterator[str]:
    """A tree of causes: commands, their events, the jobs of these, and so on; the event asked about is marked."""
    if told["above"]:
        yield f"({told['above']} commands above are not drawn)"
    yield from _command(told["tree"], told["asked"], "", "")
    looked = ", ".join(f"{one['after'] + 1} to {one['up_to']}" for one in told["looked_at"])
    yield "" if told["complete"] else f"Looked at positions {looked}: there may be more elsewhere."


def _command(command: dict[str, Any], asked: int, first: str, rest: str) -> Iterator[str]:
    actor = command["actor"] or {}
    reason = f": {command['reason']}" if command["reason"] else ""
    yield f"{first}{command['command_name']} by {actor.get('kind')} through {command['channel']}{reason}"
    if command["more"]:
        yield f"{rest}`-- {command['more']} more commands below"
    below = [("event", one) for one in command["events"]] + [("command", one) for one in command["commands"]]
    for kind, one, own, deeper in _branches(below, rest):
        if kind == "command":
            yield from _command(one, asked, own, deeper)
            continue
        mark = "  <-- here" if one["position"] == asked else ""
        yield f"{own}{one['position']} {one['event']} {one['stream']} {one['recorded_at']}{mark}"
        for _, job, own_of_job, under_job in _branches([("job", job) for job in one["jobs"]], deeper):
            yield f"{own_of_job}job {job['workflow']} {job['job']} due {job['due_at']}"
            for _, given, own_of_it, under_it in _branches(
                [("command", given) for given in job["commands"]], under_job
            ):
                yield from _command(given, asked, own_of_it, under_it)


def _branches(
    below: list[tuple[str, dict[str, Any]]], rest: str
) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """Each with how its own line begins, and how the lines under it do."""
    for number, (kind, one) in enumerate(below, 1):
        last = number == len(below)
        yield kind, one, f"{rest}{'`-- ' if last else '|-- '}", f"{rest}{'    ' if last else '|   '}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
