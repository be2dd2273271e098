"""What the packs say of their rules, as a table that report SQL may name: `rule_basis(law, rule, basis)`."""

from __future__ import annotations

from functools import cache
from typing import Final

from domain.law.packs import load_packs
from projections.olap.sql import quoted

RULE_BASIS: Final = "rule_basis"


@cache
def rule_basis() -> str:
    """The query that makes the table: one row for each rule that allows by a basis, as the present packs name it."""
    bases = {(pack.law, rule.id): rule.basis for pack in load_packs() for rule in pack.rules if rule.basis}
    rows = ", ".join(
        f"({quoted(law)}, {quoted(rule)}, {quoted(basis)})" for (law, rule), basis in sorted(bases.items())
    )
    return f"SELECT * FROM (VALUES {rows}) AS told (law, rule, basis)"  # noqa: S608 - quoted words of our own packs
