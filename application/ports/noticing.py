"""Who may be written to about a tenant's bills: told by a view, decided by the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from domain.kernel.ids import MemberId


class BillingPeople(Protocol):
    """The members of a tenant whose role lets them read its bills, as far as the view knows."""

    async def of(self, tenant_id: UUID) -> list[MemberId]:
        """Them, the longest-standing first. Raises `ViewNotReady`."""
