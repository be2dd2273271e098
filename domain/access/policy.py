"""The policy on the access log: how long an entry may wait for its review, and which patterns of reading are told.

Where a tenant says nothing else, `policies/default.toml` holds. The rules are evaluated by `alerts`.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from domain.access import policies
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from domain.access.entries import Entry

LONGEST_MINUTES: Final = 7 * 24 * 60


Hour = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day by the clock, in whole minutes."""


class RuleName(StrEnum):
    """The alert rules there are."""

    BULK_ROWS = "bulk_rows"
    MANY_EXPORTS = "many_exports"
    MANY_DENIALS = "many_denials"
    STAFF_ACCESS = "staff_access"
    AT_NIGHT = "at_night"


class Counted(StrEnum):
    """What a rule adds up."""

    ENTRIES = "entries"
    ROWS = "rows"
    REQUESTS = "requests"


class AlertRule(BaseModel):
    """A pattern of one reader's reading. With hours: only what lies outside them counts, by the clock of the zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    about: str
    counts: Counted
    of: frozenset[ReadKind] = frozenset()
    staff: bool = False
    threshold: Annotated[int, Field(ge=1)]
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]
    enabled: bool
    hours_from: Hour | None = None
    hours_to: Hour | None = None
    time_zone: str = "UTC"

    @property
    def stretch(self) -> timedelta:
        """How long the stretch is over which it adds up, and how long it is quiet after an alert."""
        return timedelta(minutes=self.minutes)

    def weighs(self, entry: Entry) -> int:
        """How much an entry adds; 0 where it is none of the rule's."""
        if (self.of and entry.kind not in self.of) or (self.staff and not entry.staff):
            return 0
        if self.hours_from is not None and self.hours_to is not None and self._within(entry.at):
            return 0
        match self.counts:
            case Counted.ENTRIES:
                return 1
            case Counted.ROWS:
                return entry.rows
            case Counted.REQUESTS:
                return entry.requests

    def _within(self, moment: datetime) -> bool:
        """Whether a moment is within the hours; hours that end before they begin go over midnight."""
        clock, begin, end = (
            f"{moment.astimezone(ZoneInfo(self.time_zone)):%H:%M}",
            self.hours_from,
            self.hours_to,
        )
        if begin is None or end is None or begin == end:
            return True
        return begin <= clock < end if begin < end else clock >= begin or clock < end


class Policy(BaseModel):
    """What holds where a tenant says nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review_days: Annotated[int, Field(ge=1, le=366)]
    rule: list[AlertRule]

    @property
    def rules(self) -> dict[RuleName, AlertRule]:
        """The rules by name."""
        return {one.name: one for one in self.rule}


@cache
def policy() -> Policy:
    """The policy that comes with the product."""
    text = files(policies).joinpath("default.toml").read_text(encoding="utf-8")
    return Policy.model_validate(tomllib.loads(text))
