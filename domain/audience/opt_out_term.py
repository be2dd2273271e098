"""By when the law of the person wants an opt-out done: kept for what is reported, as it takes effect at once here."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, NamedTuple

from domain.law.calendars import NoCalendar
from domain.law.deadlines import Duty, legal_terms
from domain.law.facts import SuppressionKind
from domain.law.packs import load_packs
from domain.law.periods import first_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.law.pack import Pack


class OptOutTerm(NamedTuple):
    """The law whose term ends first, and the moment from which it is over; None: no law that is known has one."""

    due_law: str | None = None
    due_before: datetime | None = None


def term_of(
    country: str | None, kind: SuppressionKind, said_at: datetime, packs: Sequence[Pack] | None = None
) -> OptOutTerm:
    """The term of what somebody in `country` said at a moment, by the laws in force then, as they were known then.

    Every term is counted from that moment, also where a law counts from receipt: that is no earlier. Its last day is
    over as it is over first in any zone of the law. An opt-out is entered whatever is known of its term, so a country
    without a calendar of business days has none.
    """
    if country is None:
        return OptOutTerm()
    duties = [Duty.OPT_OUT, Duty.OBJECTION] if kind is SuppressionKind.OBJECTION else [Duty.OPT_OUT]
    loaded = load_packs() if packs is None else packs
    try:
        terms = [one for duty in duties for one in legal_terms(loaded, duty, [country], said_at)]
    except NoCalendar:
        return OptOutTerm()
    zones = {pack.law: pack.zones for pack in loaded}
    ends = [(first_moment(one.term.due + timedelta(days=1), zones[one.law]), one.law) for one in terms]
    if not ends:
        return OptOutTerm()
    before, law = min(ends)
    return OptOutTerm(law, before.astimezone(UTC))
