"""Requests that arrive together are answered together; those that were given up are not served at all."""

from __future__ import annotations

import asyncio

from adapters.eventstore.coalesce import Coalescer


async def test_what_was_given_up_while_it_waited_is_not_served() -> None:
    served: list[list[int]] = []
    gate = asyncio.Event()

    async def serve(asked: list[int]) -> list[int]:
        served.append(asked)
        await gate.wait()
        return asked

    coalescer = Coalescer(serve)
    first = asyncio.create_task(coalescer.ask(0))
    await asyncio.sleep(0)
    others = [asyncio.create_task(coalescer.ask(n)) for n in range(1, 9)]
    await asyncio.sleep(0)
    for one in others[::2]:
        one.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await first == 0
    assert await asyncio.gather(*others[1::2]) == [2, 4, 6, 8]
    assert served == [[0], [2, 4, 6, 8]]
