"""One log of a bundle, read from its first position to its last: events and leaves side by side, and the gaps between.

Which positions are to be there follows from the gaps and the checkpoint's size; nothing else is needed to know it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from adapters.evidence import format as named
from adapters.evidence.unpacking import Unreadable
from domain.audit.covering import subtree_of
from domain.audit.errors import MalformedCover
from domain.audit.tree import HASH_BYTES, MOST_LEAVES, Node

_RUN: Final = 1024
_LONGEST_GAP: Final = 300
_MOST_SHAPES: Final = 20_000
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_KEYS: Final = {
    "metadata",
    "name",
    "payload",
    "position",
    "recorded_at",
    "schema_version",
    "stream",
    "tenant",
    "version",
}

Chunks = Callable[[str], Iterator[bytes]]
"""Gives a file of the log's folder in chunks."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A complete subtree of positions that were left out."""

    node: Node
    hashed: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Events side by side: the leaf of the first, the hashes made from the events, and those that came along.

    Where one of the two ended, or events went astray, its list is shorter than `count`.
    """

    first: int
    count: int
    made: list[bytes]
    stored: list[bytes]


@dataclass(slots=True)
class Facts:
    """What the events of a log say of themselves, and the first of them that is none of the expected."""

    events: int = 0
    first: int = 0
    last: int = 0
    since: str = ""
    until: str = ""
    shapes: set[tuple[str, int]] = field(default_factory=set)
    astray: tuple[int, str] | None = None
    """The position where the events end or are others than they should be, and in which way."""

    odd: tuple[int, str] | None = None
    """The first position whose event is there and yet says what no event says there."""


class Steps:
    """The way through one log. `facts` are whole once all of `run` was taken."""

    def __init__(self, chunks: Chunks, tenant: str, size: int) -> None:
        """Begin the way through the log of this tenant, of so many positions."""
        self._chunks, self._tenant, self._size = chunks, tenant, size
        self.facts: Final = Facts()
        self.wanted: Mapping[int, Callable[[Mapping[str, Any]], None]] = {}
        """Who wants to see the event of a position."""
        self.every: Callable[[Mapping[str, Any]], None] | None = None
        """Who wants to see every event."""
        self.leaves: dict[int, bytes | None] = {}
        """The leaves of positions that somebody wants; None until its event went by."""

    def run(self) -> Iterator[Run | Gap]:
        """Every step, in order. Raises `MalformedCover` and `Unreadable` where a gap is none."""
        lines, leaves = _lines(self._chunks(named.EVENTS)), _Bytes(self._chunks(named.LEAVES))
        gaps = _gaps(self._chunks(named.GAPS))
        gap, at = next(gaps, None), 0
        while at < self._size:
            first = self._size if gap is None else gap.node[1] << gap.node[0]
            if gap is not None and first <= at:
                yield gap
                at, gap = (gap.node[1] + 1) << gap.node[0], next(gaps, None)
                continue
            until = min(first, self._size, at + _RUN)
            taken = leaves.take((until - at) * HASH_BYTES)
            stored = [taken[n : n + HASH_BYTES] for n in range(0, len(taken) - HASH_BYTES + 1, HASH_BYTES)]
            yield Run(at, until - at, self._made(lines, at, until), stored)
            at = until
        if gap is not None:
            yield gap
        if self.facts.astray is None and next(lines, None) is not None:
            self.facts.astray = at + 1, "there are more events than positions"
        for _ in lines:
            pass
        if leaves.drained():
            raise Unreadable(f"{named.LEAVES} holds more than a hash for each event.")

    def _made(self, lines: Iterator[bytes], first: int, end: int) -> list[bytes]:
        facts, made = self.facts, list[bytes]()
        if facts.astray is not None:
            return made
        for position in range(first + 1, end + 1):
            line = next(lines, None)
            if line is None:
                facts.astray = position, "the events end before it"
                break
            event = _envelope(line)
            if event is None:
                facts.odd = facts.odd or (position, "its line is no envelope of an event")
            elif event["position"] != position:
                facts.astray = (
                    position,
                    f"in its place stands the event of position {event['position']!r:.40}",
                )
                break
            else:
                self._look(position, event)
            made.append(sha256(b"\x00" + sha256(line).digest()).digest())
            if position in self.leaves:
                self.leaves[position] = made[-1]
        return made

    def _look(self, position: int, event: Mapping[str, Any]) -> None:
        facts, moment = self.facts, event["recorded_at"]
        if event["tenant"] != self._tenant:
            facts.odd = facts.odd or (position, "it is an event of another tenant")
        if moment < facts.until:
            facts.odd = facts.odd or (position, "it was recorded before the event before it")
        if not facts.events:
            facts.first, facts.since = position, moment
        facts.events, facts.last, facts.until = facts.events + 1, position, moment
        facts.shapes.add((event["name"], event["schema_version"]))
        if len(facts.shapes) > _MOST_SHAPES:
            raise Unreadable("The events have more names than any product gives.")
        if position in self.wanted:
            self.wanted[position](event)
        if self.every is not None:
            self.every(event)


def _envelope(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.keys() != _KEYS:
        return None
    texts = event["name"], event["recorded_at"], event["stream"], event["tenant"]
    objects, numbers = (event["metadata"], event["payload"]), (event["position"], event["schema_version"])
    whole = (
        all(type(one) is str for one in texts)
        and all(type(one) is dict for one in objects)
        and all(type(one) is int and one <= MOST_LEAVES for one in numbers)
    )
    return event if whole and _MOMENT.fullmatch(event["recorded_at"]) else None


def _gaps(chunks: Iterator[bytes]) -> Iterator[Gap]:
    for number, line in enumerate(_lines(chunks, _LONGEST_GAP), 1):
        try:
            yield _gap(line)
        except MalformedCover as refusal:
            raise MalformedCover(f"Line {number} of {named.GAPS}: {refusal.detail}") from None


def _gap(line: bytes) -> Gap:
    """The subtree of a line. Raises `MalformedCover`."""
    try:
        told = json.loads(line.decode())
        first, last, hashed = told["first"], told["last"], base64.b64decode(told["hash"], validate=True)
    except (ValueError, RecursionError, KeyError, TypeError) as fault:  # ValueError: base64's own, too
        raise MalformedCover("It is no subtree: first, last and hash.") from fault
    whole = type(first) is int and type(last) is int and len(hashed) == HASH_BYTES
    if not whole or not 0 < first <= last <= MOST_LEAVES:
        raise MalformedCover("It is no subtree: two positions, in order, and a hash.")
    return Gap(subtree_of(first - 1, last), hashed)


def _lines(chunks: Iterator[bytes], longest: int = named.LONGEST_LINE) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > longest:
            break
    if len(rest) > longest:
        raise Unreadable(f"A line has more than {longest:,} bytes.")
    if rest:
        yield rest


class _Bytes:
    """Chunks as one run of bytes, of which as many are taken as are wanted."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held, self._at = chunks, b"", 0

    def take(self, size: int) -> bytes:
        """So many bytes; fewer where there are no more."""
        while len(self._held) - self._at < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held, self._at = self._held[self._at :] + chunk, 0
        taken = self._held[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def drained(self) -> bool:
        """Read what is left; whether there was any."""
        left = len(self._held) > self._at
        for chunk in self._chunks:
            left = left or bool(chunk)
        self._held, self._at = b"", 0
        return left
