"""Who sees which events of a batch, and in which order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from application.ports.codec import EventCodec
from application.ports.log import Recorded
from domain.kernel.events import EVENTS
from domain.tenancy import workspace
from projections.runtime import batch
from projections.runtime.batch import Slice
from projections.runtime.builds import Build
from projections.runtime.facts import Fact, Projection
from projections.runtime.positions import Step
from projections.runtime.rows import Rows

MADE, RENAMED = workspace.WorkspaceCreated.name, workspace.WorkspaceRenamed.name
TENANTS = (UUID(int=2), UUID(int=1))


class Counting:
    """Opens nothing; counts how often each event is asked for, and whether to be revealed."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, int, bool]] = []

    def payloads(self, recorded: Sequence[Recorded], *, reveal: bool) -> list[dict[str, Any]]:
        self.asked += [(row.tenant_id, row.position, reveal) for row in recorded]
        return [{} for _ in recorded]


def seeing(name: str, *names: str, reveals: bool = True) -> tuple[Build, list[tuple[int, int]]]:
    """A build, and the (tenant, position) of the events it saw."""
    seen: list[tuple[int, int]] = []
    projection = Projection(name, version=1, tables=[], reveals=reveals)

    @projection.on(*names)
    def see(event: Fact, _: Rows) -> None:
        seen.append((event.tenant_id.int, event.position))

    return Build(projection, 1, f"views_{name}", live=True), seen


def slice_of(build: Build, tenant: UUID, old: int, new: int) -> Slice:
    handled = build.projection.handlers
    rows = [
        Recorded(tenant, position, "w:1", position, name, EVENTS.classes[name].schema_version, b"", b"", NOW)
        for position in range(old + 1, new + 1)
        if (name := MADE if position % 2 else RENAMED) in handled
    ]
    return Slice(Step(build, tenant, known=True, epoch=1, old=old, new=new), tuple(rows))


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("at_once", [1, 3, 250])
def test_each_build_sees_each_log_in_order_and_each_event_is_opened_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_AT_ONCE", at_once)
    some, seen_by_some = seeing("some", MADE)
    every, seen_by_every = seeing("every", MADE, RENAMED)
    sealed, seen_sealed = seeing("sealed", RENAMED, reveals=False)
    slices = [
        slice_of(build, tenant, old, 10)
        for tenant in TENANTS
        for build, old in ((some, 4), (every, 1), (sealed, 0))
    ]
    codec = Counting()
    changes = {piece.step.build: Rows(piece.step.build.projection) for piece in slices}
    batch._handled(cast("EventCodec", codec), slices, changes)
    assert seen_by_some == [(tenant.int, position) for tenant in TENANTS for position in (5, 7, 9)]
    assert seen_by_every == [(tenant.int, position) for tenant in TENANTS for position in range(2, 11)]
    assert seen_sealed == [(tenant.int, position) for tenant in TENANTS for position in (2, 4, 6, 8, 10)]
    assert codec.asked == [
        *((tenant, position, True) for tenant in TENANTS for position in range(2, 11)),
        *((tenant, position, False) for tenant in TENANTS for position in (2, 4, 6, 8, 10)),
    ]
