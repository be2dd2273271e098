"""Schedules: what is delivered when and where, and each due time settled once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.exports.forms import FILES
from domain.kernel.commands import Command
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import EVENTS
from domain.kernel.ids import DeliveryId, MemberId, ScheduleId
from domain.reporting.delivery import (
    MOST_CAUGHT_UP,
    EnterLetterRefused,
    EnterMailed,
    FailDelivery,
    FailureReason,
    FinishDelivery,
    PrepareDelivery,
    SkipMissed,
    delivery_of,
)
from domain.reporting.schedule import (
    ChangeSchedule,
    CreateSchedule,
    GoesNowhere,
    ItemsShareName,
    PauseSchedule,
    RemoveSchedule,
    ResumeSchedule,
    ScheduledItem,
    ScheduleIdTaken,
    WeekdayOfWeeks,
)
from domain.reporting.schedule_events import (
    DeliveriesSkipped,
    DeliveryFailed,
    DeliveryMade,
    DeliveryMailed,
    DeliveryPrepared,
    ItemTold,
    LetterRefused,
    RemovedSchedule,
    Schedule,
    ScheduleChanged,
    ScheduleCreated,
    SchedulePaused,
    ScheduleRemoved,
    ScheduleResumed,
    ScheduleTerms,
    Withheld,
)
from domain.reporting.timing import Due
from tests.support.given import ACTOR, NOW, given, member, uid

ID, ANNA = ScheduleId(uid(0x71)), MemberId(uid(0x72))
ASKED: dict[str, Any] = {
    "title": "Books",
    "items": [{"report": "mrr", "period": "last_month"}],
    "frequency": "daily",
    "at": "06:00",
    "folder": "books/daily",
}
TERMS = ScheduleTerms(
    title="Books",
    items=[
        ItemTold(
            name="mrr", report="mrr", pack=None, parameters={}, form="xlsx", decimal=None, period="last_month"
        )
    ],
    frequency="daily",
    weekday=None,
    at="06:00",
    time_zone="UTC",
    folder="books/daily",
    recipients=[],
)
NEXT = Due(datetime(2026, 11, 24, 6, tzinfo=UTC), date(2026, 11, 24))
THEN: dict[str, Any] = {"next_at": NEXT.at + timedelta(days=1), "next_day": date(2026, 11, 25)}
CREATED = ScheduleCreated(schedule_id=ID, author_id=ACTOR.id, terms=TERMS, next_at=NEXT.at, next_day=NEXT.day)
FIRST = delivery_of(ID, NEXT)
OF_FIRST: dict[str, Any] = {
    "schedule_id": ID,
    "delivery_id": FIRST,
    "day": NEXT.day,
    "due_at": NEXT.at,
}
PREPARED = DeliveryPrepared(**OF_FIRST, position="1.9", as_of=NOW, files=[], refused=[])
MAILED = DeliveryMailed(schedule_id=ID, delivery_id=FIRST, member_id=ANNA)
MADE = DeliveryMade(
    **OF_FIRST, folder="books/daily", mailed=1, withheld=[], refused=[], folder_failed=None, **THEN
)
PAUSED = SchedulePaused(schedule_id=ID, dropped=None)
REMOVED = ScheduleRemoved(schedule_id=ID, dropped=None)


def creating(**fields: Any) -> CreateSchedule:
    return CreateSchedule.model_validate({**ASKED, **fields})


def test_a_schedule_is_made_and_says_when_it_is_due_first() -> None:
    assert given().when(creating(), target=ID).then(CREATED) == Schedule(ID, TERMS, NEXT)
    by_member = given().when(creating(), target=ID, actor=member(9))
    by_member.then(CREATED.model_copy(update={"author_id": uid(9)}))


def test_an_id_is_used_once() -> None:
    given(CREATED).when(creating(), target=ID).then(ScheduleIdTaken)
    given(CREATED, REMOVED).when(creating(), target=ID).then(ScheduleIdTaken)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"folder": None}, GoesNowhere),
        ({"frequency": "weekly"}, WeekdayOfWeeks),
        ({"weekday": "monday"}, WeekdayOfWeeks),
        ({"items": [{"report": "mrr"}, {"report": "mrr"}]}, ItemsShareName),
    ],
)
def test_what_does_not_fit_together_is_refused_when_made_and_when_changed(
    fields: dict[str, Any], refusal: type[Refusal]
) -> None:
    given().when(creating(**fields), target=ID).then(refusal)
    given(CREATED).when(ChangeSchedule.model_validate(fields), target=ID).then(refusal)


@pytest.mark.parametrize(
    "fields",
    [
        {"folder": "../up"},
        {"folder": "/etc"},
        {"folder": "a/../b"},
        {"folder": "a//b"},
        {"folder": "A"},
        {"folder": "a/"},
        {"folder": ".hidden"},
        {"folder": "a/b/c/d/e"},
        {"folder": "a\n"},
        {"at": "24:00"},
        {"at": "6:00"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../UTC"},
        {"time_zone": ""},
        {"frequency": "hourly"},
        {"items": []},
        {"items": [{}]},
        {"items": [{"report": "mrr", "pack": "finance", "period": "yesterday"}]},
        {"items": [{"pack": "finance"}]},
        {"items": [{"pack": "finance", "period": "last_month", "format": "csv"}]},
        {"items": [{"pack": "finance", "period": "last_month", "parameters": {"grain": "day"}}]},
        {"items": [{"pack": "finance", "period": "last_month", "parameters": {"currency": "usd"}}]},
        {"items": [{"report": "mrr", "format": "csv", "decimal": "dot"}]},
        {"items": [{"report": "mrr", "decimal": "comma"}]},
        {"items": [{"pack": "finance", "period": "last_month", "decimal": "comma"}]},
        {"items": [{"report": "mrr", "name": "../x"}]},
        {"items": [{"report": "mrr", "parameters": {"a": "\x00"}}]},
        {"items": [{"report": "mrr", "period": "tomorrow"}]},
        {"recipients": ["nobody"]},
    ],
)
def test_what_is_no_schedule_is_not_taken(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        creating(**fields)


def test_the_forms_of_a_schedule_are_those_of_exports() -> None:
    for form in FILES:
        assert ScheduledItem.model_validate({"report": "mrr", "format": form}).told().form == form
    assert len(FILES) == 4


def test_decimals_are_of_csv_and_have_a_point_unless_told_otherwise() -> None:
    def decimal(**item: str) -> str | None:
        return ScheduledItem.model_validate({"report": "mrr", **item}).told().decimal

    assert (decimal(), decimal(format="csv"), decimal(format="csv", decimal="comma")) == (
        None,
        "point",
        "comma",
    )


@pytest.mark.parametrize("name", ["reporting.schedule_created", "reporting.schedule_changed"])
def test_schedules_of_before_have_a_point(name: str) -> None:
    item: dict[str, Any] = {"name": "mrr", "report": "mrr", "pack": None, "parameters": {}, "form": "csv"}
    old = {"terms": {"title": "Books", "items": [item, {**item, "form": "xlsx"}]}}
    _, new = EVENTS.upcast(name, 1, old)
    assert [one["decimal"] for one in new["terms"]["items"]] == ["point", None]


def test_a_change_moves_the_next_due_time_and_drops_what_was_prepared() -> None:
    change = ChangeSchedule.model_validate({"at": "07:30", "time_zone": "Europe/Berlin"})
    terms = TERMS.model_copy(update={"at": "07:30", "time_zone": "Europe/Berlin"})
    due = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    told: dict[str, Any] = {
        "schedule_id": ID,
        "author_id": ACTOR.id,
        "terms": terms,
        "next_at": due,
        "next_day": NEXT.day,
    }
    changed = ScheduleChanged(**told, dropped=None)
    assert given(CREATED).when(change, target=ID).then(changed) == Schedule(ID, terms, Due(due, NEXT.day))
    state = (
        given(CREATED, PREPARED, MAILED).when(change, target=ID).then(ScheduleChanged(**told, dropped=FIRST))
    )
    assert (state.prepared, state.mailed, state.files_of) == (None, frozenset(), FIRST)
    given(CREATED).when(ChangeSchedule.model_validate({"title": "Books"}), target=ID).then()
    of_paused = ScheduleChanged(**{**told, "next_at": None, "next_day": None}, dropped=None)
    given(CREATED, PAUSED).when(change, target=ID).then(of_paused)


def test_pause_resume_remove() -> None:
    assert given(CREATED).when(PauseSchedule(), target=ID).then(PAUSED).due is None
    given(CREATED, PAUSED).when(PauseSchedule(), target=ID).then()
    resumed = ScheduleResumed(
        schedule_id=ID, next_at=NEXT.at + timedelta(days=9), next_day=NEXT.day + timedelta(days=9)
    )
    given(CREATED, PAUSED).when(ResumeSchedule(), target=ID, after=timedelta(days=9)).then(resumed)
    given(CREATED).when(ResumeSchedule(), target=ID).then()
    assert given(CREATED).when(RemoveSchedule(), target=ID).then(REMOVED) == RemovedSchedule()
    given(CREATED, REMOVED).when(RemoveSchedule(), target=ID).then()
    for command in (PauseSchedule(), ResumeSchedule(), ChangeSchedule(title="x")):
        given(CREATED, REMOVED).when(command, target=ID).then(NotFound)
        given().when(command, target=ID).then(NotFound)


def entries(delivery_id: DeliveryId) -> list[Command]:
    return [
        PrepareDelivery(delivery_id=delivery_id, position="1.9", as_of=NOW, files=[], refused=[]),
        EnterMailed(delivery_id=delivery_id, member_id=ANNA),
        EnterLetterRefused(delivery_id=delivery_id, member_id=ANNA),
        FinishDelivery(delivery_id=delivery_id, withheld=[]),
        FailDelivery(delivery_id=delivery_id, reason=FailureReason.MAIL),
        SkipMissed(delivery_id=delivery_id),
    ]


def test_a_due_time_is_prepared_mailed_and_made_each_once() -> None:
    prepare, mailed, turned_away, finish, fail, _ = entries(FIRST)
    given(CREATED).when(prepare, target=ID).then(PREPARED)
    given(CREATED, PREPARED).when(prepare, target=ID).then()
    given(CREATED, PREPARED).when(mailed, target=ID).then(MAILED)
    given(CREATED, PREPARED, MAILED).when(mailed, target=ID).then()
    away = LetterRefused(schedule_id=ID, delivery_id=FIRST, member_id=ANNA)
    given(CREATED, PREPARED).when(turned_away, target=ID).then(away)
    for before in (away, MAILED):
        given(CREATED, PREPARED, before).when(turned_away, target=ID).then()
    given(CREATED, PREPARED, away).when(mailed, target=ID).then(MAILED)
    state = given(CREATED, PREPARED, MAILED).when(finish, target=ID).then(MADE)
    assert (state.due, state.prepared, state.mailed) == (Due(*THEN.values()), None, frozenset())
    failed: dict[str, Any] = {**OF_FIRST, "reason": "mail_not_taken_over", "withheld": [], "refused": []}
    failed |= THEN
    given(CREATED).when(fail, target=ID).then(DeliveryFailed(**failed, prepared=False, mailed=0))
    given(CREATED, PREPARED, MAILED).when(fail, target=ID).then(
        DeliveryFailed(**failed, prepared=True, mailed=1)
    )


def test_nothing_is_entered_of_what_is_not_due() -> None:
    for history in ((CREATED, PAUSED), (CREATED, REMOVED), (CREATED, PREPARED, MADE), ()):
        for command in entries(FIRST):
            given(*history).when(command, target=ID).then()
    for command in entries(DeliveryId(uid(0x99))):
        given(CREATED).when(command, target=ID).then()


def test_a_folder_that_is_none_is_told_how_one_is_written() -> None:
    with pytest.raises(ValidationError, match="as finance/daily") as refused:
        creating(folder="Finance Daily")
    assert [one["loc"] for one in refused.value.errors()] == [("folder",)]


def test_who_was_sent_nothing_is_told_with_the_reason() -> None:
    withheld = [Withheld(member_id=ANNA, reason="removed")]
    finish = FinishDelivery(delivery_id=FIRST, withheld=withheld)
    made = MADE.model_copy(update={"mailed": 0, "withheld": withheld})
    given(CREATED, PREPARED).when(finish, target=ID).then(made)


def test_the_latest_due_times_that_passed_are_made_up_for_and_the_others_skipped() -> None:
    skip = SkipMissed(delivery_id=FIRST)
    enough = timedelta(days=MOST_CAUGHT_UP)
    given(CREATED).when(skip, target=ID, after=enough).then()
    last = NEXT.day + timedelta(days=2)
    skipped = DeliveriesSkipped(
        **OF_FIRST,
        last_day=last,
        skipped=3,
        next_at=NEXT.at + timedelta(days=3),
        next_day=last + timedelta(days=1),
    )
    given(CREATED).when(skip, target=ID, after=enough + timedelta(days=3)).then(skipped)


def test_a_month_that_waits_to_be_closed_is_never_skipped() -> None:
    terms = TERMS.model_copy(update={"frequency": "on_close"})
    waiting = CREATED.model_copy(update={"terms": terms})
    given(waiting).when(SkipMissed(delivery_id=FIRST), target=ID, after=timedelta(days=900)).then()
