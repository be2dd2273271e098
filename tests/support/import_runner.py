"""A worker with one import to do, as a process of its own, to be killed: FOLDER DATABASE TENANT IMPORT."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID, uuid4

from api.composition import composed
from api.settings import Settings
from application.workflow import Because, Workflow


async def run(folder: Path, database: str, tenant_id: UUID, import_id: UUID) -> None:
    """Work from where the import stands to its end."""
    async with composed(Settings(data=folder), database) as parts:
        workflow = Workflow(parts.commands, tenant_id, uuid4(), Because(uuid4()))
        await parts.imports.run(workflow, import_id, lambda: False)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], UUID(sys.argv[3]), UUID(sys.argv[4])))
