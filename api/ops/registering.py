"""A registered tenant, opened at once: the worker would do the same, a moment later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from api.ops.bootstrap import FirstKey, Operator
from application.jobs import open_tenant
from application.platform_suppressions import PlatformSuppressions
from application.workflow import Because, Workflow
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import TenantRole
from domain.platform.registration import TenantRegistered
from domain.tenancy.api_key import CreateApiKey

if TYPE_CHECKING:
    from api.composition import Composition
    from application.orders import Outcome


@dataclass(frozen=True, slots=True)
class Opened:
    """A tenant whose log has begun. `key`: the owner's first, unless it was seen before."""

    tenant_id: UUID
    slug: str
    workspace_id: UUID
    owner_id: UUID
    key: str | None


async def open_registered(parts: Composition, outcome: Outcome, *, first_key: bool) -> Opened:
    """Open the log of the tenant that `outcome` registered; `first_key`: and make its owner's first key.

    The key is given again until it was `FirstKey.seen`.
    """
    tenant_id = outcome.target
    (events,) = await parts.log.read_streams(PLATFORM, [(f"registration:{tenant_id}", 0)])
    (registered,) = parts.codec.decode(events[:1], reveal=True)
    if not isinstance(registered, TenantRegistered):
        raise TypeError("a registration begins with the tenant's")
    cause = Because(outcome.command_id, outcome.command_id)
    suppressions = PlatformSuppressions(parts.commands, parts.codec)
    workflow = Workflow(parts.commands, PLATFORM, tenant_id, cause)
    await open_tenant(parts.commands, suppressions, registered, workflow)
    key = None
    if first_key:
        command = CreateApiKey(label="First key", role=TenantRole.OWNER, member_id=registered.owner_id)
        unseen = await FirstKey(parts.settings.root, tenant_id, tenant_id).unseen(parts)
        if unseen is not None:
            key = unseen.text
            command.carrying(parts.hasher.hmac(tenant_id, key))
            await Operator(parts).execute(tenant_id, command, unseen.key_id, key=f"key/{unseen.key_id}")
    return Opened(tenant_id, registered.slug, registered.workspace_id, registered.owner_id, key)
