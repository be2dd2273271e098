"""Definition profiles: by which rules monthly recurring revenue is counted, each choice a named switch."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.kernel.errors import Refusal, RefusalKind

_FILE: Final = Path(__file__).with_name("profiles.toml")


class Switch(StrEnum):
    """The choices of a profile, in the order in which a bridge from one to another makes them."""

    STATUSES = "statuses"
    METERED = "metered"
    COUPONS = "coupons"
    CHURN_AT = "churn_at"
    SHORT_STAYS = "short_stays"
    UNIT = "unit"
    GROUPING_MINUTES = "grouping_minutes"
    REACTIVATION_DAYS = "reactivation_days"
    FX = "fx"


class Profile(BaseModel):
    """One definition of MRR; `profiles.toml` says what each switch means. `facts`: what the vendor itself states."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-[1-9][0-9]*$")]
    name: str
    about: str
    statuses: Annotated[tuple[Literal["active", "past_due", "unpaid"], ...], Field(min_length=1)]
    metered: bool
    coupons: Literal["forever", "all"]
    churn_at: Literal["at_once", "cycle_end"]
    unit: Literal["subscription", "customer"]
    grouping_minutes: Annotated[int, Field(ge=0, le=1_439)]
    reactivation_days: Annotated[int, Field(ge=0, le=3_650)] | None = None
    short_stays: Literal["counted", "ignored"]
    fx: Literal["term", "none"]
    facts: frozenset[Switch]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    profiles: tuple[Profile, ...]

    @model_validator(mode="after")
    def _are_told_apart(self) -> _File:
        if len({profile.id for profile in self.profiles}) < len(self.profiles):
            raise ValueError("two profiles have one id; another definition is another version")
        return self


def read_profiles(text: str) -> dict[str, Profile]:
    """Profiles of the text of their file, by id. Raises `ValueError`, naming the field."""
    return {profile.id: profile for profile in _File.model_validate(tomllib.loads(text)).profiles}


PROFILES: Final = read_profiles(_FILE.read_text("utf-8"))
USUAL: Final = "stripe-1"
"""Which one reports are given under unless another is named."""


class ProfileVersionTaken(Refusal):
    """Figures were given under a profile of this id, which never changes. Give the changed one the next version."""

    code = "profile-version-taken"
    kind = RefusalKind.CONFLICT
    field = "/profile/id"


def must_not_be_taken(changed: Profile) -> None:
    """A changed profile may not be called what another is called. Raises `ProfileVersionTaken`."""
    if PROFILES.get(changed.id, changed) != changed:
        raise ProfileVersionTaken


def path_of(start: Profile, end: Profile) -> tuple[Profile, ...]:
    """The profiles from one to another, each called by its number, its switch (from) and that of the next (to)."""
    steps: list[tuple[str, Profile]] = [("from", start), *bridge(start, end)]
    following = [switch for switch, _ in steps[1:]] + ["to"]
    return tuple(
        profile.model_copy(update={"id": f"{number} {switch} {after}"})
        for number, ((switch, profile), after) in enumerate(zip(steps, following, strict=True))
    )


def bridge(start: Profile, end: Profile) -> tuple[tuple[Switch, Profile], ...]:
    """From one profile to another, one switch at a time: each switch that differs, and the profile after it.

    A switch that changes no movement (`fx`, which is about converted amounts alone) is a step like the others.
    """
    steps, reached = [], start
    for switch in Switch:
        if getattr(reached, switch) != getattr(end, switch):
            reached = reached.model_copy(update={switch.value: getattr(end, switch)})
            steps.append((switch, reached))
    return tuple(steps)
