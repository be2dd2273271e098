"""Turns: so many in each turn of the loop, in the order of their coming, whoever goes away meanwhile."""

from __future__ import annotations

import asyncio

from api.http.turns import Turns


async def pass_through(turns: Turns, number: int, passed: list[tuple[int, int]], clock: list[int]) -> None:
    if turns.full():
        await turns.mine()
    passed.append((clock[0], number))


async def in_turns(turns: Turns, callers: int, gone: set[int], late: int = 0) -> list[tuple[int, int]]:
    """The turn in which each caller passed, and its number; `late` more come while the others still wait."""
    passed: list[tuple[int, int]] = []
    clock = [0]
    tasks = [asyncio.create_task(pass_through(turns, number, passed, clock)) for number in range(callers)]
    await asyncio.sleep(0)
    for number in gone:
        tasks[number].cancel()
    tasks += [
        asyncio.create_task(pass_through(turns, callers + number, passed, clock)) for number in range(late)
    ]
    while not all(task.done() for task in tasks):
        clock[0] += 1
        await asyncio.sleep(0)
    return passed


def test_no_turn_takes_more_than_its_share_and_nobody_overtakes() -> None:
    passed = asyncio.run(in_turns(Turns(3), 10, set(), late=4))
    assert [number for _, number in passed] == list(range(14))
    turns = [turn for turn, _ in passed]
    assert max(turns.count(turn) for turn in set(turns)) == 3
    assert len(set(turns)) == 5


def test_who_went_away_keeps_nobody_waiting() -> None:
    passed = asyncio.run(in_turns(Turns(2), 8, {3, 4, 5, 6, 7}))
    assert [number for _, number in passed] == [0, 1, 2]


def test_it_begins_again_after_all_of_a_turn_went_away() -> None:
    async def test() -> list[tuple[int, int]]:
        turns = Turns(2)
        await in_turns(turns, 6, {2, 3, 4, 5})
        await asyncio.sleep(0)
        return await in_turns(turns, 5, set())

    assert [number for _, number in asyncio.run(test())] == list(range(5))
