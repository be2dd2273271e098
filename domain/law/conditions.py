"""The conditions that rules are made of: a small typed vocabulary of questions about a person and a message.

A condition has three answers: yes, no, and not known for want of a named fact.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from domain.law.facts import ADDRESSES, GOES_ON, ConsentKind, Purpose, RelationKind, Subscriber
from domain.law.looking import LONG_AGO, NO, YES, Found, Held, Look, best_of, day_of
from domain.law.periods import Period, first_moment, latest_day
from domain.law.statements import Data

if TYPE_CHECKING:
    from domain.law.facts import Consent, Relation


class IsPurpose(Data):
    """What the message is for."""

    fact: Literal["purpose"]
    is_one_of: tuple[Purpose, ...]

    def found(self, look: Look) -> Found:
        """A message always says what it is for."""
        return YES if look.message.purpose in self.is_one_of else NO


class IsSubscriber(Data):
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
    "charitable",
]


class IsFlag(Data):
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
            return Found(yes=False, missing=(self.flag,))
        return YES if known is self.is_so else NO


class HasConsent(Data):
    """A consent that was not withdrawn. `within`: given so recently, or checked with the person since.

    `proof`: the sender has to prove it, so one that is not documented leaves it open whether there is one.
    `check`: it has to be checked with the person by then, so one that was not leaves it open whether it stands; where a
    late check brings nothing back, for want of a consent.
    `kept_alive_by`: there are such relations, and it counts from the last of a chain in which each came so soon,
    `each_within`, after the one before, the first after the consent itself. What comes after a gap brings nothing back.
    `or_given`: where there are none, it counts from the consent itself. `past`: a term that is over, also of each other
    that would do; one that lacks its proof hinders nothing.
    """

    fact: Literal["consent"]
    within: Period | None = None
    kinds: tuple[ConsentKind, ...] = tuple(ConsentKind)
    documented: bool = False
    checked: bool = False
    proof: bool = False
    check: bool = False
    kept_alive_by: tuple[RelationKind, ...] = ()
    each_within: Period | None = None
    or_given: bool = False
    past: Period | None = None

    @model_validator(mode="after")
    def _has_links_and_their_length(self) -> Self:
        if bool(self.kept_alive_by) is not (self.each_within is not None):
            raise ValueError(
                "kept_alive_by and each_within go together: what keeps it alive, and how long each does"
            )
        if self.or_given and not self.kept_alive_by:
            raise ValueError("or_given says what counts where nothing keeps it alive; name kept_alive_by")
        if self.kept_alive_by and self.checked:
            raise ValueError("it counts from its check or from what keeps it alive; leave out one of the two")
        return self

    def found(self, look: Look) -> Found:
        """The one that holds longest; not known where only ones without proof would do."""
        standing = []
        for consent in look.person.consents:
            if (
                consent.kind not in self.kinds
                or (self.documented and not consent.documented)
                or not look.given(consent)
                or (consent.withdrawn_at is not None and consent.withdrawn_at <= look.moment)
            ):
                continue
            counted = self.counted(look, consent)
            if counted is None:
                continue
            start, positions = counted
            if self.past is not None and look.within(start, self.past)[0]:
                if consent.documented or not self.proof:
                    return NO
                continue
            standing.append((consent.documented, (look.within(start, self.within), positions)))
        best = best_of([held for documented, held in standing if documented or not self.proof])
        if best.yes and self.past is not None:
            return self._until_another(look, best)
        if best.yes or not standing:
            return best
        if not any(within for _, ((within, _), _) in standing):
            return Found(yes=False, missing=(self.wants,)) if self.check else best
        return Found(yes=False, missing=("proof_of_consent",))

    def _until_another(self, look: Look, best: Found) -> Found:
        """What is at its term, until the next that would do counts."""
        coming = [
            (look.begins(one), one.withdrawn_at)
            for one in look.person.consents
            if one.kind in self.kinds
            and not look.given(one)
            and (one.documented or not (self.documented or self.proof))
        ]
        return best.up_to(begins for begins, gone in coming if gone is None or begins < gone)

    @property
    def wants(self) -> str:
        """What is missing once it had to be checked: the check, where a late one counts, else a consent anew."""
        return "check_of_consent" if self.checked else "consent"

    def counted(self, look: Look, consent: Consent) -> tuple[date, tuple[int, ...]] | None:
        """From when it counts, and the positions that this stands on; None: what should keep it alive is not there."""
        given = day_of(consent, look.zones)
        if self.each_within is not None:
            last = self._last_link(look, given, self.each_within)
            if last is not None:
                return last.on, (consent.position, last.position)
            return (given, (consent.position,)) if self.or_given else None
        if not self.checked:
            return given, (consent.position,)
        checks = [
            told.on
            for told in look.person.relations
            if told.kind is RelationKind.CONSENT_CHECKED and given <= told.on <= look.day
        ]
        return max(checks, default=given), (consent.position,)

    def _last_link(self, look: Look, given: date, each_within: Period) -> Relation | None:
        """The last of what kept a consent alive, up to the first gap."""
        days, ends = look.chained(self.kept_alive_by, each_within)
        first = bisect_left(days, given)
        if first == len(days) or days[first] >= each_within.after(given):
            return None
        return look.of_kinds(self.kept_alive_by)[ends[first]]


class NoConsent(Data):
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


class HasRelation(Data):
    """Something between sender and person. `within` counts from its beginning; `from_end`: from its end, if it has one.

    `unrefused`: of addresses one without a notice that it is not for advertising; one that is seen later or on the same
    day counts against it. `in_writing`: one that was given so. `not_before`: none that began earlier. `past`: a term
    that is over, also of each other that would do; an address that is refused, or may be, hinders nothing.
    """

    fact: Literal["relation"]
    kinds: tuple[RelationKind, ...]
    within: Period | None = None
    from_end: bool = False
    unrefused: bool = False
    in_writing: bool = False
    not_before: date | None = None
    past: Period | None = None

    def found(self, look: Look) -> Found:
        """The one that holds longest; not known where the only ones that would do have open questions.

        Of several of those, the one with the fewest.
        """
        standing: list[Held] = []
        missing: tuple[str, ...] = ()
        for told in look.person.relations:
            if told.kind not in self.kinds or told.on > look.day:
                continue
            if self.not_before is not None and told.on < self.not_before:
                continue
            notice = self.refused_by(look, told)
            if notice is not None and notice.on <= look.day:
                continue
            answers = self._asked_of(told)
            if not all(answers.values()):
                unknown = tuple(fact for fact, known in answers.items() if known is None)
                if False not in answers.values() and (not missing or len(unknown) < len(missing)):
                    missing = unknown
                continue
            if self.past is not None and self.lasts(look, told, self.past)[0]:
                return NO
            within, until = self.lasts(look, told, self.within)
            if notice is not None:
                ends = first_moment(notice.on, look.zones)
                until = ends if until is None else min(until, ends)
            standing.append(((within, until), (told.position,)))
        best = best_of(standing)
        if best.yes and self.past is not None:
            return self._until_another(look, best)
        return Found(yes=False, missing=missing) if missing and not best.yes else best

    def _until_another(self, look: Look, best: Found) -> Found:
        """What is at its term, until the next that would do begins."""
        return best.up_to(
            look.begins(one)
            for one in look.person.relations
            if one.kind in self.kinds and one.on > look.day and all(self._asked_of(one).values())
        )

    def refused_by(self, look: Look, told: Relation) -> Relation | None:
        """The notice that counts against an address: the first of that day or later."""
        if not self.unrefused:
            return None
        known = look.of_kinds((told.kind,))
        return next((one for one in known if one.refused and one.on >= told.on), None)

    def _asked_of(self, told: Relation) -> dict[str, bool | None]:
        """What has to be so of it, by the fact that is missing where nobody knows."""
        refused = None if told.refused is None else not told.refused
        return {
            **({"refusal_notice": refused} if self.unrefused and told.kind in ADDRESSES else {}),
            **({"in_writing": told.in_writing} if self.in_writing else {}),
        }

    def lasts(self, look: Look, told: Relation, period: Period | None) -> tuple[bool, datetime | None]:
        """Whether it is still within a period, and until when."""
        if not self.from_end:
            return look.within(told.on, period)
        if told.kind in GOES_ON and told.ended_on is None:
            return True, None
        return look.within(told.ended_on or told.on, period)


class NoMessage(Data):
    """No message to the person was handed over: none at all, so this is the first; or none that asked for a consent.

    `since`: since the last of these. `since_consent`: a consent that is given later begins anew, too.
    """

    fact: Literal["no_message"]
    asking: bool = False
    since: tuple[RelationKind, ...] = ()
    since_consent: bool = False

    @model_validator(mode="after")
    def _begins_anew_where_it_asks(self) -> Self:
        if not self.asking and (self.since or self.since_consent):
            raise ValueError(
                "the first message is the first for good; since and since_consent need asking = true"
            )
        return self

    def found(self, look: Look) -> Found:
        """True until one went. One of the day of a relation came after it, one of the day of a consent before it.

        A consent of which the moment is known came after what went before that, and before what goes later.
        """
        went = [
            (latest_day(one.at, look.zones), one.at)
            for one in look.person.written
            if one.at <= look.moment and (one.purpose is Purpose.CONSENT_REQUEST or not self.asking)
        ]
        if not went:
            return YES
        told = look.person.relations
        given = [one for one in look.person.consents if self.since_consent and look.given(one)]
        start = max(
            (one.on for one in told if one.kind in self.since and one.on <= look.day), default=date.min
        )
        anew = max((one.on for one in given if one.at is None), default=date.min)
        anew_at = max((one.at for one in given if one.at is not None), default=LONG_AGO)
        return NO if any(day >= start and day > anew and at > anew_at for day, at in went) else YES


class NoRelation(Data):
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
    IsPurpose | IsSubscriber | IsFlag | HasConsent | NoConsent | HasRelation | NoRelation | NoMessage,
    Field(discriminator="fact"),
]
