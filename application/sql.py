"""Who may ask SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.confining import NeedsWholeTenant
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from application.principals import Principal


def must_hold_everywhere(principal: Principal) -> None:
    """Facts are the tenant's: who may ask in single workspaces alone is not told of the others.

    Raises `MissingPermission` and `NeedsWholeTenant`.
    """
    principal.require(Permission.REPORTS_SQL)
    if principal.confined_to(Permission.REPORTS_SQL) is not None:
        raise NeedsWholeTenant
