"""How what an event did is undone: by which commands, along with which other events, or never, and why.

The log is never edited: to undo is to do something else that takes the effect back from now on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias


class Why(StrEnum):
    """Why something is never undone."""

    HANDED_OVER = "handed_over"
    KEY_DESTROYED = "key_destroyed"
    SEALED = "sealed"
    PERSONS_WORD = "persons_word"
    TOLD_FROM_OUTSIDE = "told_from_outside"
    RECORD_OF_A_MOMENT = "record_of_a_moment"
    BY_THE_CLOCK = "by_the_clock"
    ENDED = "ended"
    BEGINNING = "beginning"
    WORK_DONE = "work_done"
    SECRET = "secret"  # noqa: S105 - the name of a reason


WORDS: Final[Mapping[Why, str]] = {
    Why.HANDED_OVER: "What was handed over to somebody else's system is out of reach.",
    Why.KEY_DESTROYED: "A key that was destroyed does not come back, nor does anything that it opened.",
    Why.SEALED: "What is sealed stays as it is, so that everybody can rely on it.",
    Why.PERSONS_WORD: "Only the person whose word it is can take it back.",
    Why.TOLD_FROM_OUTSIDE: "Another system told this; it is put right there, and told again.",
    Why.RECORD_OF_A_MOMENT: "It says what was found, counted or decided at its moment, and that stays true of it.",
    Why.BY_THE_CLOCK: "Time passed: that does not go back.",
    Why.ENDED: "It ended for good.",
    Why.BEGINNING: "Everything else begins with it.",
    Why.WORK_DONE: "It notes work that was done; what the work did has events, and ways, of its own.",
    Why.SECRET: "A secret was shown once or taken out of use; it is replaced, never brought back.",
}
"""The reasons in words."""


@dataclass(frozen=True, slots=True)
class From:
    """Where the value of a field is taken from: a JSON pointer.

    `/event/...`: the event's own fields. `/before/...`: the stream's state just before it. `/earlier/...`: the fields
    of earlier events of the stream, the latest that has it. `/stream`: the stream's id. `/version`: the event's version
    in its stream. `/because`: a sentence that says what is undone. `/each/...`: a field of the event that holds ids:
    one command is sent to each. `/back/A/B`: the fields of the event's A that are others in its B.
    """

    pointer: str


EVENT_BEFORE: Final = From("/event/before")
VERSION: Final = From("/version")
BECAUSE: Final = From("/because")


@dataclass(frozen=True, slots=True)
class By:
    """A command that undoes it, `context/slug`, with its fields filled in.

    `fields`: where each is taken from, or its value; `spread`: objects whose fields are
    taken, those that the command has. `to`: the id of
    the stream that it is sent to. `asks`: fields that somebody has to give, since the log does not tell them. `says`:
    what it does not bring back, or what else it does.
    """

    command: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    spread: tuple[From, ...] = ()
    to: From = From("/stream")
    asks: tuple[str, ...] = ()
    says: str = ""

    def alone(self, *, unless: tuple[str, ...] = ()) -> Undone:
        """It is undone by this command, and no other."""
        return Undone((self,), unless)

    def or_else(self, other: By) -> Undone:
        """It is undone by this command, or, where the log does not tell its fields, by another."""
        return Undone((self, other))


@dataclass(frozen=True, slots=True)
class Undone:
    """It is undone by the first of these commands whose fields the log tells.

    `unless`: where its command made one of these events too, it follows from that, and is undone along with it.
    """

    by: tuple[By, ...]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Along:
    """It follows from other events of its command, by these names, and what undoes them undoes it."""

    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """It is never undone. `instead`: what can be done from now on."""

    why: Why
    instead: str = ""


Way: TypeAlias = Undone | Along | Never


def along_with(way: Way) -> tuple[str, ...]:
    """The events along with which it is undone, where its command made one of them."""
    match way:
        case Along():
            return way.events
        case Undone():
            return way.unless
        case Never():
            return ()


def by(command: str, **fields: Any) -> Undone:
    """It is undone by one command."""
    return Undone((By(command, fields),))


def along(*events: str) -> Along:
    """It is undone along with others."""
    return Along(events)
