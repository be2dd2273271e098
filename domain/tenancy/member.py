"""A member: a person of a tenant, invited by e-mail, with a role in the tenant and maybe others in workspaces.

An invitation is accepted with the token that was sent, within 7 days. Members hold nothing: what a removed person
owned belongs to an owner from then on, and API keys that spoke for them are dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field, SecretStr

from domain.audience.email import EmailText
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import Permission, TenantRole, WorkspaceRole
from domain.kernel.personal import Profile
from domain.kernel.text import ShortText
from domain.tenancy.secret import SecretCommand

INVITATION_LASTS: Final = timedelta(days=7)


class MemberInvited(Event, name="tenancy.member_invited", version=1, subject="member_id"):
    """Somebody was asked to join. `workspaces`: role by workspace id."""

    member_id: MemberId
    email: Profile[str]
    full_name: Profile[str]
    role: str
    workspaces: dict[WorkspaceId, str] = Field(default_factory=dict)
    token_hmac: str
    expires_at: datetime


class InvitationResent(Event, name="tenancy.invitation_resent", version=1, subject="member_id"):
    """The invitation was sent again; the earlier token is void."""

    member_id: MemberId
    token_hmac: str
    expires_at: datetime


class InvitationRevoked(Event, name="tenancy.invitation_revoked", version=1, subject="member_id"):
    """The invitation does not hold any more."""

    member_id: MemberId


class MemberJoined(Event, name="tenancy.member_joined", version=1, subject="member_id", changes_access=True):
    """An invited person joined, or the first owner came with the tenant."""

    member_id: MemberId
    email: Profile[str]
    full_name: Profile[str]
    role: str
    workspaces: dict[WorkspaceId, str] = Field(default_factory=dict)


class MemberRoleChanged(
    Event, name="tenancy.member_role_changed", version=1, subject="member_id", changes_access=True
):
    """A person's role in the tenant changed."""

    member_id: MemberId
    before: str
    after: str


class WorkspaceRoleSet(
    Event, name="tenancy.workspace_role_set", version=1, subject="member_id", changes_access=True
):
    """A person's role in a workspace changed; None: the tenant role alone counts there."""

    member_id: MemberId
    workspace_id: WorkspaceId
    before: str | None
    after: str | None


class MemberRemoved(
    Event, name="tenancy.member_removed", version=1, subject="member_id", changes_access=True
):
    """A person is gone. What they owned is `moved_to`'s; their API keys are dead. `left`: of their own accord."""

    member_id: MemberId
    moved_to: MemberId
    left: bool


MemberEvent: TypeAlias = (
    MemberInvited
    | InvitationResent
    | InvitationRevoked
    | MemberJoined
    | MemberRoleChanged
    | WorkspaceRoleSet
    | MemberRemoved
)


@dataclass(frozen=True, slots=True)
class NoMember:
    """Nobody has this id."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was asked and has not joined. The token's HMAC is all that is known of the token."""

    member_id: MemberId
    email: str
    full_name: str
    role: TenantRole
    workspaces: Mapping[WorkspaceId, WorkspaceRole]
    token_hmac: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the tenant as they stand."""

    member_id: MemberId
    email: str
    full_name: str
    role: TenantRole
    workspaces: Mapping[WorkspaceId, WorkspaceRole]


@dataclass(frozen=True, slots=True)
class FormerMember:
    """Somebody whose invitation was revoked, or who was a member once."""

    member_id: MemberId


MemberState: TypeAlias = NoMember | Invited | Member | FormerMember


def evolve(state: MemberState, event: MemberEvent) -> MemberState:
    """The member after `event`."""
    match event:
        case MemberInvited():
            return Invited(
                event.member_id,
                event.email,
                event.full_name,
                TenantRole(event.role),
                _roles(event.workspaces),
                event.token_hmac,
                event.expires_at,
            )
        case MemberJoined():
            role = TenantRole(event.role)
            return Member(event.member_id, event.email, event.full_name, role, _roles(event.workspaces))
        case InvitationRevoked() | MemberRemoved():
            return FormerMember(event.member_id)
        case InvitationResent():
            if not isinstance(state, Invited):
                return state
            return replace(state, token_hmac=event.token_hmac, expires_at=event.expires_at)
        case MemberRoleChanged():
            return replace(state, role=TenantRole(event.after)) if isinstance(state, Member) else state
        case WorkspaceRoleSet():
            if not isinstance(state, Member):
                return state
            roles = {key: role for key, role in state.workspaces.items() if key != event.workspace_id}
            if event.after is not None:
                roles[event.workspace_id] = WorkspaceRole(event.after)
            return replace(state, workspaces=roles)
        case _:
            assert_never(event)


def _roles(stored: Mapping[WorkspaceId, str]) -> Mapping[WorkspaceId, WorkspaceRole]:
    return {workspace: WorkspaceRole(role) for workspace, role in stored.items()}


class MemberIdTaken(Refusal):
    """A member's id is used once. Take a new id."""

    code = "member-id-taken"


class NotInvited(Refusal):
    """Only an open invitation can be accepted, sent again or revoked. Invite the person first."""

    code = "not-invited"


class InvitationNotYours(Refusal):
    """The token is not that of this invitation. Use the latest message; ask for a new one if need be."""

    code = "invitation-token-wrong"
    kind = RefusalKind.FORBIDDEN


class InvitationExpired(Refusal):
    """An invitation holds for 7 days. Ask for a new one."""

    code = "invitation-expired"


class NotAMember(Refusal):
    """Only a person who has joined has roles. Wait until the invitation is accepted."""

    code = "not-a-member"


class OnlyOneselfLeaves(Refusal):
    """A person leaves on their own behalf. To remove somebody else, remove the member."""

    code = "only-oneself-leaves"
    kind = RefusalKind.FORBIDDEN


WorkspaceRoles = Annotated[dict[WorkspaceId, WorkspaceRole], Field(max_length=1000)]


class InviteMember(SecretCommand, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE):
    """Ask somebody to join; the answer shows the invitation's token, once."""

    email: Profile[EmailText]
    full_name: Profile[ShortText]
    role: TenantRole
    workspaces: WorkspaceRoles = Field(default_factory=dict)


class ResendInvitation(
    SecretCommand, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE
):
    """Make a new token for an open invitation, for 7 days from now; the earlier token is void."""


class RevokeInvitation(Command, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE):
    """Take an invitation back."""


class AcceptInvitation(
    Command, context="tenancy", stream="member", permission=Permission.INTERNAL, internal=True
):
    """Join, with the token of the invitation; its holder needs no other credential."""

    token: SecretStr = Field(max_length=200)


class ChangeMemberRole(Command, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE):
    """Change what a person is in the tenant."""

    role: TenantRole


class SetWorkspaceRole(Command, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE):
    """Change what a person is in one workspace; null takes the role there away."""

    workspace_id: WorkspaceId
    role: WorkspaceRole | None


class RemoveMember(Command, context="tenancy", stream="member", permission=Permission.MEMBERS_MANAGE):
    """Remove a person; what they own goes to `moved_to`, an owner (who removes, or the longest-standing one)."""

    moved_to: MemberId | None = None


class LeaveTenant(Command, context="tenancy", stream="member", permission=Permission.MEMBERS_LEAVE):
    """Leave the tenant oneself."""


def open_invitation(state: MemberState) -> Invited:
    """An invitation that was not answered yet."""
    if isinstance(state, NoMember):
        raise NotFound
    if not isinstance(state, Invited):
        raise NotInvited
    return state


def joined(state: MemberState) -> Member:
    """A person who is a member now."""
    if isinstance(state, NoMember | FormerMember):
        raise NotFound
    if isinstance(state, Invited):
        raise NotAMember
    return state


def invited(command: InviteMember, state: MemberState) -> MemberInvited:
    """The event that asks somebody to join."""
    if not isinstance(state, NoMember):
        raise MemberIdTaken
    return MemberInvited(
        member_id=MemberId(command.stamp.target),
        email=command.email,
        full_name=command.full_name,
        role=command.role,
        workspaces={workspace: role.value for workspace, role in command.workspaces.items()},
        token_hmac=command.secret_hmac,
        expires_at=command.stamp.at + INVITATION_LASTS,
    )


def accepted(state: MemberState, at: datetime, *, token_fits: bool) -> MemberJoined:
    """The event by which an invited person joins."""
    invitation = open_invitation(state)
    if not token_fits:
        raise InvitationNotYours
    if at >= invitation.expires_at:
        raise InvitationExpired
    return MemberJoined(
        member_id=invitation.member_id,
        email=invitation.email,
        full_name=invitation.full_name,
        role=invitation.role,
        workspaces={workspace: role.value for workspace, role in invitation.workspaces.items()},
    )


def role_changed(state: Member, role: TenantRole) -> tuple[MemberRoleChanged, ...]:
    """The event that gives a member a role, or none if they have it."""
    if state.role is role:
        return ()
    return (MemberRoleChanged(member_id=state.member_id, before=state.role, after=role),)


def decide(command: ResendInvitation | SetWorkspaceRole, state: MemberState) -> tuple[Event, ...]:
    """What a command on the member alone does; the others touch the address or the owners too (see the handlers)."""
    match command:
        case ResendInvitation():
            return (
                InvitationResent(
                    member_id=open_invitation(state).member_id,
                    token_hmac=command.secret_hmac,
                    expires_at=command.stamp.at + INVITATION_LASTS,
                ),
            )
        case SetWorkspaceRole():
            member = joined(state)
            before = member.workspaces.get(command.workspace_id)
            if before is command.role:
                return ()
            return (
                WorkspaceRoleSet(
                    member_id=member.member_id,
                    workspace_id=command.workspace_id,
                    before=before,
                    after=command.role,
                ),
            )
        case _:
            assert_never(command)


MEMBER: Final[Decider[MemberState]] = Decider(
    category="member", initial=NoMember(), evolve=evolve, decide=decide, reveals=True
)
