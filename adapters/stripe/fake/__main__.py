"""`python -m adapters.stripe.fake`: the fake as a process of its own, for development, on this machine alone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
import traceback
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.clocks import tick
from adapters.stripe.fake.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette


def _loopback(text: str) -> str:
    if not ip_address(text).is_loopback:
        raise argparse.ArgumentTypeError("the fake listens on this machine alone: give a loopback address")
    return text


def _test_key(text: str) -> str:
    if not text.startswith("sk_test_"):
        raise argparse.ArgumentTypeError("give a key of test mode, sk_test_...: the fake moves no money")
    return text


async def _go_on(fake: Fake) -> None:
    """Deliver what is due and let time pass, for as long as the process lives."""
    while True:
        await asyncio.sleep(1)
        tick(fake.world)
        if fake.world.deliveries:
            await fake.courier.deliver()
            fake.world.save()


def _stop_if_failed(working: asyncio.Task[None]) -> None:
    """A Stripe in which no time passes is worse than none."""
    if not working.cancelled() and working.exception() is not None:
        traceback.print_exception(working.exception())
        signal.raise_signal(signal.SIGTERM)


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m adapters.stripe.fake", description=__doc__)
    parser.add_argument("--host", type=_loopback, default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--key", type=_test_key, help="the secret key it takes; without one any of test mode")
    parser.add_argument("--state", type=Path, help="file that keeps its state from one start to the next")
    given = parser.parse_args(arguments)
    fake = Fake(World(time.time, given.state), key=given.key)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        working = asyncio.create_task(_go_on(fake))
        working.add_done_callback(_stop_if_failed)
        yield
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await fake.courier.close()

    fake.app.router.lifespan_context = lifespan
    uvicorn.run(fake.app, host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1:])
