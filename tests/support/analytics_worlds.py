"""Analytics, and the histories that they read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.ports.analytics import (
    Analytics,
    Report,
)
from tests.support.events import History


@dataclass
class World:
    """Analytics and the histories it reads. `publish` brings what happened into the logs."""

    analytics: Analytics
    store: Callable[[list[Any]], None]
    one: History = field(default_factory=History)
    two: History = field(default_factory=History)
    published: dict[UUID, int] = field(default_factory=dict)

    async def publish(self) -> None:
        for history in (self.one, self.two):
            new = history.events[self.published.get(history.tenant_id, 0) :]
            if new:
                await asyncio.to_thread(self.store, new)
            self.published[history.tenant_id] = len(history.events)

    async def ask(self, name: str, history: History | None = None, **parameters: object) -> Report:
        asked = history or self.one
        return await self.analytics.report(name, asked.tenant_id, parameters, min_position=asked.position)
