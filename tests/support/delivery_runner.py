"""A worker with one schedule to deliver, for a process of its own: it is killed at a point.

Points: kept, written, sent, or none of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from adapters.blobs.local import LocalBlobs
from adapters.folders.local import LocalFolders
from adapters.smtp.server import SmtpServer
from api.composition import composed
from api.settings import Settings
from application.workflow import Because, Workflow

POINTS: dict[str, tuple[Any, str]] = {
    "kept": (LocalBlobs, "write"),
    "written": (LocalFolders, "write"),
    "sent": (SmtpServer, "send"),
}


def dying(done: Callable[..., Any]) -> Callable[..., Any]:
    """Do it, and die of it."""
    if asyncio.iscoroutinefunction(done):

        async def last(*given: Any) -> None:
            await done(*given)
            os.kill(os.getpid(), signal.SIGKILL)

        return last

    def end(*given: Any) -> None:
        done(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    return end


def deliver(folder: Path, database: str, mail: str, tenant_id: UUID, schedule_id: UUID, point: str) -> None:
    """Deliver what is due."""
    asyncio.run(_run(folder, database, mail, tenant_id, schedule_id, point))


async def _run(
    folder: Path, database: str, mail: str, tenant_id: UUID, schedule_id: UUID, point: str
) -> None:
    if point in POINTS:
        owner, name = POINTS[point]
        setattr(owner, name, dying(getattr(owner, name)))
    settings = Settings(data=folder, smtp_url=SecretStr(mail), mail_from="reports@sender.example")
    async with composed(settings, database) as parts:
        workflow = Workflow(parts.commands, tenant_id, uuid4(), Because(uuid4()))
        await parts.deliveries.run(workflow, schedule_id, lambda: False, last=False)
