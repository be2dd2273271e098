"""Renewals: what will soon be too old is made beside, once at a time, at once, and never after the end."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from typing import Final

import pytest

from adapters.duckdb.renewals import Renewals
from adapters.duckdb.turns import Turns
from application.ports.analytics import AnalyticsUnavailable, ReportTooLarge

_LONG: Final = 30.0


class Clock:
    """It stands until it is put forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Made:
    """Answers that are made when they are told to end, and how many were begun."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.end = threading.Semaphore(0)
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        self.begun.release()
        assert self.end.acquire(timeout=_LONG)


class Beside:
    """Renewals of questions of which `report` is known to take two seconds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(quick=1, most=1, patience=_LONG, clock=self.clock)
        with self.turns.turn("report"):
            self.clock.now += 2.0
        self.renewals = Renewals(self.turns, 1, _LONG)
        self.made = Made()

    def consider(self, question: str = "q", left: float = 4.0) -> None:
        self.renewals.consider(question, left, self.made, ("report",))

    def end_one(self) -> None:
        """Let one that was begun end."""
        assert self.made.begun.acquire(timeout=_LONG)
        self.made.end.release()


@pytest.fixture
def beside() -> Iterator[Beside]:
    beside = Beside()
    yield beside
    for _ in range(9):
        beside.made.end.release()
    beside.renewals.close()


def test_what_has_time_enough_is_not_made(beside: Beside) -> None:
    for left in (math.inf, 4.1):
        beside.consider(left=left)
    beside.renewals.close()
    assert beside.made.times == 0


def test_what_is_soon_too_old_is_made_once_however_many_ask(beside: Beside) -> None:
    for _ in range(5):
        beside.consider()
    beside.end_one()
    beside.renewals.close()
    assert beside.made.times == 1


def test_when_it_was_made_it_may_be_made_again(beside: Beside) -> None:
    for _ in range(3):
        while not beside.made.begun.acquire(timeout=0.001):
            beside.consider(left=0.0)
        beside.made.end.release()
    beside.renewals.close()
    assert beside.made.times == 3


def test_it_waits_for_nobody_and_others_wait_for_it(beside: Beside) -> None:
    with beside.turns.turn("other"):
        beside.consider()
        beside.end_one()
        while beside.renewals.joined("q"):
            pass
    beside.consider(left=0.0)
    assert beside.made.begun.acquire(timeout=_LONG)

    def ask() -> None:
        with beside.turns.turn("other"):
            pass

    asker = threading.Thread(target=ask)
    asker.start()
    while not beside.turns.waiting:
        pass
    beside.made.end.release()
    asker.join(_LONG)
    assert not asker.is_alive()


def test_who_asks_meanwhile_waits_for_what_is_made_and_not_for_what_is_not_begun(beside: Beside) -> None:
    assert not beside.renewals.joined("q"), "nothing is made"
    beside.consider("q")
    assert beside.made.begun.acquire(timeout=_LONG)
    beside.consider("later")
    assert not beside.renewals.joined("later"), "the one who asks makes it"
    joined: list[bool] = []
    asker = threading.Thread(target=lambda: joined.append(beside.renewals.joined("q")))
    asker.start()
    assert not joined
    beside.made.end.release()
    asker.join(_LONG)
    assert joined == [True]
    beside.renewals.close()
    assert beside.made.times == 1


def test_one_that_fails_is_told_by_its_class_and_the_next_is_made(
    beside: Beside, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(error: Exception) -> None:
        raise error

    with caplog.at_level(logging.WARNING):
        beside.renewals.consider("a", 0.0, lambda: fails(ReportTooLarge("of whom")), ("report",))
        beside.renewals.consider("b", 0.0, lambda: fails(AnalyticsUnavailable("closing")), ("report",))
        beside.consider("c", left=0.0)
        beside.end_one()
        beside.renewals.close()
    assert beside.made.times == 1
    (told,) = caplog.records
    assert told.__dict__["error"] == "ReportTooLarge"
    assert "of whom" not in caplog.text


def test_nothing_is_begun_after_the_end(beside: Beside) -> None:
    beside.renewals.close()
    beside.consider()
    assert beside.made.times == 0
