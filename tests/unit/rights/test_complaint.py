"""A complaint: acknowledged by its term, and then answered, whoever makes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.law.deadlines import Duty
from domain.law.packs import load_packs
from domain.rights import refusals as no
from domain.rights.clock import clock_of
from domain.rights.commands import (
    AcknowledgeRequest,
    CompleteRequest,
    ExtendRequest,
    RefuseRequest,
    RemindOfRequest,
)
from domain.rights.events import (
    DeadlineApproaching,
    DeadlineMissed,
    RequestAcknowledged,
    RequestCompleted,
    RequestReceived,
    RequestRefused,
)
from domain.rights.kinds import Ground, RequestKind
from tests.support.given import NOW
from tests.support.requests import REQUEST, addressee, asked, opened, receive, refused

DAY = timedelta(days=1)
COMPLAINT = RequestKind.COMPLAINT


def test_in_britain_it_is_acknowledged_within_thirty_days_whatever_the_senders_law_is() -> None:
    world = opened("US")
    received, *_ = receive(world, COMPLAINT, place="GB")
    assert isinstance(received, RequestReceived)
    assert [one.deadline for one in received.terms] == ["gb.complaint"]
    assert received.due == received.acknowledge_by == NOW.date() + 29 * DAY
    assert world.state("addressee", addressee(world)).opted_out_at is None, "it stops nothing"


def test_before_that_law_and_elsewhere_a_month_is_our_policy() -> None:
    received = datetime(2026, 6, 10, 12, tzinfo=UTC)
    for place in ("GB", "DE"):
        (term,) = clock_of(
            Duty.COMPLAINT_ACKNOWLEDGEMENT, place, "DE", received, received, load_packs()
        ).terms
        assert (term.law, term.due) == (None, date(2026, 7, 10))
    world = opened()
    (first, *_) = receive(world, COMPLAINT)
    assert isinstance(first, RequestReceived)
    assert (first.terms[0].law, first.acknowledge_by) == (None, None)
    refused(world, ExtendRequest(reason="Many"), no.NoLongerTerm)


def test_what_was_acknowledged_in_time_is_in_time_however_late_its_answer_is() -> None:
    world = opened("GB")
    receive(world, COMPLAINT, email="nobody@example.com")
    refused(world, CompleteRequest(), no.NotAcknowledgedYet)
    due_at = asked(world).due_at
    (near,) = world.run(RemindOfRequest(), REQUEST, at=due_at - DAY)
    assert isinstance(near, DeadlineApproaching)
    (told,) = world.run(AcknowledgeRequest(), REQUEST, at=due_at - timedelta(microseconds=1))
    assert isinstance(told, RequestAcknowledged)
    assert world.run(RemindOfRequest(), REQUEST, at=due_at) == []
    (answered,) = world.run(CompleteRequest(), REQUEST, at=due_at + 40 * DAY)
    assert isinstance(answered, RequestCompleted)
    assert (answered.kind, answered.outcome, answered.in_time) == ("complaint", "fulfilled", True)


def test_what_was_not_is_announced_and_counted_late() -> None:
    world = opened("GB")
    receive(world, COMPLAINT)
    due_at = asked(world).due_at
    (missed,) = world.run(RemindOfRequest(), REQUEST, at=due_at)
    assert isinstance(missed, DeadlineMissed)
    assert (missed.kind, missed.law) == ("complaint", "gb")
    world.run(AcknowledgeRequest(), REQUEST, at=due_at)
    (answered,) = world.run(
        RefuseRequest(ground=Ground.UNFOUNDED, reason="No"), REQUEST, at=due_at + timedelta(hours=1)
    )
    assert isinstance(answered, RequestRefused)
    assert not answered.in_time
