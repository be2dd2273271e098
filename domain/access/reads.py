"""Reads that leave a trace: of personal data, exports, of this log itself, and everything that staff read.

They go to the tenant's second log, `access`, before the answer is given, so that reading never moves the position
that it reports. Addresses and texts that were looked for are never kept, so that nobody's erasure leaves them behind:
who was found stands among the subjects. The other filters are sealed for the one who looked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import Field

from domain.kernel.commands import Decider
from domain.kernel.events import Event
from domain.kernel.personal import Evidence


class ReadKind(StrEnum):
    """Why a read is recorded."""

    PERSONAL = "personal"
    EXPORT = "export"
    STAFF = "staff"
    REPLAY = "replay"
    ACCESS = "access"


class ReadRecorded(Event, name="access.read_recorded", version=1, subject="reader_id"):
    """Somebody read. `position` is the token of the log's position that the answer was made from."""

    reader_id: UUID
    kind: str
    query: str
    position: str | None = None
    rows: int | None = None
    subjects: list[UUID] = Field(default_factory=list)
    filters: Evidence[str | None] = None


def evolve(state: int, event: ReadRecorded) -> int:
    """How many reads the stream holds."""
    del event
    return state + 1


READS: Final[Decider[int]] = Decider(category="reads", initial=0, evolve=evolve)
"""One stream per reader."""
