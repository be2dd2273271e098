"""The fake as a process serves it: time passes, what is due is delivered, and state is kept before anybody is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import traceback
from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.clocks import tick
from adapters.stripe.settings import API_VERSION, EVENTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

    from adapters.stripe.fake.app import Fake
    from adapters.stripe.fake.world import Json, World

_EVERY: Final = 1.0
_OURS: Final = "PenguinMails"


def served(fake: Fake) -> Starlette:
    """The application of a fake that lives: for as long as it is served, time passes."""

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
    return fake.app


def listen_for(world: World, url: str, secret: str) -> None:
    """Have the webhooks that we want sent to `url`, signed with `secret`; there is one such endpoint."""
    terms: Json = {"url": url, "secret": secret, "enabled_events": [*EVENTS], "status": "enabled"}
    found = world.all("webhook_endpoint", description=_OURS)
    if found:
        found[0].update(terms)
    else:
        terms |= {"api_version": API_VERSION, "application": None, "description": _OURS, "metadata": {}}
        world.add("webhook_endpoint", terms)
    world.save()


async def _go_on(fake: Fake) -> None:
    """Deliver what is due and let time pass, for as long as the process lives."""
    world = fake.world
    while True:
        before = world.count
        tick(world)
        if world.count > before:
            world.save()  # whoever is told of something finds it again, also after a kill
        if world.deliveries:
            await fake.courier.deliver()
            world.save()
        await asyncio.sleep(_EVERY)


def _stop_if_failed(working: asyncio.Task[None]) -> None:
    """A Stripe in which no time passes is worse than none."""
    if not working.cancelled() and working.exception() is not None:
        traceback.print_exception(working.exception())
        signal.raise_signal(signal.SIGTERM)
