"""Staff: the platform's own people. They reach a tenant's data only under a grant; their keys are `api_key` streams."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from domain.audience.email import EmailText
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.ids import ApiKeyId, StaffId
from domain.kernel.moments import Moment
from domain.kernel.permissions import STAFF_ROLES, Permission, StaffRole
from domain.kernel.personal import Profile
from domain.kernel.text import ShortText
from domain.tenancy.api_key import (
    ApiKeyCreated,
    ApiKeyIdTaken,
    ApiKeyState,
    NoApiKey,
    NotInRole,
    Permissions,
    unexpired,
)
from domain.tenancy.secret import SecretCommand


class StaffAdded(Event, name="platform.staff_added", version=1, subject="staff_id", changes_access=True):
    """Somebody works for the platform."""

    staff_id: StaffId
    role: str
    email: Profile[str]
    full_name: Profile[str]


class StaffRoleChanged(
    Event, name="platform.staff_role_changed", version=1, subject="staff_id", changes_access=True
):
    """Somebody's role at the platform changed."""

    staff_id: StaffId
    before: str
    after: str


class StaffRemoved(Event, name="platform.staff_removed", version=1, subject="staff_id", changes_access=True):
    """Somebody works for the platform no more; their keys are dead."""

    staff_id: StaffId


class SuperAdminAdded(
    Event, name="platform.super_admin_added", version=1, subject="staff_id", changes_access=True
):
    """Somebody became a super admin."""

    staff_id: StaffId


class SuperAdminDropped(
    Event, name="platform.super_admin_dropped", version=1, subject="staff_id", changes_access=True
):
    """Somebody is a super admin no more."""

    staff_id: StaffId


StaffEvent: TypeAlias = StaffAdded | StaffRoleChanged | StaffRemoved
SuperAdminEvent: TypeAlias = SuperAdminAdded | SuperAdminDropped


@dataclass(frozen=True, slots=True)
class NoStaff:
    """Nobody has this id."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who works for the platform."""

    staff_id: StaffId
    role: StaffRole


@dataclass(frozen=True, slots=True)
class FormerStaff:
    """Somebody who worked for the platform once."""

    staff_id: StaffId


@dataclass(frozen=True, slots=True)
class SuperAdmins:
    """The super admins, the longest-standing first."""

    ids: tuple[StaffId, ...] = ()


StaffState: TypeAlias = NoStaff | Staff | FormerStaff


def evolve(state: StaffState, event: StaffEvent) -> StaffState:
    """The person after `event`."""
    match event:
        case StaffAdded():
            return Staff(event.staff_id, StaffRole(event.role))
        case StaffRoleChanged():
            return replace(state, role=StaffRole(event.after)) if isinstance(state, Staff) else state
        case StaffRemoved():
            return FormerStaff(event.staff_id)
        case _:
            assert_never(event)


def evolve_super_admins(state: SuperAdmins, event: SuperAdminEvent) -> SuperAdmins:
    """The super admins after `event`."""
    others = tuple(admin for admin in state.ids if admin != event.staff_id)
    match event:
        case SuperAdminAdded():
            return SuperAdmins((*others, event.staff_id))
        case SuperAdminDropped():
            return SuperAdmins(others)
        case _:
            assert_never(event)


class StaffIdTaken(Refusal):
    """An id of staff is used once. Take a new id."""

    code = "staff-id-taken"


class LastSuperAdminStays(Refusal):
    """The platform always has a super admin. Make somebody else one first."""

    code = "last-super-admin-stays"


class AddStaff(Command, context="platform", stream="staff", permission=Permission.PLATFORM_STAFF_MANAGE):
    """Add somebody to the platform's people."""

    role: StaffRole
    email: Profile[EmailText]
    full_name: Profile[ShortText]


class ChangeStaffRole(
    Command, context="platform", stream="staff", permission=Permission.PLATFORM_STAFF_MANAGE
):
    """Change what somebody is at the platform."""

    role: StaffRole


class RemoveStaff(Command, context="platform", stream="staff", permission=Permission.PLATFORM_STAFF_MANAGE):
    """Remove somebody from the platform's people; their keys are dead."""


class CreateStaffKey(
    SecretCommand, context="platform", stream="api_key", permission=Permission.PLATFORM_STAFF_MANAGE
):
    """Make a key that speaks for somebody of staff; the answer shows its secret, once."""

    staff_id: StaffId
    label: ShortText
    permissions: Permissions | None = None
    expires_at: Moment | None = None


def employed(state: StaffState) -> Staff:
    """Somebody who works for the platform now."""
    if not isinstance(state, Staff):
        raise NotFound
    return state


def added(command: AddStaff, state: StaffState) -> StaffAdded:
    """The event that adds somebody."""
    if not isinstance(state, NoStaff):
        raise StaffIdTaken
    staff_id = StaffId(command.stamp.target)
    return StaffAdded(staff_id=staff_id, role=command.role, email=command.email, full_name=command.full_name)


def ranked(state: SuperAdmins, staff_id: StaffId, role: StaffRole | None) -> tuple[SuperAdminEvent, ...]:
    """What a role (None: no role any more) means for the super admins. Refused where none would be left."""
    is_one, becomes_one = staff_id in state.ids, role is StaffRole.SUPER_ADMIN
    if is_one is becomes_one:
        return ()
    if becomes_one:
        return (SuperAdminAdded(staff_id=staff_id),)
    if len(state.ids) == 1:
        raise LastSuperAdminStays
    return (SuperAdminDropped(staff_id=staff_id),)


def staff_key(command: CreateStaffKey, state: ApiKeyState, holder: Staff) -> ApiKeyCreated:
    """The event that makes a key for somebody of staff; it follows their role, whatever that becomes."""
    if not isinstance(state, NoApiKey):
        raise ApiKeyIdTaken
    if command.permissions is not None and not command.permissions <= STAFF_ROLES[holder.role]:
        raise NotInRole
    unexpired(command.expires_at, command.stamp.at)
    return ApiKeyCreated(
        api_key_id=ApiKeyId(command.stamp.target),
        label=command.label,
        role=holder.role,
        permissions=None if command.permissions is None else sorted(command.permissions),
        staff_id=holder.staff_id,
        expires_at=command.expires_at,
        secret_hmac=command.secret_hmac,
    )


STAFF: Final[Decider[StaffState]] = Decider(category="staff", initial=NoStaff(), evolve=evolve)
SUPER_ADMINS: Final[Decider[SuperAdmins]] = Decider(
    category="super_admins", initial=SuperAdmins(), evolve=evolve_super_admins
)
