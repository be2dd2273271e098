"""By when the laws of person and sender want an opt-out done: kept for reports, as it takes effect at once here."""

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

    from domain.law.deadlines import LegalTerm
    from domain.law.pack import Pack


class OptOutTerm(NamedTuple):
    """The law whose term ends first, and the moment from which it is over; None: no law that is known has one."""

    due_law: str | None = None
    due_before: datetime | None = None


def term_of(
    country: str | None,
    sender_country: str | None,
    kind: SuppressionKind,
    said_at: datetime,
    packs: Sequence[Pack] | None = None,
) -> OptOutTerm:
    """The term of what somebody in `country` said at a moment, by the laws in force then, as they were known then.

    The person's law and the sender's both apply; where the person's country is not known, every law that sets a term.
    Every term is counted from that moment, also where a law counts from receipt: that is no earlier. Its last day is
    over as it is over first in any zone of the law. An opt-out is entered whatever is known of its term, so a country
    without a calendar of business days has none.
    """
    loaded = load_packs() if packs is None else packs
    duties = [Duty.OPT_OUT, Duty.OBJECTION] if kind is SuppressionKind.OBJECTION else [Duty.OPT_OUT]
    places = {one for one in (country, sender_country) if one is not None}
    if country is None:
        places.update(*(_places(pack, duties) for pack in loaded))
    terms = [
        one for duty in duties for place in sorted(places) for one in _terms(loaded, duty, place, said_at)
    ]
    zones = {pack.law: pack.zones for pack in loaded}
    ends = [(first_moment(one.term.due + timedelta(days=1), zones[one.law]), one.law) for one in terms]
    if not ends:
        return OptOutTerm()
    before, law = min(ends)
    return OptOutTerm(law, before.astimezone(UTC))


def _places(pack: Pack, duties: Sequence[Duty]) -> Sequence[str]:
    """Where the terms of a law may differ: in all its countries where business days count, else any one of them."""
    terms = [one for one in pack.deadlines if set(one.of) & set(duties)]
    if any(one.in_business_days for one in terms):
        return pack.countries
    return pack.countries[:1] if terms else ()


def _terms(packs: Sequence[Pack], duty: Duty, place: str, said_at: datetime) -> tuple[LegalTerm, ...]:
    """What the laws of one place set; nothing where its business days cannot be counted."""
    try:
        return legal_terms(packs, duty, [place], said_at)
    except NoCalendar:
        return ()
