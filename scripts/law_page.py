"""Prints docs/law.md: the rules that decisions are made by, from the packs themselves."""

from __future__ import annotations

from typing import Final, assert_never

from domain.law.conditions import (
    Condition,
    HasConsent,
    HasRelation,
    IsFlag,
    IsPurpose,
    IsSubscriber,
    NoConsent,
    NoRelation,
)
from domain.law.facts import ConsentKind
from domain.law.pack import Pack, Rule
from domain.law.packs import load_packs
from domain.law.statements import Confidence

_OPEN: Final = """\
# Who may be mailed: the rules

Made by `python -m scripts.law_page` from the packs in `domain/law/packs`; do not edit. A test fails when they differ.
Engineering input, not legal advice.

A decision is `allow`, `hold` or `deny`. A hold never sends, and names the missing fact. Sender's and recipient's law
both apply, the strictest answer wins, and a suppression wins over every law. An unknown country is a hold; an unknown
kind of subscriber is judged as an individual. In a pack, a rule that denies comes before one that holds, and that
before one that allows; where none fits, the pack says what then.

Each rule carries its section and how it is known: **T** the text was seen, **G** a regulator's guidance, **S** a
secondary source, **N** nothing was found (never allows). Days are civil days in the zones of the pack: with several,
the one that ends a permission first. A period ends as its anniversary begins.
"""
_ALWAYS: Final = "always"


def law_page() -> str:
    """The page, in Markdown."""
    return "\n".join([_OPEN, *(_of(pack) for pack in load_packs())])


def _of(pack: Pack) -> str:
    lines = [
        f"## {pack.title}",
        "",
        f"`{pack.law}`, for {', '.join(pack.countries)}.",
        f"Where no rule fits: **{pack.otherwise}**. {pack.otherwise_about}",
        "",
        "| rule | verdict | when | section | | in force | checked |",
        "|---|---|---|---|---|---|---|",
        *(_row(rule) for rule in pack.rules),
        "",
    ]
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    begun = f"from {rule.in_force_from}" if rule.in_force_from else ""
    ended = f"until {rule.in_force_to}" if rule.in_force_to else ""
    dates = f"{begun} {ended}".strip() or _ALWAYS
    when = "; ".join(_words(condition) for condition in rule.when) or _ALWAYS
    cells = (
        f"`{rule.id}`",
        rule.verdict,
        f"{rule.about} ({when})",
        rule.cites,
        _mark(rule.confidence),
        dates,
    )
    return "| " + " | ".join((*cells, str(rule.checked))) + " |"


def _mark(confidence: Confidence) -> str:
    return f"**{confidence}**"


def _words(condition: Condition) -> str:
    """A condition in words."""
    match condition:
        case IsPurpose() | IsSubscriber():
            return " or ".join(_plain(one) for one in condition.is_one_of)
        case IsFlag():
            return f"{'' if condition.is_so else 'not '}{_plain(condition.flag)}"
        case HasConsent() | NoConsent():
            kinds = "" if condition.kinds == tuple(ConsentKind) else f"{' or '.join(condition.kinds)} "
            told = [f"{'no ' if isinstance(condition, NoConsent) else ''}{kinds}consent"]
            told += ["documented"] if condition.documented else []
            told += [f"within {condition.within}"] if condition.within else []
            told += ["or checked since"] if condition.checked else []
            return ", ".join(told)
        case HasRelation():
            told = [" or ".join(_plain(kind) for kind in condition.kinds)]
            told += ["unrefused"] if condition.unrefused else []
            told += (
                [f"within {condition.within}{' of its end' if condition.from_end else ''}"]
                if condition.within
                else []
            )
            return ", ".join(told)
        case NoRelation():
            since = (
                f" since {' or '.join(_plain(kind) for kind in condition.since)}" if condition.since else ""
            )
            return f"not {' or '.join(_plain(kind) for kind in condition.kinds)}{since}"
        case _:
            assert_never(condition)


def _plain(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    print(law_page(), end="")
