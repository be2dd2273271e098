"""Reads that leave a trace: of personal data, exports, of this log itself, and everything that staff read.

They go to the tenant's second log, `access`, before the answer is given, so that reading never moves the position
that it reports. What was refused for want of a permission goes there too, counted. Addresses and texts that were
looked for are never kept, so that nobody's erasure leaves them behind: who was found stands among the subjects. The
other filters are sealed for the one who looked.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias
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
    DENIED = "denied"


class ReadRecorded(Event, name="access.read_recorded", version=1, subject="reader_id"):
    """Somebody read. `position` is the token of the log's position that the answer was made from."""

    reader_id: UUID
    kind: str
    query: str
    position: str | None = None
    rows: int | None = None
    subjects: list[UUID] = Field(default_factory=list)
    filters: Evidence[str | None] = None


class RequestsDenied(Event, name="access.requests_denied", version=1):
    """Somebody asked for what they may not, `requests` times from `since` to `until`: by which door, not for what.

    One entry a minute, reader and door at most, so that nobody fills a log by knocking.
    """

    reader_id: UUID
    query: str
    permission: str
    requests: int
    since: datetime
    until: datetime


AccessEvent: TypeAlias = ReadRecorded | RequestsDenied


def evolve(state: int, event: AccessEvent) -> int:
    """How many entries the stream holds."""
    del event
    return state + 1


READS: Final[Decider[int]] = Decider(category="reads", initial=0, evolve=evolve)
"""One stream per reader."""
