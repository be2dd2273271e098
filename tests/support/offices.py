"""A tenant whose schedules are delivered by a worker."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from application.workflow import Because, Workflow
from domain.kernel.permissions import TenantRole
from tests.support.api import Api, TestTenant, analytics_of
from tests.support.delivery_runner import deliver
from tests.support.mailbox import Mailbox
from tests.support.starting import LOADED
from tests.support.working import MovedClock, Worker

DAILY = {
    "title": "Contacts",
    "items": [{"report": "activity", "period": "yesterday", "format": "csv"}],
    "frequency": "daily",
    "at": "00:00",
    "folder": "finance/daily",
}


@dataclass
class Office:
    """A tenant with a worker."""

    api: Api
    tenant: TestTenant
    clock: MovedClock
    folder: Path

    async def schedule(self, days_ago: float = 1, **fields: Any) -> str:
        """A schedule that was made so long ago."""
        self.clock.behind = timedelta(days=days_ago)
        made = await self.api.post("/v1/reporting/new/create-schedule", self.tenant.key, {**DAILY, **fields})
        assert made.status_code == 201, made.text
        self.clock.behind = timedelta(0)
        told: str = made.json()["id"]
        return told

    async def work_off(self) -> list[str]:
        with analytics_of(self.api):
            return await Worker(self.api).work_off()

    async def delivered(self, schedule: str) -> None:
        """What is due of a schedule is delivered, in an attempt that is not the last."""
        parts = self.api.parts
        workflow = Workflow(parts.commands, self.tenant.id, uuid4(), Because(uuid4()))
        with analytics_of(self.api):
            await parts.deliveries.run(workflow, UUID(schedule), lambda: False, last=False)

    async def deliveries(self, **wanted: str) -> list[dict[str, Any]]:
        await self.api.project()
        answer = await self.api.send("GET", "/v1/reports/deliveries", self.tenant.key, params=wanted)
        assert answer.status_code == 200, answer.text
        told: list[dict[str, Any]] = answer.json()["data"]
        return told

    def files(self) -> dict[str, bytes]:
        root = self.folder / "deliveries"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    async def member(self, role: TenantRole, email: str) -> str:
        body = {"email": email, "full_name": "Some One", "role": role.value}
        invited = await self.api.post("/v1/tenancy/new/invite-member", self.tenant.key, body)
        assert invited.status_code == 201, invited.text
        token = invited.json()["secret"]
        accepted = await self.api.post("/v1/invitations/accept", None, {"token": token})
        assert accepted.status_code < 300, accepted.text
        told: str = invited.json()["id"]
        return told

    async def history(self) -> list[dict[str, Any]]:
        answer = await self.api.send("GET", "/v1/history?limit=100", self.tenant.key)
        told: list[dict[str, Any]] = answer.json()["data"]
        return told

    async def do(self, path: str, **body: Any) -> None:
        done = await self.api.post(path, self.tenant.key, body)
        assert done.status_code == 200, done.text


async def killed_at(office: Office, box: Mailbox, schedule: str, point: str) -> int:
    """What became of a worker that is killed at a point: its exit code."""
    told = (office.folder, office.api.database.admin, box.url, office.tenant.id, UUID(schedule), point)
    worker = LOADED.Process(target=deliver, args=told)
    worker.start()
    await asyncio.to_thread(worker.join, 60)
    assert worker.exitcode is not None, "it neither ended nor died"
    return worker.exitcode


async def look_again(office: Office) -> None:
    """Let the pause of what waits be over."""
    async with await psycopg.AsyncConnection.connect(office.api.database.projector, autocommit=True) as one:
        await one.execute("UPDATE ops.job_runs SET until = clock_timestamp() WHERE state = 'waiting'")


def sha256(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
