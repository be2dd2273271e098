"""How members follow from events. Who left, or was not asked any more, has no row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.audience.email import match_form
from domain.kernel.personal import is_hidden
from projections.operational.members.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

MEMBERS: Final = Projection("members", version=2, tables=TABLES)


@MEMBERS.on("tenancy.member_invited")
def invited(event: Fact, rows: Rows) -> None:
    """Somebody was asked to join."""
    _write(event, rows, status="invited", expires_at=event.payload["expires_at"])


@MEMBERS.on("tenancy.member_joined")
def joined(event: Fact, rows: Rows) -> None:
    """Somebody is in."""
    _write(event, rows, status="joined", expires_at=None)


def _write(event: Fact, rows: Rows, *, status: str, expires_at: str | None) -> None:
    payload = event.payload
    email = payload["email"]
    member = {"member_id": payload["member_id"]}
    rows.upsert(
        "members",
        {
            **member,
            "email": email,
            "email_match": None if is_hidden(email) else match_form(email),
            "full_name": payload["full_name"],
            "role": payload["role"],
            "status": status,
            "expires_at": expires_at,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )
    rows.delete_where("member_workspaces", **member)
    for workspace, role in payload["workspaces"].items():
        rows.upsert("member_workspaces", {**member, "workspace_id": workspace, "role": role})


@MEMBERS.on("tenancy.invitation_resent")
def resent(event: Fact, rows: Rows) -> None:
    """The invitation holds longer."""
    rows.update(
        "members", {"member_id": event.payload["member_id"], "expires_at": event.payload["expires_at"]}
    )


@MEMBERS.on("tenancy.member_role_changed")
def role_changed(event: Fact, rows: Rows) -> None:
    """Their role in the tenant changed."""
    rows.update("members", {"member_id": event.payload["member_id"], "role": event.payload["after"]})


@MEMBERS.on("tenancy.workspace_role_set")
def workspace_role_set(event: Fact, rows: Rows) -> None:
    """Their role in a workspace changed."""
    payload = event.payload
    key = {"member_id": payload["member_id"], "workspace_id": payload["workspace_id"]}
    if payload["after"] is None:
        rows.delete("member_workspaces", key)
    else:
        rows.upsert("member_workspaces", {**key, "role": payload["after"]})


@MEMBERS.on("tenancy.invitation_revoked", "tenancy.member_removed")
def gone(event: Fact, rows: Rows) -> None:
    """They are not there any more."""
    member = {"member_id": event.payload["member_id"]}
    rows.delete("members", member)
    rows.delete_where("member_workspaces", **member)


@MEMBERS.on("tenancy.ownership_granted")
def owns(event: Fact, rows: Rows) -> None:
    """Somebody is an owner."""
    rows.upsert("owners", {"member_id": event.payload["member_id"]})


@MEMBERS.on("tenancy.ownership_relinquished")
def owns_no_more(event: Fact, rows: Rows) -> None:
    """Somebody is an owner no more."""
    rows.delete("owners", {"member_id": event.payload["member_id"]})
