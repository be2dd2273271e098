"""Tenancy commands that touch more than one stream: people, their addresses, who owns the tenant, API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.entitlements import release, take
from application.pseudonyms import SECRET, is_one_of
from application.unit import handles
from domain.audience.email import match_form
from domain.billing.catalogue import Meter
from domain.kernel.commands import ActorKind
from domain.kernel.ids import MemberId
from domain.kernel.permissions import OF_ONESELF, TENANT_ROLES, WORKSPACE_ROLES, TenantRole
from domain.kernel.personal import is_hidden
from domain.tenancy.api_key import CreateApiKey, created, let_in, within
from domain.tenancy.auditor import AdmitAuditor
from domain.tenancy.grant import RequestGrant, within_role
from domain.tenancy.member import (
    AcceptInvitation,
    ChangeMemberRole,
    InvitationRevoked,
    Invited,
    InviteMember,
    LeaveTenant,
    Member,
    MemberIdTaken,
    MemberJoined,
    MemberRemoved,
    NoMember,
    OnlyOneselfLeaves,
    RemoveMember,
    ResendInvitation,
    RevokeInvitation,
    SetWorkspaceRole,
    accepted,
    invited,
    joined,
    open_invitation,
    role_changed,
)
from domain.tenancy.ownership import (
    AlreadyInvited,
    MemberEmail,
    MemberEmailClaimed,
    MemberEmailReleased,
    NotAboveOneself,
    NotAnOwner,
    Ownership,
    OwnershipGranted,
    TransferOwnership,
    granted,
    heir,
    relinquished,
)
from domain.tenancy.tenant import OpenTenant, SendsFor, Tenant, opened
from domain.tenancy.workspace import (
    ArchiveWorkspace,
    CreateWorkspace,
    WorkspaceCreated,
    known,
    placed,
    usable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from application.unit import Unit
    from domain.kernel.commands import Stamp
    from domain.kernel.ids import WorkspaceId


@handles(OpenTenant)
async def open_tenant(command: OpenTenant, unit: Unit) -> None:
    """Begin the log: the tenant, its first workspace, its first owner. Never one of them alone."""
    tenant_id, owner_id = command.stamp.target, command.owner_id
    event = opened(command, await unit.load("tenant", tenant_id))
    if not isinstance(await unit.load("member", owner_id), NoMember):
        raise MemberIdTaken
    await unit.load("workspace", command.workspace_id)
    await unit.load("ownership", tenant_id)
    unit.append("tenant", tenant_id, event)
    first = WorkspaceCreated(
        workspace_id=command.workspace_id, workspace_name=command.name, country=command.country
    )
    unit.append("workspace", command.workspace_id, first)
    await _claim(unit, command.owner_email, owner_id)
    owner = MemberJoined(
        member_id=owner_id,
        email=command.owner_email,
        full_name=command.owner_name,
        role=TenantRole.OWNER,
    )
    unit.append("member", owner_id, owner)
    unit.append("ownership", tenant_id, OwnershipGranted(member_id=owner_id))


@handles(CreateWorkspace)
async def create_workspace(command: CreateWorkspace, unit: Unit) -> None:
    """Make a workspace; of a client that is where the tenant is, since one country's law is looked at for all."""
    await unit.load("workspace", command.stamp.target)
    tenant = await unit.load("tenant", unit.tenant_id)
    if isinstance(tenant, Tenant):
        placed(command, tenant.country, of_clients=tenant.sends_for is SendsFor.CLIENTS)
    unit.decide(command)
    await take(unit, Meter.WORKSPACES, command.stamp.target)


@handles(ArchiveWorkspace)
async def archive_workspace(command: ArchiveWorkspace, unit: Unit) -> None:
    """Archive a workspace, which makes room for another."""
    await unit.load("workspace", command.stamp.target)
    if unit.decide(command):
        await release(unit, Meter.WORKSPACES, command.stamp.target)


@handles(InviteMember)
async def invite_member(command: InviteMember, unit: Unit) -> None:
    """Reserve the address and a seat, and invite; nobody gives a role that holds more than they do."""
    member_id = MemberId(command.stamp.target)
    event = invited(command, await unit.load("member", member_id))
    within(TENANT_ROLES[command.role] - OF_ONESELF, unit.principal_permissions)
    for role in command.workspaces.values():
        within(WORKSPACE_ROLES[role], unit.principal_permissions)
    await _workspaces(unit, command.workspaces)
    await _claim(unit, command.email, member_id)
    unit.append("member", member_id, event)
    await take(unit, Meter.USERS, member_id)


@handles(AcceptInvitation)
async def accept_invitation(command: AcceptInvitation, unit: Unit) -> None:
    """Join with the token; an invited owner becomes one now."""
    member_id, ownership_id = MemberId(command.stamp.target), unit.tenant_id
    state = await unit.load("member", member_id)
    shown = unit.pseudonyms(SECRET, command.token.get_secret_value())
    fits = isinstance(state, Invited) and is_one_of(shown, state.token_hmac)
    event = accepted(state, command.stamp.at, token_fits=fits)
    unit.append("member", member_id, event)
    if event.role == TenantRole.OWNER:
        owners: Ownership = await unit.load("ownership", ownership_id)
        unit.append("ownership", ownership_id, *granted(owners, member_id))


@handles(ResendInvitation)
async def resend_invitation(command: ResendInvitation, unit: Unit) -> None:
    """Make a new token; whoever sees it could join in the invited person's place."""
    _not_above(unit, open_invitation(await unit.load("member", command.stamp.target)))
    unit.decide(command)


@handles(RevokeInvitation)
async def revoke_invitation(command: RevokeInvitation, unit: Unit) -> None:
    """Take the invitation back and free the address."""
    invitation = open_invitation(await unit.load("member", command.stamp.target))
    _not_above(unit, invitation)
    await _release(unit, invitation)
    unit.append("member", invitation.member_id, InvitationRevoked(member_id=invitation.member_id))
    await release(unit, Meter.USERS, invitation.member_id)


@handles(ChangeMemberRole)
async def change_member_role(command: ChangeMemberRole, unit: Unit) -> None:
    """Change a role; ownership comes and goes with the role of owner."""
    member = joined(await unit.load("member", command.stamp.target))
    _not_above(unit, member)
    within(TENANT_ROLES[command.role] - OF_ONESELF, unit.principal_permissions)
    await _give_role(unit, member, command.role)


@handles(SetWorkspaceRole)
async def set_workspace_role(command: SetWorkspaceRole, unit: Unit) -> None:
    """Set a role in a workspace that is there, or end it, in an archived one too."""
    workspace = known(await unit.load("workspace", command.workspace_id))
    if command.role is not None:
        within(WORKSPACE_ROLES[command.role], unit.principal_permissions)
        usable(workspace)
    await unit.load("member", command.stamp.target)
    unit.decide(command)


@handles(TransferOwnership)
async def transfer_ownership(command: TransferOwnership, unit: Unit) -> None:
    """One owner for another, in one step."""
    giver_id = command.from_member_id or _asking(command.stamp)
    owners: Ownership = await unit.load("ownership", unit.tenant_id)
    if giver_id not in owners.owners:
        raise NotAnOwner
    taker = joined(await unit.load("member", command.member_id))
    if taker.member_id == giver_id:
        return
    await _give_role(unit, taker, TenantRole.OWNER)
    await _give_role(unit, joined(await unit.load("member", giver_id)), TenantRole.ADMIN)


@handles(RemoveMember)
async def remove_member(command: RemoveMember, unit: Unit) -> None:
    """Remove a person; an owner takes over what they own, their address is free, their API keys are dead."""
    member = joined(await unit.load("member", command.stamp.target))
    _not_above(unit, member)
    await _depart(unit, member, command.moved_to, left=False)


@handles(LeaveTenant)
async def leave_tenant(command: LeaveTenant, unit: Unit) -> None:
    """Leave, on one's own behalf alone."""
    member = joined(await unit.load("member", command.stamp.target))
    if _asking(command.stamp) != member.member_id:
        raise OnlyOneselfLeaves
    await _depart(unit, member, None, left=True)


@handles(CreateApiKey)
async def create_api_key(command: CreateApiKey, unit: Unit) -> None:
    """Make a key that holds no more than its maker, for a member and workspaces that are there."""
    event = created(command, await unit.load("api_key", command.stamp.target), unit.principal_permissions)
    if command.member_id is not None:
        joined(await unit.load("member", command.member_id))
    await _workspaces(unit, command.workspaces or ())
    unit.append("api_key", command.stamp.target, event)


@handles(AdmitAuditor)
async def admit_auditor(command: AdmitAuditor, unit: Unit) -> None:
    """Let somebody read no more than one reads oneself."""
    event = let_in(command, await unit.load("api_key", command.stamp.target), unit.principal_permissions)
    unit.append("api_key", command.stamp.target, event)


@handles(RequestGrant)
async def request_grant(command: RequestGrant, unit: Unit) -> None:
    """Ask for no more than one's role at the platform may ever see."""
    within_role(command, unit.principal_permissions)
    await unit.load("grant", command.stamp.target)
    unit.decide(command)


def _asking(stamp: Stamp) -> MemberId | None:
    """The member who asks, themselves or through a key that speaks for them."""
    asking = stamp.actor.id if stamp.actor.kind is ActorKind.MEMBER else stamp.actor.member
    return None if asking is None else MemberId(asking)


def _not_above(unit: Unit, person: Member | Invited) -> None:
    if not TENANT_ROLES[person.role] - OF_ONESELF <= unit.principal_permissions:
        raise NotAboveOneself


async def _workspaces(unit: Unit, ids: Iterable[WorkspaceId]) -> None:
    for state in await unit.load_many("workspace", list(ids)):
        usable(state)


async def _give_role(unit: Unit, member: Member, role: TenantRole) -> None:
    member_id, was_owner = member.member_id, member.role is TenantRole.OWNER
    if was_owner is not (role is TenantRole.OWNER):
        owners: Ownership = await unit.load("ownership", unit.tenant_id)
        change = relinquished(owners, member_id) if was_owner else granted(owners, member_id)
        unit.append("ownership", unit.tenant_id, *change)
    unit.append("member", member_id, *role_changed(member, role))


async def _depart(unit: Unit, member: Member, wish: MemberId | None, *, left: bool) -> None:
    owners: Ownership = await unit.load("ownership", unit.tenant_id)
    member_id = member.member_id
    gone = relinquished(owners, member_id)
    moved_to = heir(owners, member_id, wish, _asking(unit.stamp))
    await _release(unit, member)
    unit.append("ownership", unit.tenant_id, *gone)
    unit.append("member", member_id, MemberRemoved(member_id=member_id, moved_to=moved_to, left=left))
    await release(unit, Meter.USERS, member_id)


async def _claim(unit: Unit, email: str, member_id: MemberId) -> None:
    claim: MemberEmail
    key, claim = await unit.find("member_email", match_form(email))
    if claim.member_id is not None:
        raise AlreadyInvited(member_id=claim.member_id)
    unit.append("member_email", key, MemberEmailClaimed(member_id=member_id))


async def _release(unit: Unit, person: Member | Invited) -> None:
    if is_hidden(person.email):
        return  # an erased address cannot be found again, and was released when it was erased
    claim: MemberEmail
    key, claim = await unit.find("member_email", match_form(person.email))
    if claim.member_id == person.member_id:
        unit.append("member_email", key, MemberEmailReleased(member_id=person.member_id))
