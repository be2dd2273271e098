"""How a batch is cut from what is behind."""

from uuid import UUID

from projections.runtime.builds import Build
from projections.runtime.facts import Projection
from projections.runtime.positions import Behind
from projections.runtime.shares import in_turn

BUILD = Build(Projection("one", version=1, tables=[]), 1, "views_one", live=False)
OTHER = Build(Projection("two", version=1, tables=[]), 1, "views_two", live=False)


def behind(tenant: int, position: int, head: int, build: Build = BUILD) -> Behind:
    return Behind(build, UUID(int=tenant), known=True, epoch=1, position=position, head_epoch=1, head=head)


def moves(behind_: list[Behind], budget: int, *, backwards: bool = False) -> list[tuple[str, int, int, int]]:
    return [
        (step.build.projection.name, step.tenant_id.int, step.old, step.new)
        for step in in_turn(behind_, budget, backwards=backwards)
    ]


def test_logs_are_taken_one_after_the_other_from_either_end() -> None:
    three = [behind(2, 0, 30), behind(1, 5, 25), behind(3, 0, 40)]
    assert moves(three, 30) == [("one", 1, 5, 25), ("one", 2, 0, 10)]
    assert moves(three, 50, backwards=True) == [("one", 2, 0, 10), ("one", 3, 0, 40)]
    assert moves(three, 1_000) == [("one", 1, 5, 25), ("one", 2, 0, 30), ("one", 3, 0, 40)]


def test_builds_of_one_log_move_to_the_same_end() -> None:
    two = [behind(1, 0, 100), behind(1, 7, 100, OTHER)]
    assert moves(two, 40) == [("one", 1, 0, 40), ("two", 1, 7, 40)]
    assert moves(two, 5) == [("one", 1, 0, 5)]
