"""The opt-outs that a consent leaves standing, and why: so that nobody takes a consent for a permission."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from domain.audience.consent_events import ConsentRecorded, GoesOn, OptOutLifted
from domain.law.facts import Scope
from domain.law.periods import over

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from domain.audience.addressee_state import Addressee
    from domain.audience.consent import Consented
    from domain.kernel.events import Event


class WhyItGoesOn(StrEnum):
    """Why a consent does not lift an opt-out."""

    NOT_EXPLICIT = "not_explicit"
    SAID_LATER = "said_later"
    SAME_DAY = "same_day"
    WITH_ANOTHER = "with_another"


_WORDS: Final = {
    WhyItGoesOn.NOT_EXPLICIT: "The consent does not say that they want to be written to again. Where they said so, "
    "enter it as explicit, with its wording.",
    WhyItGoesOn.SAID_LATER: "It was not said before the consent was given. It ends by a later consent of their own.",
    WhyItGoesOn.SAME_DAY: "Which came first is not known: it may have been said on the day of the consent. Where the "
    "moment of the consent is known, enter it with occurred_at.",
    WhyItGoesOn.WITH_ANOTHER: "An opt-out of all mail that was not said before the consent goes on, and this with it.",
}


def going_on(known: Addressee, consent: Consented, since: datetime, *, lifting: bool) -> tuple[GoesOn, ...]:
    """Those of its words that a consent leaves standing; `since`: when it surely was given, and it lifts or does not.

    What holds for one workspace's mail alone is left out, for others may not see it.
    """
    words = [one for one in known.own_words() if one.scope is not Scope.WORKSPACE]
    said = [(one, known.last_said(one).at) for one in words]
    return tuple(
        GoesOn(one.position, str(one.kind), str(one.scope), one.within, at, str(_why(consent, since, at)))
        for one, at in said
        if not (lifting and at < since)
    )


def told_of(events: Iterable[Event]) -> dict[str, Any] | None:
    """What an answer tells of the opt-outs of whoever consented; None where no consent was entered."""
    events = list(events)
    entered = next((one for one in events if isinstance(one, ConsentRecorded)), None)
    if entered is None:
        return None
    return {
        "opt_outs_lifted": entered.ends_for_client or any(isinstance(one, OptOutLifted) for one in events),
        "opt_outs_going_on": [
            {
                "entry": one.entry,
                "kind": one.kind,
                "scope": one.scope,
                "within": one.within,
                "said_at": one.said_at,
                "why": one.why,
                "about": _WORDS[WhyItGoesOn(one.why)],
            }
            for one in entered.going_on
        ],
    }


def _why(consent: Consented, since: datetime, said_at: datetime) -> WhyItGoesOn:
    if not consent.explicit:
        return WhyItGoesOn.NOT_EXPLICIT
    if said_at < since:
        return WhyItGoesOn.WITH_ANOTHER
    if consent.occurred_at is None and said_at < over(consent.occurred_on, ()):
        return WhyItGoesOn.SAME_DAY
    return WhyItGoesOn.SAID_LATER
