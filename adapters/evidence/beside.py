"""What a bundle says beside the events, compared with them: the certificate of completeness, and the schemas."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from adapters.evidence import format as named
from adapters.evidence.anchors import Anchor
from adapters.evidence.files import Files, document
from adapters.evidence.steps import Facts
from adapters.evidence.unpacking import Unreadable
from adapters.evidence.verdict import Verdict


def compare_completeness(files: Files, logs: Mapping[str, tuple[Anchor, Facts]], verdict: Verdict) -> None:
    """Whether the certificate's numbers are those of the bundle, and what follows from them."""
    try:
        told = document(files.read(named.COMPLETENESS), named.COMPLETENESS)["logs"]
        for log, (head, facts) in logs.items():
            _compare_log(log, told[log], head, facts, verdict)
    except Unreadable as fault:
        verdict.wrong.append(str(fault))
    except (KeyError, TypeError, ValueError, AttributeError):
        verdict.wrong.append(
            f"{named.COMPLETENESS} does not tell positions, rows and what was hidden of each log."
        )


def _compare_log(log: str, told: Mapping[str, Any], head: Anchor, facts: Facts, verdict: Verdict) -> None:
    first, last = _whole(told["positions"]["first"]), _whole(told["positions"]["last"])
    rows, hidden = _whole(told["rows"]), sum(_whole(one["rows"]) for one in told["hidden"])
    checkpoint = told["checkpoint"]
    root = base64.b64encode(head.checkpoint.root).decode()
    if (checkpoint["origin"], checkpoint["size"], checkpoint["root"]) != (
        head.checkpoint.origin,
        head.checkpoint.size,
        root,
    ):
        verdict.wrong.append(
            f"{named.COMPLETENESS} names another checkpoint of the log {log} than the bundle has."
        )
    inside = not facts.events or first <= facts.first <= facts.last <= last <= head.checkpoint.size
    if rows != facts.events or not inside or rows + hidden != max(0, last - first + 1):
        verdict.wrong.append(
            f"{named.COMPLETENESS} tells of {rows} rows and {hidden} hidden ones among the positions {first} to {last}"
            f" of the log {log}; the bundle holds {facts.events} events."
        )
    elif hidden:
        verdict.not_proven.append(
            f"That the {hidden:,} events of the log {log} that filters hid are none of those asked for: only they"
            " themselves show it, and they are not here."
        )
    elif rows:
        verdict.proven.append(f"Of the positions {first} to {last} of the log {log} none was left out.")


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def compare_schemas(files: Files, shapes: Iterable[tuple[str, int]], verdict: Verdict) -> None:
    """Say which events have no schema here."""
    lacking = [
        f"{name}@{version}"
        for name, version in sorted(shapes)
        if named.schema_name(name, version) not in files
    ]
    if lacking:
        verdict.notes.append(f"No schema came along of {', '.join(ascii(one)[1:-1] for one in lacking)}.")
