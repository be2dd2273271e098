"""People of a tenant: invited once, joined with the token, owned by somebody, always."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.kernel.commands import Actor
from domain.kernel.errors import NotFound
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import TENANT_ROLES, Permission, TenantRole, WorkspaceRole
from domain.tenancy.api_key import CreateApiKey, NotMoreThanOneHas
from domain.tenancy.member import (
    AcceptInvitation,
    ChangeMemberRole,
    FormerMember,
    InvitationExpired,
    InvitationNotYours,
    Invited,
    InviteMember,
    LeaveTenant,
    Member,
    MemberIdTaken,
    MemberRemoved,
    NotAMember,
    NotInvited,
    OnlyOneselfLeaves,
    RemoveMember,
    ResendInvitation,
    RevokeInvitation,
    SetWorkspaceRole,
)
from domain.tenancy.ownership import (
    AlreadyInvited,
    LastOwnerStays,
    NotAboveOneself,
    NotAnOwner,
    TransferOwnership,
)
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant, TenantAlreadyOpen
from domain.tenancy.workspace import NoSuchWorkspace
from tests.support.given import TENANT, member, uid
from tests.support.unit import World

ANN, BEN, CAT = (MemberId(uid(n)) for n in (11, 12, 13))
W = WorkspaceId(uid(10))
OPEN = OpenTenant(
    name="Acme",
    tenant_slug="acme",
    plan=Plan.BUSINESS,
    workspace_id=W,
    owner_id=ANN,
    owner_email="ann@acme.example",
    owner_name="Ann",
)
ADMIN = TENANT_ROLES[TenantRole.ADMIN]


@pytest.fixture
def world() -> World:
    world = World()
    world.run(OPEN, TENANT)
    return world


def invite(
    world: World, who: UUID = BEN, role: str = "member", email: str = "ben@acme.example", **fields: object
) -> None:
    body = {"email": email, "full_name": "Ben", "role": role, **fields}
    token = world.pseudonyms(TENANT, "secret", f"token of {who}")[0]
    world.run(InviteMember.model_validate(body).carrying(token), who)


def accept(world: World, who: UUID = BEN, token: str | None = None) -> None:
    world.run(AcceptInvitation.model_validate({"token": token or f"token of {who}"}), who)


def join(world: World, who: UUID = BEN, role: str = "member", email: str = "ben@acme.example") -> Actor:
    invite(world, who, role, email)
    accept(world, who)
    return Actor(member(2).kind, uid(2), member=who)


def owners(world: World) -> tuple[UUID, ...]:
    return tuple(world.state("ownership", TENANT).owners)


def test_a_tenant_opens_whole_and_once(world: World) -> None:
    assert owners(world) == (ANN,)
    assert world.state("member", ANN).role is TenantRole.OWNER
    assert world.state("workspace", W).name == "Acme"
    with pytest.raises(TenantAlreadyOpen):
        world.run(OPEN, TENANT)


def test_an_invited_person_joins_with_the_token(world: World) -> None:
    invite(world, workspaces={str(W): "admin"})
    assert isinstance(world.state("member", BEN), Invited)
    accept(world)
    assert world.state("member", BEN) == Member(
        BEN, "ben@acme.example", "Ben", TenantRole.MEMBER, {W: WorkspaceRole.ADMIN}
    )
    with pytest.raises(NotInvited):
        accept(world)


def test_nobody_joins_with_another_token_or_too_late(world: World) -> None:
    invite(world)
    with pytest.raises(InvitationNotYours):
        accept(world, token="token of somebody else")
    world.later(timedelta(days=7))
    with pytest.raises(InvitationExpired):
        accept(world)
    with pytest.raises(NotFound):
        accept(world, CAT)


def test_the_token_is_told_by_nobody(world: World) -> None:
    command = AcceptInvitation.model_validate({"token": "very secret"})
    assert "very secret" not in repr(command)
    invite(world)
    assert "token of" not in repr(world.log)


def test_sending_again_voids_the_earlier_token_and_starts_the_week_anew(world: World) -> None:
    invite(world)
    world.later(timedelta(days=6))
    world.run(ResendInvitation().carrying(world.pseudonyms(TENANT, "secret", "newer")[0]), BEN)
    world.later(timedelta(days=6))
    with pytest.raises(InvitationNotYours):
        accept(world)
    accept(world, token="newer")
    with pytest.raises(NotInvited):
        world.run(ResendInvitation().carrying("x"), BEN)


def test_inviting_twice_is_a_conflict_in_any_spelling(world: World) -> None:
    invite(world)
    for address in ("BEN@acme.example", "Ann@ACME.example"):
        with pytest.raises(AlreadyInvited):
            invite(world, CAT, email=address)
    with pytest.raises(MemberIdTaken):
        invite(world, email="other@acme.example")


def test_a_revoked_invitation_is_void_and_its_address_free(world: World) -> None:
    invite(world)
    world.run(RevokeInvitation(), BEN)
    with pytest.raises(NotInvited):
        accept(world)
    invite(world, CAT)


def test_nobody_gives_more_than_they_hold(world: World) -> None:
    body = InviteMember.model_validate({"email": "x@y.example", "full_name": "X", "role": "owner"})
    with pytest.raises(NotMoreThanOneHas):
        world.run(body.carrying("h"), BEN, held=ADMIN)
    join(world)
    with pytest.raises(NotMoreThanOneHas):
        world.run(ChangeMemberRole(role=TenantRole.OWNER), BEN, held=ADMIN)


def test_nobody_touches_who_holds_more(world: World) -> None:
    join(world, BEN, "owner")
    for command in (ChangeMemberRole(role=TenantRole.VIEWER), RemoveMember()):
        with pytest.raises(NotAboveOneself):
            world.run(command, BEN, held=ADMIN)


def test_ownership_comes_and_goes_with_the_role(world: World) -> None:
    join(world)
    world.run(ChangeMemberRole(role=TenantRole.OWNER), BEN)
    assert owners(world) == (ANN, BEN)
    world.run(ChangeMemberRole(role=TenantRole.ADMIN), ANN)
    assert owners(world) == (BEN,)
    with pytest.raises(LastOwnerStays):
        world.run(ChangeMemberRole(role=TenantRole.ADMIN), BEN)
    assert world.run(ChangeMemberRole(role=TenantRole.OWNER), BEN) == []


def test_roles_are_for_those_who_joined(world: World) -> None:
    invite(world)
    with pytest.raises(NotAMember):
        world.run(ChangeMemberRole(role=TenantRole.VIEWER), BEN)
    with pytest.raises(NotFound):
        world.run(ChangeMemberRole(role=TenantRole.VIEWER), CAT)


def test_roles_in_workspaces(world: World) -> None:
    join(world)
    world.run(SetWorkspaceRole(workspace_id=W, role=WorkspaceRole.VIEWER), BEN)
    assert world.state("member", BEN).workspaces == {W: WorkspaceRole.VIEWER}
    assert world.run(SetWorkspaceRole(workspace_id=W, role=WorkspaceRole.VIEWER), BEN) == []
    world.run(SetWorkspaceRole(workspace_id=W, role=None), BEN)
    assert world.state("member", BEN).workspaces == {}
    with pytest.raises(NoSuchWorkspace):
        world.run(SetWorkspaceRole(workspace_id=WorkspaceId(uid(99)), role=WorkspaceRole.VIEWER), BEN)


def test_handing_ownership_on(world: World) -> None:
    join(world)
    world.run(TransferOwnership(member_id=BEN), TENANT, actor=member(11))
    assert owners(world) == (BEN,)
    assert world.state("member", ANN).role is TenantRole.ADMIN
    with pytest.raises(NotAnOwner):
        world.run(TransferOwnership(member_id=BEN, from_member_id=ANN), TENANT)
    assert world.run(TransferOwnership(member_id=BEN, from_member_id=BEN), TENANT) == []


def test_what_a_removed_person_owned_goes_to_an_owner(world: World) -> None:
    join(world)
    (event,) = [e for e in world.run(RemoveMember(), BEN) if isinstance(e, MemberRemoved)]
    assert (event.moved_to, event.left) == (ANN, False)
    assert world.state("member", BEN) == FormerMember(BEN)
    invite(world, CAT)


def test_an_invitation_outlives_the_pseudonym_key_it_was_made_under(world: World) -> None:
    invite(world)
    world.keys.insert(0, b"newer")
    with pytest.raises(InvitationNotYours):
        accept(world, token="another")
    accept(world)
    assert isinstance(world.state("member", BEN), Member)


def test_nobody_touches_the_invitation_of_somebody_who_may_do_more(world: World) -> None:
    invite(world, BEN, "owner")
    invite(world, CAT, "member", "cat@acme.example")
    admin = TENANT_ROLES[TenantRole.ADMIN]
    for command in (ResendInvitation().carrying("h"), RevokeInvitation()):
        with pytest.raises(NotAboveOneself):
            world.run(command, BEN, held=admin)
        assert world.run(command, CAT, held=admin)
    assert world.run(ResendInvitation().carrying("h"), BEN)


def test_who_gives_a_role_need_not_hold_what_people_do_about_themselves(world: World) -> None:
    narrowed = TENANT_ROLES[TenantRole.ADMIN] - {Permission.MEMBERS_LEAVE}
    body = {"email": "ben@acme.example", "full_name": "Ben", "role": "viewer"}
    world.run(
        InviteMember.model_validate(body).carrying(world.pseudonyms(TENANT, "secret", "t")[0]),
        BEN,
        held=narrowed,
    )
    accept(world, BEN, "t")
    assert world.run(ChangeMemberRole(role=TenantRole.MEMBER), BEN, held=narrowed)
    assert world.run(RemoveMember(), BEN, actor=member(11), held=narrowed)


def test_whoever_takes_over_is_an_owner(world: World) -> None:
    join(world)
    join(world, CAT, "owner", "cat@acme.example")
    with pytest.raises(NotAnOwner):
        world.run(RemoveMember(moved_to=BEN), CAT)
    events = world.run(RemoveMember(), BEN, actor=member(13))
    assert [e.moved_to for e in events if isinstance(e, MemberRemoved)] == [CAT]
    with pytest.raises(NotFound):
        world.run(RemoveMember(), BEN)


def test_only_the_last_owner_cannot_leave(world: World) -> None:
    ben = join(world)
    with pytest.raises(LastOwnerStays):
        world.run(LeaveTenant(), ANN, actor=member(11))
    with pytest.raises(LastOwnerStays):
        world.run(RemoveMember(), ANN)
    with pytest.raises(OnlyOneselfLeaves):
        world.run(LeaveTenant(), ANN, actor=ben)
    with pytest.raises(OnlyOneselfLeaves):
        world.run(LeaveTenant(), BEN)
    world.run(LeaveTenant(), BEN, actor=ben)
    assert owners(world) == (ANN,)


def test_a_key_speaks_for_somebody_who_is_there_in_workspaces_that_are_there(world: World) -> None:
    def make(**fields: object) -> None:
        body = {"label": "K", "role": "viewer", **fields}
        world.run(CreateApiKey.model_validate(body).carrying("h"), uid(80))

    with pytest.raises(NotFound):
        make(member_id=str(BEN))
    with pytest.raises(NoSuchWorkspace):
        make(workspaces=[str(uid(99))])
    join(world)
    make(member_id=str(BEN), workspaces=[str(W)])
    assert world.state("api_key", uid(80)).workspaces == {W}
