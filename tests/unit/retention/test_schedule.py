"""The schedule that every tenant begins with, and how a tenant's own periods differ from it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.kernel.events import Event
from domain.kernel.ids import MemberId, TenantId, WorkspaceId
from domain.law.periods import Period
from domain.platform.log_end import DeleteLog, LogDeleted, LogStillKept, LogUnderHold, TenantNotClosed
from domain.platform.registration import Registration, decide
from domain.retention.hold import HoldOver
from domain.retention.kinds import Disposal, Kind, Over, schedule, shorter
from domain.retention.plan import AgreeToDisposal, CancelDisposal, DisposalPlanned, PlanNotWaiting, SamePerson
from domain.retention.policy import (
    BelowTheFloor,
    ChangeRetention,
    NotWithoutEnd,
    NotYourPolicy,
    RetentionChanged,
)
from domain.tenancy.plans import Plan
from tests.support.given import NOW, TENANT, given, member, stamped, uid

PLAN = uid(20)
PLANNED = DisposalPlanned(
    plan_id=PLAN, planned_by=uid(5), objects=[], counts={}, run_at=None, reason="Because"
)


def change(kind: Kind, period: Period | None) -> ChangeRetention:
    return ChangeRetention(kind=kind, period=period, reason="Because")


@pytest.mark.parametrize("kind", list(Kind))
def test_no_period_of_the_schedule_is_below_its_floor_or_without_the_end_it_needs(kind: Kind) -> None:
    terms = schedule()[kind]
    assert terms.period is not None or terms.endless
    assert terms.period is None or not shorter(terms.period, terms.floor)
    assert terms.confidence in {"T", "G", "S", "N"}
    assert terms.source
    assert Over.TENANT not in {*terms.divided_by, *terms.kept_by}, "a hold over the tenant keeps everything"


def test_what_was_promised_goes_by_itself() -> None:
    alone = {kind for kind, terms in schedule().items() if terms.disposal is Disposal.AUTOMATIC}
    assert alone == {Kind.IMPORT_FILES, Kind.REQUEST_DETAILS, Kind.EVIDENCE}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_floor_may_be_set_and_nothing_shorter(kind: Kind) -> None:
    floor = schedule()[kind].floor
    days = floor.after(date(2027, 3, 1)) - date(2027, 3, 1) - timedelta(days=1)
    (event,) = given().when(change(kind, floor), target=TENANT).decided
    assert isinstance(event, RetentionChanged)
    if days >= timedelta(0):
        given().when(change(kind, Period(days=days.days)), target=TENANT).then(BelowTheFloor)


def test_only_what_holds_nobody_is_kept_without_end() -> None:
    for kind, terms in schedule().items():
        asked = given().when(change(kind, None), target=TENANT)
        if terms.endless:
            assert asked.refusal is None
        else:
            asked.then(NotWithoutEnd)
    given().when(change(Kind.BOARD_PACKS, None), target=uid(9)).then(NotYourPolicy)


def test_who_planned_does_not_agree_with_another_key_of_theirs_either() -> None:
    given(PLANNED).when(AgreeToDisposal(), target=PLAN, actor=member(5)).then(SamePerson)
    agreed = given(PLANNED).when(AgreeToDisposal(), target=PLAN, actor=member(6))
    assert agreed.refusal is None
    given(PLANNED, *agreed.decided).when(CancelDisposal(), target=PLAN).then(PlanNotWaiting)


@pytest.mark.parametrize(
    "over",
    [
        {"kind": "person"},
        {"kind": "tenant", "subject": uid(3)},
        {"kind": "period", "first_day": "2026-01-02", "last_day": "2026-01-01"},
        {"kind": "period", "first_day": "2026-01-02"},
        {"kind": "import", "subject": uid(3), "last_day": "2026-01-01"},
    ],
)
def test_a_hold_says_wholly_what_it_is_over(over: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"subject|period"):
        HoldOver.model_validate(over)


def test_a_log_goes_once_and_closed_and_due_and_free() -> None:
    ids = TenantId(TENANT), MemberId(uid(5)), WorkspaceId(uid(6))
    registered = Registration(ids[0], "Acme", "acme", Plan.FREE, ids[1], ids[2])
    asked = DeleteLog(closed_at=NOW, due_at=NOW, rule="the period", holds=0, logs=[])

    def when(command: DeleteLog, **state: Any) -> tuple[Event, ...]:
        found = replace(registered, **{"closed": True, **state})
        return decide(stamped(command, target=TENANT, actor=member(5)), found)

    (event,) = when(asked)
    assert isinstance(event, LogDeleted)
    assert event.deleted_by == uid(5)
    assert when(asked, log_deleted=True) == ()
    assert len(when(asked.model_copy(update={"holds": 1}), own_holds_settled=True)) == 1
    with pytest.raises(TenantNotClosed):
        when(asked, closed=False)
    with pytest.raises(LogStillKept):
        when(asked.model_copy(update={"due_at": NOW + timedelta(seconds=1)}))
    with pytest.raises(LogUnderHold):
        when(asked.model_copy(update={"holds": 1}))
    with pytest.raises(LogUnderHold):
        when(asked, log_holds=frozenset({uid(7)}))
