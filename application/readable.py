"""What is kept for a tenant is changed and stopped by who may read it: schedules, and SQL under a title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from application.offered import FACTS
from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from domain.kernel.permissions import Permission

_WORDS: Final = re.compile(r"\w+")


class NotYoursToRead(Refusal):
    """A schedule or saved query is changed or stopped by who may read it, before and after. Ask one who may."""

    code = "not-yours-to-read"
    kind = RefusalKind.FORBIDDEN


def must_read(needs: frozenset[Permission], held: frozenset[Permission]) -> None:
    """Who changes or stops something holds what reading it takes."""
    missing = sorted(needs - held)
    if missing:
        raise NotYoursToRead(f"{NotYoursToRead.rule()} Not held: {', '.join(missing)}.", missing=missing)


def needs_of_sql(sql: str) -> frozenset[Permission]:
    """What the facts take that a text names.

    The text is not understood: a fact's name in a comment counts too. No fact is read without its name.
    """
    return frozenset(FACTS[word] for word in map(str.lower, _WORDS.findall(sql)) if word in FACTS)
