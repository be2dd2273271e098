"""What one law says of a message to a person, and why: the rule that counts, what it rests on, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.law.ended import ended
from domain.law.facts import Subscriber
from domain.law.nearly import falls_short
from domain.law.pack import Verdict
from domain.law.periods import first_moment, latest_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from domain.law.facts import Purpose
    from domain.law.looking import Found, Look
    from domain.law.pack import Pack, Rule
    from domain.law.statements import Confidence

STRICTNESS: Final = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
OTHERWISE: Final = "otherwise"
"""What a reason names where none of a law's rules fits."""


class Reason(NamedTuple):
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


def by_law(pack: Pack, look: Look, known: datetime) -> Reason:
    """What one law says; where only the unknown kind of subscriber turns it, that is said too.

    What would be allowed to an individual, and not to a company, waits until somebody says whose the address is. What
    is allowed to each by a rule of its own rests on both, until the first of them ends.
    """
    reason = _named(_answer(pack, look, known), pack, look, known)
    if look.person.subscriber is not None or not pack.turns_on_whose(reason.verdict, reason.rule):
        return reason
    other = _answer(pack, look.of(replace(look.person, subscriber=Subscriber.CORPORATE)), known)
    why = "workspaces say different things" if "subscriber" in look.person.contradicted else "nobody knows"
    judged = f"Judged as an individual, since {why}: for a company it"
    if other.verdict is reason.verdict:
        return _of_both(reason, other, f"{judged} is allowed by {other.rule}.")
    told = f"{judged} would be {other.verdict}."
    missing = tuple(dict.fromkeys((*reason.missing, "subscriber")))
    if reason.verdict is Verdict.ALLOW:
        told += " Until it is known whose the address is, it waits."
        reason = reason._replace(verdict=Verdict.HOLD, until=None)
    return reason._replace(about=f"{reason.about} {told}", missing=missing, composed=True)


def _of_both(reason: Reason, other: Reason, told: str) -> Reason:
    """An allow to individuals by one rule, and to companies by another; what is no allow counts as an individual's."""
    if reason.verdict is not Verdict.ALLOW or other.rule == reason.rule:
        return reason
    return reason._replace(
        about=f"{reason.about} {told}",
        positions=tuple(dict.fromkeys((*reason.positions, *other.positions))),
        until=min((one.until for one in (reason, other) if one.until is not None), default=None),
        composed=True,
    )


def _named(reason: Reason, pack: Pack, look: Look, known: datetime) -> Reason:
    """The reason with the facts that are there and would help, but for a flaw or their end."""
    if reason.verdict is Verdict.ALLOW:
        return reason

    def eases(other: Look) -> bool:
        return STRICTNESS[_answer(pack, other, known).verdict] < STRICTNESS[reason.verdict]

    short: list[tuple[str, tuple[int, ...], str | None]]
    short = [(told, (position,), lacks) for told, position, lacks in falls_short(look, eases)]
    words = [reason.about]
    if reason.rule == OTHERWISE:
        short += [(told, on, None) for told, on in ended(look, _rules(pack, look, known))]
        words = []  # which say that there is nothing
    if not short:
        return reason
    return reason._replace(
        about=" ".join([*words, *(told for told, _, _ in short)]),
        missing=tuple(dict.fromkeys([*reason.missing, *(lacks for _, _, lacks in short if lacks)])),
        positions=tuple(dict.fromkeys([*reason.positions, *(one for _, on, _ in short for one in on)])),
        composed=True,
    )


def _rules(pack: Pack, look: Look, known: datetime, purpose: Purpose | None = None) -> tuple[Rule, ...]:
    """Those in force, as far as was known; all, or those about such messages."""
    known_on = look.day if known is look.moment else latest_day(known, pack.zones)
    return pack.standing(look.rules_on, known_on, purpose)


def _answer(pack: Pack, look: Look, known: datetime) -> Reason:
    """What the law forbids, else the basis that lasts longest, else what waits, else what it says where no rule fits.

    Bases are alternatives: one that fits is enough, whatever is amiss with another. A prohibition that may hold waits.
    A hold names what would allow beside it, too. Where nothing else fits, one that may hold does, and names its facts.
    """
    yes: list[tuple[Rule, list[Found]]] = []
    open_: list[tuple[Rule, tuple[str, ...]]] = []
    for rule in _rules(pack, look, known, look.message.purpose):
        found: list[Found] = []
        for condition in rule.when:
            one = condition.found(look)
            if not (one.yes or one.missing):
                break
            found.append(one)
        else:
            if all(one.yes for one in found):
                yes.append((rule, found))
            else:
                open_.append((rule, tuple(name for one in found for name in one.missing)))

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
    if perhaps := waits or waiting(Verdict.HOLD):
        return perhaps[0]
    return Reason(
        pack.otherwise,
        pack.law,
        OTHERWISE,
        pack.otherwise_about,
        pack.otherwise_cites,
        pack.otherwise_confidence,
        remedy=_ways(_rules(pack, look, known, look.message.purpose)),
        missing=pack.otherwise_missing,
    )


def _waits(pack: Pack, rule: Rule, missing: tuple[str, ...]) -> Reason:
    """A rule of which facts are not known: it waits for them, and for what it names itself."""
    whether = "it comes to that" if rule.verdict is Verdict.HOLD else "that is so"
    unknown = tuple(dict.fromkeys(missing))
    about = f"{rule.about} Whether {whether} is not known: {', '.join(unknown)}."
    missing = tuple(dict.fromkeys((*unknown, *rule.missing)))
    return _reason(pack, rule, Verdict.HOLD, about, missing=missing, composed=True)


def _or_else(held: Reason, waits: Sequence[Reason]) -> Reason:
    """A hold, with what would allow beside it: what it wants, then what those want, in the order of the pack."""
    if not waits:
        return held
    words = [f"It would also be allowed as {one.basis} ({one.rule}). {one.about}" for one in waits]
    missing = dict.fromkeys([*held.missing, *(fact for one in waits for fact in one.missing)])
    return held._replace(about=" ".join([held.about, *words]), missing=tuple(missing), composed=True)


def words_of(pack: Pack, rule: str, moment: datetime) -> str | None:
    """What a rule says in its version in force at a moment, as known then; None where it is in force no more."""
    if rule == OTHERWISE:
        return pack.otherwise_about
    day = latest_day(moment, pack.zones)
    return next((one.about for one in pack.standing(day, day) if one.id == rule), None)


def ways(pack: Pack, day: date, purpose: Purpose) -> str | None:
    """What would make a message legal on a day, as known then: the remedies of the rules that allow such messages."""
    return _ways(pack.standing(day, day, purpose))


def _ways(rules: Iterable[Rule]) -> str | None:
    remedies = [rule.remedy for rule in rules if rule.verdict is Verdict.ALLOW and rule.remedy]
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
