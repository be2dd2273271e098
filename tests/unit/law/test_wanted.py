"""What a reason names as missing is what a command takes, or it says that no entry clears it."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest
from pydantic import TypeAdapter

import domain.registered
from domain.kernel.commands import COMMANDS
from domain.law.facts import Person, RelationKind, Subscriber
from domain.law.packs import load_packs, pack_texts
from domain.law.reading import PackUnusable, read_pack
from domain.law.wanted import ENTERED, TO_SETTLE, Matter, wanted_by, with_what_no_entry_clears
from domain.law.words import words
from tests.support.persons import HOLD, OWN_GOODS, decided, person, relation

assert domain.registered.MODULES
TAKES: Final = {f"{one.context}/{one.slug}": one for one in COMMANDS.public()}
OF_ALERTS: Final = "access/set-alert-rule"
"""Its rule is one of alerts, and no law's."""


@pytest.mark.parametrize("fact", ENTERED)
def test_a_fact_is_taken_by_the_command_that_is_named(fact: str) -> None:
    entered = ENTERED[fact]
    fields = TAKES[entered.command].model_fields
    assert entered.field in fields
    several = fields[entered.field].annotation is RelationKind
    assert entered.value is None or several
    if entered.value is not None:
        TypeAdapter(RelationKind).validate_python(entered.value)


def test_every_kind_of_relation_is_a_fact() -> None:
    assert {kind.value for kind in RelationKind} <= ENTERED.keys()


@pytest.mark.parametrize("matter", Matter)
def test_no_command_takes_what_a_lawyer_has_to_settle(matter: Matter) -> None:
    assert matter not in ENTERED
    taken = {name for name, command in TAKES.items() if matter.value in command.model_fields}
    assert taken <= {OF_ALERTS}
    assert TO_SETTLE[matter]


def test_whatever_may_be_missing_is_one_or_the_other() -> None:
    assert ENTERED.keys().isdisjoint(TO_SETTLE)
    assert {*words("missing", load_packs())} <= ENTERED.keys() | TO_SETTLE.keys()
    for pack in load_packs():
        assert {*wanted_by(pack)} <= ENTERED.keys() | TO_SETTLE.keys()


@pytest.mark.parametrize(
    ("somebody", "remedy"),
    [
        (
            person("AU", relation(RelationKind.MEMBERSHIP, date(2026, 1, 1))),
            "No entry clears conduct: a lawyer has to settle whether what the person did says that they consent.",
        ),
        (
            person("BR", relation(RelationKind.PURCHASE, date(2026, 1, 1))),
            f"No entry clears weighed_interest: a lawyer has to settle {TO_SETTLE['weighed_interest']}.",
        ),
        (person("IN"), "No entry clears rule: a lawyer has to settle what the law says of such a message."),
        (
            person("AT", subscriber=Subscriber.CORPORATE),
            "No entry clears pack: a lawyer has to settle what the law of that country says.",
        ),
        (person("ZA"), "No entry clears pack: a lawyer has to settle what the law of that country says."),
    ],
)
def test_the_remedy_says_that_no_entry_clears_it(somebody: Person, remedy: str) -> None:
    reason = decided(somebody, message=OWN_GOODS).reasons[0]
    assert (reason.verdict, reason.remedy is not None) == (HOLD, True)
    assert str(reason.remedy).endswith(f". {remedy}")


def test_what_is_entered_is_told_by_the_rules_remedy_alone() -> None:
    assert with_what_no_entry_clears("Enter it.", ("purchase",)) == "Enter it."
    assert with_what_no_entry_clears(None, ("purchase",)) is None
    assert with_what_no_entry_clears(None, ("rule",)) is not None


def test_a_pack_that_holds_for_what_no_command_takes_is_refused_with_its_line() -> None:
    text = pack_texts()["nz.toml"]
    line = text.splitlines().index('id = "nz.inferred"')
    with pytest.raises(PackUnusable) as told:
        read_pack(text.replace('missing = ["conduct"]', 'missing = ["behaviour"]'), "nz.toml")
    assert str(told.value).startswith(
        f"nz.toml:{line}: nz.inferred holds for want of behaviour, which no command takes."
    )
    otherwise = pack_texts()["br.toml"].replace(
        'otherwise_missing = ["consent"]', 'otherwise_missing = ["will"]'
    )
    with pytest.raises(PackUnusable, match=r"^br.toml:1: where no rule fits it holds for want of will"):
        read_pack(otherwise, "br.toml")


def test_a_pack_that_was_adopted_before_is_read_with_the_names_that_it_has() -> None:
    """What it named then is neither entered nor a matter that is known here."""
    text = pack_texts()["nz.toml"].replace('missing = ["conduct"]', 'missing = ["behaviour"]')
    former = read_pack(text, "nz.toml", adopted=True)
    assert "behaviour" in wanted_by(former)


def test_a_pack_tells_all_that_it_may_want() -> None:
    packs = {pack.law: wanted_by(pack) for pack in load_packs()}
    assert packs["nz"] == ["conduct", "proof_of_consent", "refusal_notice", "role_relevant", "subscriber"]
    assert packs["jp"] == ["in_writing", "proof_of_consent", "refusal_notice", "rule", "subscriber"]
    assert packs["kr"] == ["consent", "proof_of_consent", "similar_goods"]
    assert packs["eu-gdpr"] == []
