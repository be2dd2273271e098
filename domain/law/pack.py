"""A pack: one law as dated data, in a small typed vocabulary. Adding a law is adding a file and its cases.

A law says up to three things that are decided by: who may be mailed (rules), by when something is due (deadlines), and
what a message must hold (content). What it says besides is written down with how it is held here (also). Each statement
carries its section, in force from and to, since when it is known, when it was last checked, and how sure we are: `T`
the text was seen, `G` a regulator's guidance, `S` a secondary source, `N` nothing was found (a rule of which that is so
never allows; a duty of which that is so is none).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple, Self, TypeAlias

from pydantic import Field, model_validator

from domain.law.conditions import Condition, IsPurpose, IsSubscriber
from domain.law.content import Requirement
from domain.law.deadlines import Deadline
from domain.law.facts import Purpose
from domain.law.statements import Confidence, Data, Statement


class Verdict(StrEnum):
    """What may be done. A hold never sends, and names what is missing."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"


_DAYS_KEPT: Final = 1_000
FactName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$", max_length=60)]


class Rule(Statement):
    """One rule: `when` all conditions hold, the verdict. `remedy`: what would make it legal, in plain words.

    `missing`: the facts for want of which it holds, by their names; packs of before they were asked for have none.
    """

    verdict: Verdict
    basis: str | None = None
    remedy: str | None = None
    missing: tuple[FactName, ...] = ()
    when: tuple[Condition, ...] = ()

    def concerns(self, purpose: Purpose | None) -> bool:
        """Whether it may say something of messages of a purpose; None: of any."""
        asked = (one for one in self.when if isinstance(one, IsPurpose))
        return purpose is None or all(purpose in one.is_one_of for one in asked)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.verdict is Verdict.ALLOW and self.confidence is Confidence.NOTHING_FOUND:
            raise ValueError("a rule of which nothing was found (N) never allows; make it a hold or a deny")
        if self.verdict is Verdict.ALLOW and self.basis is None:
            raise ValueError("a rule that allows names its basis")
        if self.missing and self.verdict is not Verdict.HOLD:
            raise ValueError("a hold alone names what is missing")
        return self


class Remark(Statement):
    """What a law says that nothing is decided by. `here`: how it is held all the same, or that it is not."""

    here: Annotated[str, Field(min_length=10)]


class _Standing(NamedTuple):
    """Which of these rules stand, by the days that were asked for. A changed copy of a pack has other rules.

    `whose`: those that ask whose the address is, and their verdicts.
    """

    rules: tuple[Rule, ...]
    whose: dict[str, Verdict]
    by_days: dict[tuple[date, date, Purpose | None], tuple[Rule, ...]]


class Pack(Data):
    """One law. `countries`: where it holds, ISO codes of countries or their parts. `zones`: where its days begin.

    `otherwise`: the verdict where no rule fits; of a hold `otherwise_missing` says for want of what, and
    `otherwise_cites` where the law demands what is not there. A pack without rules has no say in who may be mailed.
    `opt_out_section`: what it says of an opt-out, to be named where one holds a message back.
    """

    law: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z0-9]+)*$")]
    title: str
    countries: Annotated[tuple[str, ...], Field(min_length=1)]
    zones: Annotated[tuple[str, ...], Field(min_length=1)]
    otherwise: Literal[Verdict.DENY, Verdict.HOLD] = Verdict.DENY
    otherwise_about: str = ""
    otherwise_missing: tuple[FactName, ...] = ()
    otherwise_cites: Annotated[str, Field(min_length=3)] | None = None
    otherwise_confidence: Confidence | None = None
    opt_out_section: Annotated[str, Field(min_length=3)] | None = None
    version: str = ""
    rules: tuple[Rule, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    content: tuple[Requirement, ...] = ()
    also: tuple[Remark, ...] = ()

    def standing(self, day: date, known: date, purpose: Purpose | None = None) -> tuple[Rule, ...]:
        """The rules in force on a day, as far as was known on another; kept, as all decisions of a day ask for them.

        `purpose`: without those that are not about such messages.
        """
        kept = self._kept()
        rules = kept.by_days.get((day, known, purpose))
        if rules is None:
            rules = tuple(one for one in self.rules if one.stands(day, known) and one.concerns(purpose))
            kept.by_days[day, known, purpose] = rules
        return rules

    def turns_on_whose(self, verdict: Verdict, rule: str) -> bool:
        """Whether whose the address is may turn what a rule says: an allow by that or one that denies, else by any."""
        whose = self._kept().whose
        if verdict is Verdict.ALLOW:
            return rule in whose or Verdict.DENY in whose.values()
        return bool(whose)

    def _kept(self) -> _Standing:
        kept: _Standing | None = self.__dict__.get("kept")  # a private attribute takes ten times as long
        if kept is None or kept.rules is not self.rules or len(kept.by_days) > _DAYS_KEPT:
            whose = {
                rule.id: rule.verdict
                for rule in self.rules
                if any(isinstance(one, IsSubscriber) for one in rule.when)
            }
            kept = self.__dict__["kept"] = _Standing(self.rules, whose, {})
        return kept

    @model_validator(mode="after")
    def _says_what_holds_otherwise(self) -> Self:
        if bool(self.rules) is not bool(self.otherwise_about):
            raise ValueError(
                "a pack with rules says what holds where none fits (otherwise_about); no other does"
            )
        if self.otherwise_missing and (not self.rules or self.otherwise is not Verdict.HOLD):
            raise ValueError("a hold alone names what is missing; leave out otherwise_missing")
        return self

    @model_validator(mode="after")
    def _says_how_a_section_is_known(self) -> Self:
        if (self.otherwise_cites is None) is not (self.otherwise_confidence is None):
            raise ValueError(
                "otherwise_cites and otherwise_confidence go together: a section and how it is known"
            )
        if self.otherwise_cites is not None and not self.rules:
            raise ValueError(
                "a pack without rules says nothing of who may be mailed; leave out otherwise_cites"
            )
        return self

    def covers(self, place: str) -> bool:
        """Whether it may hold there. A country alone may be any of its parts, and a part has its country's laws."""
        return any(
            place == one or place.startswith(f"{one}-") or one.startswith(f"{place}-")
            for one in self.countries
        )
