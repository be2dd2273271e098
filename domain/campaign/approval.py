"""Who has to say yes to a campaign, and for how long their answer is waited for: data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.law.facts import Purpose

ANSWER_WITHIN: Final = timedelta(hours=48)
"""From the request on. At this moment no answer is a no."""

MOST_NOT_BULK: Final = 100
"""To so many people at the most a message may go and not be bulk. By the one law here that counts them, Singapore's
Spam Control Act 2007, more than 100 within 24 hours are (S: a secondary source)."""


class Part(StrEnum):
    """In which part somebody says yes."""

    CAMPAIGN_MANAGER = "campaign_manager"
    COMPLIANCE_OFFICER = "compliance_officer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose yes is wanted: always; or above so many recipients, for promotion, and for mail said to be no advertising.

    The last goes also to who said stop, and rests on what its author says of it.
    """

    part: Part
    always: bool = False
    above: int | None = None
    for_promotion: bool = False
    for_transactional: bool = False

    def holds(self, recipients: int, purpose: Purpose, *, promotion: bool) -> bool:
        """Whether it is wanted of such a campaign."""
        many = self.above is not None and recipients > self.above
        transactional = purpose is Purpose.TRANSACTIONAL
        return (
            self.always
            or many
            or (self.for_promotion and promotion)
            or (self.for_transactional and transactional)
        )


APPROVALS: Final = (
    Wanted(Part.CAMPAIGN_MANAGER, always=True),
    Wanted(Part.COMPLIANCE_OFFICER, above=10_000, for_promotion=True, for_transactional=True),
)


def parts_wanted(recipients: int, purpose: Purpose, *, promotion: bool | None) -> tuple[Part, ...]:
    """Who has to say yes. Where nobody said whether it is promotion, it is."""
    told = promotion is not False
    return tuple(one.part for one in APPROVALS if one.holds(recipients, purpose, promotion=told))
