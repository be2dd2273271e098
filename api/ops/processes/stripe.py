"""The process of our own Stripe: served as a child of `serve`, with its state kept from one start to the next."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import TYPE_CHECKING, Final

import uvicorn

from adapters.stripe.own import own_stripe
from api.ops.child import Line, inherited_listener
from api.ops.errors import CannotRun
from api.ops.metrics import OWN_STRIPE, Meters, answering, socket_path
from api.ops.own_stripe import hears_at
from api.ops.processes import run_folder
from api.payments import checked_account

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from adapters.stripe.own import OwnStripe
    from api.settings import Settings

_ABOUT: Final = {"own_stripe_undelivered": "Webhooks that our own Stripe has not brought to the API yet."}


def run(settings: Settings) -> None:
    """Serve it until asked to end, as a child of `serve`. Raises `CannotRun` beside a Stripe account."""
    if checked_account(settings) is not None:
        raise CannotRun(
            "There is a Stripe account, so the Stripe of our own does not run. Take the key away."
        )
    line, listener, own = Line.from_environment(), inherited_listener(), own_stripe(settings.root)
    if listener is None or own is None:
        raise CannotRun("`penguinmails serve` runs this, with a demo.")
    asyncio.run(_serve(settings, own, line, listener))


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, line: Line) -> None:
        super().__init__(config)
        self._line = line

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._line.ready()


async def _serve(settings: Settings, own: OwnStripe, line: Line, listener: socket.socket) -> None:
    # Nobody else may load it: it has no business where there is a real account.
    from adapters.stripe.fake.app import Fake  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.fake.serving import listen_for, served  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.fake.world import World  # noqa: PLC0415 - our own Stripe is loaded where it runs

    fake = Fake(World(time.time, own.state), key=own.secret_key)
    listen_for(fake.world, hears_at(settings), own.webhook_secret)
    config = uvicorn.Config(served(fake), log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server, loop, meters = _Server(config, line), asyncio.get_running_loop(), Meters()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    line.watch()
    meters.figures(lambda: {"own_stripe_undelivered": float(len(fake.world.deliveries))}, _ABOUT)
    async with answering(socket_path(run_folder(settings.root), OWN_STRIPE), meters):
        await server.serve([listener])
