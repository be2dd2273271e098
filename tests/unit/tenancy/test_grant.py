"""Break-glass grants: for reading, for hours, by two people."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.kernel.errors import NotFound
from domain.kernel.ids import GrantId, StaffId
from domain.kernel.permissions import PERSONAL, STAFF_ROLES, Permission, StaffRole
from domain.tenancy.grant import (
    GRANT,
    ApproveGrant,
    DenyGrant,
    ExpireGrant,
    Grant,
    GrantApproved,
    GrantDenied,
    GrantExpired,
    GrantIdTaken,
    GrantIsOver,
    GrantNotOpen,
    GrantNotOver,
    GrantRequested,
    GrantRevoked,
    GrantStatus,
    NoPersonalData,
    NotGrantable,
    RequestGrant,
    RevokeGrant,
    SecondPersonNeeded,
    WithdrawGrant,
)
from tests.support.given import NOW, given, staff, uid
from tests.support.unit import World

ID, ANN, BEN = GrantId(uid(60)), staff(70), staff(71)
READ = frozenset({Permission.CONTACTS_READ})
REQUEST = RequestGrant(scope=READ, ticket="SUP-1", reason="The import looks stuck.", hours=2)
REQUESTED = GrantRequested(
    grant_id=ID,
    requested_by=StaffId(ANN.id),
    scope=["contacts.read"],
    ticket="SUP-1",
    reason="The import looks stuck.",
    hours=2,
)
APPROVED = GrantApproved(grant_id=ID, approved_by=StaffId(BEN.id), expires_at=NOW + timedelta(hours=2))
DENIED = GrantDenied(grant_id=ID, denied_by=StaffId(BEN.id))
REVOKED = GrantRevoked(grant_id=ID, by_tenant=True)
EXPIRED = GrantExpired(grant_id=ID)


def test_requesting_opens_nothing() -> None:
    state = given().when(REQUEST, target=ID, actor=ANN).then(REQUESTED)
    assert state == Grant(ID, StaffId(ANN.id), READ, "SUP-1", 2)
    assert not state.is_active(NOW)
    given(REQUESTED).when(REQUEST, target=ID, actor=ANN).then(GrantIdTaken)


def test_a_grant_is_for_reading() -> None:
    command = RequestGrant(scope=READ | {Permission.CONTACTS_WRITE}, ticket="SUP-1", reason="x")
    refusal = given().when(command, target=ID, actor=ANN).then(NotGrantable)
    assert refusal.extra == {"not_grantable": ["contacts.write"]}


@pytest.mark.parametrize("permission", sorted(PERSONAL))
def test_every_role_but_support_may_ask_for_personal_data(permission: Permission) -> None:
    command = RequestGrant(scope=READ | {permission}, ticket="SUP-1", reason="x")
    for role in StaffRole:
        world = World()
        if role is StaffRole.SUPPORT:
            with pytest.raises(NoPersonalData) as refused:
                world.run(command, ID, actor=ANN, held=STAFF_ROLES[role])
            assert refused.value.extra == {"not_grantable": [permission]}
            world.run(REQUEST, ID, actor=ANN, held=STAFF_ROLES[role])
        else:
            world.run(command, ID, actor=ANN, held=STAFF_ROLES[role])


@pytest.mark.parametrize("fields", [{"hours": 5}, {"hours": 0}, {"scope": []}, {"ticket": "ask Bob Smith"}])
def test_bad_requests(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RequestGrant.model_validate({"scope": ["contacts.read"], "ticket": "S-1", "reason": "x", **fields})


def test_a_second_person_approves_and_the_hours_run_from_then() -> None:
    given(REQUESTED).when(ApproveGrant(), target=ID, actor=ANN).then(SecondPersonNeeded)
    given(REQUESTED).when(DenyGrant(), target=ID, actor=ANN).then(SecondPersonNeeded)
    state = given(REQUESTED).when(ApproveGrant(), target=ID, actor=BEN).then(APPROVED)
    assert state.is_active(NOW + timedelta(minutes=119))
    assert not state.is_active(NOW + timedelta(hours=2))


def test_a_request_is_answered_once() -> None:
    assert given(REQUESTED).when(DenyGrant(), target=ID, actor=BEN).then(DENIED).status is GrantStatus.DENIED
    for answered in (DENIED, APPROVED, REVOKED):
        for answer in (ApproveGrant(), DenyGrant()):
            given(REQUESTED, answered).when(answer, target=ID, actor=BEN).then(GrantNotOpen)


def test_the_tenant_and_staff_end_a_grant_at_any_moment() -> None:
    state = given(REQUESTED, APPROVED).when(RevokeGrant(), target=ID).then(REVOKED)
    assert not state.is_active(NOW)
    by_staff = GrantRevoked(grant_id=ID, by_tenant=False)
    given(REQUESTED).when(WithdrawGrant(), target=ID, actor=ANN).then(by_staff)
    for ended in (DENIED, REVOKED, EXPIRED):
        given(REQUESTED, ended).when(RevokeGrant(), target=ID).then(GrantIsOver)


def test_it_expires_by_itself_and_the_event_only_says_so() -> None:
    over = timedelta(hours=2)
    given(REQUESTED, APPROVED).when(ExpireGrant(), target=ID).then(GrantNotOver)
    given(REQUESTED, APPROVED).when(RevokeGrant(), target=ID, after=over).then(GrantIsOver)
    state = given(REQUESTED, APPROVED).when(ExpireGrant(), target=ID, after=over).then(EXPIRED)
    assert state.status is GrantStatus.EXPIRED
    given(REQUESTED, APPROVED, REVOKED).when(ExpireGrant(), target=ID, after=over).then()
    given().when(ExpireGrant(), target=ID).then(NotFound)


def test_a_scope_that_is_no_longer_grantable_opens_nothing() -> None:
    old = REQUESTED.model_copy(update={"scope": ["contacts.read", "contacts.write", "unknown.thing"]})
    assert GRANT.fold([old]).scope == READ  # type: ignore[union-attr]  # it was requested
