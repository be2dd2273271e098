"""Refusals for want of a permission, told to whoever counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.http.standing import PRINCIPAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from application.denials import Denials
    from application.principals import Principal

DENIALS: Final = "penguin.denials"
"""In the scope: who counts refusals."""


def denied(scope: Scope, told: Mapping[str, Any]) -> None:
    """Count a refusal of somebody who was found. `told`: what the refusal says besides, the permission among it."""
    principal: Principal | None = scope.get(PRINCIPAL)
    denials: Denials | None = scope.get(DENIALS)
    if principal is not None and denials is not None:
        client = scope.get("client")
        query, permission = str(scope.get("penguin.command")), str(told.get("permission", "none"))
        denials.note(principal, query, permission, client[0] if client else None)
