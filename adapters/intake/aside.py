"""Files read in a process of their own: a second core for the import, and a loop that never waits for a parser.

The child is this Python running this module. It is given pickled work on its standard input and gives pickled results
on its standard output; both are pipes between us and ourselves. It ends with the work, or when its output is closed:
so it never outlives its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from application.importing.threads import InThreads
from application.ports.aside import WorkerLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from application.ports.aside import Work

T = TypeVar("T")
_LENGTH: Final = struct.Struct(">I")
_AHEAD: Final = 4 * 1024 * 1024
"""Bytes of results that wait for their reader; the child waits beyond that."""

_AT_ONCE: Final = 2


class InChildren:
    """Implements `Aside`: large work in a child, small work on a thread, since a child takes half a second to start."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        """At most `at_once` children live at a time; more work waits."""
        self._free = asyncio.Semaphore(at_once)
        self._threads = InThreads()

    async def stream(self, work: Work[T], *, large: bool) -> AsyncGenerator[T, None]:
        """See `Aside.stream`."""
        if not large:
            async with contextlib.aclosing(self._threads.stream(work, large=False)) as results:
                async for one in results:
                    yield one
            return
        async with self._free:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_AHEAD,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            if child.stdin is None or child.stdout is None:
                raise TypeError("a child with pipes has both of them")
            try:
                with contextlib.suppress(ConnectionError):  # it died at once: its output says so
                    child.stdin.write(pickle.dumps(work))
                    await child.stdin.drain()
                    child.stdin.close()
                while (result := await _received(child.stdout)) is not None:
                    kind, content = result
                    if kind == "raised":
                        raise content
                    yield content
            finally:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()


async def _received(pipe: asyncio.StreamReader) -> tuple[str, Any] | None:
    try:
        (length,) = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
        content = await pipe.readexactly(length)
    except asyncio.IncompleteReadError:
        raise WorkerLost(WorkerLost.__doc__) from None
    result: tuple[str, Any] | None = pickle.loads(content)  # noqa: S301 - our own child wrote it
    return result


def _send(pipe: BinaryIO, result: tuple[str, Any] | None) -> None:
    content = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def main() -> None:
    """Do the work on standard input."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints must not get among the results
    work: Work[Any] = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    try:
        for result in work():
            _send(pipe, ("given", result))
    except BrokenPipeError:
        return  # nobody reads on
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the results are read
        _send(pipe, ("raised", error))
    else:
        _send(pipe, None)


if __name__ == "__main__":
    main()
