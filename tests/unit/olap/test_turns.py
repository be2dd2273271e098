"""Whose turn it is among questions: few run at once, the short pass the long, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from adapters.duckdb.turns import NoTurn, Turns


class Asker:
    """A question in a thread of its own: it waits for its turn, and has it until it is told to end."""

    def __init__(self, turns: Turns, order: list[str], name: str) -> None:
        self._end = threading.Event()
        self.has_turn = threading.Event()
        self._turns, self._order, self.name = turns, order, name
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self) -> None:
        with self._turns.turn(self.name):
            self._order.append(self.name)
            self.has_turn.set()
            self._end.wait(30)

    def end(self) -> None:
        self._end.set()
        self.thread.join(30)


class Time:
    """A clock that stands until it is put forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Questions:
    """Turns, who asked for one, and in which order they had it."""

    def __init__(self, *, quick: int = 1, most: int = 4, patience: float = 30.0) -> None:
        self.clock = Time()
        self.turns = Turns(quick=quick, most=most, patience=patience, clock=self.clock)
        self.order: list[str] = []
        self.asked: list[Asker] = []

    def ask(self, name: str) -> Asker:
        """Ask, and wait until it has its turn or waits."""
        before = self.turns.waiting
        asker = Asker(self.turns, self.order, name)
        self.asked.append(asker)
        while not asker.has_turn.wait(0.001) and self.turns.waiting == before:
            pass
        return asker

    def took(self, name: str, seconds: float) -> None:
        """Let it be known how long a question takes."""
        with self.turns.turn(name):
            self.clock.now += seconds


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def questions(stack: ExitStack, **limits: float) -> Questions:
    made = Questions(**limits)  # type: ignore[arg-type]  # whole numbers are floats, too

    def end() -> None:
        for asker in made.asked:
            asker.end()

    stack.callback(end)
    return made


def test_the_short_pass_the_long(stack: ExitStack) -> None:
    of = questions(stack)
    of.took("long", 0.2)
    of.took("short", 0.01)
    first = of.ask("first")
    for name in ("long", "short"):
        of.ask(name)
    of.clock.now += 0.05
    first.end()
    assert of.asked[2].has_turn.wait(30)
    assert not of.asked[1].has_turn.is_set()
    of.asked[2].end()
    assert of.asked[1].has_turn.wait(30)
    assert of.order == ["first", "short", "long"]


def test_the_long_is_next_once_it_has_waited_for_long(stack: ExitStack) -> None:
    of = questions(stack)
    of.took("long", 0.2)
    of.took("short", 0.01)
    first = of.ask("first")
    of.ask("long")
    of.clock.now += 0.24
    of.ask("short")
    first.end()
    assert of.asked[1].has_turn.wait(30)
    assert not of.asked[2].has_turn.is_set()


def test_one_that_turns_out_to_be_long_gives_its_place_up_and_goes_on(stack: ExitStack) -> None:
    of = questions(stack, most=2)
    of.ask("endless")
    waiting = of.ask("short")
    assert not waiting.has_turn.is_set()
    of.clock.now += 0.3
    assert waiting.has_turn.wait(30)
    of.clock.now += 0.3
    # Of all together no more run than there may.
    third = of.ask("third")
    assert not third.has_turn.wait(0.3)
    waiting.end()
    assert third.has_turn.wait(30)


def test_who_waits_too_long_is_told(stack: ExitStack) -> None:
    of = questions(stack, most=1, patience=0.05)
    of.turns = Turns(quick=1, most=1, patience=0.05)
    with of.turns.turn("first"):
        with pytest.raises(NoTurn), of.turns.turn("second"):
            pass
        assert of.turns.waiting == 0
    with of.turns.turn("third"):
        pass


def test_a_question_never_asked_is_taken_for_one_like_it(stack: ExitStack) -> None:
    of = questions(stack)
    with of.turns.turn("report", "heavy", "one"):
        of.clock.now += 0.2
    assert of.turns.expected("report", "heavy", "another") == pytest.approx(0.2)
    assert of.turns.expected("report", "light") == pytest.approx(0.2)
    assert of.turns.expected("events") == pytest.approx(0.001)


def test_a_place_is_free_again_after_an_error(stack: ExitStack) -> None:
    of = questions(stack, most=1)
    with pytest.raises(ZeroDivisionError), of.turns.turn("first"):
        raise ZeroDivisionError
    with of.turns.turn("second"):
        pass


def test_hundreds_at_once_all_have_their_turn() -> None:
    turns, done, most = Turns(quick=2, most=4, patience=60.0), [0], [0, 0]
    lock = threading.Lock()

    def ask(name: str) -> None:
        for _ in range(20):
            with turns.turn(name):
                with lock:
                    most[0] += 1
                    most[1] = max(most)
                    done[0] += 1
                with lock:
                    most[0] -= 1

    threads = [threading.Thread(target=ask, args=(str(number % 7),)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [640]
    assert most[1] <= 4
    assert turns.waiting == 0
