"""Prints docs/acceptance.md: what others require, by what the product meets it, and which test shows that.

The lines stand in `scripts/acceptance`, a file for each list. A line is built, built in part, not built, or the
operator's; only one of the last two may name no test.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
FILES: Final = ("officers", "sec17a4", "soc2", "iso27001")
_OPEN: Final = """\
# What is required, what meets it, and what shows that

Made by `python -m scripts.acceptance_page` from `scripts/acceptance`; do not edit. A test fails when they differ, and
when a file, heading or test that is named here is not there.

These lines are evidence for whoever judges: an auditor, an officer, a regulator. None of them is a statement of
compliance: that takes people, rules and an operation that no software brings, and each line says what of it is the
operator's. What is not built is said too. Requirements are told in our own words: the texts themselves count.
"""


class State(StrEnum):
    """How much of what a line asks for is there."""

    BUILT = "built"
    PARTLY = "built in part"
    NOT_BUILT = "not built"
    OPERATOR = "the operator's"


class Line(BaseModel):
    """One requirement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    asks: str = Field(min_length=1)
    ours: str = ""
    operator: str = ""
    not_built: str = ""
    mechanism: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_shown(self) -> Line:
        """What is said to be ours has a mechanism and a test; where nothing is, it is said whose it is."""
        if len({bool(self.ours), bool(self.mechanism), bool(self.tests)}) > 1:
            raise ValueError(f"{self.id}: what is ours needs words, a mechanism and a test")
        if not (self.ours or self.operator or self.not_built):
            raise ValueError(f"{self.id}: say that it is the operator's, or not built")
        return self

    @property
    def state(self) -> State:
        """See `State`."""
        if self.ours:
            return State.PARTLY if self.not_built else State.BUILT
        return State.NOT_BUILT if self.not_built else State.OPERATOR


class Requirements(BaseModel):
    """One list: a law's, a standard's, or our own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    source: str
    line: tuple[Line, ...]


def requirements() -> list[Requirements]:
    """The lists, in the order of the page."""
    folder = ROOT / "scripts" / "acceptance"
    return [
        Requirements.model_validate(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))
        for name in FILES
    ]


def acceptance_page() -> str:
    """The page, in Markdown."""
    found = requirements()
    return "\n".join([_OPEN, *_counted(found), *(line for one in found for line in _list(one))])


def _counted(found: list[Requirements]) -> Iterator[str]:
    yield f"| list | {' | '.join(State)} |"
    yield "|---|" + "---|" * len(State)
    for one in found:
        counts = " | ".join(str(sum(line.state is state for line in one.line)) for state in State)
        yield f"| [{one.title}](#{slug(one.title)}) | {counts} |"
    yield ""


def _list(one: Requirements) -> Iterator[str]:
    yield f"## {one.title}"
    yield ""
    yield one.source
    yield ""
    yield "| requirement | what it asks | evidence for it | not ours, or not built | by | shown by |"
    yield "|---|---|---|---|---|---|"
    for line in one.line:
        left = [f"The operator's: {line.operator}"] if line.operator else []
        left += [f"**Not built**: {line.not_built}"] if line.not_built else []
        by = ", ".join(_mechanism(name) for name in line.mechanism)
        cells = (
            f"**{line.id}**",
            line.asks,
            line.ours,
            " ".join(left),
            by,
            ", ".join(map(_test, line.tests)),
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _mechanism(name: str) -> str:
    path, _, anchor = name.partition("#")
    link = path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"
    shown = name.removeprefix("docs/") if path.startswith("docs/") else path
    return f"[{shown}]({link}{'#' if anchor else ''}{anchor})"


def _test(name: str) -> str:
    path, _, function = name.partition("::")
    return f"[`{function.rpartition('::')[2]}`](../{path})"


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    print(acceptance_page(), end="")
