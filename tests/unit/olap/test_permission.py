"""Decisions, hand-overs and opt-outs as facts: what is counted how, over events as the domain writes them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.law.packs import load_packs
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.decided import (
    CONSENT,
    DAY,
    MARK,
    NO_CONSENT,
    STOPPED,
    UNCLEAR,
    UNKNOWN,
    asked,
    decide,
    dispatch,
    lapse,
    opt_out,
)
from tests.support.events import BEGIN, History
from tests.unit.olap.test_ingest import World

NAMES = ("decisions", "denials_by_reason", "allows_by_basis", "dispatches", "opt_outs", "lapses")


def filled(history: History) -> None:
    decide(history, CONSENT)
    decide(history, NO_CONSENT)
    decide(history, STOPPED, STOPPED, NO_CONSENT, UNCLEAR)
    decide(history, UNKNOWN, UNCLEAR, CONSENT)
    decide(history)
    dispatch(history)
    opt_out(history, timedelta(minutes=2))
    term: dict[str, Any] = {"due_law": "us", "due_before": BEGIN.isoformat()}
    opt_out(history, timedelta(days=3), channel="reply", kind="objection", **term)
    lapse(history, "2026-03-30T22:00:00Z")


def test_a_decision_is_a_row_with_the_reason_that_weighed_most(world: World) -> None:
    filled(world.histories[0])
    world.catch_up()
    rows = world.rows(
        "SELECT position, verdict, law, rule, pack, reason_count, missing, expires_at FROM fact_decision ORDER BY ALL"
    )
    lapses = datetime(2026, 3, 1, 12, 10)  # noqa: DTZ001 - facts hold UTC without a zone
    assert rows == [
        (1, "allow", "de", "de.consent", "1", 1, [], lapses),
        (2, "deny", "de", "otherwise", "1", 1, [], None),
        (3, "deny", None, "suppressed-unsubscribe", None, 4, ["country", "subscriber"], None),
        (4, "hold", None, "no-country", None, 3, ["country", "subscriber"], None),
        (5, "hold", None, None, None, 0, [], None),
    ]
    decide(
        world.histories[0],
        CONSENT,
        message={"purpose": "transactional", "campaign_type": "receipts"},
        sender_country=None,
        decided_at="2026-03-01T14:00:00.000001+02:00",
    )
    world.catch_up()
    shown = world.rows(
        "SELECT purpose, campaign_type, sender_country, decided_at FROM fact_decision WHERE position = 10"
    )
    exactly = datetime(2026, 3, 1, 12, 0, 0, 1)  # noqa: DTZ001 - as above
    assert shown == [("transactional", "receipts", None, exactly)]


def test_decisions_by_day_verdict_law_and_rule(world: World) -> None:
    one, two = world.histories
    filled(one)
    decide(one, CONSENT, message={"purpose": "marketing", "campaign_type": "offers"})
    filled(two)
    world.catch_up()
    assert asked(world, "decisions") == [
        (DAY, "allow", "de", "de.consent", 2),
        (DAY, "deny", "de", "otherwise", 1),
        (DAY, "deny", "none", "suppressed-unsubscribe", 1),
        (DAY, "hold", "none", "no-country", 1),
        (DAY, "hold", "none", "none", 1),
    ]
    assert asked(world, "decisions", campaign_type="offers") == [(DAY, "allow", "de", "de.consent", 1)]
    assert asked(world, "decisions", workspace_id=str(two.workspace_id)) == []
    assert asked(world, "decisions", from_="2026-03-02") == []


def test_a_denial_counts_once_under_each_of_its_reasons(world: World) -> None:
    filled(world.histories[0])
    world.catch_up()
    assert asked(world, "denials_by_reason") == [
        ("deny", "de", "otherwise", None, 2),
        ("deny", "none", "suppressed-unsubscribe", None, 1),
        ("hold", "ca", "ca.purchase", "subscriber, country", 1),
        ("hold", "none", "no-country", "country", 1),
    ]


def test_an_allow_counts_once_under_each_law_by_the_basis_of_its_rule(world: World) -> None:
    history = world.histories[0]
    for law, rule in (("at", "at.consent"), ("de", "de.soft-opt-in"), ("de", "de.of-the-past")):
        decide(history, ("allow", law, rule, ()), CONSENT)
    decide(history, NO_CONSENT, CONSENT)
    decide(history, ("allow", "ca", "ca.purchase", ()))
    world.catch_up()
    assert asked(world, "allows_by_basis") == [
        ("at", "none", 1),
        ("ca", "existing business relationship", 1),
        ("de", "express consent", 3),
        ("de", "none", 1),
        ("de", "soft opt-in", 1),
    ]


def test_a_rule_names_one_basis_in_all_its_versions() -> None:
    """Else a report could not tell it by the rule alone."""
    for pack in load_packs():
        told: dict[str, set[str | None]] = {}
        for rule in pack.rules:
            told.setdefault(rule.id, set()).add(rule.basis)
        assert {rule: bases for rule, bases in told.items() if len(bases) > 1} == {}, pack.law


def test_permissions_that_end_by_week_law_and_basis(world: World) -> None:
    history = world.histories[0]
    sunday, monday = "2026-03-29T23:59:59.999999Z", "2026-03-30T00:00:00Z"
    for ends in (sunday, monday, "2026-03-30T02:00:00+02:00"):
        lapse(history, ends)
    lapse(history, monday, stage="lapsed")
    lapse(history, monday, stage="lapsed", law="ca", rule="ca.purchase", basis=None)
    world.catch_up()
    before, week = date(2026, 3, 23), date(2026, 3, 30)
    assert asked(world, "lapses") == [
        (before, "fr", "consent", "announced", 1),
        (week, "ca", "none", "lapsed", 1),
        (week, "fr", "consent", "announced", 2),
        (week, "fr", "consent", "lapsed", 1),
    ]
    assert asked(world, "lapses", to="2026-03-29") == [(before, "fr", "consent", "announced", 1)]
    assert len(asked(world, "lapses", from_="2026-03-30")) == 3
    rows = world.rows(
        "SELECT stage, verdict, rule_since FROM fact_lapse WHERE position IN (1, 4) ORDER BY ALL"
    )
    assert rows == [("announced", None, None), ("lapsed", "deny", "otherwise")]


def test_the_ends_of_one_client_are_counted_and_opened_apart(world: World) -> None:
    history = world.histories[0]
    monday, week = "2026-03-30T00:00:00Z", date(2026, 3, 30)
    client = history.workspace_id
    lapse(history, monday)
    lapse(history, monday, version=2, workspace_id=None)
    lapse(history, monday, version=2, workspace_id=str(client))
    world.catch_up()
    assert asked(world, "lapses") == [(week, "fr", "consent", "announced", 3)]
    assert asked(world, "lapses", workspace_id=client) == [(week, "fr", "consent", "announced", 1)]
    assert asked(world, "lapses", workspace_id=uuid4()) == []
    rows = world.rows("SELECT position, workspace_id FROM fact_lapse ORDER BY position")
    assert rows == [(1, None), (2, None), (3, client)]
    cell = {"week": week, "law": "fr", "basis": "consent", "stage": "announced"}
    of_client = {"workspace_id": client}
    behind = run_events_behind(
        world.store.writing, "lapses", history.tenant_id, cell, of_client, after=0, limit=9
    )
    assert list(behind.events) == [(3, 1)]


def test_messages_that_were_handed_over(world: World) -> None:
    filled(world.histories[0])
    world.catch_up()
    assert asked(world, "dispatches") == [(DAY, 1)]
    assert asked(world, "dispatches", to="2026-02-28") == []


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_opens_to_its_events_and_to_no_others(world: World, name: str) -> None:
    one, two = world.histories
    for _ in range(3):
        filled(two)
        filled(one)
    world.catch_up()
    columns = REPORTS[name].info.columns
    dimensions = [column.name for column in columns if column.kind == "dimension"]
    report = run_report(world.store.writing, name, one.tenant_id, {})
    assert report.rows
    for row in report.rows:
        cell = dict(zip(dimensions, row, strict=False))
        behind = run_events_behind(world.store.writing, name, one.tenant_id, cell, {}, after=0, limit=100)
        assert sum(weight for _, weight in behind.events) == row[len(dimensions)], cell
        assert len({position for position, _ in behind.events}) == len(behind.events)
    empty = run_report(world.store.writing, name, uuid4(), {})
    assert empty.rows == ()


def test_batch_by_batch_makes_the_same_facts_and_figures_as_all_at_once(opened: list[World]) -> None:
    one, two = History(), History()
    slow = World(one, two)
    opened.append(slow)
    slow.catch_up()
    for _ in range(3):
        for history in (one, two):
            filled(history)
            slow.catch_up()
    quick = World(one, two)
    opened.append(quick)
    quick.catch_up()
    assert quick.facts() == slow.facts()
    for name in NAMES:
        assert asked(quick, name) == asked(slow, name) != []


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        ("permission_decided", {"verdict": None}, "no verdict"),
        ("permission_decided", {"workspace_id": "x"}, "no workspace_id"),
        ("permission_decided", {"message": {}}, "no purpose"),
        ("permission_decided", {"reasons": None}, "no reasons"),
        ("permission_decided", {"decided_at": "soon"}, "no decided_at"),
        ("opted_out", {"occurred_at": None}, "no occurred_at"),
        ("opted_out", {"kind": None}, "no kind"),
        ("opted_out", {"channel": None}, "no channel"),
        ("opted_out", {"scope": None}, "no scope"),
        ("permission_lapsing", {"lapses_at": None}, "no lapses_at"),
        ("permission_lapsing", {"rule": None}, "no rule"),
        ("permission_lapsed", {"lapsed_at": "soon"}, "no lapsed_at"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_event_without_what_a_fact_needs_stops_its_tenant(
    world: World, *, name: str, broken: dict[str, Any], reason: str, at_once: bool
) -> None:
    history = world.histories[0]
    if not at_once:
        world.catch_up()
    filled(history)
    if name == "opted_out":
        opt_out(history, timedelta(), **broken)
    elif name.startswith("permission_laps"):
        lapse(history, BEGIN.isoformat(), stage=name.removeprefix("permission_"), **broken)
    else:
        decide(history, CONSENT, **broken)
    world.catch_up()
    stopped = world.projector.tracked[history.tenant_id]
    assert (stopped.state, stopped.position) == ("poisoned", 9)
    assert stopped.error is not None
    assert reason in stopped.error


def test_no_person_no_message_and_no_words_get_in(tmp_path: Path) -> None:
    history = History()
    filled(history)
    addressee, message = UUID(int=2**100 + 7), UUID(int=2**100 + 9)
    decide(history, CONSENT, addressee_id=str(addressee), message_id=str(message))
    world = World(history, path=tmp_path / "facts.duckdb")
    world.catch_up()
    world.rows("CHECKPOINT")
    world.store.close()
    stored = (tmp_path / "facts.duckdb").read_bytes()
    assert b"de.consent" in stored, "the file's text can be searched"
    assert MARK.encode() not in stored
    for one in (addressee, message):
        assert str(one).encode() not in stored
        assert one.bytes not in stored


def test_days_are_told_apart(world: World) -> None:
    history = world.histories[0]
    for _ in range(13):
        decide(history, CONSENT)
    world.catch_up()
    assert asked(world, "decisions") == [
        (date(2026, 3, 1), "allow", "de", "de.consent", 11),
        (date(2026, 3, 2), "allow", "de", "de.consent", 2),
    ]
