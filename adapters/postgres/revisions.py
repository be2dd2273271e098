"""The migrations there are, read without the library that runs them: every process asks, and few of them migrate."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

VERSIONS = Path(__file__).parent / "migrations" / "versions"
HALF_RESTORED = "half restored"
"""Stands in place of a migration while a backup is put back, so that no version takes the database for its own."""


@cache
def revisions() -> Mapping[str, str | None]:
    """Each migration of this version, and the one that it follows."""
    return dict(_told(file) for file in VERSIONS.glob("*.py"))


def heads() -> frozenset[str]:
    """The migrations that none follows: what a database of this version has applied."""
    return frozenset(revisions()) - frozenset(revisions().values())


def _told(file: Path) -> tuple[str, str | None]:
    """What alembic reads of a migration as well: two constants of its module."""
    told = {
        target.id: ast.literal_eval(statement.value)
        for statement in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in ("revision", "down_revision")
    }
    return told["revision"], told["down_revision"]
