"""Whose people somebody is: a workspace's, if one of its contacts refers to them. For views of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from application.queries import Scope
    from projections.operational.paging import Select

OWN: Final = "(%(within)s::uuid[] IS NULL OR c.workspace_id = ANY(%(within)s::uuid[]))"
"""Contacts `c` of the workspaces that are meant."""
OWN_OF_PERSON: Final = (
    f"{{contacts}}.contacts c WHERE c.tenant_id = %(tenant_id)s AND c.addressee_id = t.addressee_id AND {OWN}"
)
"""Those of them that refer to the person of a row `t`."""
AMONG: Final = f"EXISTS (SELECT FROM {OWN_OF_PERSON})"


def workspaces_meant(scope: Scope, workspace_id: UUID | None = None) -> list[UUID] | None:
    """The workspaces whose people are meant; None: all of the tenant's, with those whom no contact refers to."""
    own = scope.workspaces
    if workspace_id is None:
        return None if own is None else sorted(own)
    return [workspace_id] if own is None or workspace_id in own else []


def keep_to_people(select: Select, within: list[UUID] | None) -> None:
    """Keep to the people of the workspaces that are meant; `within` is told to the conditions above."""
    select.values["within"] = within
    if within is not None:
        select.conditions.append(AMONG)
