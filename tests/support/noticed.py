"""A tenant that billing writes letters to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant
from tests.support.working import MovedClock, Worker


@dataclass
class Noticed:
    """It, with a worker."""

    api: Api
    tenant: TestTenant
    clock: MovedClock

    async def member(self, role: TenantRole, email: str, tenant: TestTenant | None = None) -> str:
        """Somebody who joined."""
        key = (tenant or self.tenant).key
        body = {"email": email, "full_name": "Some One", "role": role.value}
        invited = await self.api.post("/v1/tenancy/new/invite-member", key, body)
        assert invited.status_code == 201, invited.text
        accepted = await self.api.post("/v1/invitations/accept", None, {"token": invited.json()["secret"]})
        assert accepted.status_code < 300, accepted.text
        told: str = invited.json()["id"]
        return told

    async def post(self, command: str, **body: Any) -> None:
        done = await self.api.post(f"/v1/billing/{self.tenant.id}/{command}", self.tenant.key, body)
        assert done.status_code == 200, done.text

    async def work_off(self) -> list[str]:
        """The letters' jobs that ran to their end."""
        return [one for one in await Worker(self.api).work_off() if one == "billing.notify"]

    async def client(self, name: str, tenant: TestTenant | None = None) -> None:
        """One more workspace."""
        key = (tenant or self.tenant).key
        made = await self.api.post("/v1/tenancy/new/create-workspace", key, {"name": name})
        assert made.status_code == 201, made.text

    async def fill(self, tenant: TestTenant | None = None) -> None:
        """As many workspaces as are 80 % of what the plan has."""
        for number in range(7):
            await self.client(f"Client {number}", tenant)

    async def look_again(self) -> None:
        """Let the pause of what waits be over."""
        dsn = self.api.database.projector
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as one:
            await one.execute("UPDATE ops.job_runs SET until = clock_timestamp() WHERE state = 'waiting'")

    async def notices(self, tenant: TestTenant | None = None, **wanted: str) -> list[dict[str, Any]]:
        """The view, the newest first."""
        await self.api.project()
        answer = await self.api.send("GET", "/v1/billing/notices", (tenant or self.tenant).key, params=wanted)
        assert answer.status_code == 200, answer.text
        told: list[dict[str, Any]] = answer.json()["data"]
        return told
