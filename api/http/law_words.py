"""Filters by a word of the law: one that no decision can name is mistyped, and is told apart from nothing found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.http.problems import bad_parameter
from domain.law.words import words

if TYPE_CHECKING:
    from application.law_archive import LawArchive
    from domain.law.words import Kind


async def must_be_known(archive: LawArchive, kind: Kind, parameter: str, given: str, *also: str) -> None:
    """Refuse a law, rule, basis or missing fact that no version of a pack has; `also`: other words that mean something.

    Raises a `Problem` that names the parameter and all that is known.
    """
    known = [*words(kind, [one.pack for one in await archive.adopted()]), *also]
    if given not in known:
        raise bad_parameter(parameter, f"No decision names such a {kind}. Name one of {', '.join(known)}.")
