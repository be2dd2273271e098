"""Who asks, and what they may do: worked out once per credential and access epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from domain.billing.account_state import READING_ALONE, Access
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.commands import Actor
    from domain.tenancy.auditor import AuditScope


class Unauthenticated(Refusal):
    """The credential is missing, wrong, expired or revoked. Send `Authorization: Bearer <API key>` with a live key."""

    code = "unauthenticated"
    kind = RefusalKind.FORBIDDEN


class MissingPermission(Refusal):
    """The credential does not hold the permission that this needs. Ask an admin of the tenant for it."""

    code = "missing-permission"
    kind = RefusalKind.FORBIDDEN


class TenantSuspended(Refusal):
    """A suspended tenant reads and exports, and its owner may close it; no more. Ask the platform's support why."""

    code = "tenant-suspended"
    kind = RefusalKind.FORBIDDEN


class AccessEnded(Refusal):
    """A tenant whose trial is over, or that did not pay, reads, exports and pays; nothing else is done for it.

    Who is suspended pays what is open (`POST /v1/billing/portal` has the page); whose subscription or trial is over
    subscribes (`POST /v1/billing/checkout`), or chooses the free plan.
    """

    code = "access-ended"
    kind = RefusalKind.PAYMENT

    @classmethod
    def by(cls, access: Access) -> AccessEnded:
        """The refusal in the words of how access ended."""
        return cls(_ENDED.get(access), access=access.value)


_CHOOSE: Final = (
    "Subscribe (`POST /v1/billing/checkout` has the page), or choose the free plan (`choose-free-plan`)."
)
_ENDED: Final = {
    Access.SUSPENDED: (
        "What is subscribed to is not paid, or paused: the tenant reads, exports and pays, no more. Pay what is open"
        " (`POST /v1/billing/portal` has the page): access comes back at once."
    ),
    Access.CANCELLED: (
        "Every subscription has ended: the tenant reads, exports and pays, no more. "
        + _CHOOSE
        + " An invoice that is open still may be paid, but brings nothing back."
    ),
    Access.EXPIRED: "The trial is over: the tenant reads, exports and pays, no more. " + _CHOOSE,
}
"""What is so, and what to do, by the access that allows reading alone."""


_ALWAYS: Final = frozenset({Permission.TENANT_CLOSE, Permission.BILLING_MANAGE})
"""What an owner may do of a tenant that may do nothing else: end it, and pay."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A credential as it was found at one access epoch of the log it reaches.

    `permissions` hold in the whole tenant; `workspaces` adds permissions in single workspaces. A credential bound to
    workspaces has only the latter. Workflows act under no credential: their `auth_epoch` is None. Without
    `sees_personal`, as support is, personal values stay sealed in every view, also where its permission shows them.
    `audit`: what an outside auditor reads; no door that does not know of it opens to them.
    """

    tenant_id: UUID
    actor: Actor
    permissions: frozenset[Permission]
    auth_epoch: int | None
    rate_per_minute: int
    workspaces: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    suspended: bool = False
    access: Access = Access.ACTIVE
    staff: bool = False
    expires_at: datetime | None = None
    reason: str | None = None
    sees_personal: bool = True
    audit: AuditScope | None = None

    def require(self, permission: Permission) -> None:
        """Refuse, naming the permission, unless it is held somewhere in the tenant."""
        if permission not in self.permissions and not any(
            permission in held for held in self.workspaces.values()
        ):
            raise MissingPermission(f"needs the permission {permission}", permission=permission)

    def confined_to(self, permission: Permission) -> frozenset[UUID] | None:
        """The workspaces in which the permission holds; None: the whole tenant."""
        if permission in self.permissions:
            return None
        return frozenset(workspace for workspace, held in self.workspaces.items() if permission in held)

    @property
    def read_only(self) -> bool:
        """Whether the tenant may change next to nothing, because the platform stopped it or nobody paid."""
        return self.suspended or self.access in READING_ALONE

    def may_write(self, permission: Permission) -> None:
        """Refuse where the tenant is `read_only`; its owner may pay and close it all the same, staff reinstate it."""
        if permission in _ALWAYS or self.staff or not self.read_only:
            return
        if self.suspended:
            raise TenantSuspended
        raise AccessEnded.by(self.access)

    def because(self, given: str | None) -> str | None:
        """Why something is done: what the credential stands for, and what its holder wrote beside it."""
        if not given:
            return self.reason or None
        return f"{self.reason}: {given}" if self.reason else given

    @property
    def everything_held(self) -> frozenset[Permission]:
        """All permissions held anywhere: what a key made by this principal can hold at most."""
        return self.permissions.union(*self.workspaces.values()) if self.workspaces else self.permissions


def workspaces_of(things: Iterable[object]) -> set[UUID]:
    """The workspaces that events, or states, are about."""
    return {workspace for thing in things if (workspace := getattr(thing, "workspace_id", None)) is not None}
