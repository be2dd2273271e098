"""A tenant with webhooks, a receiver, and a deliverer between them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.composition import now
from api.webhooks import deliverer_of
from application.webhooks.deliverer import Deliverer
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.webhooks import Received, Receiver, receiving


@dataclass
class Clock:
    """The moment, moved forward as a test wants."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return now() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Hooks:
    """A tenant, a receiver, and a deliverer between them."""

    api: Api
    tenant: TestTenant
    deliverer: Deliverer
    receiver: Receiver
    clock: Clock

    async def post(self, slug: str, target: str = "new", **body: Any) -> dict[str, Any]:
        answer = await self.api.post(f"/v1/webhooks/{target}/{slug}", self.tenant.key, body)
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def endpoint(self, *events: str, **more: Any) -> dict[str, Any]:
        """An endpoint at the receiver; the answer that made it."""
        made = {"url": self.receiver.url, "events": list(events or ("*",)), **more}
        return await self.post("create-webhook-endpoint", **made)

    async def contact(self, email: str = "ada@people.example") -> dict[str, Any]:
        body = {"workspace_id": str(self.tenant.workspace_id), "email": email, "first_name": "Ada"}
        answer = await self.api.post("/v1/audience/new/create-contact", self.tenant.key, body)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def deliver(self) -> list[Received]:
        """Project, and deliver until nothing is due; what the receiver got."""
        await self.api.project()
        while await self.deliverer.step():
            pass
        return self.receiver.taken()

    async def seen(self, endpoint: str) -> dict[str, Any]:
        """The endpoint as the view has it."""
        await self.api.project()
        answer = await self.api.send("GET", f"/v1/webhooks/webhook-endpoints/{endpoint}", self.tenant.key)
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()["data"]
        return row


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
async def hooks(database: Database, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Hooks]:
    clock = Clock()
    async with (
        serving(database, tmp_path, clock, webhook_loopback=True) as api,
        deliverer_of(api.parts, database.projector) as deliverer,
    ):
        yield Hooks(api, await api.tenant(), deliverer, receiver, clock)
