"""The permission matrix as a page of the docs: who may do what, and what each command and query needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.http.openapi import openapi
from domain.kernel.permissions import GRANTABLE, STAFF_ROLES, TENANT_ROLES, WORKSPACE_ROLES, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPEN: Final = """\
# Permissions

Made by `python -m scripts.permissions_page` from the roles and the registries; do not edit. A test fails when
they differ.

An API key holds its role's permissions, or some of them; one that speaks for a member, never more than the member, in
single workspaces too. A viewer's key reads alone: it holds `members.leave` only where it is made with it by name. A
missing permission is a 403 that names it. Commands and queries of single workspaces are open to those who hold the
permission in that workspace alone; they see and touch nothing of the others.

People are the tenant's. Single workspaces enter consents, opt-outs, relations and suppressions of their own about those
whom a contact of theirs refers to, and ask to write to them; nobody else is found from there (404). An opt-out that
they enter holds in the whole tenant. `describe-addressee`, `retract-entry`, `lift-suppression`, a suppression without
`workspace_id`, and a consent that ends an opt-out, decide for all workspaces: they need the permission in the whole
tenant, and are a 403 `needs-whole-tenant` else.

`reports.sql` opens no table whose reports are closed: each table needs the permission that its reports need besides,
and `GET /v1/sql/schema` names it. `history.read` is the right to the whole log: it shows every event, those of costs
and of billing too, to whoever holds it without `costs.read` or `billing.read`, since an audit that leaves events out
is none. So a view's difference, which says who changed what and why, needs it besides the view's permission; a view as
of an earlier moment needs the view's alone.
"""


def permission_matrix() -> str:
    """The page, in Markdown."""
    staff: dict[Any, frozenset[Permission]] = {**STAFF_ROLES, "break-glass grant": GRANTABLE}
    parts = [
        _OPEN,
        _roles("In a tenant", TENANT_ROLES),
        _roles("In one workspace", WORKSPACE_ROLES),
        _roles("Staff of the platform", staff),
        _needs(),
    ]
    return "\n".join(parts)


def _roles(title: str, roles: Mapping[Any, frozenset[Permission]]) -> str:
    held = [one for one in Permission if any(one in permissions for permissions in roles.values())]
    lines = [f"## {title}\n", "| permission | " + " | ".join(role.replace("_", " ") for role in roles) + " |"]
    lines.append("|---|" + "---|" * len(roles))
    for permission in held:
        cells = ["yes" if permission in permissions else "-" for permissions in roles.values()]
        lines.append(f"| `{permission}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _needs() -> str:
    lines = ["## What each route needs\n", "| route | permission |", "|---|---|"]
    for path, operations in openapi()["paths"].items():
        for method, operation in operations.items():
            needed = operation.get("x-permission")
            shown = f"`{needed}`" if needed else "none of its own"
            revealed = operation.get("x-shows-personal-with")
            more = f"; personal values in the clear with `{revealed}`" if revealed else ""
            lines.append(f"| `{method.upper()} {path}` | {shown}{more} |")
    return "\n".join(lines) + "\n"
