"""The decision: whether this message may go to this person, under these laws, at this moment, as was known then.

Pure: the same facts and packs give the same decision, to the byte. The strictest answer of all laws that apply wins; a
suppression wins over every law.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.law.by_law import STRICTNESS, Reason, by_law
from domain.law.clients import moment_of, towards
from domain.law.facts import BUSINESS, OPT_OUTS, Purpose, Scope
from domain.law.looking import Look
from domain.law.pack import Verdict
from domain.law.periods import latest_day
from domain.law.wanted import TO_SETTLE, with_what_no_entry_clears

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from domain.law.facts import Message, Person, Suppression
    from domain.law.pack import Pack

BY_PLATFORM: Final = "suppressed-by-platform"
"""What a reason names where the platform itself suppresses an address: for a complaint it holds back advertising."""
UNRELATED: Final = "transactional-without-relation"
"""What a reason names where a message is said to be about some business, and none with the person was entered."""
_REMEDIES: Final = {
    "country-unknown": "Enter the country.",
    "country-contradictory": "Settle it for the tenant: name the country with describe-addressee.",
    UNRELATED: "Enter what the message is about, with record-relation. If it advertises, its purpose is marketing.",
    "campaign-type-unknown": "Name the campaign type of the message.",
    "country-without-pack": "Have its law looked into and its pack added.",
    "sender-country-unknown": "It is entered when the tenant is registered; no command takes it afterwards.",
    "sender-country-without-pack": "Have its law looked into and its pack added.",
    BY_PLATFORM: "Only the platform's staff can end this. Write to its support where it is wrong.",
    **{
        f"suppressed-{kind}": "Only the person can end this: by a later consent of their own, of which there is proof."
        for kind in OPT_OUTS
    },
}


_CONTRADICTORY: Final = Reason(
    Verdict.HOLD,
    None,
    "country-contradictory",
    "Workspaces say different things of the country in which the person is, so no law can be looked up.",
    remedy=_REMEDIES["country-contradictory"],
    missing=("country",),
    composed=True,
)


class Decision(NamedTuple):
    """The verdict, its reasons (the strictest first), when an allow lapses, and the versions of its packs."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    expires_at: datetime | None
    packs: tuple[tuple[str, str], ...]


def judge(
    person: Person,
    message: Message,
    sender_country: str | None,
    moment: datetime,
    packs: Sequence[Pack],
    known: datetime | None = None,
    in_force: datetime | None = None,
) -> Decision:
    """Judge a message at `moment`, by the rules in force at `in_force`, as known at `known` (at `moment`, if left out).

    `person` is as known at that moment too; what they gave to clients other than `message.workspace` does not count.
    Countries are ISO codes. Packs without rules have no say.
    """
    known = known or moment
    person, elsewhere = towards(person, message.workspace)
    laws = _laws_of(packs, person.country, sender_country)
    reasons = [_suppressed(one, laws) for one in holding_back(person.suppressions, message, moment)]
    if message.campaign_type is None:
        reasons += _of_some_type(person.suppressions, message, moment, laws)
    if person.country is None and "country" in person.contradicted:
        reasons.append(_CONTRADICTORY)
    else:
        reasons += _no_law(laws, person.country, "country", "in which country the person is")
    reasons += _no_law(laws, sender_country, "sender-country", "from which country it is sent")
    reasons += [by_law(pack, Look(person, message, moment, pack.zones, in_force), known) for pack in laws]
    reasons = _with_what_lifted(reasons, person, message, moment)
    if message.purpose is Purpose.TRANSACTIONAL:
        reasons = _about_business(reasons, person, moment)
    if elsewhere:
        reasons = [_with_elsewhere(one, elsewhere) for one in reasons]
    reasons = [_with_matters(one) for one in reasons]
    reasons.sort(key=lambda one: (-STRICTNESS[one.verdict], one.law or "", one.rule))
    verdict = reasons[0].verdict if reasons else Verdict.HOLD
    lapses = [one.until for one in reasons if one.until is not None] if verdict is Verdict.ALLOW else []
    return Decision(
        verdict, tuple(reasons), min(lapses, default=None), tuple((pack.law, pack.version) for pack in laws)
    )


def _with_matters(reason: Reason) -> Reason:
    """The remedy says of what is missing whether no entry clears it."""
    if TO_SETTLE.keys().isdisjoint(reason.missing):
        return reason
    return reason._replace(remedy=with_what_no_entry_clears(reason.remedy, reason.missing))


_MOST_NAMED: Final = 10
"""Entries of others that a reason names: a few are enough to look one up, and there may be thousands."""


def _with_elsewhere(reason: Reason, entries: tuple[int, ...]) -> Reason:
    """What no law allows, though something was given to another client: that does not count is said."""
    if reason.verdict is Verdict.ALLOW or reason.law is None:
        return reason
    told = f"What was given to other clients alone does not count here ({_entries(entries)})."
    return reason._replace(
        about=f"{reason.about} {told}",
        positions=tuple(dict.fromkeys([*reason.positions, *entries[:_MOST_NAMED]])),
        composed=True,
    )


def _entries(positions: tuple[int, ...]) -> str:
    named = ", ".join(map(str, positions[:_MOST_NAMED]))
    more = f" and {len(positions) - _MOST_NAMED} more" if len(positions) > _MOST_NAMED else ""
    return f"{'entry' if len(positions) == 1 else 'entries'} {named}{more}"


def _with_what_lifted(
    reasons: list[Reason], person: Person, message: Message, moment: datetime
) -> list[Reason]:
    """What allows rests on the consents that ended an opt-out too, in every country: without them it would hold.

    One that was withdrawn since is none of them: that was an opt-out of its own, which a later one ended.
    """
    ended = [one for one in person.suppressions if one.ended_at is not None and one.ended_at <= moment]
    if not ended:
        return reasons
    unended = [replace(one, ended_at=None) for one in ended]
    held = {one.position for one in holding_back(unended, message, moment)}
    if message.campaign_type is None:
        held |= {one.position for one in _of_types(unended, message, moment)}
    told: list[str] = []
    positions: list[int] = []
    for one in ended:
        for consent in person.consents:
            if (
                one.position in held
                and one.kind in OPT_OUTS
                and consent.documented
                and (consent.withdrawn_at is None or moment < consent.withdrawn_at)
                and moment_of(consent) == one.ended_at
            ):
                told.append(
                    f"The {one.kind} of {one.since:%Y-%m-%d} (entry {one.position}) was ended "
                    f"by the consent of {consent.on} (entry {consent.position})."
                )
                positions.append(consent.position)
    if not told:
        return reasons
    return [
        reason._replace(
            about=" ".join([reason.about, *told]),
            positions=tuple(dict.fromkeys([*reason.positions, *positions])),
            composed=True,
        )
        if reason.verdict is Verdict.ALLOW
        else reason
        for reason in reasons
    ]


def _about_business(reasons: list[Reason], person: Person, moment: datetime) -> list[Reason]:
    """That a message is no advertising, its sender says: at least there is some business that it can be about.

    Our policy, in every country: such a message goes also to who said stop. An allow names the latest relation.
    """
    begun = latest_day(moment, ())
    business = [one for one in person.relations if one.kind in BUSINESS and one.on <= begun]
    if not business:
        about = "Said to be no advertising, and nothing is entered between sender and person that it can be about."
        return [
            *reasons,
            Reason(
                Verdict.HOLD,
                None,
                UNRELATED,
                about,
                remedy=remedy_of(UNRELATED),
                missing=("relation",),
                composed=True,
            ),
        ]
    position = max(business, key=lambda one: (one.on, one.position)).position
    return [
        one._replace(positions=(*one.positions, position)) if one.verdict is Verdict.ALLOW else one
        for one in reasons
    ]


def _laws_of(packs: Iterable[Pack], one: str | None, other: str | None) -> list[Pack]:
    """The laws of recipient and sender that have rules, each once."""
    found = [pack for pack in packs if (one in pack.countries or other in pack.countries) and pack.rules]
    return sorted(found, key=lambda pack: pack.law)


def _no_law(packs: Sequence[Pack], country: str | None, what: str, about: str) -> list[Reason]:
    if country is None:
        rule, missing = f"{what}-unknown", what.replace("-", "_")
        words = f"Nobody knows {about}, so no law can be looked up."
    elif any(country in pack.countries for pack in packs):
        return []
    else:
        rule, missing = f"{what}-without-pack", "pack"
        words = f"No rules are loaded for {country}."
    hold = Reason(Verdict.HOLD, None, rule, words, remedy=remedy_of(rule), missing=(missing,), composed=True)
    return [hold]


def remedy_of(rule: str) -> str | None:
    """What helps where it is no law that stands against a message; `rule` as a reason names it."""
    return _REMEDIES.get(rule)


def holding_back(
    suppressions: Iterable[Suppression], message: Message, moment: datetime
) -> list[Suppression]:
    """Those that hold back this message now."""
    return [
        one
        for one in suppressions
        if _stands(one, message, moment)
        and (
            one.scope in (Scope.PLATFORM, Scope.TENANT)
            or (one.scope is Scope.WORKSPACE and one.within == message.workspace)
            or (one.scope is Scope.CAMPAIGN_TYPE and one.within == message.campaign_type)
        )
    ]


def _stands(one: Suppression, message: Message, moment: datetime) -> bool:
    """Whether it holds now, and of what such a message is for."""
    return (
        one.since <= moment
        and (one.ended_at is None or moment < one.ended_at)
        and (message.purpose is not Purpose.TRANSACTIONAL or one.kind not in OPT_OUTS)
    )


def _of_types(suppressions: Iterable[Suppression], message: Message, moment: datetime) -> list[Suppression]:
    return [one for one in suppressions if one.scope is Scope.CAMPAIGN_TYPE and _stands(one, message, moment)]


def _of_some_type(
    suppressions: Iterable[Suppression], message: Message, moment: datetime, laws: Sequence[Pack]
) -> list[Reason]:
    """A hold where some types of campaign are suppressed, and nobody says of which type the message is."""
    standing = _of_types(suppressions, message, moment)
    if not standing:
        return []
    types = ", ".join(sorted({one.within for one in standing if one.within is not None}))
    sections = _sections(laws) if any(one.kind in OPT_OUTS for one in standing) else None
    hold = Reason(
        Verdict.HOLD,
        None,
        "campaign-type-unknown",
        f"Suppressed for some types of campaign ({types}), and nobody says of which type the message is."
        f"{_by_section(sections, Scope.CAMPAIGN_TYPE)}",
        cites=sections,
        remedy=remedy_of("campaign-type-unknown"),
        missing=("campaign_type",),
        positions=tuple(one.position for one in standing),
        composed=True,
    )
    return [hold]


def _sections(laws: Sequence[Pack]) -> str | None:
    """What the laws concerned say of an opt-out."""
    return "; ".join(pack.opt_out_section for pack in laws if pack.opt_out_section) or None


def _by_section(sections: str | None, scope: Scope) -> str:
    policy = "At once and in the whole tenant" if scope is Scope.TENANT else "At once"
    return f" {policy} by our policy; by law: {sections}." if sections else ""


def _suppressed(one: Suppression, laws: Sequence[Pack]) -> Reason:
    sections = _sections(laws) if one.kind in OPT_OUTS else None
    rule = BY_PLATFORM if one.scope is Scope.PLATFORM else f"suppressed-{one.kind}"
    about = f"Suppressed since {one.since:%Y-%m-%d} ({one.kind.value.replace('_', ' ')}, {one.scope.value})."
    return Reason(
        Verdict.DENY,
        None,
        rule,
        about + _by_section(sections, one.scope),
        cites=sections,
        remedy=remedy_of(rule),
        positions=(one.position,),
        composed=True,
    )
