"""What a verification says: what was proven, what was not, what is wrong, and from which position on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The one word of it."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    CANNOT_BE_JUDGED = "cannot be judged"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the first wrong entry is: one position of a log, or among some where no more can be told."""

    log: str
    first: int
    last: int

    def __str__(self) -> str:
        """The place in words."""
        if self.first == self.last:
            return f"position {self.first} of the log {self.log}"
        return f"one of the positions {self.first} to {self.last} of the log {self.log}"


@dataclass(slots=True)
class Verdict:
    """Sentences, each for itself. `wrong` decides before `unjudged`, and this before all that was proven."""

    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shows: list[str] = field(default_factory=list)
    """What the proven events of a permission certificate say."""
    first_wrong: list[Place] = field(default_factory=list)
    """At most one of each log."""

    @property
    def outcome(self) -> Outcome:
        """Whether what was handed in holds."""
        if self.wrong:
            return Outcome.DOES_NOT_HOLD
        return Outcome.CANNOT_BE_JUDGED if self.unjudged else Outcome.HOLDS

    def told(self) -> dict[str, Any]:
        """The same as data."""
        return {"outcome": self.outcome.value, **asdict(self)}

    def lines(self) -> list[str]:
        """The same for people."""
        said = [f"The bundle {self.outcome.value}."]
        said += [f"First wrong: {place}." for place in self.first_wrong]
        for title, sentences in (
            ("What it shows", self.shows),
            ("Wrong", self.wrong),
            ("Not to be judged", self.unjudged),
            ("Proven", self.proven),
            ("Not proven", self.not_proven),
            ("Besides", self.notes),
        ):
            if sentences:
                said += ["", f"{title}:", *(f"- {sentence}" for sentence in sentences)]
        return said
