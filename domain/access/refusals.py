"""What reviewers of the access log are refused, and whose word a review is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.errors import NotFound, Refusal, RefusalKind

if TYPE_CHECKING:
    from uuid import UUID

    from domain.kernel.commands import Stamp


class ReviewerNotNamed(Refusal):
    """Reviews are somebody's word. Use a key that acts for a member."""

    code = "reviewer-not-named"
    kind = RefusalKind.FORBIDDEN


class NothingToSignOff(Refusal):
    """A period holds an entry at least, and begins where the last one ended, at `signed_to`. Nothing is to be done."""

    code = "nothing-to-sign-off"


class BeyondTheAccessLog(Refusal):
    """The access log has not come so far; it is at `last_position`. Name a position up to that."""

    code = "beyond-the-access-log"
    kind = RefusalKind.INVALID


class PeriodTooLong(Refusal):
    """So many entries at once nobody looks through. Sign off up to `most` of them, then the next."""

    code = "review-period-too-long"
    kind = RefusalKind.INVALID
    field = "/up_to"


class OwnReadsNeedAnother(Refusal):
    """Nobody signs off, explains or acknowledges what they read themselves. Ask another officer."""

    code = "own-reads-need-another"
    kind = RefusalKind.FORBIDDEN


class QuestionedAlready(Refusal):
    """There is an open question about this entry. Answer that first."""

    code = "read-questioned-already"


class NoOpenQuestion(Refusal):
    """No question is open about this entry. See those that are in the view of questions."""

    code = "no-open-question"


class NoOwnReadsOpen(Refusal):
    """Of this officer nothing awaits another. Nothing is to be done."""

    code = "no-own-reads-open"


class AlertNotOpen(Refusal):
    """There is no such alert that waits for somebody. See those that do in the view of alerts."""

    code = "alert-not-open"


class RuleUnfit(Refusal):
    """Only `at_night` looks at the clock. Leave hours and time zone out."""

    code = "alert-rule-without-hours"
    kind = RefusalKind.INVALID


def reviewer(stamp: Stamp) -> UUID:
    """The member who asks. Raises `ReviewerNotNamed`, and `NotFound` under an id that is not the tenant's."""
    if stamp.target != stamp.tenant_id:
        raise NotFound  # there is one stream to a log
    if stamp.actor.member is None:
        raise ReviewerNotNamed
    return stamp.actor.member
