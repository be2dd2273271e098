"""Entries of the access log as they are reviewed and watched: who read, what kind of it, how much. Nothing personal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from collections.abc import Iterable


class Entry(NamedTuple):
    """One entry. `reader_id`: the person, where the key acts for one; else the key, or the staff.

    `rows` are those that were shown, where they were counted. `requests`: how many were denied together; else one.
    """

    position: int
    at: datetime
    reader_id: UUID
    kind: str
    query: str
    rows: int = 0
    requests: int = 1
    staff: bool = False


@dataclass(slots=True)
class Tally:
    """What a period holds, by kind and by reader."""

    entries: int = 0
    staff: int = 0
    denied: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    readers: Counter[UUID] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, entries: Iterable[Entry]) -> None:
        """Count entries, in their order."""
        for entry in entries:
            self.entries += 1
            self.staff += entry.staff
            self.denied += entry.requests if entry.kind == ReadKind.DENIED else 0
            self.kinds[entry.kind] += 1
            self.readers[entry.reader_id] += 1
            self.first_at = self.first_at or entry.at
            self.last_at = entry.at
