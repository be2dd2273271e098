"""The report in a bundle: one page for people, to be read, printed and handed on. No script, nothing from outside.

All of it is told from events and checkpoints of the bundle. What is sealed says so: ciphertext is never shown as if it
said something. Whatever somebody wrote is escaped, and signs that would turn or hide text around them are spelt out.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from adapters.evidence.source import Asked, LogPart
from domain.audit.checkpoints import Checkpoint

MOST_EVENTS: Final = 2_000
"""So many are told one by one; a page of millions opens nowhere. All are in events.jsonl."""

_LONGEST: Final = 160
_LONGEST_ROW: Final = 1_000
_TO_THE_SECOND: Final = 19
_NUMBER, _LONG = ' class="number"', ' class="long"'
_SEALED: Final = {"~", "s", "c", "h"}
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_STYLE: Final = """
body { font: 15px/1.5 Georgia, 'Times New Roman', serif; color: #111; margin: 2rem auto; max-width: 60rem }
h1, h2 { line-height: 1.2 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: left; font-style: italic; padding-bottom: .3rem }
th, td { border-bottom: 1px solid #999; padding: .25rem .5rem; text-align: left; vertical-align: top }
td.number, th.number { text-align: right; white-space: nowrap }
td.long { overflow-wrap: anywhere }
code { font: 13px/1.4 'Courier New', monospace }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt }
  thead { display: table-header-group }
  tr { break-inside: avoid }
}
"""


@dataclass(slots=True)
class Seen:
    """What a report tells of the events that went by: counts of all, and the first ones one by one."""

    shapes: set[tuple[str, int]] = field(default_factory=set)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: list[tuple[str, ...]] = field(default_factory=list)

    def take(self, log: str, event: Mapping[str, Any]) -> None:
        """Count one more event, and remember the first ones' rows."""
        self.shapes.add((event["name"], event["schema_version"]))
        self.counts[log, event["recorded_at"][:10], event["name"]] += 1
        if len(self.first) < MOST_EVENTS:
            self.first.append(_row(log, event))


def report(asked: Asked, heads: Mapping[str, Checkpoint], seen: Seen) -> Iterator[bytes]:
    """The page, in UTF-8, part by part."""
    for part in _page(asked, heads, seen):
        yield part.encode()


def told(value: Any) -> str:
    """A value as the report shows it: what is sealed says so, and what is long is cut."""
    if isinstance(value, dict) and value.keys() == _SEALED:
        return "sealed"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _page(asked: Asked, heads: Mapping[str, Checkpoint], seen: Seen) -> Iterator[str]:
    title = f"Evidence from the log of tenant {asked.tenant}"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
    )
    total = sum(part.chosen.count for part in asked.parts)
    yield (
        f"<p>This bundle holds {total:,} events of installation {_text(asked.installation)}, as they are stored. "
        "Every change was written down as an event in an append-only log, each at a position of its own; no event "
        "is ever edited. All times are in UTC. Personal values are sealed: the bundle holds their ciphertext and a "
        "commitment, and this page says <em>sealed</em> in their place.</p>\n"
    )
    yield "<h2>What was asked</h2>\n"
    yield from _table("The question", ("", ""), ((name, _said(one)) for name, one in asked.question.items()))
    yield from _proof(heads)
    yield "<h2>What is here, and what is not</h2>\n"
    for part in asked.parts:
        yield from _complete(part, heads[part.log])
    yield "<h2>What happened</h2>\n"
    days = ((day, log, name, f"{count:,}") for (log, day, name), count in sorted(seen.counts.items()))
    yield from _table("Events by day and kind", ("Day", "Log", "Kind", "Events"), days, numbers={3})
    more = f" Here are the first {MOST_EVENTS:,}; all are in events.jsonl." if total > MOST_EVENTS else ""
    heading = ("Log", "Position", "Recorded (UTC)", "Kind", "Who", "What")
    yield from _table(f"Events, one by one.{more}", heading, seen.first, numbers={1})
    yield "</body>\n</html>\n"


def _proof(heads: Mapping[str, Checkpoint]) -> Iterator[str]:
    yield (
        "<h2>What is proven, and how to check it</h2>\n"
        "<p>The log is a Merkle tree, as in certificate transparency (RFC 6962). A signed checkpoint tells how many "
        "positions it has and the one number, the root, that follows from all of them. From the events in this bundle, "
        "and from hashes in place of those left out, anyone can make that root again: if one byte of one event were "
        "changed, or one event were dropped, put in or moved, another root would come out.</p>\n"
        "<p>To check it, without any access to our systems:</p>\n"
        "<p><code>penguinmails audit verify BUNDLE --key VERIFIER_KEY --checkpoint OLDER_CHECKPOINT</code></p>\n"
        "<p>It says what holds, what does not, and the first wrong position. The key shows that the checkpoint is the "
        "installation's: take it from a source that you trust, not from this bundle. A checkpoint that you received "
        "earlier shows that history was not made anew since. docs/evidence.md of the product tells the format, with "
        "a verifier of sixty lines, so that no program of ours need be trusted.</p>\n"
        "<p>This page is for reading. It is signed by nobody, and proves nothing that the events do not.</p>\n"
    )
    rows = ((head.origin, f"{head.size:,}", base64.b64encode(head.root).decode()) for head in heads.values())
    yield from _table(
        "Checkpoints that all is proven against", ("Log", "Positions", "Root"), rows, numbers={1}
    )


def _complete(part: LogPart, head: Checkpoint) -> Iterator[str]:
    first, last = part.looked_at
    yield (
        f"<p>Of the log {_text(part.log)}, which had {head.size:,} positions, positions {first:,} to {last:,} were "
        f"looked at. {part.chosen.count:,} of their events are here.</p>\n"
    )
    if part.hidden:
        rows = ((one.filter, one.asked, f"{one.rows:,}") for one in part.hidden)
        heading = ("Filter", "Asked for", "Events left out by it")
        yield from _table(f"What filters left out of the log {part.log}", heading, rows, numbers={2})
    else:
        yield "<p>No filter left anything out.</p>\n"


def _row(log: str, event: Mapping[str, Any]) -> tuple[str, ...]:
    metadata, payload = _fields(event["metadata"]), _fields(event["payload"])
    actor = _fields(metadata.get("actor"))
    who = [f"{actor.get('kind') or 'unknown'} {actor.get('id') or ''}".strip()]
    who += [f"{name}: {told(metadata[name])}" for name in ("channel", "reason", "ip") if metadata.get(name)]
    what = "; ".join(f"{name}: {told(value)}" for name, value in payload.items() if value is not None)
    if len(what) > _LONGEST_ROW:
        what = f"{what[: _LONGEST_ROW - 1]}…"
    moment = event["recorded_at"][:_TO_THE_SECOND].replace("T", " ")
    return log, str(event["position"]), moment, event["name"], "; ".join(who), what


def _fields(value: Any) -> Mapping[str, Any]:
    """An object's fields. What somebody put in place of one has none, and is told by the verifier."""
    return value if isinstance(value, Mapping) else {}


def _said(value: Any) -> str:
    """What was asked, of one thing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_said(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_said(one) for one in value)
    return "any" if value is None else told(value)


def _table(
    caption: str, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: Iterable[int] = ()
) -> Iterator[str]:
    marks = [_NUMBER if at in set(numbers) else "" for at in range(len(heading))]
    marks[-1] = marks[-1] or _LONG
    head = "".join(
        f'<th scope="col"{mark}>{_text(one)}</th>' for one, mark in zip(heading, marks, strict=True)
    )
    yield f"<table>\n<caption>{_text(caption)}</caption>\n"
    if any(heading):
        yield f"<thead><tr>{head}</tr></thead>\n"
    yield "<tbody>\n"
    for row in rows:
        cells = [f"<td{mark}>{_text(one)}</td>" for one, mark in zip(row, marks, strict=True)]
        if not any(heading):
            cells[0] = f'<th scope="row">{_text(row[0])}</th>'
        yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</tbody>\n</table>\n"


def _text(text: str) -> str:
    """Text of anybody's, as it may stand in the page."""
    return escape(_UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text))
