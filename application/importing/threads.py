"""Work beside the loop on a thread of this process: for small files, and where no other process can be had."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from application.ports.aside import Work

T = TypeVar("T")
_END: Final[Any] = object()


class InThreads:
    """Implements `Aside`, one result ahead of its reader."""

    async def stream(self, work: Work[T], *, large: bool) -> AsyncGenerator[T, None]:
        """See `Aside.stream`."""
        del large
        results = work()
        following = asyncio.create_task(asyncio.to_thread(_next, results))
        try:
            while (result := await following) is not _END:
                following = asyncio.create_task(asyncio.to_thread(_next, results))
                yield result
        finally:
            # A thread cannot be stopped; it ends with the result it is at.
            await asyncio.gather(following, return_exceptions=True)


def _next(results: Iterator[T]) -> T:
    return next(results, _END)
