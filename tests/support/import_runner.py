"""A worker with one import to do, for a process of its own, to be killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

from api.composition import composed
from api.settings import Settings
from application.workflow import Because, Workflow


def work_off(folder: Path, database: str, tenant_id: UUID, import_id: UUID) -> None:
    """Work from where the import stands to its end."""
    asyncio.run(_run(folder, database, tenant_id, import_id))


async def _run(folder: Path, database: str, tenant_id: UUID, import_id: UUID) -> None:
    async with composed(Settings(data=folder), database) as parts:
        workflow = Workflow(parts.commands, tenant_id, uuid4(), Because(uuid4()))
        await parts.imports.run(workflow, import_id, lambda: False)
