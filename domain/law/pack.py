"""A rule pack: one law as dated data, in a small typed vocabulary. Adding a law is adding a file and its cases.

Each rule carries its section, in force from and to, since when it is known, when it was last checked, and how sure we
are: `T` the text was seen, `G` a regulator's guidance, `S` a secondary source, `N` nothing was found (such a rule never
allows). Rules with the same `id` are versions of one rule: their dates follow each other without gap or overlap.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.law.facts import GOES_ON, ConsentKind, Purpose, RelationKind, Subscriber
from domain.law.periods import Period, first_moment, latest_day

if TYPE_CHECKING:
    from domain.law.facts import Consent, Message, Person, Relation


class Verdict(StrEnum):
    """What may be done. A hold never sends, and names what is missing."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"


class Confidence(StrEnum):
    """How a statement is known."""

    TEXT = "T"
    GUIDANCE = "G"
    SECONDARY = "S"
    NOTHING_FOUND = "N"


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Found:
    """How a condition stands: `yes`, not, or not known for want of `missing`; until when, and on which positions."""

    __slots__ = ("missing", "positions", "until", "yes")

    def __init__(
        self,
        *,
        yes: bool,
        missing: str | None = None,
        until: datetime | None = None,
        positions: tuple[int, ...] = (),
    ) -> None:
        """Take the answer."""
        self.yes = yes
        self.missing = missing
        self.until = until
        self.positions = positions


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
NO: Final = Found(yes=False)
YES: Final = Found(yes=True)


class Look:
    """What a condition looks at."""

    __slots__ = ("day", "message", "moment", "person", "zones")

    def __init__(self, person: Person, message: Message, moment: datetime, zones: tuple[str, ...]) -> None:
        """One person and message, at a moment, in the zones of a law."""
        self.person = person
        self.message = message
        self.moment = moment
        self.zones = zones
        self.day = latest_day(moment, zones)

    def within(self, start: date, period: Period | None) -> tuple[bool, datetime | None]:
        """Whether the day lies in a period from `start` on, and when that ends."""
        if period is None:
            return True, None
        end = period.after(start)
        return self.day < end, first_moment(end, self.zones)


class IsPurpose(_Data):
    """What the message is for."""

    fact: Literal["purpose"]
    is_one_of: tuple[Purpose, ...]

    def found(self, look: Look) -> Found:
        """A message always says what it is for."""
        return YES if look.message.purpose in self.is_one_of else NO


class IsSubscriber(_Data):
    """Whose the address is; not known: an individual's."""

    fact: Literal["subscriber"]
    is_one_of: tuple[Subscriber, ...]

    def found(self, look: Look) -> Found:
        """Unknown is judged as the one who is best protected."""
        return YES if (look.person.subscriber or Subscriber.INDIVIDUAL) in self.is_one_of else NO


Flag: TypeAlias = Literal[
    "generic_address",
    "could_object",
    "told",
    "similar_goods",
    "role_relevant",
    "names_referrer",
    "bulk",
]


class IsFlag(_Data):
    """Something that is so, or is not. Where nobody said: not known, or what is `assumed`."""

    fact: Literal["flag"]
    flag: Flag
    is_so: bool = True
    assumed: bool | None = None

    def found(self, look: Look) -> Found:
        """Of the message where a message has it, else of the person."""
        holder = look.message if hasattr(look.message, self.flag) else look.person
        known: bool | None = getattr(holder, self.flag)
        known = self.assumed if known is None else known
        if known is None:
            return Found(yes=False, missing=self.flag)
        return YES if known is self.is_so else NO


class HasConsent(_Data):
    """A consent that was not withdrawn. `within`: given so recently, or checked with the person since."""

    fact: Literal["consent"]
    within: Period | None = None
    kinds: tuple[ConsentKind, ...] = tuple(ConsentKind)
    documented: bool = False
    checked: bool = False

    def found(self, look: Look) -> Found:
        """The one that holds longest."""
        standing = [
            (consent, self._start(look, consent))
            for consent in look.person.consents
            if consent.kind in self.kinds
            and (consent.documented or not self.documented)
            and consent.on <= look.day
            and (consent.withdrawn_at is None or look.moment < consent.withdrawn_at)
        ]
        return _best([(look.within(start, self.within), told.position) for told, start in standing])

    def _start(self, look: Look, consent: Consent) -> date:
        if not self.checked:
            return consent.on
        checks = [
            told.on
            for told in look.person.relations
            if told.kind is RelationKind.CONSENT_CHECKED and consent.on <= told.on <= look.day
        ]
        return max(checks, default=consent.on)


class NoConsent(_Data):
    """No consent as `consent` describes it."""

    fact: Literal["no_consent"]
    within: Period | None = None
    kinds: tuple[ConsentKind, ...] = tuple(ConsentKind)
    documented: bool = False
    checked: bool = False

    def found(self, look: Look) -> Found:
        """The opposite."""
        there = HasConsent(
            fact="consent",
            within=self.within,
            kinds=self.kinds,
            documented=self.documented,
            checked=self.checked,
        )
        return NO if there.found(look).yes else YES


class HasRelation(_Data):
    """Something between sender and person. `within` counts from its beginning; `from_end`: from its end, if it has one.

    `unrefused`: an address without a notice that it is not for advertising. `ongoing`: it holds while it goes on.
    """

    fact: Literal["relation"]
    kinds: tuple[RelationKind, ...]
    within: Period | None = None
    from_end: bool = False
    unrefused: bool = False

    def found(self, look: Look) -> Found:
        """The one that holds longest; not known where the only ones that would do have an open question."""
        standing, open_question = [], False
        for told in look.person.relations:
            if told.kind not in self.kinds or told.on > look.day:
                continue
            if self.unrefused and told.refused is not False:
                open_question |= told.refused is None
                continue
            standing.append((self._within(look, told), told.position))
        best = _best(standing)
        return Found(yes=False, missing="refusal_notice") if open_question and not best.yes else best

    def _within(self, look: Look, told: Relation) -> tuple[bool, datetime | None]:
        if not self.from_end:
            return look.within(told.on, self.within)
        if told.kind in GOES_ON and (told.ended_on is None or told.ended_on > look.day):
            return True, None
        return look.within(told.ended_on or told.on, self.within)


class NoRelation(_Data):
    """Nothing of these kinds, since the last of `since` where those are named."""

    fact: Literal["no_relation"]
    kinds: tuple[RelationKind, ...]
    since: tuple[RelationKind, ...] = ()

    def found(self, look: Look) -> Found:
        """True until there is one."""
        told = [one for one in look.person.relations if one.on <= look.day]
        start = max((one.on for one in told if one.kind in self.since), default=date.min)
        return NO if any(one.kind in self.kinds and one.on >= start for one in told) else YES


Condition: TypeAlias = Annotated[
    IsPurpose | IsSubscriber | IsFlag | HasConsent | NoConsent | HasRelation | NoRelation,
    Field(discriminator="fact"),
]


def _best(standing: list[tuple[tuple[bool, datetime | None], int]]) -> Found:
    """Of several facts that each would do, the one that does longest; ties go to the latest."""
    holding = [(until, position) for (yes, until), position in standing if yes]
    if not holding:
        return NO
    until, position = max(holding, key=lambda one: (one[0] is None, one[0] or _LONG_AGO, one[1]))
    return Found(yes=True, until=until, positions=(position,))


class Rule(_Data):
    """One rule: `when` all conditions hold, the verdict. `about` and `remedy`: in plain words, for whoever asks why.

    `in_force_from` and `known_from` None: since before anything was sent from here.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    verdict: Verdict
    basis: str | None = None
    cites: Annotated[str, Field(min_length=3)]
    confidence: Confidence
    in_force_from: date | None = None
    in_force_to: date | None = None
    known_from: date | None = None
    checked: date
    about: Annotated[str, Field(min_length=10)]
    remedy: str | None = None
    when: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.in_force_to is not None and self.in_force_to <= (self.in_force_from or date.min):
            raise ValueError("in_force_to lies after in_force_from, or is left out")
        if self.verdict is Verdict.ALLOW and self.confidence is Confidence.NOTHING_FOUND:
            raise ValueError("a rule of which nothing was found (N) never allows; make it a hold or a deny")
        if self.verdict is Verdict.ALLOW and self.basis is None:
            raise ValueError("a rule that allows names its basis")
        return self

    def stands(self, day: date, known: date) -> bool:
        """Whether it is in force on a day, as far as was known on another."""
        begun = self.in_force_from is None or self.in_force_from <= day
        ended = self.in_force_to is not None and self.in_force_to <= day
        return begun and not ended and (self.known_from is None or self.known_from <= known)


class Pack(_Data):
    """One law. `otherwise`: the verdict where no rule fits. `zones`: where its days begin and end."""

    law: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z0-9]+)*$")]
    title: str
    countries: Annotated[tuple[str, ...], Field(min_length=1)]
    zones: Annotated[tuple[str, ...], Field(min_length=1)]
    otherwise: Literal[Verdict.DENY, Verdict.HOLD] = Verdict.DENY
    otherwise_about: str
    version: str = ""
    rules: tuple[Rule, ...]
