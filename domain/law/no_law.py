"""Reasons against a message that come of no law: each in plain words, and what ends it.

Words that tell of the person themselves (since when, in which scope) a decision keeps. These are the same for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.law.facts import SuppressionKind
from domain.law.judging import BY_PLATFORM, UNRELATED, remedy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABOUT: Final[Mapping[str, str]] = {
    UNRELATED: "Said to be no advertising, and nothing is entered between sender and person that it can be about.",
    BY_PLATFORM: "The platform itself suppresses the address, in every tenant.",
    "country-unknown": "Nobody knows in which country the person is, so no law can be looked up.",
    "country-contradictory": (
        "Workspaces say different things of the country in which the person is, so no law can be looked up."
    ),
    "country-without-pack": "No rules are loaded for the country in which the person is.",
    "sender-country-unknown": "Nobody knows from which country it is sent, so no law can be looked up.",
    "sender-country-without-pack": "No rules are loaded for the country from which it is sent.",
    "campaign-type-unknown": (
        "The person is suppressed for some types of campaign, and nobody says of which type the message is."
    ),
    **{
        f"suppressed-{kind.value}": f"The person is suppressed ({kind.value.replace('_', ' ')})."
        for kind in SuppressionKind
    },
}
_LIFT: Final = "lift-suppression ends it, with the entry that is named here and the reason"
_REMEDIES: Final[Mapping[str, str]] = {
    "suppressed-hard_bounce": (
        "The address takes no mail. Where the person says that it does, enter their consent with its wording, with "
        f"record-consent; then {_LIFT}."
    ),
    "suppressed-soft_bounces": (
        "The address took no mail several times in a row. Where the person says that it does, enter their consent "
        f"with its wording, with record-consent; then {_LIFT}."
    ),
    "suppressed-manual": f"Somebody at the sender's entered it. Once what it was entered for is over, {_LIFT}.",
    "suppressed-abuse": f"Once it is known that it was no abuse, {_LIFT}.",
    "suppressed-restriction": (
        "The person had the use of their data restricted. It ends by lift-restriction of that request, once they were "
        "told."
    ),
    "suppressed-erasure": (
        "Whoever had the address was erased. Only the person can end this: where they give the address anew, by a "
        "consent of their own, of which there is proof."
    ),
}
"""Of suppressions that are not the person's own word of advertising; `remedy_of` has the others."""


def about_of(rule: str) -> str | None:
    """What a reason says, `rule` as it names it; None for the rule of a law, which its pack has in words."""
    return _ABOUT.get(rule)


def ended_by(rule: str) -> str | None:
    """What helps against it."""
    return remedy_of(rule) or _REMEDIES.get(rule)
