"""Platform commands that touch more than one stream: slugs, super admins, and suppressed addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.audience.email import match_form
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import is_hidden
from domain.platform.registration import RegisterTenant, SlugReserved, first_key, registered, slug_of
from domain.platform.staff import (
    AddStaff,
    ChangeStaffRole,
    CreateStaffKey,
    RemoveStaff,
    StaffRemoved,
    StaffRoleChanged,
    SuperAdmins,
    added,
    employed,
    ranked,
    staff_key,
)
from domain.platform.suppression import (
    AddressFreed,
    AddressReleased,
    AddressReserved,
    AddressSuppressed,
    ReleaseAtPlatform,
    SuppressAtPlatform,
    existing,
    suppressed,
)

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.kernel.ids import StaffId
    from domain.kernel.permissions import StaffRole


@handles(RegisterTenant)
async def register_tenant(command: RegisterTenant, unit: Unit) -> None:
    """Reserve the slug and register the tenant; an owner's key that was shown waits for the tenant's log."""
    slug = command.tenant_slug or slug_of(command.name)
    state = await unit.load("registration", command.stamp.target)
    key, holder = await unit.find("slug", slug)
    event = registered(command, state, slug, holder)
    unit.append("slug", key, SlugReserved(tenant_id=event.tenant_id))
    # The command line makes the key itself, once the log is there, and keeps it in a file until it was seen.
    made = (first_key(command, event.tenant_id),) if command.carries_secret else ()
    unit.append("registration", event.tenant_id, event, *made)


@handles(AddStaff)
async def add_staff(command: AddStaff, unit: Unit) -> None:
    """Add somebody, among the super admins if that is their role."""
    event = added(command, await unit.load("staff", command.stamp.target))
    unit.append("staff", event.staff_id, event)
    await _rank(unit, event.staff_id, command.role)


@handles(ChangeStaffRole)
async def change_staff_role(command: ChangeStaffRole, unit: Unit) -> None:
    """Change a role; a super admin stays."""
    staff = employed(await unit.load("staff", command.stamp.target))
    if staff.role is command.role:
        return
    await _rank(unit, staff.staff_id, command.role)
    change = StaffRoleChanged(staff_id=staff.staff_id, before=staff.role, after=command.role)
    unit.append("staff", staff.staff_id, change)


@handles(RemoveStaff)
async def remove_staff(command: RemoveStaff, unit: Unit) -> None:
    """Remove somebody; a super admin stays."""
    staff = employed(await unit.load("staff", command.stamp.target))
    await _rank(unit, staff.staff_id, None)
    unit.append("staff", staff.staff_id, StaffRemoved(staff_id=staff.staff_id))


@handles(CreateStaffKey)
async def create_staff_key(command: CreateStaffKey, unit: Unit) -> None:
    """Make a key for somebody who works here now."""
    holder = employed(await unit.load("staff", command.staff_id))
    event = staff_key(command, await unit.load("api_key", command.stamp.target), holder)
    unit.append("api_key", event.api_key_id, event)


@handles(SuppressAtPlatform)
async def suppress_at_platform(command: SuppressAtPlatform, unit: Unit) -> None:
    """Reserve the address and suppress it; a workflow carries it to the tenants."""
    state = await unit.load("platform_suppression", command.stamp.target)
    key, address = await unit.find("platform_address", match_form(command.email))
    event = suppressed(command, state, address)
    unit.append("platform_suppression", event.suppression_id, event)
    unit.append("platform_address", key, AddressReserved(suppression_id=event.suppression_id))


@handles(ReleaseAtPlatform)
async def release_at_platform(command: ReleaseAtPlatform, unit: Unit) -> None:
    """End a suppression and free its address; a workflow carries that to the tenants."""
    state = existing(await unit.load("platform_suppression", command.stamp.target))
    if state.released:
        return
    first = await unit.first_event("platform_suppression", command.stamp.target)
    ended = AddressReleased(suppression_id=state.suppression_id, reason=command.reason)
    unit.append("platform_suppression", state.suppression_id, ended)
    if isinstance(first, AddressSuppressed) and not is_hidden(first.email):
        key, address = await unit.find("platform_address", match_form(first.email))
        if address.suppression_id == state.suppression_id:
            unit.append("platform_address", key, AddressFreed(suppression_id=state.suppression_id))


async def _rank(unit: Unit, staff_id: StaffId, role: StaffRole | None) -> None:
    super_admins: SuperAdmins = await unit.load("super_admins", PLATFORM)
    unit.append("super_admins", PLATFORM, *ranked(super_admins, staff_id, role))
