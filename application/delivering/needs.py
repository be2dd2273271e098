"""What somebody has to hold to be delivered something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.offered import OFFERED, infos
from application.packs.definition import UnknownBoardPack, definition_named
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from domain.reporting.schedule_events import DeliveryPrepared, ItemTold, ScheduleTerms

MAKING: Final = frozenset({Permission.REPORTS_SEAL})
"""What a pack takes besides, of who has it made."""


def needs_of(terms: ScheduleTerms, prepared: DeliveryPrepared | None = None) -> frozenset[Permission]:
    """The permissions that its reports take.

    What is gone since is not made, and takes none; but of what was `prepared` before it went nobody can say any more
    what it took: that takes what any report takes.
    """
    needs = {Permission.REPORTS_READ}
    not_made = set[str]() if prepared is None else {one.name for one in prepared.refused}
    for item in terms.items:
        taken = _taken(item)
        if taken is None and prepared is not None and item.name not in not_made:
            taken = {Permission(one.info.permission) for one in OFFERED.values()}
        needs |= taken or set()
    return frozenset(needs)


def _taken(item: ItemTold) -> set[Permission] | None:
    """What an item takes; None: it is gone."""
    if item.pack is None:
        return {Permission(OFFERED[item.report].info.permission)} if item.report in OFFERED else None
    try:
        sections = definition_named(item.pack, infos()).section
    except UnknownBoardPack:
        return None
    return {Permission(OFFERED[section.report].info.permission) for section in sections}
