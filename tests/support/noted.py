"""Checkpoints noted in the platform's log without a notary."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.audit.origins import LogKind
from domain.kernel.ids import PLATFORM, TenantId
from domain.ledger.noted import LogTold, NoteCheckpoints, noted_id
from tests.support.api import Api

HOUR = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(
    tenant_id: UUID, size: int, root: int = 1, *, epoch: int = 1, log: LogKind = LogKind.EVENTS
) -> LogTold:
    """A checkpoint; `root` tells one root from another."""
    text = base64.b64encode(bytes([root] * 32)).decode()
    return LogTold(tenant_id=TenantId(tenant_id), log=log, epoch=epoch, size=size, root=text)


async def note(api: Api, *logs: LogTold, hour: datetime = HOUR) -> Any:
    """Have checkpoints noted; the platform's log is there."""
    command = NoteCheckpoints(noted_for=hour, logs=list(logs))
    return await api.act(PLATFORM, command, noted_id(logs[0].tenant_id, logs[0].log))
