"""Many callers, one round trip: requests that arrive while a batch is under way form the next one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Q = TypeVar("Q")
A = TypeVar("A")


class Coalescer(Generic[Q, A]):
    """Answers requests in batches; one batch at a time, in order of arrival.

    `serve` takes a list of at most `limit` requests and gives an answer for each. When it raises, the batch is served
    again by halves, so that an error reaches the one whose request makes it; `shared` errors reach all at once.
    """

    def __init__(
        self,
        serve: Callable[[list[Q]], Awaitable[list[A]]],
        limit: int = 512,
        *,
        shared: tuple[type[Exception], ...] = (),
    ) -> None:
        """Serve batches with `serve`, which may be called again for the same requests. `shared`: nobody's own error."""
        self._serve = serve
        self._shared = shared
        self._limit = limit
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, request: Q) -> A:
        """The answer to one request."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                waiting = [one for one in self._waiting if not one[1].done()]  # others gave up meanwhile
                batch, self._waiting = waiting[: self._limit], waiting[self._limit :]
                if batch:
                    await self._answer(batch)
        finally:
            self._task = None

    async def _answer(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._serve([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the callers' to see
            if len(batch) > 1 and not isinstance(error, self._shared):
                middle = len(batch) // 2
                await self._answer(batch[:middle])
                await self._answer(batch[middle:])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
