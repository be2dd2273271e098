"""What rests on an event: what came later in its streams, names what it made, or follows from it by jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from application.ports.positions import MalformedPosition, Position
from application.replay import PSEUDONYMOUS
from domain.undoing.table import MAKES, OUT_OF_REACH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from application.causes import Command, Job
    from application.ports.log import Head, Recorded, TenantLog

MOST_SHOWN: Final = 100
LOOKED_AT: Final = 50_000
_CHUNK: Final = 1_000
_MADE_FROM: Final = ("reporting.pack_sealed", "reporting.delivery_prepared")
"""Events that say from which position something was made that is kept: packs, and files that were delivered."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """An event that rests on what is asked about, and how: `follows`, `same_stream`, `names_it` or `made_from`."""

    recorded: Recorded
    how: str

    @property
    def stream(self) -> str:
        """Its stream; of one whose id is a pseudonym, the kind alone."""
        category = self.recorded.category
        return category if category in PSEUDONYMOUS else self.recorded.stream


@dataclass(slots=True)
class Following:
    """What rests on a command's events. `looked_at`: positions (exclusive, inclusive); `more`: not all is listed."""

    events: list[Dependent] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    made_from: list[Dependent] = field(default_factory=list)
    looked_at: tuple[int, int] = (0, 0)
    more: bool = False

    def add(self, row: Recorded, how: str) -> None:
        """List an event once, by the first way in which it rests."""
        if any(one.recorded.position == row.position for one in self.events):
            return
        if len(self.events) >= MOST_SHOWN:
            self.more = True
            return
        self.events.append(Dependent(row, how))

    def out_of_reach(self) -> Iterator[tuple[str, Recorded]]:
        """What left the house with these events, or is gone."""
        for one in self.events:
            kind = OUT_OF_REACH.get(one.recorded.name)
            if kind is not None:
                yield kind, one.recorded


def ids_made(rows: Iterable[Recorded]) -> frozenset[str]:
    """The ids that events brought up: of the streams that they begin, and those that their lines name."""
    made: set[str] = set()
    for row in rows:
        if (
            row.version == 1
            and row.category not in PSEUDONYMOUS
            and row.stream.partition(":")[2] != str(row.tenant_id)
        ):
            made.add(row.stream.partition(":")[2])
        fields = MAKES.get(row.name, ())
        if fields:
            payload = orjson.loads(row.payload)
            for name in fields:
                value = payload.get(name)
                made |= set(value if isinstance(value, list) else [] if value is None else [value])
    return frozenset(one for one in made if _is_id(one))


async def following(log: TenantLog, head: Head, command: Command) -> Following:
    """What rests on a command's events, of the 50,000 that came after it."""
    rows = [event.recorded for event in command.events]
    last = max(row.position for row in rows)
    found = Following(looked_at=(last, min(head.position, last + LOOKED_AT)))
    for below in _below(command):
        for event in below.events:
            found.add(event.recorded, "follows")
    for one in (command, *_below(command)):
        found.jobs += [job for event in one.events for job in event.jobs]
    streams = {row.stream: row.version for row in rows if row.category not in PSEUDONYMOUS}
    for stream, version in streams.items():
        for row in await log.read_stream(head.tenant_id, stream, after=version, limit=MOST_SHOWN + 1):
            found.add(row, "same_stream")
    await _scan(log, head, found, ids_made(rows), min(row.position for row in rows))
    found.events.sort(key=lambda one: one.recorded.position)
    return found


async def _scan(log: TenantLog, head: Head, found: Following, ids: frozenset[str], since: int) -> None:
    needles = [(one, one.encode()) for one in ids]
    at, high = found.looked_at
    while at < high:
        rows = await log.read_log(head.tenant_id, after=at, limit=_CHUNK, up_to=high)
        for row in rows:
            if row.name in _MADE_FROM and made_at_or_after(orjson.loads(row.payload)["position"], since):
                if len(found.made_from) < MOST_SHOWN:
                    found.made_from.append(Dependent(row, "made_from"))
                else:
                    found.more = True
            if any(needle in row.payload or one in row.stream for one, needle in needles):
                found.add(row, "names_it")
        at = rows[-1].position if rows else high
    found.more = found.more or high < head.position


def _below(command: Command) -> Iterator[Command]:
    for one in command.below():
        yield one
        yield from _below(one)


def _is_id(text: Any) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def made_at_or_after(told: str | None, position: int) -> bool:
    """Whether an answer was made from a position or a later one, by the token that it carried."""
    if told is None:
        return False
    try:
        return Position.parse(told).n >= position
    except MalformedPosition:
        return False
