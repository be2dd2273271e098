"""What a receipt stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from application.ports.log import Receipt, Recorded, TenantLog


async def events_of(log: TenantLog, tenant_id: UUID, receipt: Receipt) -> list[Recorded]:
    """The events that a receipt stands for."""
    count = receipt.last_position - receipt.first_position + 1
    if count <= 0:
        return []
    return await log.read_log(
        tenant_id, after=receipt.first_position - 1, limit=count, up_to=receipt.last_position
    )


def id_of(stream: str) -> UUID:
    """The id that a stream's name ends with."""
    return UUID(stream.partition(":")[2])
