"""Postings: to one place each, at a minute of their own, and each due time is settled once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.audit.origins import LogKind
from domain.kernel.errors import NotFound
from domain.kernel.ids import PLATFORM, MemberId, PostingId
from domain.ledger.posting import (
    ChangePosting,
    EnterPosted,
    FailPosting,
    OfThePlatformAlone,
    OnePlace,
    PostCheckpoints,
    PostingFailure,
    PostingFrequency,
    PostingIdTaken,
    StopPosting,
    decide,
    next_time,
)
from domain.ledger.posting_events import (
    CheckpointsPosted,
    NoPosting,
    PostingChanged,
    PostingFailed,
    PostingStarted,
    PostingStopped,
    PostingTerms,
)
from tests.support.given import NOW, given, stamped, uid

ID = PostingId(uid(7))
MEMBER = MemberId(uid(9))
TERMS = PostingTerms(
    title="Outside",
    logs=["events", "access"],
    frequency="daily",
    folder="ledger",
    bucket=None,
    recipients=[],
    every_tenant=False,
)
STARTED = PostingStarted(posting_id=ID, author_id=uid(2), terms=TERMS, next_at=NOW)
STOPPED = PostingStopped(posting_id=ID)
DONE: dict[str, Any] = {"posted": [], "mailed": 0, "passed": [], "others": 0, "others_failed": 0}


def then(at: datetime = NOW) -> datetime:
    return next_time(PostingFrequency.DAILY, ID, at)


def test_it_posts_at_once_and_then_regularly() -> None:
    asked = PostCheckpoints(title="Outside", folder="ledger")
    given().when(asked, target=ID).then(STARTED)
    posted = CheckpointsPosted(posting_id=ID, due_at=NOW, **DONE, next_at=then(NOW + timedelta(hours=1)))
    given(STARTED).when(EnterPosted(due_at=NOW, posted=[]), target=ID, after=timedelta(hours=1)).then(posted)
    # Whoever comes too late with what is settled enters nothing.
    given(STARTED, posted).when(EnterPosted(due_at=NOW, posted=[]), target=ID).then()
    failed = PostingFailed(
        posting_id=ID, due_at=NOW, reason="error", log=None, path=None, posted=[], passed=[], next_at=then()
    )
    given(STARTED).when(FailPosting(due_at=NOW, reason=PostingFailure.ERROR), target=ID).then(failed)
    given(STARTED, STOPPED).when(FailPosting(due_at=NOW, reason=PostingFailure.ERROR), target=ID).then()


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"bucket": "archive"},
        {"folder": "ledger", "recipients": [uid(9)]},
        {"folder": "ledger", "bucket": "archive", "recipients": [uid(9)]},
    ],
)
def test_it_goes_to_one_place(places: dict[str, Any]) -> None:
    given().when(PostCheckpoints(title="Outside", **places), target=ID).then(OnePlace)


def test_of_every_tenant_by_the_platform_alone_and_never_by_mail() -> None:
    asked = PostCheckpoints(title="All", folder="ledger", every_tenant=True)
    given().when(asked, target=ID).then(OfThePlatformAlone)
    stamp = stamped(asked, target=ID).stamp._replace(tenant_id=PLATFORM)
    (event,) = decide(asked.stamped(stamp), NoPosting())
    assert isinstance(event, PostingStarted)
    assert event.terms.every_tenant


def test_changing_posts_at_once_and_what_is_left_out_stays() -> None:
    terms = TERMS.model_copy(update={"logs": ["access"], "bucket": "archive"})
    changed = PostingChanged(posting_id=ID, author_id=uid(2), terms=terms, next_at=NOW)
    given(STARTED).when(ChangePosting(logs=[LogKind.ACCESS], bucket="archive"), target=ID).then(changed)
    given(STARTED).when(ChangePosting(title="Outside"), target=ID).then()
    given(STARTED).when(ChangePosting(recipients=[MEMBER]), target=ID).then(OnePlace)
    mailed = TERMS.model_copy(update={"folder": None, "recipients": [uid(9)]})
    given(STARTED).when(ChangePosting(folder=None, recipients=[MEMBER]), target=ID).then(
        PostingChanged(posting_id=ID, author_id=uid(2), terms=mailed, next_at=NOW)
    )


def test_stopping_is_for_good() -> None:
    given(STARTED).when(StopPosting(), target=ID).then(STOPPED)
    given(STARTED, STOPPED).when(StopPosting(), target=ID).then()
    given(STARTED, STOPPED).when(ChangePosting(title="x"), target=ID).then(NotFound)
    given(STARTED, STOPPED).when(PostCheckpoints(title="x", folder="y"), target=ID).then(PostingIdTaken)
    given().when(StopPosting(), target=ID).then(NotFound)


@pytest.mark.parametrize(
    ("frequency", "first", "step"),
    [
        ("hourly", datetime(2026, 11, 23, 12, 41, tzinfo=UTC), timedelta(hours=1)),
        ("daily", datetime(2026, 11, 24, 0, 41, tzinfo=UTC), timedelta(days=1)),
        ("weekly", datetime(2026, 11, 30, 0, 41, tzinfo=UTC), timedelta(days=7)),
    ],
)
def test_each_has_its_minute(frequency: str, first: datetime, step: timedelta) -> None:
    which = PostingId(UUID(int=60 * 10**6 + 41))
    due = next_time(PostingFrequency(frequency), which, NOW)
    assert due == first
    assert next_time(PostingFrequency(frequency), which, due) == first + step
    assert next_time(PostingFrequency(frequency), which, due - timedelta(microseconds=1)) == due
