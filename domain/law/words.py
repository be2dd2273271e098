"""The words of decisions: laws, rules, bases and missing facts; a question about any other is a slip.

Of packs it is what they name, in any version that decisions were made by; the rest is the judging's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never, get_args

from domain.law.by_law import OTHERWISE
from domain.law.conditions import Flag
from domain.law.facts import SuppressionKind
from domain.law.judging import BY_PLATFORM, UNRELATED
from domain.law.wanted import held_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.law.pack import Pack

Kind: TypeAlias = Literal["law", "rule", "basis", "missing"]

_OWN_RULES: Final = {
    OTHERWISE,
    BY_PLATFORM,
    UNRELATED,
    "campaign-type-unknown",
    "country-contradictory",
    *(f"{place}-{what}" for place in ("country", "sender-country") for what in ("unknown", "without-pack")),
    *(f"suppressed-{kind}" for kind in SuppressionKind),
}
_OWN_FACTS: Final = {
    *get_args(Flag),
    "campaign_type",
    "check_of_consent",
    "consent",
    "country",
    "in_writing",
    "pack",
    "proof_of_consent",
    "refusal_notice",
    "relation",
    "sender_country",
    "subscriber",
}


def words(kind: Kind, packs: Iterable[Pack]) -> list[str]:
    """All that a decision by these packs may name as its law, rule, basis or missing fact, in their order."""
    match kind:
        case "law":
            return sorted({pack.law for pack in packs})
        case "rule":
            return sorted(_OWN_RULES | {rule.id for pack in packs for rule in pack.rules})
        case "basis":
            return sorted({rule.basis for pack in packs for rule in pack.rules if rule.basis is not None})
        case "missing":
            return sorted(_OWN_FACTS | {fact for pack in packs for fact in held_for(pack)})
        case _:
            assert_never(kind)
