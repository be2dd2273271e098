"""Where a member is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.commands import stream_name
from domain.tenancy.member import MemberInvited, MemberJoined

if TYPE_CHECKING:
    from uuid import UUID

    from application.commanding import Commands
    from domain.kernel.ids import MemberId


async def address_of(commands: Commands, tenant_id: UUID, member_id: MemberId) -> str:
    """The address of a member who is there, as it is now: it is looked up for each letter, and kept nowhere."""
    events = await commands.streams.opened(tenant_id, stream_name("member", member_id))
    return next(one.email for one in reversed(events) if isinstance(one, MemberInvited | MemberJoined))
