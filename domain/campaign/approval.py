"""Who has to say yes to a campaign, and for how long their answer is waited for: data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

ANSWER_WITHIN: Final = timedelta(hours=48)
"""From the request on. At this moment no answer is a no."""


class Part(StrEnum):
    """In which part somebody says yes."""

    CAMPAIGN_MANAGER = "campaign_manager"
    COMPLIANCE_OFFICER = "compliance_officer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose yes is wanted: always; or above so many recipients, and for promotion."""

    part: Part
    always: bool = False
    above: int | None = None
    for_promotion: bool = False

    def holds(self, recipients: int, *, promotion: bool) -> bool:
        """Whether it is wanted of such a campaign."""
        many = self.above is not None and recipients > self.above
        return self.always or many or (self.for_promotion and promotion)


APPROVALS: Final = (
    Wanted(Part.CAMPAIGN_MANAGER, always=True),
    Wanted(Part.COMPLIANCE_OFFICER, above=10_000, for_promotion=True),
)


def parts_wanted(recipients: int, *, promotion: bool | None) -> tuple[Part, ...]:
    """Who has to say yes. Where nobody said whether it is promotion, it is."""
    return tuple(one.part for one in APPROVALS if one.holds(recipients, promotion=promotion is not False))
