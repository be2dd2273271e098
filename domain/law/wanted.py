"""What may be missing: a fact that somebody enters, and by which command; or a matter that no entry clears.

A reason names both alike. A matter is settled outside: by a consent that stands, or by a pack that says more.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.law.conditions import HasConsent, HasRelation, IsFlag, IsSubscriber
from domain.law.facts import RelationKind
from domain.law.nearly import PROOF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.law.conditions import Condition
    from domain.law.pack import Pack


class Matter(StrEnum):
    """What somebody who knows the law has to settle; no command takes it."""

    CONDUCT = "conduct"
    WEIGHED_INTEREST = "weighed_interest"
    RULE = "rule"
    PACK = "pack"


class Entered(NamedTuple):
    """Where a fact is entered: the command as its route names it, the field, and its value where it has several."""

    command: str
    field: str
    value: str | None = None

    def __str__(self) -> str:
        """In words."""
        return f"{self.command}, {self.field}{'' if self.value is None else f' = {self.value}'}"


TO_SETTLE: Final[Mapping[str, str]] = {
    Matter.CONDUCT: "whether what the person did says that they consent",
    Matter.WEIGHED_INTEREST: "whether the interest of who sends outweighs the person's",
    Matter.RULE: "what the law says of such a message",
    Matter.PACK: "what the law of that country says",
}
_PERSON, _RELATION, _MESSAGE = (
    "audience/describe-addressee",
    "audience/record-relation",
    "audience/authorise-message",
)
ENTERED: Final[Mapping[str, Entered]] = {
    **{kind.value: Entered(_RELATION, "kind", kind.value) for kind in RelationKind},
    "relation": Entered(_RELATION, "kind"),
    "check_of_consent": Entered(_RELATION, "kind", RelationKind.CONSENT_CHECKED.value),
    "refusal_notice": Entered(_RELATION, "refused"),
    "in_writing": Entered(_RELATION, "in_writing"),
    "consent": Entered("audience/record-consent", "wording"),
    PROOF: Entered("audience/record-consent", "wording"),
    "country": Entered(_PERSON, "country"),
    "subscriber": Entered(_PERSON, "subscriber_type"),
    **{flag: Entered(_PERSON, flag) for flag in ("generic_address", "could_object", "told")},
    **{
        flag: Entered(_MESSAGE, flag)
        for flag in (
            "similar_goods",
            "role_relevant",
            "names_referrer",
            "bulk",
            "charitable",
            "campaign_type",
        )
    },
    "sender_country": Entered("platform/register-tenant", "country"),
}
"""Every fact that a pack may name. Of a campaign's messages most are said by its plan, for all of them."""


def with_what_no_entry_clears(remedy: str | None, missing: Iterable[str]) -> str | None:
    """A remedy, and which of what is missing nobody can enter."""
    told = [
        f"No entry clears {name}: a lawyer has to settle {TO_SETTLE[name]}."
        for name in missing
        if name in TO_SETTLE
    ]
    return " ".join([*([remedy] if remedy else []), *told]) or None


def held_for(pack: Pack) -> Iterator[str]:
    """What a pack's holds name as missing."""
    yield from pack.otherwise_missing
    for rule in pack.rules:
        yield from rule.missing


def wanted_by(pack: Pack) -> list[str]:
    """All that a reason by this pack may name as missing, in its order."""
    asked = (name for rule in pack.rules for condition in rule.when for name in _asked_by(condition))
    return sorted({*held_for(pack), *asked})


def _asked_by(condition: Condition) -> Iterator[str]:
    match condition:
        case IsSubscriber():
            yield "subscriber"
        case IsFlag(assumed=None):
            yield condition.flag
        case HasConsent():
            if condition.proof or condition.documented:
                yield PROOF
            if condition.check:
                yield condition.wants
        case HasRelation():
            if condition.unrefused:
                yield "refusal_notice"
            if condition.in_writing:
                yield "in_writing"
        case _:
            pass
