"""What is entered and would do, had it not ended: a consent that is over or withdrawn, an address that is refused.

Where no rule of a law fits, the reason names of each kind the latest, when it ended, and the rule that it could meet.
Nothing is judged anew for it: of a rule that allows it is looked at what else it asks.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.law.conditions import HasConsent, HasRelation
from domain.law.pack import Verdict
from domain.law.periods import first_moment, latest_day
from domain.law.statements import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from domain.law.conditions import Condition
    from domain.law.facts import ConsentKind, RelationKind
    from domain.law.looking import Look
    from domain.law.pack import Rule

_KNOWN_FROM: Final = {
    Confidence.TEXT: "the text was seen",
    Confidence.GUIDANCE: "a regulator's guidance",
    Confidence.SECONDARY: "a secondary source",
    Confidence.NOTHING_FOUND: "nothing was found",
}


class Ended(NamedTuple):
    """A fact of some kind, why it does no more and since when, on which positions that stands."""

    kind: str
    told: str
    why: str
    since: datetime
    positions: tuple[int, ...]

    def in_words(self, rule: Rule) -> str:
        """With the section of the rule, and how that is known."""
        known = f"{rule.confidence}: {_KNOWN_FROM[rule.confidence]}"
        known += "; by our reading" if rule.reading else ""
        return f"{self.told} {self.why}. Else it could meet {rule.id} ({rule.cites}; {known})."


def ended(look: Look, rules: Iterable[Rule]) -> list[tuple[str, tuple[int, ...]]]:
    """In words, and the positions: of each kind of fact the latest, and of rules that allow the one it met longest."""
    there: set[ConsentKind | RelationKind] = {one.kind for one in look.person.consents}
    there.update(one.kind for one in look.person.relations)
    if not there:
        return []
    latest: dict[str, tuple[Ended, Rule]] = {}
    for rule in rules:
        if rule.verdict is not Verdict.ALLOW or not any(_asks(one, there) for one in rule.when):
            continue
        for one in _turning(rule, look):
            if one.kind not in latest or one.since > latest[one.kind][0].since:
                latest[one.kind] = (one, rule)
    told = sorted(latest.values(), key=lambda one: one[0].positions)
    return [(one.in_words(rule), one.positions) for one, rule in told]


def _asks(condition: Condition, there: set[ConsentKind | RelationKind]) -> bool:
    """Whether it asks for a fact of a kind that is there."""
    return isinstance(condition, HasConsent | HasRelation) and not there.isdisjoint(condition.kinds)


def _turning(rule: Rule, look: Look) -> Iterator[Ended]:
    """The facts for want of which alone the rule does not fit, or waits."""
    wanted = None
    for condition in rule.when:
        found = condition.found(look)
        if found.yes or found.missing:
            continue
        if wanted is not None or not isinstance(condition, HasConsent | HasRelation):
            return
        wanted = condition
    if isinstance(wanted, HasConsent):
        yield from _consents(wanted, look)
    elif wanted is not None:
        yield from _relations(wanted, look)


def _consents(condition: HasConsent, look: Look) -> Iterator[Ended]:
    for one in look.person.consents:
        counted = condition.counted(look, one) if one.kind in condition.kinds and look.given(one) else None
        if counted is None:
            continue
        start, positions = counted
        _, until = look.within(start, condition.within)
        ends = [end for end in (one.withdrawn_at, until) if end is not None and end <= look.moment]
        if not ends:
            continue
        since = min(ends)
        why = f"was withdrawn at {_moment(since)}" if since == one.withdrawn_at else _over(since, look)
        if not one.documented and (condition.documented or condition.proof):
            why += ", and its wording is not kept"
        yield Ended(
            f"consent {one.kind}", f"The consent of {one.on} (entry {one.position})", why, since, positions
        )


def _relations(condition: HasRelation, look: Look) -> Iterator[Ended]:
    begun = [one for one in look.person.relations if one.kind in condition.kinds and one.on <= look.day]
    latest = {one.kind: one for one in sorted(begun, key=lambda one: (one.ended_on or one.on, one.position))}
    for kind, one in latest.items():
        positions: tuple[int, ...] = (one.position,)
        since = first_moment(one.on, look.zones)
        _, until = condition.lasts(look, one, condition.within)
        notice = condition.refused_by(look, one)
        if condition.not_before is not None and one.on < condition.not_before:
            why = f"is from before {condition.not_before}, since when it counts"
        elif notice is not None and notice.on <= look.day:
            why = f"stood beside a notice of {notice.on} (entry {notice.position}) that it is not for advertising"
            positions, since = (*positions, notice.position), first_moment(notice.on, look.zones)
        elif condition.in_writing and one.in_writing is False:
            why = "was not given in writing"
        elif until is not None and until <= look.moment:
            why, since = _over(until, look), until
        else:
            continue
        told = f"What is entered as {kind.value.replace('_', ' ')} of {one.on} (entry {one.position})"
        yield Ended(kind, told, why, since, tuple(dict.fromkeys(positions)))


def _over(since: datetime, look: Look) -> str:
    return f"is over since {latest_day(since, look.zones)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
