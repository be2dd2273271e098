"""How a person stands towards a sender: whether an ordinary advertisement may go to them, by which law, until when.

The sender is the tenant, or one of the clients it sends for, each of whom was given something else (`clients.py`).

An ordinary advertisement goes to many, is about what the reader bought before, and has to do with what they do; what
the answer owes to the last two is named. It is judged as every message is, so a standing says what a decision would say
at that moment. Nothing is allowed by it: each message is decided for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from domain.law.clients import towards
from domain.law.conditions import IsFlag
from domain.law.facts import Message, Purpose
from domain.law.judging import judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from domain.law.turning import turning_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.law.by_law import Reason
    from domain.law.facts import Person
    from domain.law.pack import Pack

ORDINARY: Final = Message(
    purpose=Purpose.MARKETING, campaign_type="", similar_goods=True, role_relevant=True, bulk=True
)
"""The message that a standing is about, of the tenant. It is of no type that somebody could have stopped."""
ANNOUNCED_AHEAD: Final = timedelta(days=30)
"""How long before it lapses a permission is announced to lapse."""
_PROVIDED: Final = ("similar_goods", "role_relevant")
_QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Phase:
    """How it stands from `begins_at` on, until the next phase begins. `leading`: the reason that counts most.

    `provided`: what an advertisement has to be for that: of similar goods, relevant to the role.
    """

    begins_at: datetime
    verdict: Verdict
    leading: Reason | None
    reasons: tuple[Reason, ...]
    provided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Now, and what time alone will make of it: `phases`, of which the first is that of now.

    `lapses_at`: the moment at which an allow ends by itself, the present one or else the next; None: none does.
    """

    phases: tuple[Phase, ...]
    lapses_at: datetime | None

    @property
    def now(self) -> Phase:
        """How it stands."""
        return self.phases[0]

    @property
    def turns_at(self) -> datetime | None:
        """When that changes by itself."""
        return self.phases[1].begins_at if len(self.phases) > 1 else None

    @property
    def lapsing(self) -> Phase | None:
        """The last phase before the lapse: what lapses."""
        before = [one for one in self.phases if self.lapses_at is not None and one.begins_at < self.lapses_at]
        return before[-1] if before else None

    @property
    def lapsed(self) -> Phase | None:
        """The phase that the lapse brings."""
        return next((one for one in self.phases if one.begins_at == self.lapses_at), None)


def ordinary_of(workspace: str | None) -> Message:
    """An ordinary advertisement of a client, a workspace; None: of the tenant."""
    return ORDINARY if workspace is None else replace(ORDINARY, workspace=workspace)


def standing_of(
    person: Person, sender_country: str | None, at: datetime, workspace: str | None = None
) -> Standing:
    """How an ordinary advertisement of `workspace` stands at a moment and later, if nothing is entered any more. Pure.

    `workspace`: of a client; None: of the tenant. What was sent to the person is not looked at: laws ask that of other
    messages. Nor is it said, as a decision says it, that other clients were given something.
    """
    if person.written:
        person = replace(person, written=())
    seen = towards(person, workspace).person
    if seen.suppressions or any(one.at or one.withdrawn_at for one in seen.consents):
        return _looked_up(seen, ordinary_of(workspace), sender_country, at.astimezone(UTC))
    # Without moments among the facts only civil days count, and in every zone those begin at a quarter of an hour:
    # people who came together, of whom the same is known, stand the same. Whose message it is makes no difference then:
    # of workspaces only a suppression tells one from another.
    return _remembered(seen, sender_country, at - (at - _EPOCH) % _QUARTER)


def _looked_up(person: Person, message: Message, sender_country: str | None, at: datetime) -> Standing:
    packs = load_packs()
    laws = [one for one in packs if not {person.country, sender_country}.isdisjoint(one.countries)]
    moments = [at, *turning_points(person, message, laws, at)]
    phases = list(_phases(person, message, sender_country, moments, packs))
    lapse = next(
        (
            later.begins_at
            for before, later in pairwise(phases)
            if before.verdict is Verdict.ALLOW is not later.verdict
        ),
        None,
    )
    return Standing(tuple(phases), lapse)


@lru_cache(maxsize=8_192)
def _remembered(person: Person, sender_country: str | None, at: datetime) -> Standing:
    return _looked_up(person, ORDINARY, sender_country, at)


def _phases(
    person: Person,
    message: Message,
    sender_country: str | None,
    moments: Sequence[datetime],
    packs: Sequence[Pack],
) -> Iterator[Phase]:
    """From the last to the first: what an allow hangs on shows in what follows it."""
    decisions = [(moment, judge(person, message, sender_country, moment, packs)) for moment in moments]
    phases: list[Phase] = []
    for moment, decision in reversed(decisions):
        after = phases[-1] if phases else None
        reasons = decision.reasons
        leading = _leading(reasons, after, person, packs) if reasons else None
        phase = Phase(moment, decision.verdict, leading, reasons, _provided(reasons, packs))
        if after is not None and _same(phase, after):
            phases.pop()
        phases.append(phase)
    yield from reversed(phases)


def _same(one: Phase, other: Phase) -> bool:
    def what(phase: Phase) -> object:
        return phase.verdict, phase.provided, [(r.law, r.rule, r.positions, r.missing) for r in phase.reasons]

    return what(one) == what(other)


def _leading(reasons: Sequence[Reason], after: Phase | None, person: Person, packs: Sequence[Pack]) -> Reason:
    """Of what is no allow the strictest; of allows that of the law that ends it, or of the recipient's."""
    if reasons[0].verdict is not Verdict.ALLOW:
        return reasons[0]
    law = None if after is None or after.leading is None else after.leading.law
    recipients = {one.law for one in packs if person.country in one.countries}
    return min(reasons, key=lambda one: (one.law != law, one.law not in recipients, one.law or ""))


def _provided(reasons: Sequence[Reason], packs: Sequence[Pack]) -> tuple[str, ...]:
    """What the rules that allow ask of the message, of which a standing only supposes that it is so."""
    named = {(one.law, one.rule) for one in reasons if one.verdict is Verdict.ALLOW}
    flags = {
        condition.flag
        for pack in packs
        for rule in pack.rules
        if (pack.law, rule.id) in named
        for condition in rule.when
        if isinstance(condition, IsFlag)
    }
    return tuple(one for one in _PROVIDED if one in flags)
