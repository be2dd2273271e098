"""Decisions, hand-overs and opt-outs as facts: what is counted how, over events as the domain writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.audience.consent_commands import OptOutChannel
from domain.audience.consent_events import Unsaid
from domain.law.packs import load_packs
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.events import BEGIN, History
from tests.unit.olap.test_ingest import World

DAY = BEGIN.date()
ELSEWHERE = timezone(timedelta(hours=-3, minutes=-30))
"""Events keep the offset that a moment was given with."""
NAMES = ("decisions", "denials_by_reason", "allows_by_basis", "dispatches", "opt_outs", "lapses")
MARK = "Quetzalcoatl"
"""In every text that must not get in."""

Why = tuple[str, str | None, str, tuple[str, ...]]
CONSENT: Why = ("allow", "de", "de.consent", ())
NO_CONSENT: Why = ("deny", "de", "otherwise", ())
STOPPED: Why = ("deny", None, "suppressed-unsubscribe", ())
UNKNOWN: Why = ("hold", None, "no-country", ("country",))
UNCLEAR: Why = ("hold", "ca", "ca.purchase", ("subscriber", "country"))


def decide(history: History, *reasons: Why, **fields: Any) -> None:
    """A decision with these reasons, the one that weighs most first."""
    verdict = reasons[0][0] if reasons else "hold"
    payload = {
        "addressee_id": str(uuid4()),
        "message_id": str(uuid4()),
        "workspace_id": str(history.workspace_id),
        "message": {"purpose": "marketing", "workspace": str(history.workspace_id), "campaign_type": None},
        "sender_country": "DE",
        "verdict": verdict,
        "decided_at": BEGIN.isoformat(),
        "expires_at": (BEGIN + timedelta(minutes=10)).isoformat() if verdict == "allow" else None,
        "reasons": [
            {
                "verdict": told,
                "law": law,
                "rule": rule,
                "missing": missing,
                "entries": [3],
                "until": None,
                "note": MARK,
            }
            for told, law, rule, missing in reasons
        ],
        "packs": {"de": "1"},
    }
    history.happen("audience.permission_decided", {**payload, **fields}, stream=f"addressee:{uuid4()}")


def dispatch(history: History) -> None:
    payload = {
        "addressee_id": str(uuid4()),
        "message_id": str(uuid4()),
        "workspace_id": str(history.workspace_id),
        "allowed_by": 3,
        "occurred_at": BEGIN.isoformat(),
    }
    history.happen("audience.message_dispatched", payload, stream=f"addressee:{uuid4()}")


def opt_out(history: History, late: timedelta, *, version: int = 3, **fields: Any) -> None:
    """An opt-out that is entered so late after it was said."""
    said = (BEGIN + timedelta(hours=len(history.events) + 1) - late).astimezone(ELSEWHERE)
    payload = {
        "addressee_id": str(uuid4()),
        "scope": "tenant",
        "occurred_at": said.isoformat(),
        "channel": "page",
        "reason": {"~": "evidence", "s": "x", "c": MARK, "h": MARK},
        **({"kind": "unsubscribe", "within": None} if version > 1 else {}),
    }
    history.happen("audience.opted_out", {**payload, **fields}, version=version)


def lapse(history: History, ends: str, *, stage: str = "lapsing", **fields: Any) -> None:
    """An announcement of an end."""
    payload = {
        "addressee_id": str(uuid4()),
        "law": "fr",
        "rule": "fr.consent",
        "basis": "consent",
        "entries": [2],
        "announced_at": BEGIN.isoformat(),
        "sender_country": "FR",
        "packs": {"fr": "1"},
        **({"lapses_at": ends} if stage == "lapsing" else {"lapsed_at": ends, "verdict": "deny"}),
        **({"rule_since": "otherwise", "missing_since": []} if stage == "lapsed" else {}),
    }
    history.happen(f"audience.permission_{stage}", {**payload, **fields}, stream=f"addressee:{uuid4()}")


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


@pytest.fixture
def opened() -> Iterator[list[World]]:
    worlds: list[World] = []
    yield worlds
    for world in worlds:
        world.store.close()


@pytest.fixture
def world(opened: list[World]) -> World:
    opened.append(World(History(), History()))
    return opened[0]


def asked(world: World, name: str, history: History | None = None, **parameters: object) -> list[Any]:
    tenant = (history or world.histories[0]).tenant_id
    return list(run_report(world.store.writing, name, tenant, parameters).rows)


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


def test_opt_outs_and_how_late_they_were_entered(world: World) -> None:
    history = world.histories[0]
    for late in (timedelta(minutes=2), timedelta(minutes=4, microseconds=1)):
        opt_out(history, late)
    opt_out(history, timedelta(hours=1), version=1, channel="complaint")
    opt_out(history, timedelta(hours=1), version=1)
    opt_out(history, timedelta(days=900), channel="carried_over", kind="objection")
    opt_out(history, -timedelta(seconds=3), channel="one_click", scope="workspace")
    world.catch_up()
    assert asked(world, "opt_outs") == [
        (DAY, "complaint", "complaint", "tenant", "none", 1, 1, 3600.0, 3600.0, 3600.0, 3600.0, 1, 0, 0),
        (DAY, "objection", "carried_over", "tenant", "none", 1, 0, 0.0, None, None, None, 0, 0, 0),
        (DAY, "unsubscribe", "one_click", "workspace", "none", 1, 1, 0.0, 0.0, 0.0, 0.0, 1, 0, 0),
        (
            DAY,
            "unsubscribe",
            "page",
            "tenant",
            "none",
            3,
            3,
            3960.000001,
            3600.0,
            240.000001,
            3600.0,
            3,
            0,
            0,
        ),
    ]


def test_opt_outs_that_met_the_term_of_a_law_and_those_that_did_not(world: World) -> None:
    """What comes in at the very moment at which the term is over is late."""
    history = world.histories[0]
    for law, left in (("us", 1), ("us", 0), ("us", -5), ("nz", 1), (None, 0)):
        entered = BEGIN + timedelta(hours=len(history.events) + 1)
        before = (entered + timedelta(microseconds=left)).astimezone(ELSEWHERE)
        opt_out(history, timedelta(), due_law=law, due_before=None if law is None else before.isoformat())
    opt_out(history, timedelta(hours=1), version=2)
    world.catch_up()
    told = [(row[4], row[5], row[-2], row[-1]) for row in asked(world, "opt_outs")]
    assert told == [("none", 2, 0, 0), ("nz", 1, 1, 0), ("us", 3, 1, 2)]
    assert world.rows("SELECT count(*) FROM fact_opt_out WHERE in_time IS NULL") == [(2,)]


def test_how_late_most_opt_outs_were_entered_and_how_many_surely_in_time(world: World) -> None:
    history = world.histories[0]
    for hours in (*range(1, 9), 71, 72, 73):
        opt_out(history, timedelta(hours=hours))
    world.catch_up()
    ((*_, longest, median, nearly_all, in_time, _, _),) = asked(world, "opt_outs", to=str(DAY))
    assert (longest, median, nearly_all) == (73 * 3600.0, 6 * 3600.0, 73 * 3600.0)
    assert in_time == 9


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


def test_every_channel_of_an_opt_out_is_named_and_those_that_nobody_said_have_no_latency(
    world: World,
) -> None:
    report = REPORTS["opt_outs"]
    (channel,) = (one for one in report.info.columns if one.name == "channel")
    words = set(re.findall(r"[a-z_]+", channel.about))
    assert {*OptOutChannel, *Unsaid} <= words
    assert set(Unsaid) <= set(re.findall(r"[a-z_]+", report.info.about))
    for one in (OptOutChannel.PAGE, *Unsaid):
        opt_out(world.histories[0], timedelta(hours=1), channel=one)
    world.catch_up()
    known = {row[2]: row[6] for row in asked(world, "opt_outs", to=str(DAY))}
    assert known == {"page": 1, **{one.value: 0 for one in Unsaid}}
