"""A tenant with its people, owners and keys under any sequence of commands."""

from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.errors import Refusal
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import TENANT_ROLES, Permission, TenantRole, WorkspaceRole
from domain.tenancy.api_key import ApiKey, CreateApiKey, RevokeApiKey
from domain.tenancy.member import (
    AcceptInvitation,
    ChangeMemberRole,
    Invited,
    InviteMember,
    LeaveTenant,
    Member,
    RemoveMember,
    RevokeInvitation,
    SetWorkspaceRole,
)
from domain.tenancy.ownership import TransferOwnership
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import CloseTenant, OpenTenant, ReinstateTenant, RenameTenant, SuspendTenant
from tests.support.given import TENANT, uid
from tests.support.unit import World

WORKSPACE = WorkspaceId(uid(10))
FOUNDER = MemberId(uid(11))
ROLES = st.sampled_from(TenantRole)
ADDRESSES = st.sampled_from(["a@x.example", "A@X.example", "b@x.example", "c@x.example", "d@x.example"])


class TenantMachine(RuleBasedStateMachine):
    people: Bundle[MemberId] = Bundle("people")
    keys: Bundle[int] = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.made = 100
        self.holders: dict[int, frozenset[Permission]] = {}

    def ask(self, command: Command, target: Any, by: MemberId | None = None) -> bool:
        """Ask as a member with what they hold, or as the founder of all; whether it was accepted."""
        actor, held = Actor(ActorKind.API_KEY, uid(2), by), TENANT_ROLES[TenantRole.OWNER]
        if by is not None:
            state = self.world.state("member", by)
            if not isinstance(state, Member):
                return False
            held = TENANT_ROLES[state.role]
        before = len(self.world.log)
        try:
            self.world.run(command, target, actor=actor, held=held)
        except Refusal:
            assert len(self.world.log) == before
            return False
        return True

    @initialize(target=people)
    def open(self) -> MemberId:
        command = OpenTenant(
            name="Acme",
            tenant_slug="acme",
            plan=Plan.FREE,
            workspace_id=WORKSPACE,
            owner_id=FOUNDER,
            owner_email="founder@x.example",
            owner_name="F",
        )
        assert self.ask(command, TENANT)
        return FOUNDER

    @rule(target=people, by=people, email=ADDRESSES, role=ROLES)
    def invite(self, by: MemberId, email: str, role: TenantRole) -> Any:
        self.made += 1
        who = MemberId(uid(self.made))
        token = self.world.pseudonyms(TENANT, "secret", f"{who}")[0]
        inviter = self.world.state("member", by)
        command = InviteMember(email=email, full_name="N", role=role).carrying(token)
        if not self.ask(command, who, by):
            return multiple()
        assert TENANT_ROLES[role] <= TENANT_ROLES[inviter.role]
        return who

    @rule(target=people, email=ADDRESSES, role=ROLES)
    def invite_and_join(self, email: str, role: TenantRole) -> Any:
        who = self.invite(FOUNDER, email, role)
        if isinstance(who, UUID):
            self.accept(MemberId(who))
            assert isinstance(self.world.state("member", who), Member)
        return who

    @rule(who=people)
    def accept(self, who: MemberId) -> None:
        self.ask(AcceptInvitation.model_validate({"token": str(who)}), who)

    @rule(who=people, by=people)
    def revoke_invitation(self, who: MemberId, by: MemberId) -> None:
        self.ask(RevokeInvitation(), who, by)

    @rule(who=people, by=people, role=ROLES)
    def change_role(self, who: MemberId, by: MemberId, role: TenantRole) -> None:
        changer = self.world.state("member", by)
        if self.ask(ChangeMemberRole(role=role), who, by):
            assert TENANT_ROLES[role] <= TENANT_ROLES[changer.role]

    @rule(who=people, by=people, role=st.none() | st.sampled_from(WorkspaceRole))
    def set_workspace_role(self, who: MemberId, by: MemberId, role: WorkspaceRole | None) -> None:
        self.ask(SetWorkspaceRole(workspace_id=WORKSPACE, role=role), who, by)

    @rule(who=people, by=people)
    def remove(self, who: MemberId, by: MemberId) -> None:
        self.ask(RemoveMember(), who, by)

    @rule(who=people)
    def leave(self, who: MemberId) -> None:
        self.ask(LeaveTenant(), who, who)

    @rule(to=people, by=people)
    def hand_on(self, to: MemberId, by: MemberId) -> None:
        self.ask(TransferOwnership(member_id=to), TENANT, by)

    @rule(target=keys, by=people, role=ROLES, bound=st.booleans(), narrowed=st.booleans())
    def make_key(self, by: MemberId, role: TenantRole, *, bound: bool, narrowed: bool) -> Any:
        self.made += 1
        command = CreateApiKey(
            label="K",
            role=role,
            permissions=frozenset({Permission.CONTACTS_READ}) if narrowed else None,
            member_id=by if bound else None,
        )
        member = self.world.state("member", by)
        if not self.ask(command.carrying("h"), uid(self.made), by):
            return multiple()
        assert isinstance(member, Member)
        self.holders[self.made] = TENANT_ROLES[member.role]
        return self.made

    @rule(key=consumes(keys))
    def revoke_key(self, key: int) -> None:
        assert self.ask(RevokeApiKey(), uid(key))
        assert not self.world.state("api_key", uid(key)).works_at(self.world.now)

    @rule(
        command=st.sampled_from(
            [
                RenameTenant(name="Apex"),
                SuspendTenant(reason="r"),
                ReinstateTenant(),
                CloseTenant(tenant_slug="wrong"),
            ]
        )
    )
    def change_tenant(self, command: Command) -> None:
        self.ask(command, TENANT)

    @invariant()
    def somebody_owns_the_tenant(self) -> None:
        if self.world.log:
            members = self.world.of("member").values()
            by_role = {m.member_id for m in members if isinstance(m, Member) and m.role is TenantRole.OWNER}
            owners = self.world.state("ownership", TENANT).owners
            assert owners
            assert len(set(owners)) == len(owners)
            assert set(owners) == by_role

    @invariant()
    def nobody_is_there_twice(self) -> None:
        present = [m for m in self.world.of("member").values() if isinstance(m, Member | Invited)]
        addresses = [person.email.lower() for person in present]
        assert len(addresses) == len(set(addresses))
        claims = [claim.member_id for claim in self.world.of("member_email").values() if claim.member_id]
        assert sorted(claims) == sorted(person.member_id for person in present)

    @invariant()
    def no_key_holds_more_than_its_maker_held(self) -> None:
        for number, held in self.holders.items():
            key = self.world.state("api_key", uid(number))
            assert isinstance(key, ApiKey)
            unbound = key.held_by(None if key.member_id is None else held)
            assert unbound <= held

    @invariant()
    def replay_is_deterministic(self) -> None:
        self.world.assert_replays()


TestTenant = TenantMachine.TestCase
TestTenant.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
