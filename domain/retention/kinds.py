"""The schedule that every tenant begins with, read from `schedule.toml`: kinds of things that are kept for a time."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.law.periods import Period

_FILE: Final = Path(__file__).with_name("schedule.toml")
_FIRST: Final = date(2000, 1, 1)
_LEAP_CYCLE: Final = 1461
"""Periods are compared from each day of four years: two years have 730 days, or 731."""


class Kind(StrEnum):
    """What is kept for a time."""

    IMPORT_FILES = "import_files"
    REQUEST_DETAILS = "request_details"
    EVIDENCE = "evidence"
    BOARD_PACKS = "board_packs"
    DELIVERY_FILES = "delivery_files"
    SAVED_QUERIES = "saved_queries"
    ACTOR_TRACES = "actor_traces"
    TENANT_LOG = "tenant_log"


class Disposal(StrEnum):
    """How something goes once nothing keeps it."""

    AUTOMATIC = "automatic"
    PLANNED = "planned"


class Standing(StrEnum):
    """How something stands: free to go, held beyond its period, kept for its period still, or gone."""

    DUE = "due"
    HELD = "held"
    KEPT = "kept"
    DESTROYED = "destroyed"
    ANY = "any"


class Over(StrEnum):
    """What a legal hold can be over."""

    PERSON = "person"
    IMPORT = "import"
    CAMPAIGN = "campaign"
    WORKSPACE = "workspace"
    TENANT = "tenant"
    PERIOD = "period"


class KindTerms(BaseModel):
    """One kind in the schedule. `period` None: without end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    what: str
    why: str
    counted_from: str
    period: Period | None = None
    floor: Period
    endless: bool
    disposal: Disposal
    source: str
    confidence: str
    checked: date
    divided_by: tuple[Over, ...]
    kept_by: tuple[Over, ...]


@cache
def schedule() -> dict[Kind, KindTerms]:
    """All kinds, in the order of the file."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))["kinds"]
    return {one.kind: one for one in map(KindTerms.model_validate, told)}


def shorter(one: Period, other: Period) -> bool:
    """Whether a period can end before another that began on the same day, whichever day that is."""
    days = (_FIRST + timedelta(days=number) for number in range(_LEAP_CYCLE))
    return any(one.after(day) < other.after(day) for day in days)
