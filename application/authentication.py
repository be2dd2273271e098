"""From a credential to a principal: from the log itself, never from a view that may lag.

A principal is kept with the access epoch of the log it was read under. The epoch is read *before* the streams, so what
is kept is at worst older than it says; the append, and every read, compares it with the log's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from application.credentials import SecretHasher, parse_api_key
from application.principals import Principal, Unauthenticated
from domain.billing.settling import commands_a_minute
from domain.kernel.commands import DECIDERS, Actor, ActorKind, stream_name
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import (
    PERSONAL,
    STAFF_ROLES,
    TENANT_ROLES,
    WORKSPACE_ROLES,
    Permission,
    WorkspaceRole,
)
from domain.platform.staff import Staff
from domain.tenancy.api_key import ApiKey
from domain.tenancy.grant import Grant
from domain.tenancy.member import Member
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

    from application.commanding import Clock
    from application.credentials import ApiKeyText
    from application.ports.keys import KeyStore
    from application.ports.log import TenantLog
    from application.unit import Streams

_KEPT: Final = 10_000
_STAFF_RATE: Final = 600


class StaffAlone(Refusal):
    """Only staff of the platform name a tenant, or a grant, in a header. Leave the header out: your key knows yours."""

    code = "staff-alone"
    kind = RefusalKind.FORBIDDEN


class GrantNotActive(Refusal):
    """Staff look into a tenant under a grant of their own, approved by a second person, while it lasts. Ask for one."""

    code = "grant-not-active"
    kind = RefusalKind.FORBIDDEN


class Authenticator:
    """Finds out who asks. `Unauthenticated` tells no more than that the credential does not work."""

    def __init__(self, log: TenantLog, streams: Streams, keys: KeyStore, clock: Clock) -> None:
        """Read from the log through `streams`."""
        self._log = log
        self._streams = streams
        self._clock = clock
        self._hasher = SecretHasher(keys)
        self._kept: OrderedDict[str, Principal] = OrderedDict()

    async def api_key(self, text: str, *, fresh: bool = False) -> Principal:
        """The principal of an API key; `fresh` looks past what was kept."""
        kept = None if fresh else self._kept.get(text)
        if kept is not None and (kept.expires_at is None or self._clock() < kept.expires_at):
            return kept
        self._kept.pop(text, None)
        parsed = parse_api_key(text)
        if parsed is None:
            raise Unauthenticated
        principal = await self._of_tenant(parsed)
        self._kept[text] = principal
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return principal

    async def _of_tenant(self, parsed: ApiKeyText) -> Principal:
        tenant_id = parsed.tenant_id
        head = await self._log.head(tenant_id)
        if head is None:
            raise Unauthenticated
        key, tenant, account = await self._states(
            tenant_id, ("api_key", parsed.key_id), ("tenant", tenant_id), ("billing_account", tenant_id)
        )
        if (
            not isinstance(key, ApiKey)
            or not key.works_at(self._clock())
            or not self._hasher.matches(tenant_id, parsed.text, key.secret_hmac)
        ):
            raise Unauthenticated
        if tenant_id == PLATFORM:
            return await self._of_staff(key, head.auth_epoch)
        if not isinstance(tenant, Tenant) or tenant.status is TenantStatus.CLOSED:
            raise Unauthenticated
        held, workspaces = await self._held(tenant_id, key)
        actor = Actor(ActorKind.API_KEY, key.api_key_id, key.member_id)
        return Principal(
            tenant_id,
            actor,
            held,
            head.auth_epoch,
            commands_a_minute(
                tenant.plan, account.entitlements, tenant.commands_a_minute, self._clock().date()
            ),
            workspaces,
            suspended=tenant.status is TenantStatus.SUSPENDED,
            access=account.access,
            expires_at=key.expires_at,
            audit=key.audit,
        )

    async def _held(
        self, tenant_id: UUID, key: ApiKey
    ) -> tuple[frozenset[Permission], dict[UUID, frozenset[Permission]]]:
        """What a key may do in the whole tenant, and in single workspaces."""
        holder: frozenset[Permission] | None = None
        workspaces: dict[UUID, frozenset[Permission]] = {}
        if key.member_id is not None:
            (member,) = await self._states(tenant_id, ("member", key.member_id))
            if not isinstance(member, Member):
                raise Unauthenticated
            holder = TENANT_ROLES[member.role]
            for workspace, role in member.workspaces.items():
                workspaces[workspace] = key.held_by(WORKSPACE_ROLES[role])
        held = key.held_by(holder)
        if key.workspaces is not None:
            workspaces = {
                workspace: (held & _IN_WORKSPACE) | workspaces.get(workspace, frozenset())
                for workspace in key.workspaces
            }
            held = frozenset()
        return held, workspaces

    async def _of_staff(self, key: ApiKey, auth_epoch: int) -> Principal:
        if key.staff_id is None:
            raise Unauthenticated
        (staff,) = await self._states(PLATFORM, ("staff", key.staff_id))
        if not isinstance(staff, Staff):
            raise Unauthenticated
        held = key.held_by(STAFF_ROLES[staff.role])
        actor = Actor(ActorKind.STAFF, key.staff_id)
        return Principal(
            PLATFORM, actor, held, auth_epoch, _STAFF_RATE, staff=True, expires_at=key.expires_at
        )

    async def staff_in(self, staff: Principal, tenant_id: UUID) -> Principal:
        """Staff in a tenant's log, with no more than the platform's own permissions: to ask for a grant, to suspend.

        Raises `StaffAlone` for everybody else, whether there is such a tenant or not; `NotFound` where there is none.
        """
        if not staff.staff:
            raise StaffAlone
        head = await self._log.head(tenant_id)
        if head is None:
            raise NotFound
        platform = frozenset(p for p in staff.permissions if p.startswith("platform."))
        return Principal(tenant_id, staff.actor, platform, head.auth_epoch, _STAFF_RATE, staff=True)

    async def under_grant(self, staff: Principal, tenant_id: UUID, grant_id: UUID) -> Principal:
        """Staff in a tenant under a break-glass grant that is theirs and active now. Raises as `staff_in` does."""
        if not staff.staff:
            raise StaffAlone
        head = await self._log.head(tenant_id)
        if head is None:
            raise NotFound
        (grant,) = await self._states(tenant_id, ("grant", grant_id), fresh=True)
        if (
            not isinstance(grant, Grant)
            or grant.requested_by != staff.actor.id
            or not grant.is_active(self._clock())
        ):
            raise GrantNotActive
        actor = Actor(ActorKind.STAFF, staff.actor.id, grant=grant_id)
        # Their role counts as it is now: who went to support since sees no personal data any more.
        sees_personal = Permission.PLATFORM_GRANTS_PERSONAL in staff.permissions
        return Principal(
            tenant_id,
            actor,
            grant.scope if sees_personal else grant.scope - PERSONAL,
            head.auth_epoch,
            _STAFF_RATE,
            staff=True,
            expires_at=grant.expires_at,
            reason=f"grant {grant_id}, ticket {grant.ticket}",
            sees_personal=sees_personal,
        )

    async def _states(self, tenant_id: UUID, *wanted: tuple[str, object], fresh: bool = True) -> list[Any]:
        deciders = [(DECIDERS[category], stream_name(category, key)) for category, key in wanted]
        return [state for _, state in await self._streams.load(tenant_id, deciders, fresh=fresh)]


_IN_WORKSPACE: Final = WORKSPACE_ROLES[WorkspaceRole.ADMIN] | {Permission.CONTACTS_ERASE}
"""What can be held in one workspace alone; all else is about the whole tenant."""
