"""Answers that are kept: each is what would be made anew, whatever happened since, and none is kept too long."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

import pyarrow as pa
import pytest

from adapters.duckdb import wire
from adapters.duckdb.kept import Found, KeptAnswers, RecentAnswers
from application.ports.analytics import AnalyticsBehind
from application.ports.positions import Position
from domain.kernel.ids import PLATFORM
from projections.olap.query import run_report
from projections.olap.reports import REPORTS
from projections.olap.touched import touched
from projections.olap.tracking import Tracked
from tests.support.events import BEGIN, History, segment
from tests.support.mrr_histories import Told, plan, terms
from tests.support.required import required
from tests.unit.olap.test_differences import lived
from tests.unit.olap.test_ingest import World

_ROOM: Final = 2**24


def made(world: World, ticket: wire.Ticket) -> tuple[Any, Any]:
    report = run_report(world.store.writing, ticket.report, ticket.tenant_id, ticket.params)
    return report, wire.report_table(ticket.report, report)


def asked(kept: KeptAnswers, world: World, ticket: wire.Ticket) -> bool:
    """Ask as the owner does, and compare with what is made anew; whether a kept answer was found."""
    report, table = made(world, ticket)
    found = kept.find(ticket, world.projector.tracked.get(ticket.tenant_id))
    if found is None:
        kept.keep(ticket, report, table)
        return False
    assert found.table.equals(table, check_metadata=True), ticket
    assert found.left == math.inf, "it holds"
    return True


@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_is_what_would_be_made_anew(opened: list[World], seed: int) -> None:
    chance = random.Random(seed)
    history, other = lived(chance), lived(chance, PLATFORM)
    world, kept, found = World(History(history.tenant_id), History(PLATFORM)), KeptAnswers(_ROOM), 0
    tickets: list[wire.Ticket] = []
    opened.append(world)
    while history.events or other.events:
        for grown, whole in zip(world.histories, (history, other), strict=True):
            taken = chance.choice([0, 3, 12])
            grown.events += whole.events[:taken]
            del whole.events[:taken]
        world.catch_up()
        for name in chance.sample(sorted(REPORTS), 4):
            for tenant in world.histories:
                past = chance.randrange(len(tenant.events) + 1)
                params = required(name) | chance.choice([{}, {}, {"at_position": past}])
                tickets.append(wire.Ticket(name, tenant.tenant_id, params))
        again = chance.sample(tickets, min(12, len(tickets)))
        found += sum(asked(kept, world, ticket) for ticket in again)
    assert found > 5


def test_an_event_changes_no_table_that_is_not_said_to_be_touched(opened: list[World]) -> None:
    whole = lived(random.Random(7))
    world = World(History(whole.tenant_id))
    opened.append(world)
    before = world.catch_up().facts()
    for event in whole.events:
        world.histories[0].events.append(event)
        after = world.catch_up().facts()
        changed = {table for table in after if after[table] != before[table]}
        assert changed <= touched([event.name]), event.name
        before = after


def test_reports_about_other_tables_stay(world: World) -> None:
    history, kept = world.histories[0], KeptAnswers(_ROOM)
    history.contact("created", segment=segment())
    world.catch_up()
    segments, activity = (
        wire.Ticket(name, history.tenant_id) for name in ("contacts_by_segment", "activity")
    )
    assert not asked(kept, world, segments)
    assert not asked(kept, world, activity)
    history.happen("tenancy.member_invited", {"email": "x"})
    world.catch_up()
    assert asked(kept, world, segments)
    assert not asked(kept, world, activity)
    history.contact("created", segment=segment("DE"))
    world.catch_up()
    assert not asked(kept, world, segments)


def test_what_is_as_of_a_position_keeps_its_label(world: World) -> None:
    history, kept = world.histories[0], KeptAnswers(_ROOM)
    history.contact("created", segment=segment())
    history.contact("created", segment=segment("DE"))
    world.catch_up()
    ticket = wire.Ticket("contacts_by_segment", history.tenant_id, {"at_position": 1})
    assert not asked(kept, world, ticket)
    history.happen("tenancy.tenant_renamed")
    world.catch_up()
    assert asked(kept, world, ticket)
    found = kept.find(ticket, world.projector.tracked[history.tenant_id])
    assert found is not None
    told = wire.read_report(found.table)
    assert (told.position, told.as_of) == (Position(1, 1), history.events[0].recorded_at)


def test_what_reaches_to_the_last_day_is_made_anew_on_the_next(opened: list[World]) -> None:
    told, kept = Told(), KeptAnswers(_ROOM)
    told.tell(BEGIN, terms(items=[plan(4_900)]))
    world = World(told.history)
    opened.append(world.catch_up())
    by_day = wire.Ticket("mrr", told.history.tenant_id, {"grain": "day"})
    assert not asked(kept, world, by_day)
    told.history.happen("tenancy.tenant_renamed")
    world.catch_up()
    assert asked(kept, world, by_day)
    for _ in range(24):
        told.history.happen("tenancy.tenant_renamed")
    world.catch_up()
    assert not asked(kept, world, by_day)


def test_what_rests_on_other_logs_is_not_kept(opened: list[World]) -> None:
    platform, tenant, kept = History(PLATFORM), History(), KeptAnswers(_ROOM)
    for history in (platform, tenant):
        history.contact("created", segment=segment())
    world = World(platform, tenant)
    opened.append(world.catch_up())
    for whose, again in ((platform, False), (tenant, True)):
        costs = wire.Ticket("costs_by_workspace", whose.tenant_id)
        assert not asked(kept, world, costs)
        assert asked(kept, world, costs) is again


def test_an_answer_of_a_lost_epoch_is_not_given(world: World) -> None:
    history, kept = world.histories[0], KeptAnswers(_ROOM)
    history.contact("created", segment=segment())
    world.catch_up()
    ticket = wire.Ticket("contacts_by_segment", history.tenant_id, {"at_position": 1})
    assert not asked(kept, world, ticket)
    history.events.clear()
    history.contact("created", segment=segment("DE"))
    world.source.epochs[history.tenant_id] = 2
    world.catch_up()
    assert not asked(kept, world, ticket)


def test_a_file_opened_anew_trusts_nothing_from_before() -> None:
    tenant = Tracked(uuid4(), 1, 1, 7, "live", known_from=7)
    assert not tenant.same_since(Position(1, 6), ["fact_cost"])
    assert tenant.same_since(Position(1, 7), ["fact_cost"])
    assert tenant.same_since(Position(1, 6), [])


def test_what_was_refused_is_refused_again(world: World) -> None:
    history = world.histories[0]
    history.contact("created", segment=segment())
    world.catch_up()
    ticket = wire.Ticket("activity", history.tenant_id, {"at_position": 9})
    for _ in range(2):
        with pytest.raises(AnalyticsBehind):
            asked(KeptAnswers(_ROOM), world, ticket)


def test_the_longest_unasked_goes_first_when_there_is_no_room(world: World) -> None:
    history = world.histories[0]
    history.contact("created", segment=segment())
    world.catch_up()
    tickets = [wire.Ticket("activity", history.tenant_id, {"context": f"of{number}"}) for number in range(9)]
    one = KeptAnswers(_ROOM)
    asked(one, world, tickets[0])
    size = one.figures()["kept_bytes"]
    kept = KeptAnswers(int(size * 5))
    for ticket in tickets[:5]:
        assert not asked(kept, world, ticket)
    assert asked(kept, world, tickets[0])
    assert not asked(kept, world, tickets[5])
    assert asked(kept, world, tickets[0])
    assert not asked(kept, world, tickets[1])
    assert kept.figures()["kept_bytes"] <= size * 5


def test_nothing_is_kept_where_there_is_no_room(world: World) -> None:
    history, kept = world.histories[0], KeptAnswers(0)
    history.contact("created", segment=segment())
    world.catch_up()
    ticket = wire.Ticket("activity", history.tenant_id)
    assert not asked(kept, world, ticket)
    assert not asked(kept, world, ticket)
    assert kept.figures() == {
        "kept_answers": 0,
        "kept_bytes": 0,
        "kept_asked_total": 2,
        "kept_found_total": 0,
    }


def test_a_recent_answer_is_given_under_its_own_position_unless_a_later_one_is_asked_for(
    world: World,
) -> None:
    history, now = world.histories[0], [0.0]
    kept = KeptAnswers(_ROOM, 10.0, lambda: now[0])
    history.contact("created", segment=segment())
    world.catch_up()
    ticket = wire.Ticket("contacts_by_segment", history.tenant_id)
    report, table = made(world, ticket)
    kept.keep(ticket, report, table)
    history.contact("created", segment=segment("DE"))
    world.catch_up()
    tenant = world.projector.tracked[history.tenant_id]
    now[0] = 10.0
    found = kept.find(ticket, tenant)
    assert found is not None
    assert found.table.equals(table, check_metadata=True)
    assert found.left == 0.0
    assert wire.read_report(found.table).position == report.position < tenant.at
    for wanted, given in ((report.position, True), (tenant.at, False)):
        later = replace(ticket, min_position=wanted)
        assert (kept.find(later, tenant) is not None) is given
    kept.keep(ticket, report, table)
    now[0] = 20.1
    assert kept.find(ticket, tenant) is None


def test_a_recent_answer_of_a_lost_epoch_is_not_given(world: World) -> None:
    history, kept = world.histories[0], KeptAnswers(_ROOM, 10.0)
    history.contact("created", segment=segment())
    world.catch_up()
    ticket = wire.Ticket("contacts_by_segment", history.tenant_id)
    kept.keep(ticket, *made(world, ticket))
    lost = replace(world.projector.tracked[history.tenant_id], epoch=2)
    assert kept.find(ticket, lost) is None


def test_answers_about_all_customers_are_given_for_some_seconds() -> None:
    now, table = [0.0], pa.table({"n": [1]})
    recent = RecentAnswers(_ROOM, 10.0, lambda: now[0])
    then: dict[UUID, Tracked] = {}
    later = {uuid4(): Tracked(uuid4(), 1, 1, 7, "live")}
    assert recent.find(b"q", then) is None
    recent.keep(b"q", table, then)
    now[0] = 1_000.0
    assert recent.find(b"q", then) == Found(table), "nothing was read since"
    assert recent.find(b"other", then) is None
    assert recent.find(b"q", later) is None
    recent.keep(b"q", table, then)
    now[0] = 1_008.5
    assert recent.find(b"q", later) == Found(table, 1.5)
    now[0] = 1_010.1
    assert recent.find(b"q", later) is None
    assert recent.figures() == {"recent_asked_total": 6, "recent_found_total": 2}


def test_answers_about_all_customers_take_no_more_room_than_there_is() -> None:
    table = pa.table({"n": list(range(1_000))})
    recent = RecentAnswers(3 * 9_000 * 2, 10.0)
    for number in range(20):
        recent.keep(str(number).encode(), table, {})
    found = [number for number in range(20) if recent.find(str(number).encode(), {}) is not None]
    assert found == list(range(14, 20))
    nothing = RecentAnswers(0, 10.0)
    nothing.keep(b"q", table, {})
    assert nothing.find(b"q", {}) is None
