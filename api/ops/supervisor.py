"""Keeps an installation's processes running: starts them, restarts what dies, stops them in order.

A child is its own process with one line to the supervisor (see `child`). Programs start together, since each waits
for what it needs by itself. The last listed stops before the others: it is the door, and what it has accepted is to be
whole before those that work on it go. Only children that this supervisor started are ever signalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog

from api.ops.child import LINE, LISTENER
from api.ops.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = structlog.get_logger(__name__)

_STEADY: Final = 5.0
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 10.0
_TRIES_AT_START: Final = 3


class DidNotStart(CannotRun):
    """A process ended before it was ready, three times. Its own words stand above this message."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `patience`: seconds until it must be ready; `grace`: seconds it has to finish when stopped."""

    name: str
    command: tuple[str, ...]
    listener: socket.socket | None = None
    patience: float = 120.0
    grace: float = 30.0


@dataclass(slots=True)
class Child:
    """One program as it runs."""

    program: Program
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    facts: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    failures: int = 0
    started: float = 0.0
    keeper: asyncio.Task[None] | None = None
    launching: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        alive = self.process is not None and self.process.returncode is None
        return self.process.pid if self.process is not None and alive else None


class Supervisor:
    """Runs programs until it is told to stop."""

    def __init__(
        self,
        programs: Sequence[Program],
        environment: Mapping[str, str],
        changed: Callable[[Mapping[str, Child]], None] = lambda _: None,
    ) -> None:
        """`changed` is told of every start of a child, before the child can matter to anybody."""
        self.children = {program.name: Child(program) for program in programs}
        self._environment = dict(environment)
        self._changed = changed
        self._stopping = asyncio.Event()
        self._failed: asyncio.Future[None] | None = None
        """While starting: set when a child cannot be started at all."""

    async def start(self) -> None:
        """Start all and return when all are ready. Raises `DidNotStart`, with everything stopped again."""
        self._failed = asyncio.get_running_loop().create_future()
        for child in self.children.values():
            child.keeper = asyncio.create_task(self._keep(child))
        ready: asyncio.Future[Any] = asyncio.gather(
            *(self._becomes_ready(child) for child in self.children.values())
        )
        try:
            waiting: set[asyncio.Future[Any]] = {ready, self._failed}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await (self._failed if self._failed.done() else ready)
        except BaseException:
            ready.cancel()
            with contextlib.suppress(asyncio.CancelledError, DidNotStart):
                await ready
            await self.stop()
            raise
        finally:
            self._failed = None

    async def _becomes_ready(self, child: Child) -> None:
        try:
            await asyncio.wait_for(child.ready.wait(), child.program.patience)
        except TimeoutError:
            raise DidNotStart(
                f"{child.program.name} was not ready within {child.program.patience:.0f} s"
            ) from None

    async def _keep(self, child: Child) -> None:
        """Run a child again and again until the supervisor stops."""
        while True:
            async with child.launching:
                if self._stopping.is_set():
                    return
                launched = await self._try_to_launch(child)
            how = "could not be started" if launched is None else await self._watch(child, *launched)
            if self._stopping.is_set():
                return
            if self._failed is not None and child.failures >= _TRIES_AT_START:
                if not self._failed.done():
                    self._failed.set_exception(DidNotStart(f"{child.program.name} {how}, three times"))
                return
            child.restarts += 1
            await asyncio.sleep(min(_FIRST_DELAY * 2 ** max(child.failures - 1, 0), _LONGEST_DELAY))

    async def _watch(self, child: Child, process: asyncio.subprocess.Process, line: socket.socket) -> str:
        """Wait for the child's end and count it; how it ended, in words."""
        listening = asyncio.create_task(self._listen(child, line))
        code = await process.wait()
        listening.cancel()
        was_ready = child.ready.is_set()
        child.ready.clear()
        if not self._stopping.is_set():
            lasted = time.monotonic() - child.started
            child.failures = 0 if was_ready and lasted >= _STEADY else child.failures + 1
            log.warning("a process ended", process=child.program.name, code=code)
        return f"ended with code {code} while starting"

    async def _try_to_launch(self, child: Child) -> tuple[asyncio.subprocess.Process, socket.socket] | None:
        """Start the child; None, and a failure counted, where the machine has no room for it just now."""
        try:
            return await self._launch(child)
        except OSError as error:
            child.failures += 1
            log.warning(
                "a process could not be started", process=child.program.name, error=type(error).__name__
            )
            return None

    async def _launch(self, child: Child) -> tuple[asyncio.subprocess.Process, socket.socket]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await self._spawn(child, theirs)
            child.process, child.started = process, time.monotonic()
            try:
                self._changed(self.children)
            except OSError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()  # nobody could tell whose it is after a crash; it has accepted nothing yet
                await process.wait()
                raise
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        return process, ours

    async def _spawn(self, child: Child, line: socket.socket) -> asyncio.subprocess.Process:
        listener = child.program.listener
        environment = {**self._environment, LINE: str(line.fileno())}
        handed = [line.fileno()]
        if listener is not None:
            environment[LISTENER] = str(listener.fileno())
            handed.append(listener.fileno())
        return await asyncio.create_subprocess_exec(
            *child.program.command,
            stdin=asyncio.subprocess.DEVNULL,
            env=environment,
            pass_fds=handed,
            start_new_session=True,  # Ctrl-C is for the supervisor, which then stops all in order
        )

    async def _listen(self, child: Child, line: socket.socket) -> None:
        """Hear that the child is ready; the line stays open for as long as it lives."""
        loop, heard = asyncio.get_running_loop(), b""
        with line:
            while True:
                try:
                    got = await loop.sock_recv(line, 4096)
                except OSError:
                    return
                if not got:
                    return
                heard += got
                while b"\n" in heard:
                    told, _, heard = heard.partition(b"\n")
                    child.facts = json.loads(told)
                    child.ready.set()
                    log.info("a process is ready", process=child.program.name, pid=child.pid)

    async def stop(self) -> None:
        """Stop every child, the last listed first; each finishes what it accepted, or is ended after its grace.

        What goes wrong with one keeps nobody from being stopped.
        """
        self._stopping.set()
        *others, door = self.children.values()
        for group in ([door], others):
            ended = await asyncio.gather(*map(self._stop_one, group), return_exceptions=True)
            for child, error in zip(group, ended, strict=True):
                if error is not None:
                    log.error(
                        "a process was not stopped in order", process=child.program.name, exc_info=error
                    )

    async def _stop_one(self, child: Child) -> None:
        async with child.launching:
            process = child.process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), child.program.grace)
            except TimeoutError:
                log.warning("a process did not stop in time; ending it", process=child.program.name)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if child.keeper is not None:
            child.keeper.cancel()
            await asyncio.wait({child.keeper})
            if not child.keeper.cancelled() and (error := child.keeper.exception()) is not None:
                log.error("a process was kept no longer", process=child.program.name, exc_info=error)


def this_program(*arguments: str) -> tuple[str, ...]:
    """The command that runs one of our own subcommands with the same Python."""
    return (sys.executable, "-m", "api.cli", *arguments)


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of children: ours, with changes."""
    return {**os.environ, **changes}
