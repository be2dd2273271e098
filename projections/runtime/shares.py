"""How a batch is cut from what is behind: how far each build moves in each log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from projections.runtime.positions import Step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from projections.runtime.positions import Behind

_LEAST_SHARE: Final = 20


def shares(behind: Iterable[Behind], budget: int) -> list[Step]:
    """Fair steps: every log that is behind gets an equal part of `budget` events, what one leaves goes to others."""
    steps: list[Step] = []
    left = budget
    waiting = sorted(_by_log(behind), key=_backlog)
    for index, builds in enumerate(waiting):
        share = max(_LEAST_SHARE, left // (len(waiting) - index))
        left -= _together(builds, share, steps)
        if left <= 0:
            break
    return steps


def in_turn(behind: Iterable[Behind], budget: int, *, backwards: bool = False) -> list[Step]:
    """Steps of `budget` events through one log after the other: rows of a tenant lie together, so fewer pages change.

    For builds that nobody reads yet. Two who fill a build work towards each other, one of them `backwards`. Steps come
    by tenant for both, so that where they meet they lock position rows in one order.
    """
    steps: list[Step] = []
    left = budget
    for builds in sorted(_by_log(behind), key=_tenant, reverse=backwards):
        left -= _together(builds, left, steps)
        if left <= 0:
            break
    return sorted(steps, key=_tenant_of_step)


def _by_log(behind: Iterable[Behind]) -> Iterable[list[Behind]]:
    logs: dict[UUID, list[Behind]] = defaultdict(list)
    for one in behind:
        logs[one.tenant_id].append(one)
    return logs.values()


def _together(builds: list[Behind], share: int, steps: list[Step]) -> int:
    """Add the steps of one log; how many of its events they pass.

    Builds that stand at different places of the log move towards the same end, so that they read as one afterwards.
    """
    start = min(one.position for one in builds)
    end = min(max(one.head for one in builds), start + share)
    steps += [
        Step(one.build, one.tenant_id, one.known, one.epoch, one.position, end)
        for one in builds
        if one.position < end
    ]
    return end - start


def _tenant_of_step(step: Step) -> UUID:
    return step.tenant_id


def _tenant(builds: list[Behind]) -> UUID:
    return builds[0].tenant_id


def _backlog(builds: list[Behind]) -> int:
    return max(one.head for one in builds) - min(one.position for one in builds)
