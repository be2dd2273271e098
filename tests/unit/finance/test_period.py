"""Months of the books: closed in their order, opened again in the other, and never with a hole between."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.finance.calendar import PeriodKind, days_of, kind_of, moved
from domain.finance.period import (
    PERIOD,
    Books,
    LockPeriod,
    PeriodLocked,
    PeriodNotLast,
    PeriodNotOver,
    PeriodOutOfOrder,
    PeriodReopened,
    ReopeningReason,
    ReopenPeriod,
)
from domain.kernel.errors import NotFound, Refusal
from tests.support.given import ACTOR, NOW, TENANT, given, member, stamped, uid


def locked(month: str) -> PeriodLocked:
    return PeriodLocked(period=month, closed_through=month, locked_by=ACTOR.id)


def reopen(month: str) -> ReopenPeriod:
    return ReopenPeriod(period=month, reason=ReopeningReason.MISTAKE, explanation="A bill was missing.")


def test_months_are_locked_one_after_the_other_once_they_are_over() -> None:
    state = given().when(LockPeriod(period="2026-09"), target=TENANT).then(locked("2026-09"))
    assert state.is_closed(date(2020, 1, 1)), "the first lock closes all before it"
    assert state.open_from() == date(2026, 10, 1)
    given(locked("2026-09")).when(LockPeriod(period="2026-09"), target=TENANT).then()
    by = given(locked("2026-09")).when(LockPeriod(period="2026-10"), target=TENANT, actor=member(7))
    by.then(locked("2026-10").model_copy(update={"locked_by": uid(7)}))
    hole = given(locked("2026-08")).when(LockPeriod(period="2026-10"), target=TENANT)
    assert hole.then(PeriodOutOfOrder).extra == {"next": "2026-09"}
    given(locked("2026-08")).when(LockPeriod(period="2026-07"), target=TENANT).then(PeriodOutOfOrder)
    given(locked("2026-10")).when(LockPeriod(period="2026-11"), target=TENANT).then(PeriodNotOver)
    given().when(LockPeriod(period="2026-10"), target=uid(0x33)).then(NotFound)


def test_the_month_that_was_locked_last_is_reopened_first_and_says_why() -> None:
    both = (locked("2026-09"), locked("2026-10"))
    asked = given(*both).when(reopen("2026-10"), target=TENANT, actor=member(7))
    state = asked.then(
        PeriodReopened(
            period="2026-10",
            closed_through="2026-09",
            reopened_by=uid(7),
            reason="mistake",
            explanation="A bill was missing.",
        )
    )
    assert state == Books("2026-09", "2026-09")
    wrong = given(*both).when(reopen("2026-09"), target=TENANT)
    assert wrong.then(PeriodNotLast).extra == {"last": "2026-10"}
    given().when(reopen("2026-09"), target=TENANT).then(PeriodNotLast)
    assert given(both[0]).when(reopen("2026-09"), target=TENANT).state == Books()


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "26-01", "2026-Q1", "2026", "2026-10-01", "1999-12"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(ValidationError):
        LockPeriod(period=month)


STEPS = st.lists(st.tuples(st.booleans(), st.integers(-2, 3)), max_size=30)


@generated(STEPS)
def test_whatever_is_asked_there_is_no_hole(steps: list[tuple[bool, int]]) -> None:
    state, closed = Books(), set[str]()
    for locks, by in steps:
        month = moved(state.closed_through or "2025-06", by)
        command: Any = LockPeriod(period=month) if locks else reopen(month)
        at = datetime(2026, 11, 23, tzinfo=UTC)
        assert PERIOD.decide is not None
        try:
            events = PERIOD.decide(stamped(command, target=TENANT, at=at), state)
        except Refusal:
            continue
        for event in events:
            state = PERIOD.evolve(state, event)
            closed = closed | {month} if isinstance(event, PeriodLocked) else closed - {month}
        months = sorted(closed)
        assert all(moved(one, 1) == next_ for one, next_ in pairwise(months))
        assert state.closed_through == (months[-1] if months else None)
        assert state.first == (months[0] if months else None)


def test_periods_have_days() -> None:
    assert days_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    assert days_of("2026-Q4") == (date(2026, 10, 1), date(2026, 12, 31))
    assert days_of("2026") == (date(2026, 1, 1), date(2026, 12, 31))
    assert [kind_of(one) for one in (None, "2026", "2026-Q1", "2026-01")] == [
        PeriodKind.STANDING,
        PeriodKind.YEAR,
        PeriodKind.QUARTER,
        PeriodKind.MONTH,
    ]
    assert moved("2026-01", -1) == "2025-12"
    assert NOW.date() < days_of("2026-11")[1], "the examples above take November for not over"
