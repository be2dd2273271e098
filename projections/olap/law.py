"""What rule packs say, or said, of their rules, as a table for report SQL: `rule_basis(law, rule, basis)`."""

from __future__ import annotations

from functools import cache
from typing import Final

from domain.law.packs import load_packs
from projections.olap.sql import quoted

RULE_BASIS: Final = "rule_basis"
FORMER: Final = {
    ("fr", "fr.ask-once-contact"): "one question at the term",
    ("jp", "jp.purchase"): "business relationship",
}
"""By law and id: the bases of rules that are in no pack any more, or allow no more. Decisions name them for ever."""


def bases() -> dict[tuple[str, str], str]:
    """By law and id: the basis of each rule that allows or ever allowed, as it is called today."""
    return FORMER | {
        (pack.law, rule.id): rule.basis for pack in load_packs() for rule in pack.rules if rule.basis
    }


@cache
def rule_basis() -> str:
    """The query that makes the table: one row for each rule."""
    rows = ", ".join(
        f"({quoted(law)}, {quoted(rule)}, {quoted(basis)})" for (law, rule), basis in sorted(bases().items())
    )
    return f"SELECT * FROM (VALUES {rows}) AS told (law, rule, basis)"  # noqa: S608 - quoted words of our own packs
