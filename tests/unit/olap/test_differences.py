"""Why reports differ: between any two positions each difference is the sum of named events, with no residue."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.analytics import AnalyticsBehind, InvalidParameters
from application.ports.differences import Difference, NotOfOneLog, TooMuchToExplain
from domain.kernel.ids import PLATFORM
from projections.olap.difference import EVENTS_SHOWN, MAX_CELLS, run_difference
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.converted_model import record
from tests.support.events import BEGIN, History, segment
from tests.support.mrr_histories import Told, moment, percent, plan, terms
from tests.support.required import required
from tests.unit.olap.test_costs import HOLDERS, confirm, enter, lock, reverse, rule
from tests.unit.olap.test_ingest import World


def differs(
    world: World, history: History, name: str, first: int, last: int | None, limit: int = MAX_CELLS
) -> list[Difference]:
    """All pages of a difference, full but the last; every figure of them explained."""
    pages: list[Difference] = []
    after: int | None = 0
    while after is not None:
        page = run_difference(
            world.store.writing,
            name,
            history.tenant_id,
            required(name),
            first=first,
            last=last,
            after=after,
            limit=limit,
        )
        pages.append(page)
        assert len(page.cells) == min(limit, page.differing - (after or 0)), name
        after = page.next_after
        for cell in page.cells:
            explained(name, cell, first, last or len(history.events))
    return pages


def explained(name: str, cell: Any, first: int, last: int) -> None:
    for measure in cell.measures:
        at = (name, cell.cell, measure.measure)
        moved = [one.after - one.before for one in measure.events]
        assert sum(moved) + measure.left_out_weight == measure.difference, at
        assert round(((measure.after or 0) - (measure.before or 0)) * measure.scale) == measure.difference, at
        assert measure.events or measure.difference == 0, at
        assert all(one.event.name and one.event.position <= last for one in measure.events), at
        earlier = [by for one, by in zip(measure.events, moved, strict=True) if one.event.arrived == "before"]
        assert all(first < one.event.position <= last for one in measure.moved_by), at
        assert measure.left_out or sum(one.moved for one in measure.moved_by) == sum(earlier), at
        assert bool(earlier) == bool(measure.moved_by), at
    for other in cell.not_summed:
        assert set(other.parts) <= set(REPORTS[name].opened), other


def lived(chance: random.Random, tenant_id: UUID | None = None) -> History:
    """A history of all that reports are made of, with late entries, locked months, rules and reversals."""
    told = Told(History() if tenant_id is None else History(tenant_id=tenant_id))
    history, entries = told.history, dict[int, Any]()
    for number in range(18):
        back = BEGIN.date() - timedelta(days=chance.randrange(80))
        match chance.randrange(10):
            case 0:
                history.contact("created", segment=segment(chance.choice(["CA", "DE", None])))
            case 1 | 2 | 3:
                ended = chance.random() < 0.2
                said = terms(
                    "canceled" if ended else "active",
                    [plan(chance.choice([4_900, 14_900]), quantity=chance.randrange(1, 3))],
                    [percent(2_000, back + timedelta(days=40))] if chance.random() < 0.3 else [],
                    chance.choice(["USD", "USD", "EUR"]),
                    ended_at=moment(back) if ended else None,
                )
                told.tell(moment(back), said, subscription=chance.randrange(3))
            case 4:
                lock(history, f"{back:%Y-%m}")
            case 5 | 6:
                whose: dict[str, Any] = chance.choice([{}, {"pool": "shared"}, {"workspace_id": HOLDERS[0]}])
                entries[number] = enter(
                    history,
                    number,
                    amount=chance.randrange(1, 9_999),
                    covers_from=back,
                    covers_to=back + timedelta(days=chance.randrange(40)),
                    approximate=True,
                    **whose,
                )
            case 7 if entries:
                which = chance.choice(sorted(entries))
                if chance.random() < 0.5:
                    reverse(history, entries.pop(which), which)
                else:
                    confirm(history, entries.pop(which), chance.randrange(1, 9_999), which)
            case 8:
                rule(history, "weights", "2025-12-01", [chance.randrange(1, 9) for _ in HOLDERS])
            case _:
                sent(history, chance, back)
        rated(history, number)
    return history


def rated(history: History, number: int) -> None:
    """A rate of the days in turn, and now and then another of a day that has one."""
    for back in (80 - 5 * number, *([95 - 5 * number] if number % 4 == 3 else [])):
        day, rate = BEGIN.date() - timedelta(days=back), f"1.0{number * 7 % 100:02}"
        pair = ("EUR", "USD") if number % 5 else ("USD", "EUR")
        record(history, *pair, day, rate)


def sent(history: History, chance: random.Random, day: date) -> None:
    """A decision, a message, an opt-out, a lapse, a request and a seat, each of a day in the past."""
    at = moment(day, chance.randrange(24)).isoformat()
    later = moment(day + timedelta(days=chance.randrange(1, 90))).isoformat()
    workspace = {"workspace_id": str(HOLDERS[0])}
    reason = {"verdict": "deny", "law": "de", "rule": "otherwise", "missing": ["country"]}
    allowed = {"verdict": "allow", "law": "de", "rule": "de.consent", "missing": []}
    for verdict, told in (("deny", reason), ("allow", allowed)):
        payload = {"verdict": verdict, "message": {"purpose": "advertising"}, "reasons": [told]}
        history.happen("audience.permission_decided", {**workspace, **payload, "decided_at": at})
    history.happen("audience.message_dispatched", {**workspace, "occurred_at": at}, version=2)
    said = {"kind": "unsubscribe", "channel": chance.choice(["page", "import"]), "scope": "tenant"}
    due = {"due_law": "de", "due_before": later}
    history.happen("audience.opted_out", {**said, "occurred_at": at, **due}, version=3)
    ends = {"law": "fr", "rule": "fr.consent", "basis": "consent", "lapses_at": later}
    history.happen("audience.permission_lapsing", {**workspace, **ends}, version=2)
    ended = {"kind": "access", "law": "de", "outcome": "fulfilled", "in_time": True, "received_at": at}
    completed = (BEGIN + timedelta(hours=len(history.events))).isoformat()
    history.happen("rights.request_completed", {**ended, "completed_at": completed})
    history.happen(chance.choice(["tenancy.member_invited", "tenancy.member_removed"]), {"email": "x"})


def seen(opened: list[World], history: History) -> World:
    world = World(history)
    opened.append(world)
    world.catch_up()
    assert world.projector.health().poisoned == {}
    return world


def test_every_report_is_explained_between_any_two_positions(opened: list[World]) -> None:
    chance = random.Random(1)
    history = lived(chance)
    world = seen(opened, history)
    moving = set()
    for name in REPORTS:
        first, last = sorted(chance.sample(range(len(history.events)), 2))
        for page in differs(world, history, name, first, last):
            moving |= {name} if page.cells else set()
    assert len(moving) > 10, "the history moves too few reports"


def test_a_row_that_is_not_there_opens_to_nothing(opened: list[World]) -> None:
    """Words that follow from a row's figures name it too: once they are others, the old row is worth nothing."""
    chance = random.Random(8)
    histories = [lived(chance) for _ in range(2)]
    gone = set()
    for history in histories:
        world = seen(opened, history)
        con, whose = world.store.writing, history.tenant_id
        middle = chance.randrange(len(history.events) // 3, len(history.events))
        for name, report in REPORTS.items():
            columns = report.info.columns
            names = [column.name for column in columns if column.kind == "dimension"]
            at = [columns.index(column) for column in columns if column.kind == "dimension"]
            shown = [
                {tuple(row[one] for one in at) for row in run_report(con, name, whose, given).rows}
                for given in (required(name) | {"at_position": middle}, required(name))
            ]
            for cell in chance.sample(sorted(shown[0] - shown[1], key=str), min(len(shown[0] - shown[1]), 6)):
                for measure in report.opened:
                    opening = {**dict(zip(names, cell, strict=True)), "measure": measure}
                    behind = run_events_behind(
                        con, name, whose, opening, required(name), after=0, limit=1_000
                    )
                    assert sum(weight for _, weight in behind.events) == 0, (name, opening)
                gone.add(name)
    assert gone >= {"scorecard", "unit_economics"}, "no row's words became others"


def test_a_row_whose_words_became_others_is_one_row_that_changed(opened: list[World]) -> None:
    """It keeps its name: it has not gone, nor has another come."""
    history = lived(random.Random(8))
    world = seen(opened, history)
    changed = set()
    for name in ("scorecard", "unit_economics"):
        naming = [one.name for one in REPORTS[name].info.columns if one.kind == "dimension" and not one.tells]
        for first in range(len(history.events) // 3, len(history.events), 24):
            cells = [cell for page in differs(world, history, name, first, None) for cell in page.cells]
            named = [tuple(cell.cell[one] for one in naming) for cell in cells]
            assert len(named) == len(set(named)), (name, first)
            for cell in cells:
                for one in cell.changed:
                    assert one.dimension not in naming
                    assert cell.cell[one.dimension] == one.after != one.before
                    changed.add(name)
    assert changed == {"scorecard", "unit_economics"}


def test_as_of_the_last_position_is_as_of_now(opened: list[World]) -> None:
    history = lived(random.Random(5))
    world = seen(opened, history)
    con, whose = world.store.writing, history.tenant_id
    for name in REPORTS:
        given = required(name)
        now = run_report(con, name, whose, given).rows
        assert run_report(con, name, whose, given | {"at_position": len(history.events)}).rows == now, name
        assert run_report(con, name, whose, given | {"at_position": 0}).rows == (), name


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_late_entries_and_locks_leave_no_residue(seed: int, ends: tuple[float, float]) -> None:
    history = lived(random.Random(seed))
    world = World(history)
    world.catch_up()
    first, last = sorted(int(end * len(history.events)) for end in ends)
    for name in ("mrr_changes", "costs_by_category", "costs_by_workspace", "unit_economics"):
        differs(world, history, name, first, last)
    world.store.close()


def test_what_moved_earlier_events_is_named(opened: list[World]) -> None:
    history = History()
    enter(history, amount=100, covers_from="2026-01-05", pool="shared")
    history.contact("created")
    rule(history, "weights", "2026-01-01", [1, 3])
    history.contact("created")
    world = seen(opened, history)
    for first in (1, 2):  # what is moved is the last that was seen, and one before it
        pages = differs(world, history, "costs_by_workspace", first, 4, limit=2)
        cells = [cell for page in pages for cell in page.cells]
        assert {(one.cell["share"], one.measures[0].difference) for one in cells} == {
            ("unallotted", -100),
            ("allocated", 25),
            ("allocated", 75),
        }
        for one in cells:
            (moving,) = one.measures[0].moved_by
            assert (moving.event.position, moving.event.name) == (3, "costs.allocation_ruled")
            (weighed,) = one.measures[0].events
            assert (weighed.event.position, weighed.event.arrived) == (1, "before")


def test_events_beyond_those_shown_are_counted_with_what_they_weigh_more_or_less(opened: list[World]) -> None:
    history = History()
    for number in range(1, EVENTS_SHOWN + 4):
        enter(history, number, amount=100, covers_from="2026-01-05", pool="shared")
    rule(history, "weights", "2026-01-01", [1, 3])
    world = seen(opened, history)
    (page,) = differs(world, history, "costs_by_workspace", EVENTS_SHOWN + 3, None)
    told = {
        (len(one.events), one.left_out, one.left_out_weight) for cell in page.cells for one in cell.measures
    }
    assert told == {(EVENTS_SHOWN, 3, 3 * each) for each in (-100, 25, 75)}


def test_a_new_month_is_the_work_of_the_first_event_in_it(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2026, 2, 10)), terms())
    while told.history.events[-1].recorded_at < moment(date(2026, 4, 1)) - timedelta(hours=1):
        told.history.happen("tenancy.member_invited")
    first = told.history.happen("tenancy.member_invited").position
    told.history.happen("tenancy.member_invited")
    world = seen(opened, told.history)
    for last in (first, first + 1):
        (page,) = differs(world, told.history, "arr", first - 1, last)
        (cell,) = page.cells
        assert cell.cell == {"period": "2026-04-01", "currency": "USD"}
        assert {one.measure: [by.event.position for by in one.moved_by] for one in cell.measures} == {
            "arr": [first],
            "mrr": [first],
        }


def test_what_is_late_is_told_from_what_is_new(opened: list[World]) -> None:
    history = History()
    history.contact("created")
    seen_on = history.events[-1].recorded_at.date()
    for number, after in enumerate((-1, 0, 1), 1):
        day = seen_on + timedelta(days=after)
        enter(history, number, amount=5, covers_from=day, category=("server", "ip", "domain")[number - 1])
    world = seen(opened, history)
    pages = differs(world, history, "costs_by_category", 1, None)
    arrived = {
        one.event.position: one.event.arrived for cell in pages[0].cells for one in cell.measures[0].events
    }
    assert arrived == {2: "late", 3: "new", 4: "new"}


def test_what_is_no_question(opened: list[World]) -> None:
    history = History()
    history.contact("created")
    world = seen(opened, history)
    con, whose = world.store.writing, history.tenant_id
    for parameters, first, last in (({"at_position": 1}, 0, 1), ({}, 1, 0), ({"colour": "red"}, 0, 1)):
        with pytest.raises(InvalidParameters):
            run_difference(con, "activity", whose, parameters, first=first, last=last)
    with pytest.raises(InvalidParameters):
        run_difference(con, "activity", whose, {}, first=0, last=1, limit=MAX_CELLS + 1)
    with pytest.raises(AnalyticsBehind):
        run_difference(con, "activity", whose, {}, first=0, last=2)
    assert run_difference(con, "activity", whose, {}, first=1, last=1).cells == ()


def test_what_other_logs_move_is_refused_in_the_platforms_books(opened: list[World]) -> None:
    history = History(tenant_id=PLATFORM)
    enter(history, amount=100, covers_from="2026-01-05", pool="shared")
    rule(history, "messages_sent")
    world = seen(opened, history)
    assert differs(world, history, "costs_by_workspace", 0, 1)
    with pytest.raises(NotOfOneLog):
        differs(world, history, "costs_by_workspace", 0, 2)
    assert differs(world, history, "costs_by_category", 0, 2)


def test_what_takes_too_long_is_not_explained_to_the_end(world: World) -> None:
    """It asks many questions, each of which may take as long as a report."""
    history = world.histories[0]
    for _ in range(2):
        history.contact("created", segment=segment())
    world.catch_up()
    con, tenant_id = world.store.writing, history.tenant_id
    assert run_difference(con, "contacts_by_segment", tenant_id, {}, first=1, last=2).cells
    with pytest.raises(TooMuchToExplain):
        run_difference(con, "contacts_by_segment", tenant_id, {}, first=1, last=2, seconds=-1)
    assert run_report(con, "contacts_by_segment", tenant_id, {}).rows, "nothing is left open"
