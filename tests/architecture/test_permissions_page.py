"""The page of permissions is that of the program."""

from pathlib import Path

import api.composition  # noqa: F401 - it completes the registries
from api.http.permissions import permission_matrix
from domain.kernel.commands import COMMANDS
from domain.kernel.permissions import (
    AUDITS,
    GRANTABLE,
    STAFF_ROLES,
    TENANT_ROLES,
    WORKSPACE_ROLES,
    Permission,
)

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == permission_matrix(), (
        "make it anew: python -m scripts.permissions_page > docs/permissions.md"
    )


def test_every_permission_is_held_by_somebody_and_internal_ones_by_nobody() -> None:
    """Those of an outside auditor are held by the keys that are made for one."""
    roles = [*TENANT_ROLES.values(), *WORKSPACE_ROLES.values(), *STAFF_ROLES.values(), GRANTABLE]
    held = frozenset[Permission]().union(*roles)
    assert held == frozenset(Permission) - {Permission.INTERNAL} - AUDITS
    assert all(command.permission is not Permission.INTERNAL for command in COMMANDS.public())
