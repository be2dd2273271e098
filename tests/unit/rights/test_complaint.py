"""A complaint: acknowledged by its term, and then answered, whoever makes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.kernel.events import EVENTS
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
    assert (answered.kind, answered.outcome) == ("complaint", "fulfilled")
    assert (answered.in_time, answered.entered_late) == (True, False)


@pytest.mark.parametrize("announced", [True, False])
def test_an_acknowledgement_that_is_entered_after_the_term_is_told_from_one_in_time(
    *, announced: bool
) -> None:
    """As it was said after the miss that they had been told before, and the answer was in time without a word."""
    world = opened("GB")
    receive(world, COMPLAINT)
    due_at = asked(world).due_at
    if announced:
        world.run(RemindOfRequest(), REQUEST, at=due_at)
    (told,) = world.run(AcknowledgeRequest(acknowledged_at=due_at - DAY), REQUEST, at=due_at + DAY)
    assert isinstance(told, RequestAcknowledged)
    assert (told.acknowledged_at, told.entered_at) == (due_at - DAY, due_at + DAY)
    (answered,) = world.run(CompleteRequest(), REQUEST, at=due_at + 2 * DAY)
    assert isinstance(answered, RequestCompleted)
    assert (answered.in_time, answered.entered_late) == (True, True)


@pytest.mark.parametrize("announced", [True, False])
def test_of_one_whose_entry_has_no_moment_the_announced_miss_tells(*, announced: bool) -> None:
    world = opened("GB")
    receive(world, COMPLAINT)
    due_at = asked(world).due_at
    if announced:
        world.run(RemindOfRequest(), REQUEST, at=due_at)
    entered = {"request_id": str(REQUEST), "acknowledged_at": (due_at - DAY).isoformat()}
    event, payload = EVENTS.upcast("rights.request_acknowledged", 1, entered)
    world.happened("subject_request", REQUEST, event.model_validate(payload))
    (answered,) = world.run(RefuseRequest(ground=Ground.UNFOUNDED, reason="No"), REQUEST, at=due_at + 2 * DAY)
    assert isinstance(answered, RequestRefused)
    assert (answered.in_time, answered.entered_late) == (True, announced)


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
    assert (answered.in_time, answered.entered_late) == (False, False)
