"""Signing off the access log: period by period, never one's own reads, with questions and their answers."""

from __future__ import annotations

from typing import Any

import pytest

from domain.access.alerts import AcknowledgeAlert, AlertRaised, RaiseAlert, SetAlertRule
from domain.access.policy import Counted, RuleName, policy
from domain.access.refusals import (
    AlertNotOpen,
    BeyondTheAccessLog,
    NoOpenQuestion,
    NoOwnReadsOpen,
    NothingToSignOff,
    OwnReadsNeedAnother,
    QuestionedAlready,
    ReviewerNotNamed,
    RuleUnfit,
)
from domain.access.review import (
    AnswerQuestion,
    Doubt,
    Finding,
    OwnReadsSignedOff,
    PeriodSignedOff,
    QuestionAnswered,
    QuestionOutcome,
    QuestionRead,
    ReadQuestioned,
    SetReviewCadence,
    SignOffAccess,
    SignOffOwnReads,
)
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from tests.support.given import ACTOR, TENANT, member, uid
from tests.support.reads import OTHER, READER, minutes
from tests.support.unit import World

OFFICER, SECOND = member(0xB1), member(0xB2)


def does(world: World, command: Any, actor: Any = OFFICER) -> list[Event]:
    return world.run(command, TENANT, actor=actor)


def refused(
    world: World, command: Any, by: type[Refusal], actor: Any = OFFICER, target: Any = TENANT
) -> None:
    before = len(world.log)
    with pytest.raises(by):
        world.run(command, target, actor=actor)
    assert len(world.log) == before


@pytest.fixture
def world() -> World:
    """Five entries: of a reader, of another, of staff, of somebody who was refused, of the officer."""
    made = World()
    made.reads.read(at=minutes(1), kind="export", rows=7)
    made.reads.read(OTHER, at=minutes(2))
    made.reads.read(uid(0xF1), at=minutes(3), kind="staff", staff=True)
    made.reads.read(OTHER, at=minutes(4), kind="denied", requests=9)
    made.reads.read(uid(0xB1), at=minutes(5), kind="access")
    return made


def test_a_sign_off_tells_what_the_period_held(world: World) -> None:
    (event,) = does(world, SignOffAccess(note="Looked through."))
    assert isinstance(event, PeriodSignedOff)
    assert (event.after_position, event.to_position, event.entries) == (0, 5, 5)
    assert event.kinds == {"access": 1, "denied": 1, "export": 1, "personal": 1, "staff": 1}
    assert (event.readers[0].reader_id, event.readers[0].entries) == (OTHER, 2)
    assert (event.readers_count, event.staff_entries, event.denied_requests) == (4, 1, 9)
    assert (event.first_at, event.last_at) == (minutes(1), minutes(5))
    assert (event.signed_by, event.own_entries) == (uid(0xB1), 1)
    world.assert_replays()


def test_periods_follow_each_other_and_end_within_the_log(world: World) -> None:
    refused(world, SignOffAccess(up_to=6), BeyondTheAccessLog)
    does(world, SignOffAccess(up_to=2))
    refused(world, SignOffAccess(up_to=2), NothingToSignOff)
    (second,) = does(world, SignOffAccess())
    assert isinstance(second, PeriodSignedOff)
    assert (second.after_position, second.to_position, second.entries) == (2, 5, 3)
    refused(world, SignOffAccess(), NothingToSignOff)
    refused(World(), SignOffAccess(), NothingToSignOff)


def test_nobody_signs_off_what_they_read_themselves(world: World) -> None:
    does(world, SignOffAccess())
    mine = SignOffOwnReads(reader_id=uid(0xB1))
    refused(world, mine, OwnReadsNeedAnother)
    world.reads.read(uid(0xB1), at=minutes(6), kind="access")
    does(world, SignOffAccess())
    (event,) = does(world, mine, SECOND)
    assert isinstance(event, OwnReadsSignedOff)
    assert (event.after_position, event.to_position, event.entries) == (0, 6, 2)
    refused(world, mine, NoOwnReadsOpen, SECOND)
    world.assert_replays()


def test_who_signs_is_a_member_and_the_stream_the_tenants(world: World) -> None:
    for command in (
        SignOffAccess(),
        SignOffOwnReads(reader_id=READER),
        QuestionRead(position=1, doubt=Doubt.OTHER),
        SetReviewCadence(days=7),
        SetAlertRule(rule=RuleName.MANY_EXPORTS, threshold=5),
    ):
        refused(world, command, ReviewerNotNamed, ACTOR)
        refused(world, command, NotFound, OFFICER, uid(9))


def test_a_question_is_asked_once_and_answered_by_somebody_else(world: World) -> None:
    doubt = Finding(position=1, doubt=Doubt.TOO_MUCH, note="Why so many?")
    signed, asked = does(world, SignOffAccess(findings=[doubt]))
    assert isinstance(signed, PeriodSignedOff)
    assert isinstance(asked, ReadQuestioned)
    assert (asked.reader_id, asked.review_id, asked.note) == (READER, signed.review_id, "Why so many?")
    refused(world, QuestionRead(position=1, doubt=Doubt.OTHER), QuestionedAlready)
    refused(world, QuestionRead(position=6, doubt=Doubt.OTHER), NotFound)
    answer = AnswerQuestion(position=1, outcome=QuestionOutcome.JUSTIFIED, explanation="A move.")
    refused(world, answer, OwnReadsNeedAnother, member(0xA1))
    (told,) = does(world, answer)
    assert isinstance(told, QuestionAnswered)
    assert (told.question_id, told.reader_id) == (asked.question_id, READER)
    refused(world, answer, NoOpenQuestion)
    (again,) = does(world, QuestionRead(position=1, doubt=Doubt.OTHER))
    assert isinstance(again, ReadQuestioned)
    assert again.question_id != asked.question_id
    world.assert_replays()


def test_a_finding_twice_in_one_sign_off_changes_nothing(world: World) -> None:
    twice = [Finding(position=1, doubt=Doubt.OTHER)] * 2
    refused(world, SignOffAccess(findings=twice), QuestionedAlready)
    with pytest.raises(ValueError, match="stands for what cannot be shown"):
        Finding(position=1, doubt=Doubt.OTHER, note="[sealed]")


def test_the_cadence_is_the_policys_until_it_is_set(world: World) -> None:
    assert world.state("access_review", TENANT).cadence_days == policy().review_days == 31
    assert len(does(world, SetReviewCadence(days=7))) == 1
    assert does(world, SetReviewCadence(days=7)) == []
    assert world.state("access_review", TENANT).cadence_days == 7


RAISED = RaiseAlert(
    rule=RuleName.MANY_EXPORTS,
    reader_id=READER,
    staff=False,
    counts=Counted.ENTRIES,
    measured=20,
    threshold=20,
    minutes=60,
    epoch=1,
    first_position=1,
    last_position=20,
    first_at=minutes(1),
    last_at=minutes(2),
    quiet_until=minutes(62),
)


def test_an_alert_is_raised_once_and_acknowledged_by_somebody_else(world: World) -> None:
    (raised,) = does(world, RAISED)
    assert isinstance(raised, AlertRaised)
    assert does(world, RAISED) == []
    assert does(world, RAISED.model_copy(update={"last_at": minutes(61), "last_position": 30})) == []
    looked = AcknowledgeAlert(alert_id=raised.alert_id, reason="A move to another provider.")
    refused(world, looked, ReviewerNotNamed, ACTOR)
    refused(world, looked, OwnReadsNeedAnother, member(0xA1))
    assert len(does(world, looked)) == 1
    refused(world, looked, AlertNotOpen)
    later = RAISED.model_copy(update={"last_at": minutes(62), "last_position": 40})
    assert len(does(world, later)) == 1
    world.assert_replays()


def test_a_rule_is_had_as_the_tenant_wants_it(world: World) -> None:
    (changed,) = does(world, SetAlertRule(rule=RuleName.MANY_EXPORTS, threshold=5))
    assert changed.model_dump(include={"threshold", "minutes", "enabled"}) == {
        "threshold": 5,
        "minutes": 60,
        "enabled": True,
    }
    assert does(world, SetAlertRule(rule=RuleName.MANY_EXPORTS, threshold=5)) == []
    refused(world, SetAlertRule(rule=RuleName.MANY_EXPORTS, hours_from="08:00"), RuleUnfit)
    does(world, SetAlertRule(rule=RuleName.AT_NIGHT, enabled=True, time_zone="Asia/Tokyo"))
    rule = world.state("access_watch", TENANT).rules[RuleName.AT_NIGHT]
    assert (rule.enabled, rule.time_zone, rule.hours_from) == (True, "Asia/Tokyo", "07:00")
    with pytest.raises(ValueError, match="hours_from"):
        SetAlertRule(rule=RuleName.AT_NIGHT, hours_from="24:00")
    world.assert_replays()
