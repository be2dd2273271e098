"""Prints docs/law.md: the rules that decisions are made by, from the packs themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never

from domain.law.conditions import (
    Condition,
    HasConsent,
    HasRelation,
    IsFlag,
    IsPurpose,
    IsSubscriber,
    NoConsent,
    NoMessage,
    NoRelation,
)
from domain.law.content import Requirement
from domain.law.deadlines import Counting, Deadline
from domain.law.evidence import PERIODS, Since
from domain.law.facts import ADDRESSES, ConsentKind, Purpose
from domain.law.pack import Pack, Rule
from domain.law.packs import load_packs
from domain.law.periods import Period
from domain.law.wanted import ENTERED, TO_SETTLE, wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.law.statements import Statement

_OPEN: Final = """\
# Who may be mailed, with what, and by when something is due

Made by `python -m scripts.law_page` from the packs in `domain/law/packs`; do not edit. A test fails when they differ.
Engineering input, not legal advice.

A decision is `allow`, `hold` or `deny`. A hold never sends, and names the missing fact. Sender's and recipient's law
both apply, the strictest answer wins, and a suppression wins over every law. An unknown country is a hold; an unknown
kind of subscriber is judged as an individual, and what would be allowed to one and not to a company waits until it is
known. In a pack, a rule that denies comes first; else one that allows is enough, the one that allows longest; else one
that holds counts; where none fits, the pack says what then.

That a message is transactional rests on its sender's word, and an opt-out does not hold it back. So, by our policy in
every country, it waits (`transactional-without-relation`) until some business with the person is entered that it can
be about: a purchase, a contract, an inquiry and the like, over or not.

Each statement carries its section and how it is known: **T** the text was seen, **G** a regulator's guidance, **S** a
secondary source, **N** nothing was found (such a rule never allows); *our reading* beside it: the section does not say
it in so many words, we take it to follow. Days are civil days in the zones of the pack: with several, the one that ends
a permission first, or a deadline. A period ends as its anniversary begins.

Who asks what was known on some day has a past decision judged by the rules known by then. Where nothing tells that a
rule was known earlier, it is known from the day on which it came into force: by then at the latest. Where
nobody has looked up since when a rule is in force, that is said, and it is judged by as if it always had been. A mark
behind a date is that of the date alone. That a version ends is known with the next; until then the former one goes on.

A deadline ends with the last day in time. A month ends on the day of the same number, or on the month's last; no
weekend or holiday moves a deadline on; business days are those without weekends and the holidays that the whole country
keeps. An opt-out takes effect at once all the same. What a message must hold adds up over the laws of sender and
recipients.
"""
_ALWAYS: Final = "always"
_NO_DATE: Final = "date not looked up"
_SINCE: Final = {
    Since.ERASURE: "the erasure",
    Since.RELIANCE: "the last message, or the latest end of a consent or relation; the erasure, where one stands",
}
_YEAR_END: Final = ", from the end of its year"
_COUNTING: Final = {
    Counting.AFTER: "the day after is the first",
    Counting.FROM: "that day is the first",
    Counting.BEFORE: "the day after is the first, the last is too late",
}


def law_page() -> str:
    """The page, in Markdown."""
    return "\n".join([_OPEN, *(_of(pack) for pack in load_packs()), _missing(), _evidence()])


def _missing() -> str:
    """Which of what a reason may name as missing is entered, and by what."""
    rows = [
        "## What may be missing",
        "",
        "What a reason names as missing is entered by a command, or is a matter that no entry clears: a lawyer has to",
        "settle it, and what ends the wait is a consent with its wording, or a pack that says more.",
        "",
        "| missing | entered by | or to be settled by a lawyer |",
        "|---|---|---|",
    ]
    names = {name for pack in load_packs() for name in wanted_by(pack)}
    for name in sorted(names | {"campaign_type", "country", "sender_country"} | TO_SETTLE.keys()):
        entered = f"`{ENTERED[name]}`" if name in ENTERED else "no entry clears it"
        rows.append(_row((_plain(name), entered, TO_SETTLE.get(name, ""))))
    return "\n".join([*rows, ""])


def _evidence() -> str:
    """How long the proof of a consent outlives an erasure."""
    rows = [
        "## How long proof is kept",
        "",
        "After a person was erased, what proves their consents is kept for the longest period of their country and the",
        "sender's, then its key is destroyed; without any proof at once, and not before a legal hold ends. These are",
        "policies that follow the time in which a claim can be brought; confidence is that of the limitation. It is",
        "kept until the last day is over wherever that law holds, and for other countries everywhere on earth.",
        "",
        "| country | kept for | counted from | source | known |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {line.law or 'any other'} | {line.period} | {_SINCE[line.since]}{_YEAR_END if line.year_end else ''} | "
        f"{line.source} | {line.confidence}, {line.checked} |"
        for line in PERIODS
    ]
    return "\n".join([*rows, ""])


def _of(pack: Pack) -> str:
    lines = [f"## {pack.title}", "", f"`{pack.law}`, for {', '.join(pack.countries)}."]
    if pack.rules:
        lines += [
            f"Where no rule fits: **{pack.otherwise}**{_wanting(pack.otherwise_missing)}. {_otherwise(pack)}",
            *_table(("rule", "verdict", "when"), [(one, _rule(one)) for one in pack.rules]),
        ]
    else:
        lines += ["It does not say who may be mailed."]
    if pack.opt_out_section:
        policy = "That it holds at once and in the whole tenant is our policy."
        lines += ["", f"Of an opt-out: {pack.opt_out_section}. {policy}"]
    if pack.deadlines:
        lines += _table(
            ("deadline", "length", "counted from", "what is due"),
            [(one, _deadline(one)) for one in pack.deadlines],
        )
    if pack.content:
        lines += _table(
            ("content", "what a message holds", "in", "where it is missing"),
            [(one, _requirement(one)) for one in pack.content],
        )
    if pack.also:
        lines += _table(("also", "what it says", "here"), [(one, (one.about, one.here)) for one in pack.also])
    return "\n".join([*lines, ""])


def _otherwise(pack: Pack) -> str:
    """Why, and where the law demands what is not there."""
    if pack.otherwise_cites is None:
        return pack.otherwise_about
    return f"{pack.otherwise_about} Demanded by {pack.otherwise_cites}, **{pack.otherwise_confidence}**."


def _table(heads: tuple[str, ...], rows: Sequence[tuple[Statement, tuple[str, ...]]]) -> list[str]:
    """What statements say, with what all of them carry: section, confidence and dates."""
    heads = (*heads, "section", "", "in force", "known", "checked")
    return [
        "",
        _row(heads),
        "|" + "---|" * len(heads),
        *(_row((f"`{one.id}`", *cells, *_carried(one))) for one, cells in rows),
    ]


def _wanting(facts: Sequence[str]) -> str:
    told = [_plain(one) + (" (no entry clears it)" if one in TO_SETTLE else "") for one in facts]
    return f", missing: {', '.join(told)}" if facts else ""


def _row(cells: tuple[str, ...]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def _carried(one: Statement) -> tuple[str, ...]:
    begun = f"from {one.in_force_from}" if one.in_force_from else _NO_DATE
    begun += f" ({one.date_confidence})" if one.date_confidence else ""
    ended = f"; until {one.in_force_to}" if one.in_force_to else ""
    known = f"from {one.known_from}" if one.known_from else _NO_DATE
    unseen = " and ".join(what for what in one.not_looked_up if what != "date")
    cites = f"{one.cites} ({unseen} not looked up)" if unseen else one.cites
    return (
        cites,
        f"**{one.confidence}**{', our reading' if one.reading else ''}",
        f"{begun}{ended}",
        known,
        str(one.checked),
    )


def _rule(rule: Rule) -> tuple[str, ...]:
    when = "; ".join(_words(condition) for condition in rule.when) or _ALWAYS
    return f"{rule.verdict}{_wanting(rule.missing)}", f"{rule.about} ({when})"


def _deadline(one: Deadline) -> tuple[str, ...]:
    length = str(one.length)
    if one.extension is not None:
        length += f", and {one.extension.by} more"
        length += f" with notice within {one.extension.notice}" if one.extension.notice else " with notice"
    return length, f"{one.counts_from}, {_COUNTING[one.counting]}", f"{_list(one.of)}: {one.about}"


def _requirement(one: Requirement) -> tuple[str, ...]:
    within = "all messages" if set(one.applies_to) == set(Purpose) else _list(one.applies_to)
    within += ", the first to a person alone" if one.only_first else ""
    within += ", in bulk alone" if one.only_bulk else ""
    within += ", not where there is consent" if one.unless_consent else ""
    detail = f" (`{one.text}`, {_plain(one.place)})" if one.text and one.place else ""
    detail += f" ({one.days} days)" if one.days else ""
    detail += f" ({one.language})" if one.language else ""
    return f"{_plain(one.element)}{detail}: {_literal(one.about)}", within, _literal(one.remedy)


def _literal(text: str) -> str:
    """A text in which what stands between quotes is shown as it is, and not read as a tag."""
    return re.sub(r"'([^']*[<(][^']*)'", r"`\1`", text)


def _list(names: Iterable[str]) -> str:
    return ", ".join(_plain(name) for name in names)


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
            told += ["with proof"] if isinstance(condition, HasConsent) and condition.proof else []
            told += [f"within {condition.within}"] if condition.within else []
            told += ["or checked since"] if condition.checked else []
            told += ["else to be checked"] if isinstance(condition, HasConsent) and condition.check else []
            told += (
                [_alive(condition)] if isinstance(condition, HasConsent) and condition.kept_alive_by else []
            )
            told += [_past(condition)] if isinstance(condition, HasConsent) and condition.past else []
            return ", ".join(told)
        case HasRelation():
            told = [" or ".join(_plain(kind) for kind in condition.kinds)]
            told += [_unrefused(condition)] if condition.unrefused else []
            told += ["in writing"] if condition.in_writing else []
            told += [f"not before {condition.not_before}"] if condition.not_before else []
            told += [_while(condition)] if condition.within else []
            told += [_past(condition)] if condition.past else []
            return ", ".join(told)
        case NoRelation():
            return f"not {' or '.join(_plain(kind) for kind in condition.kinds)}{_since(condition.since)}"
        case NoMessage():
            since = _since((*condition.since, *(("consent",) if condition.since_consent else ())))
            return f"no message {'that asked for consent ' if condition.asking else ''}went out{since}"
        case _:
            assert_never(condition)


def _alive(condition: HasConsent) -> str:
    """From when a consent counts that something keeps alive."""
    kinds = " or ".join(_plain(kind) for kind in condition.kept_alive_by)
    given = " or from the consent" if condition.or_given else ""
    return f"from the last {kinds}, each within {condition.each_within} of the one before{given}"


def _past(condition: HasConsent | HasRelation) -> str:
    """From when it counts that begins at the end of a term."""
    return f"once {condition.past} are over"


def _unrefused(condition: HasRelation) -> str:
    return "unrefused" if ADDRESSES.issuperset(condition.kinds) else "an address unrefused"


def _while(condition: HasRelation) -> str:
    """How long a relation counts."""
    if condition.from_end and condition.within == Period():
        return "while it goes on"
    return f"within {condition.within}{' of its end' if condition.from_end else ''}"


def _since(kinds: Sequence[str]) -> str:
    return f" since {' or '.join(_plain(kind) for kind in kinds)}" if kinds else ""


def _plain(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    print(law_page(), end="")
