"""What somebody has to hold to be delivered something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.offered import OFFERED, infos
from application.packs.definition import definition_named
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from domain.reporting.schedule_events import ScheduleTerms

MAKING: Final = frozenset({Permission.REPORTS_SEAL})
"""What a pack takes besides, of who has it made."""


def needs_of(terms: ScheduleTerms) -> frozenset[Permission]:
    """The permissions that its reports take. Raises `UnknownBoardPack`; of a report that is gone, the usual one."""
    needs = {Permission.REPORTS_READ}
    for item in terms.items:
        if item.pack is not None:
            needs |= {
                Permission(OFFERED[section.report].info.permission)
                for section in definition_named(item.pack, infos()).section
            }
        elif item.report in OFFERED:
            needs.add(Permission(OFFERED[item.report].info.permission))
    return frozenset(needs)
