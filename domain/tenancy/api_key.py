"""An API key: what a service, or a person through a service, acts with.

Its secret is shown once and never stored: the log holds its HMAC. A key has a role, may be narrowed to
some of the role's permissions and to some workspaces, may speak for one member, may expire, and is revoked at once.
In the platform's log the same stream holds the keys of staff.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import ApiKeyId, MemberId, StaffId, WorkspaceId
from domain.kernel.moments import Moment
from domain.kernel.permissions import OF_ONESELF, TENANT_ROLES, Permission, TenantRole
from domain.kernel.text import ShortText
from domain.tenancy.auditor import (
    ROLE,
    AdmitAuditor,
    AuditorAdmitted,
    AuditScope,
    NotAnAuditor,
    admitted,
    gives,
)
from domain.tenancy.secret import SecretCommand

_ROLES: Final = frozenset(role.value for role in TenantRole)


class ApiKeyCreated(Event, name="tenancy.api_key_created", version=1, changes_access=True):
    """A key came to be. `permissions` and `workspaces` narrow the role; None: all that the role has."""

    api_key_id: ApiKeyId
    label: str
    role: str
    permissions: list[str] | None = None
    workspaces: list[WorkspaceId] | None = None
    member_id: MemberId | None = None
    staff_id: StaffId | None = None
    expires_at: datetime | None = None
    secret_hmac: str


class ApiKeyRenamed(Event, name="tenancy.api_key_renamed", version=1):
    """A key got another label."""

    api_key_id: ApiKeyId
    before: str
    after: str


class ApiKeyRevoked(Event, name="tenancy.api_key_revoked", version=1, changes_access=True):
    """A key stopped working, for good."""

    api_key_id: ApiKeyId


ApiKeyEvent: TypeAlias = ApiKeyCreated | AuditorAdmitted | ApiKeyRenamed | ApiKeyRevoked


@dataclass(frozen=True, slots=True)
class NoApiKey:
    """No key has this id."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it stands. `role` is a tenant role, or a staff role where `staff_id` is set, or that of an auditor.

    `audit`: what an outside auditor reads, and nothing else.
    """

    api_key_id: ApiKeyId
    label: str
    role: str
    permissions: frozenset[Permission] | None
    workspaces: frozenset[WorkspaceId] | None
    member_id: MemberId | None
    staff_id: StaffId | None
    expires_at: datetime | None
    secret_hmac: str
    revoked: bool = False
    audit: AuditScope | None = None

    def works_at(self, moment: datetime) -> bool:
        """Whether the key itself opens anything; whoever it speaks for must be there too (see `held_by`)."""
        return not self.revoked and (self.expires_at is None or moment < self.expires_at)

    def held_by(self, holder: frozenset[Permission] | None) -> frozenset[Permission]:
        """What the key may do. `holder`: what the person it speaks for may do now; None: it is nobody's.

        A person who was removed holds nothing, and so does their key.
        """
        if self.audit is not None:
            return self.audit.permissions
        if self.staff_id is not None:
            held = holder or frozenset[Permission]()
            return held if self.permissions is None else held & self.permissions
        if self.role not in _ROLES or (holder is None and self.member_id is not None):
            # Of no known role, or bound to a person who was not handed in: nothing, rather than too much.
            return frozenset()
        own = holds(TenantRole(self.role), self.permissions)
        return own if holder is None else own & holder


ApiKeyState: TypeAlias = NoApiKey | ApiKey


def evolve(state: ApiKeyState, event: ApiKeyEvent) -> ApiKeyState:
    """The key after `event`."""
    if isinstance(event, ApiKeyCreated):
        known = frozenset(p.value for p in Permission)
        return ApiKey(
            api_key_id=event.api_key_id,
            label=event.label,
            role=event.role,
            # A permission that this version does not know opens nothing here.
            permissions=None
            if event.permissions is None
            else frozenset(Permission(p) for p in event.permissions if p in known),
            workspaces=None if event.workspaces is None else frozenset(event.workspaces),
            member_id=event.member_id,
            staff_id=event.staff_id,
            expires_at=event.expires_at,
            secret_hmac=event.secret_hmac,
        )
    if isinstance(event, AuditorAdmitted):
        return ApiKey(
            api_key_id=event.api_key_id,
            label=event.label,
            role=ROLE,
            permissions=None,
            workspaces=None,
            member_id=None,
            staff_id=None,
            expires_at=event.expires_at,
            secret_hmac=event.secret_hmac,
            audit=event.scope(),
        )
    if isinstance(state, NoApiKey):
        return state
    match event:
        case ApiKeyRenamed():
            return replace(state, label=event.after)
        case ApiKeyRevoked():
            return replace(state, revoked=True)
        case _:
            assert_never(event)


class ApiKeyIdTaken(Refusal):
    """A key's id is used once. Take a new id."""

    code = "api-key-id-taken"


class NotMoreThanOneHas(Refusal):
    """Nobody gives away more than they hold themselves. Choose a lesser role or fewer permissions."""

    code = "not-more-than-one-has"
    kind = RefusalKind.FORBIDDEN


class NotInRole(Refusal):
    """A key's permissions are a part of its role's. Leave out the others, or choose another role."""

    code = "permission-not-in-role"
    kind = RefusalKind.INVALID
    field = "/permissions"


class ExpiryInThePast(Refusal):
    """A key expires in the future or not at all. Give a later moment."""

    code = "expiry-in-the-past"
    kind = RefusalKind.INVALID
    field = "/expires_at"


class ApiKeyIsRevoked(Refusal):
    """A revoked key never changes again. Create a new one."""

    code = "api-key-revoked"


Permissions = Annotated[frozenset[Permission], Field(min_length=1)]
Workspaces = Annotated[frozenset[WorkspaceId], Field(min_length=1, max_length=1000)]


class CreateApiKey(SecretCommand, context="tenancy", stream="api_key", permission=Permission.API_KEYS_MANAGE):
    """Make a key; the answer shows its secret, once."""

    label: ShortText
    role: TenantRole
    permissions: Permissions | None = None
    workspaces: Workspaces | None = None
    member_id: MemberId | None = None
    expires_at: Moment | None = None


class RenameApiKey(Command, context="tenancy", stream="api_key", permission=Permission.API_KEYS_MANAGE):
    """Give a key another label."""

    label: ShortText


class RevokeApiKey(Command, context="tenancy", stream="api_key", permission=Permission.API_KEYS_MANAGE):
    """Stop a key at once, for good."""


class DismissAuditor(Command, context="tenancy", stream="api_key", permission=Permission.AUDITORS_ADMIT):
    """Let an outside auditor read no more, from now on."""


ApiKeyCommand: TypeAlias = RenameApiKey | RevokeApiKey | DismissAuditor


def holds(role: TenantRole, permissions: frozenset[Permission] | None) -> frozenset[Permission]:
    """What a key of a role holds. A viewer's reads alone; to take its person away, it must name that permission."""
    if permissions is not None:
        return TENANT_ROLES[role] & permissions
    return TENANT_ROLES[role] - OF_ONESELF if role is TenantRole.VIEWER else TENANT_ROLES[role]


def within(given: frozenset[Permission], held: frozenset[Permission]) -> None:
    """What is given away is held by who gives it."""
    missing = sorted(given - held)
    if missing:
        detail = f"{NotMoreThanOneHas.rule()} Not held: {', '.join(missing)}."
        raise NotMoreThanOneHas(detail, missing=missing)


def unexpired(expires_at: datetime | None, at: datetime) -> None:
    """An expiry, where there is one, lies ahead."""
    if expires_at is not None and expires_at <= at:
        raise ExpiryInThePast


def created(command: CreateApiKey, state: ApiKeyState, held: frozenset[Permission]) -> ApiKeyCreated:
    """The event that makes a tenant's key; `held` is what its maker may do."""
    if not isinstance(state, NoApiKey):
        raise ApiKeyIdTaken
    if command.permissions is not None and not command.permissions <= TENANT_ROLES[command.role]:
        raise NotInRole
    within(holds(command.role, command.permissions), held)
    unexpired(command.expires_at, command.stamp.at)
    return ApiKeyCreated(
        api_key_id=ApiKeyId(command.stamp.target),
        label=command.label,
        role=command.role,
        permissions=None if command.permissions is None else sorted(command.permissions),
        workspaces=None if command.workspaces is None else sorted(command.workspaces),
        member_id=command.member_id,
        expires_at=command.expires_at,
        secret_hmac=command.secret_hmac,
    )


def let_in(command: AdmitAuditor, state: ApiKeyState, held: frozenset[Permission]) -> AuditorAdmitted:
    """The event that makes an auditor's key; `held` is what who lets them in may do."""
    if not isinstance(state, NoApiKey):
        raise ApiKeyIdTaken
    within(gives(command), held)
    unexpired(command.expires_at, command.stamp.at)
    return admitted(command)


def decide(command: ApiKeyCommand, state: ApiKeyState) -> tuple[Event, ...]:
    """What a command does to a key that is there."""
    if isinstance(state, NoApiKey):
        raise NotFound
    match command:
        case RenameApiKey():
            if state.revoked:
                raise ApiKeyIsRevoked
            if command.label == state.label:
                return ()
            return (ApiKeyRenamed(api_key_id=state.api_key_id, before=state.label, after=command.label),)
        case DismissAuditor() if state.audit is None:
            raise NotAnAuditor
        case RevokeApiKey() | DismissAuditor():
            return () if state.revoked else (ApiKeyRevoked(api_key_id=state.api_key_id),)
        case _:
            assert_never(command)


API_KEY: Final[Decider[ApiKeyState]] = Decider(
    category="api_key", initial=NoApiKey(), evolve=evolve, decide=decide
)
