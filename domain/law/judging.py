"""The decision: whether this message may go to this person, under these laws, at this moment, as was known then.

Pure: the same facts and packs give the same decision, to the byte. The strictest answer of all laws that apply wins; a
suppression wins over every law.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from domain.law.conditions import Look
from domain.law.facts import BUSINESS, Purpose, Scope, Subscriber, SuppressionKind
from domain.law.nearly import falls_short
from domain.law.pack import Verdict
from domain.law.periods import first_moment, latest_day
from domain.law.wanted import TO_SETTLE, with_what_no_entry_clears

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from domain.law.conditions import Found
    from domain.law.facts import Message, Person, Suppression
    from domain.law.pack import Pack, Rule
    from domain.law.statements import Confidence

_STRICTNESS: Final = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
_HOLDS_BACK_ADVERTISING: Final = {
    SuppressionKind.UNSUBSCRIBE,
    SuppressionKind.OBJECTION,
    SuppressionKind.COMPLAINT,
}
"""These are said of advertising. The others are of the address or the person, and hold back everything."""
OTHERWISE: Final = "otherwise"
"""What a reason names where none of a law's rules fits."""
BY_PLATFORM: Final = "suppressed-by-platform"
"""What a reason names where the platform itself lets nothing go to an address."""
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
        for kind in _HOLDS_BACK_ADVERTISING
    },
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule of a law, or a suppression. `positions`: the events it rests on; `missing`: what would tell.

    `composed`: the words are not the rule's own alone.
    """

    verdict: Verdict
    law: str | None
    rule: str
    about: str
    cites: str | None = None
    confidence: Confidence | None = None
    basis: str | None = None
    remedy: str | None = None
    missing: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    until: datetime | None = None
    composed: bool = False


_CONTRADICTORY: Final = Reason(
    Verdict.HOLD,
    None,
    "country-contradictory",
    "Workspaces say different things of the country in which the person is, so no law can be looked up.",
    remedy=_REMEDIES["country-contradictory"],
    missing=("country",),
    composed=True,
)


@dataclass(frozen=True, slots=True)
class Decision:
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

    `person` is as known at that moment too. Countries are ISO codes. Packs without rules have no say.
    """
    known = known or moment
    packs = [pack for pack in packs if pack.rules]
    laws = _laws_of(packs, person.country, sender_country)
    reasons = [_suppressed(one, laws) for one in holding_back(person.suppressions, message, moment)]
    if message.campaign_type is None:
        reasons += _of_some_type(person.suppressions, message, moment, laws)
    if person.country is None and "country" in person.contradicted:
        reasons.append(_CONTRADICTORY)
    else:
        reasons += _no_law(packs, person.country, "country", "in which country the person is")
    reasons += _no_law(packs, sender_country, "sender-country", "from which country it is sent")
    reasons += [_by_law(pack, Look(person, message, moment, pack.zones, in_force), known) for pack in laws]
    if message.purpose is Purpose.TRANSACTIONAL:
        reasons = _about_business(reasons, person, moment)
    reasons = [_with_matters(one) for one in reasons]
    reasons.sort(key=lambda one: (-_STRICTNESS[one.verdict], one.law or "", one.rule))
    verdict = reasons[0].verdict if reasons else Verdict.HOLD
    lapses = [one.until for one in reasons if one.until is not None] if verdict is Verdict.ALLOW else []
    return Decision(
        verdict, tuple(reasons), min(lapses, default=None), tuple((pack.law, pack.version) for pack in laws)
    )


def _with_matters(reason: Reason) -> Reason:
    """The remedy says of what is missing whether no entry clears it."""
    if TO_SETTLE.keys().isdisjoint(reason.missing):
        return reason
    return replace(reason, remedy=with_what_no_entry_clears(reason.remedy, reason.missing))


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
            Reason(Verdict.HOLD, None, UNRELATED, about, remedy=remedy_of(UNRELATED), missing=("relation",)),
        ]
    position = max(business, key=lambda one: (one.on, one.position)).position
    return [
        replace(one, positions=(*one.positions, position)) if one.verdict is Verdict.ALLOW else one
        for one in reasons
    ]


def _laws_of(packs: Sequence[Pack], *countries: str | None) -> list[Pack]:
    """The laws of recipient and sender, each once."""
    return sorted(
        (pack for pack in packs if not set(pack.countries).isdisjoint(countries)), key=lambda pack: pack.law
    )


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
        and (message.purpose is not Purpose.TRANSACTIONAL or one.kind not in _HOLDS_BACK_ADVERTISING)
    )


def _of_some_type(
    suppressions: Iterable[Suppression], message: Message, moment: datetime, laws: Sequence[Pack]
) -> list[Reason]:
    """A hold where some types of campaign are suppressed, and nobody says of which type the message is."""
    standing = [
        one for one in suppressions if one.scope is Scope.CAMPAIGN_TYPE and _stands(one, message, moment)
    ]
    if not standing:
        return []
    types = ", ".join(sorted({one.within for one in standing if one.within is not None}))
    sections = _sections(laws) if any(one.kind in _HOLDS_BACK_ADVERTISING for one in standing) else None
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
    sections = _sections(laws) if one.kind in _HOLDS_BACK_ADVERTISING else None
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


def _by_law(pack: Pack, look: Look, known: datetime) -> Reason:
    """What one law says; where only the unknown kind of subscriber turns it, that is said too."""
    reason = _named(_answer(pack, look, known), pack, look, known)
    if look.person.subscriber is not None or reason.verdict is Verdict.ALLOW:
        return reason
    other = _answer(pack, look.of(replace(look.person, subscriber=Subscriber.CORPORATE)), known)
    if other.verdict is reason.verdict:
        return reason
    why = "workspaces say different things" if "subscriber" in look.person.contradicted else "nobody knows"
    about = f"{reason.about} Judged as an individual, since {why}: for a company it would be {other.verdict}."
    missing = tuple(dict.fromkeys((*reason.missing, "subscriber")))
    return replace(reason, about=about, missing=missing, composed=True)


def _named(reason: Reason, pack: Pack, look: Look, known: datetime) -> Reason:
    """The reason with the facts that are there and would help, but for a flaw."""
    if reason.verdict is Verdict.ALLOW:
        return reason

    def eases(other: Look) -> bool:
        return _STRICTNESS[_answer(pack, other, known).verdict] < _STRICTNESS[reason.verdict]

    short = list(falls_short(look, eases))
    if not short:
        return reason
    words = [told for told, _, _ in short]
    if reason.rule != OTHERWISE:  # which says that there is nothing
        words.insert(0, reason.about)
    return replace(
        reason,
        about=" ".join(words),
        missing=tuple(dict.fromkeys([*reason.missing, *(lacks for _, _, lacks in short if lacks)])),
        positions=tuple(dict.fromkeys([*reason.positions, *(position for _, position, _ in short)])),
        composed=True,
    )


def _answer(pack: Pack, look: Look, known: datetime) -> Reason:
    """What the law forbids, else the basis that lasts longest, else what waits, else what it says where no rule fits.

    Bases are alternatives: one that fits is enough, whatever is amiss with another. A prohibition that may hold waits.
    A hold names what would allow beside it, too.
    """
    yes: list[tuple[Rule, list[Found]]] = []
    open_: list[tuple[Rule, tuple[str, ...]]] = []
    known_on = look.day if known is look.moment else latest_day(known, pack.zones)
    for rule in pack.standing(look.rules_on, known_on):
        found: list[Found] = []
        for condition in rule.when:
            found.append(condition.found(look))
            if not (found[-1].yes or found[-1].missing):
                break
        else:
            if all(one.yes for one in found):
                yes.append((rule, found))
            else:
                open_.append((rule, tuple(one.missing for one in found if one.missing)))

    def fitting(verdict: Verdict) -> list[Reason]:
        return [_of(pack, rule, found, look) for rule, found in yes if rule.verdict is verdict]

    def waiting(verdict: Verdict) -> list[Reason]:
        return [_waits(pack, rule, missing) for rule, missing in open_ if rule.verdict is verdict]

    if forbidden := fitting(Verdict.DENY) or waiting(Verdict.DENY):
        return forbidden[0]
    if allowed := fitting(Verdict.ALLOW):
        return max(allowed, key=lambda one: (one.until is None, one.until or look.moment, one.rule))
    waits = waiting(Verdict.ALLOW)
    if held := fitting(Verdict.HOLD):
        return _or_else(held[0], waits)
    if waits:
        return waits[0]
    return Reason(
        pack.otherwise,
        pack.law,
        OTHERWISE,
        pack.otherwise_about,
        remedy=ways(pack, look.rules_on, known_on),
        missing=pack.otherwise_missing,
    )


def _waits(pack: Pack, rule: Rule, missing: tuple[str, ...]) -> Reason:
    about = f"{rule.about} Whether that is so is not known: {', '.join(missing)}."
    return _reason(pack, rule, Verdict.HOLD, about, missing=missing, composed=True)


def _or_else(held: Reason, waits: Sequence[Reason]) -> Reason:
    """A hold, with what would allow beside it: what it wants, then what those want, in the order of the pack."""
    if not waits:
        return held
    words = [f"It would also be allowed as {one.basis} ({one.rule}). {one.about}" for one in waits]
    missing = dict.fromkeys([*held.missing, *(fact for one in waits for fact in one.missing)])
    return replace(held, about=" ".join([held.about, *words]), missing=tuple(missing), composed=True)


def ways(pack: Pack, day: date, known: date) -> str | None:
    """What would make a message legal on a day, as known on another: the remedies of the rules that allow."""
    remedies = [
        rule.remedy for rule in pack.standing(day, known) if rule.verdict is Verdict.ALLOW and rule.remedy
    ]
    return " Or: ".join(dict.fromkeys(remedies)) or None


def _of(pack: Pack, rule: Rule, found: Sequence[Found], look: Look) -> Reason:
    lapses = [one.until for one in found if one.until is not None]
    if rule.in_force_to is not None and look.rules_on < rule.in_force_to:
        lapses.append(first_moment(rule.in_force_to, pack.zones))
    positions = tuple(dict.fromkeys(position for one in found for position in one.positions))
    return _reason(pack, rule, rule.verdict, rule.about, positions=positions, until=min(lapses, default=None))


def _reason(pack: Pack, rule: Rule, verdict: Verdict, about: str, **more: Any) -> Reason:
    """What a rule says; `missing` left out: what the rule names."""
    return Reason(
        verdict,
        pack.law,
        rule.id,
        about,
        rule.cites,
        rule.confidence,
        rule.basis,
        rule.remedy,
        **{"missing": rule.missing, **more},
    )
