"""The deliverer of webhooks, wired for a process that has the parts of a composition."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.webhooks.http import HttpWebhookSender
from api.composition import RECONNECT_FOR
from application.webhooks.deliverer import Deliverer
from projections.webhooks.runs import PostgresWebhookRuns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.parts import Composition

ABOUT: Final = {
    "webhooks_delivered": "Webhook messages that receivers took since the process began.",
    "webhooks_failed": "Attempts to send a webhook message that failed since the process began.",
    "webhooks_given_up": "Webhook messages that were given up since the process began.",
    "webhooks_paused": "Webhook endpoints paused for their failures since the process began.",
}


@asynccontextmanager
async def deliverer_of(parts: Composition, dsn: str) -> AsyncIterator[Deliverer]:
    """A deliverer; `dsn` connects as the role that owns the views."""
    sender = HttpWebhookSender(loopback=parts.settings.webhook_loopback)
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=4,
        timeout=5,
        reconnect_timeout=RECONNECT_FOR,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": 5, "application_name": "webhooks"},
    )
    try:
        async with pool:
            yield Deliverer(parts.commands, parts.codec, parts.keys, PostgresWebhookRuns(pool), sender)
    finally:
        await sender.close()


def figures(deliverer: Deliverer) -> dict[str, float]:
    """What a deliverer did, by the names of `ABOUT`."""
    return {name: float(getattr(deliverer.counters, name.removeprefix("webhooks_"))) for name in ABOUT}
