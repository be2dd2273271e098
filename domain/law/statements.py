"""What every statement of a pack carries: its section, its dates, when it was last checked, and how sure we are.

Statements with the same `id` are versions of one: their dates follow each other without gap or overlap.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

if TYPE_CHECKING:
    from collections.abc import Sequence


class Confidence(StrEnum):
    """How a statement is known."""

    TEXT = "T"
    GUIDANCE = "G"
    SECONDARY = "S"
    NOTHING_FOUND = "N"


class Data(BaseModel):
    """Something written in a pack: nothing in it that is not in the vocabulary, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(Data):
    """What a law says. `about`: in plain words, for whoever asks why.

    `in_force_from` and `known_from` None: since before anything was sent from here. `in_force_to`: the first day on
    which it is in force no more. `known_from`: since when it is known; its end is known with the version that
    follows it. `date_confidence`: how the day it came into force is known, where that is otherwise than the words are.

    `reading`: that it follows from the section is our reading; `confidence` is that of the section's words alone.
    `not_looked_up`: what nobody has looked for yet: since when it is in force, or more of the section than is cited.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    cites: Annotated[str, Field(min_length=3)]
    confidence: Confidence
    reading: bool = False
    in_force_from: date | None = None
    in_force_to: date | None = None
    date_confidence: Confidence | None = None
    known_from: date | None = None
    checked: date
    about: Annotated[str, Field(min_length=10)]
    not_looked_up: tuple[Literal["date", "section", "paragraph"], ...] = ()
    _later: tuple[tuple[date, date], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.in_force_to is not None and self.in_force_to <= (self.in_force_from or date.min):
            raise ValueError("in_force_to lies after in_force_from, or is left out")
        return self

    @model_validator(mode="after")
    def _says_of_one_date_one_thing(self) -> Self:
        if self.in_force_from is not None and "date" in self.not_looked_up:
            raise ValueError("a date that is told was looked up; leave out one of the two")
        if self.in_force_from is None and self.date_confidence is not None:
            raise ValueError("date_confidence is that of in_force_from, and there is none")
        return self

    def stands(self, day: date, known: date) -> bool:
        """Whether it is in force on a day, as far as was known on another."""
        if self.known_from is not None and known < self.known_from:
            return False
        if self.in_force_from is not None and day < self.in_force_from:
            return False
        if self._later:
            return not any(begins <= day and since <= known for begins, since in self._later)
        return self.in_force_to is None or day < self.in_force_to

    def followed_by(self, later: Sequence[Statement]) -> None:
        """Take what follows it: each ends it from the day on which it begins, once it is known."""
        self._later = tuple((one.in_force_from or date.min, one.known_from or date.min) for one in later)
