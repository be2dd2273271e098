"""Whatever names a workspace in its body is refused where the tenant has none with this id."""

from __future__ import annotations

from typing import Any

import pytest

from domain.kernel.commands import COMMANDS, Command
from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import ArchiveWorkspace, NoSuchWorkspace
from tests.support.given import uid
from tests.support.requests import WORKSPACE, addressee, opened

MISTYPED = WorkspaceId(uid(0x99))
MESSAGE = str(uid(0x61))
BODIES: dict[str, dict[str, Any]] = {
    "create-contact": {"email": "eve@example.com"},
    "create-list": {"name": "Friends"},
    "create-campaign": {"name": "Spring", "purpose": "marketing", "list_ids": [str(uid(0x71))]},
    "authorise-message": {"message_id": MESSAGE},
    "authorise-messages": {"messages": [{"message_id": MESSAGE, "addressee_id": str(uid(0x62))}]},
    "dispatch-message": {"message_id": MESSAGE},
    "suppress-addressee": {"kind": "manual"},
    "record-consent": {"source": "event", "occurred_on": "2026-01-01"},
    "request-confirmation": {"source": "event"},
    "record-relation": {"kind": "purchase", "occurred_on": "2026-01-01"},
    "describe-addressee": {"could_object": True},
    "enter-cost": {
        "category": "server",
        "amount": 1,
        "currency": "USD",
        "basis": "estimate",
        "provider": "H",
        "incurred_on": "2026-01-01",
    },
    "set-workspace-role": {"role": None},
}
"""What else they say."""
OF_A_PERSON = {
    "authorise-message",
    "dispatch-message",
    "suppress-addressee",
    "record-consent",
    "request-confirmation",
    "record-relation",
    "describe-addressee",
}


def naming() -> dict[str, type[Command]]:
    """The commands that a caller may send and that name one workspace."""
    return {
        cls.slug: cls
        for cls in COMMANDS.by_route.values()
        if "workspace_id" in cls.model_fields and not cls.internal
    }


def test_all_of_them_are_looked_at_here() -> None:
    assert set(naming()) == set(BODIES)


@pytest.mark.parametrize("slug", sorted(BODIES))
def test_no_workspace_of_the_tenant_is_none(slug: str) -> None:
    world = opened()
    command = naming()[slug].model_validate({"workspace_id": str(MISTYPED), **BODIES[slug]})
    target = addressee(world) if slug in OF_A_PERSON else uid(0x81)
    before = len(world.log)
    with pytest.raises(NoSuchWorkspace) as refusal:
        world.run(command, target)
    assert refusal.value.field == "/workspace_id"
    assert len(world.log) == before


def test_what_stops_may_name_an_archived_one() -> None:
    world = opened()
    world.run(ArchiveWorkspace(), WORKSPACE)
    stop = naming()["suppress-addressee"].model_validate({"workspace_id": str(WORKSPACE), "kind": "manual"})
    assert len(world.run(stop, addressee(world))) == 1
