"""When the event of a position was recorded, whichever way the clock of its log went."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.ports.positions import Position
from projections.olap.query import extent, standing_at
from tests.unit.olap.test_ingest import World

_FORWARD = [0, 0, 1, 1, 1, 2, 40, 40, 41]
_BACK = [0, 3, 3, 1, 4, 2, 2, 0, 5]


@pytest.mark.parametrize("days", [_FORWARD, _BACK])
def test_a_position_stands_at_the_moment_of_its_own_event(world: World, days: list[int]) -> None:
    one, other = world.histories
    for history, after in ((one, days), (other, sorted(days))):
        for number in range(len(days)):
            history.happen("tenancy.tenant_renamed")
            event = history.events[number]
            history.events[number] = event._replace(
                recorded_at=event.recorded_at + timedelta(days=after[number])
            )
    world.catch_up()
    for history in world.histories:
        tenant = extent(world.store.writing, history.tenant_id)
        for event in history.events:
            stands = standing_at(world.store.writing, tenant, event.position)
            assert (stands.position, stands.as_of) == (Position(1, event.position), event.recorded_at)
        begin = standing_at(world.store.writing, tenant, 0)
        assert (begin.position, begin.as_of) == (Position(1, 0), None)
