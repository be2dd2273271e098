"""Who may ask SQL, and name which tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.confining import NeedsWholeTenant
from application.principals import MissingPermission
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from application.principals import Principal


def must_hold_everywhere(principal: Principal) -> None:
    """Facts are the tenant's: who may ask in single workspaces alone is not told of the others.

    Raises `MissingPermission` and `NeedsWholeTenant`.
    """
    principal.require(Permission.REPORTS_SQL)
    if principal.confined_to(Permission.REPORTS_SQL) is not None:
        raise NeedsWholeTenant


def must_hold_for(
    tables: Collection[str], needs: Mapping[str, Permission], held: Collection[Permission]
) -> None:
    """Facts are told by SQL to nobody whom the reports that are made of them are refused.

    Raises `MissingPermission`, which names the table and the permission.
    """
    for table in tables:
        permission = needs[table]
        if permission not in held:
            raise MissingPermission(
                f"the table {table} needs the permission {permission}", permission=permission, table=table
            )
