"""Stored names, versions and shapes are for ever: additions are accepted, changes fail."""

import copy
import pkgutil
from enum import StrEnum

import pytest

import domain
from domain.audience.intake.dates import DateOrder
from domain.audience.intake.mapping import Duplicates
from domain.kernel.events import EVENTS
from domain.kernel.permissions import StaffRole, TenantRole, WorkspaceRole
from domain.law.packs import load_packs
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import SendsFor
from projections.olap.law import FORMER, bases
from tests.support.stored_names import (
    RULES,
    SNAPSHOT,
    Shapes,
    broken,
    current_shapes,
    recorded_rules,
    recorded_shapes,
    unrecorded,
    without_basis,
)

WORDS: dict[type[StrEnum], set[str]] = {
    TenantRole: {
        "owner",
        "admin",
        "campaign_manager",
        "compliance_officer",
        "finance_leader",
        "member",
        "viewer",
    },
    WorkspaceRole: {"admin", "member", "viewer"},
    StaffRole: {"super_admin", "support", "finance", "operations"},
    Plan: {"free", "starter", "professional", "business", "enterprise"},
    DateOrder: {"auto", "DMY", "MDY", "YMD"},
    Duplicates: {"skip", "update", "create"},
    SendsFor: {"itself", "clients"},
}
"""What `evolve` turns back into words of ours: events hold them as text."""


def test_no_stored_shape_changed() -> None:
    assert broken(recorded_shapes(), current_shapes()) == []


def test_every_stored_shape_was_accepted() -> None:
    new = unrecorded(recorded_shapes(), current_shapes())
    assert new == [], (
        f"new shapes: check them, then run scripts/accept_stored_names.py to add them to {SNAPSHOT.name}"
    )


def test_what_was_personal_in_any_accepted_version_is_looked_for_when_events_are_read() -> None:
    current_shapes()
    for name, versions in recorded_shapes().items():
        for version, shape in versions.items():
            fields = shape["schema"]["properties"]
            personal = {field for field, about in fields.items() if "x-personal" in about}
            known = EVENTS.sealed_fields(name, int(version))
            assert known is not None, name
            assert personal <= known, f"{name}: say once_personal="


def test_of_every_rule_that_ever_allowed_the_basis_is_known() -> None:
    assert without_basis(recorded_rules()) == []
    assert without_basis(["de.gone"]) == [
        "de.gone is gone: keep its basis in FORMER of projections/olap/law.py"
    ]
    new = {rule for _, rule in bases()} - set(recorded_rules())
    assert new == set(), (
        f"new rules that allow: run scripts/accept_stored_names.py to add them to {RULES.name}"
    )


def test_a_rule_that_is_gone_allows_in_no_pack() -> None:
    present = {(pack.law, rule.id) for pack in load_packs() for rule in pack.rules if rule.basis}
    assert present.isdisjoint(FORMER), "it allows: its pack tells its basis"


def test_no_word_that_logs_hold_is_gone() -> None:
    for kind, words in WORDS.items():
        assert words == {word.value for word in kind}, (
            f"logs hold words of {kind.__name__} for ever: new ones are added here, none goes without an upcaster"
        )


def test_names_say_context_and_what_happened() -> None:
    contexts = {module.name for module in pkgutil.iter_modules(domain.__path__)} - {"kernel"}
    for name in current_shapes():
        context, _, what = name.partition(".")
        assert context in contexts, name
        assert what.replace("_", "").isalpha(), name
        assert what.islower(), name


@pytest.fixture
def recorded() -> Shapes:
    return copy.deepcopy(recorded_shapes())


def test_a_changed_shape_is_found(recorded: Shapes) -> None:
    recorded["audience.contact_created"]["1"]["schema"]["properties"].pop("email")
    assert broken(recorded, current_shapes()) == [
        "audience.contact_created v1 changed its shape; make v2 and an upcaster"
    ]


def test_a_lost_name_is_found(recorded: Shapes) -> None:
    current = current_shapes()
    del current["audience.contact_created"]
    assert "audience.contact_created is gone" in broken(recorded, current)[0]


def test_a_version_without_an_upcaster_and_a_step_back_are_found(recorded: Shapes) -> None:
    current = current_shapes()
    current["audience.contact_created"] = {"2": {}}
    assert broken(recorded, current) == ["audience.contact_created v1 has no upcaster"]
    assert unrecorded(recorded, current) == ["audience.contact_created v2"]
    recorded["audience.contact_created"]["3"] = {}
    assert "audience.contact_created went back from v3 to v2" in broken(recorded, current)
