"""The platform's staff with a worker, tenants as the platform signs them up, and who may be written to there."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from domain.kernel.ids import PLATFORM
from tests.support.api import Api, TestTenant
from tests.support.database import Database
from tests.support.importing import Importing
from tests.support.suppressions import behind
from tests.support.working import Worker

ANN, BOB = "ann@people.example", "bob@people.example"
BARRED = ("deny", "suppressed-by-platform")


class Platform:
    """Staff with their worker, and tenants as the platform signs them up."""

    def __init__(self, api: Api, key: str, database: Database) -> None:
        self.api, self.key, self.database, self.worker = api, key, database, Worker(api)

    async def opened(self, name: str) -> Importing:
        """A tenant that is signed up and open."""
        body = {
            "name": name,
            "country": "US",
            "sends_for": "itself",
            "plan": "business",
            "owner_email": f"owner@{name.lower()}.example",
            "owner_name": "Some One",
        }
        answer = await self.api.post("/v1/platform/new/register-tenant", self.key, body)
        assert answer.status_code == 201, answer.text
        await self.worker.work_off()
        told = answer.json()
        state = await self.api.parts.commands.state(PLATFORM, "registration", UUID(told["id"]))
        tenant = TestTenant(UUID(told["id"]), state.workspace_id, state.owner_id, told["secret"])
        return Importing(self.api, self.api.http, tenant, self.database)

    async def suppress(self, email: str, kind: str = "complaint") -> str:
        """Let nothing go to an address; the suppression's id."""
        body = {"email": email, "kind": kind, "reason": "Reported."}
        answer = await self.api.post("/v1/platform/new/suppress-at-platform", self.key, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def release(self, suppression: str) -> None:
        answer = await self.api.post(
            f"/v1/platform/{suppression}/release-at-platform", self.key, {"reason": "It was a mistake."}
        )
        assert answer.status_code == 200, answer.text


async def contact(importing: Importing, email: str) -> UUID:
    body = {"workspace_id": str(importing.tenant.workspace_id), "email": email, "country": "US"}
    answer = await importing.api.post("/v1/audience/new/create-contact", importing.tenant.key, body)
    assert answer.status_code == 201, answer.text
    state = await behind(importing, email.lower())
    assert state is not None
    return state.addressee_id


async def bought(importing: Importing, addressee: UUID) -> None:
    """There is business that a message can be about."""
    body = {"kind": "purchase", "occurred_on": "2026-01-05"}
    path = f"/v1/audience/{addressee}/record-relation"
    assert (await importing.api.post(path, importing.tenant.key, body)).status_code == 200


async def verdict(importing: Importing, addressee: UUID, **fields: Any) -> tuple[str, str]:
    body = {"workspace_id": str(importing.tenant.workspace_id), "message_id": str(uuid4()), **fields}
    answer = await importing.api.post(
        f"/v1/audience/{addressee}/authorise-message", importing.tenant.key, body
    )
    told = answer.json()["result"]
    return told["verdict"], told["reasons"][0]["rule"]
