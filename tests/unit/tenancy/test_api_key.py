"""API keys: no more than their maker holds, and dead at once."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.kernel.errors import NotFound
from domain.kernel.ids import ApiKeyId, MemberId, StaffId
from domain.kernel.permissions import STAFF_ROLES, TENANT_ROLES, Permission, StaffRole, TenantRole
from domain.tenancy.api_key import (
    API_KEY,
    ApiKey,
    ApiKeyCreated,
    ApiKeyIdTaken,
    ApiKeyIsRevoked,
    ApiKeyRenamed,
    ApiKeyRevoked,
    CreateApiKey,
    ExpiryInThePast,
    NoApiKey,
    NotInRole,
    NotMoreThanOneHas,
    RenameApiKey,
    RevokeApiKey,
    created,
)
from domain.tenancy.member import LeaveTenant
from tests.support.given import NOW, given, stamped, uid

ID = ApiKeyId(uid(80))
OWNER, MEMBER = TENANT_ROLES[TenantRole.OWNER], TENANT_ROLES[TenantRole.MEMBER]
CREATED = ApiKeyCreated(api_key_id=ID, label="CI", role="member", secret_hmac="ab")
REVOKED = ApiKeyRevoked(api_key_id=ID)


def command(**fields: object) -> CreateApiKey:
    made = CreateApiKey.model_validate({"label": "CI", "role": "member", **fields})
    return stamped(made.carrying("ab"), target=ID)


def key(**fields: object) -> ApiKey:
    state = API_KEY.fold([CREATED.model_copy(update=fields)])
    assert isinstance(state, ApiKey)
    return state


def test_making_a_key() -> None:
    assert created(command(), NoApiKey(), OWNER) == CREATED
    with pytest.raises(ApiKeyIdTaken):
        created(command(), key(), OWNER)


def test_a_key_holds_no_more_than_its_maker() -> None:
    with pytest.raises(NotMoreThanOneHas) as caught:
        created(command(role="admin"), NoApiKey(), MEMBER | {Permission.API_KEYS_MANAGE})
    assert "members.manage" in caught.value.detail
    narrowed = created(command(role="admin", permissions=["contacts.read"]), NoApiKey(), MEMBER)
    assert narrowed.permissions == ["contacts.read"]


def test_permissions_are_a_part_of_the_role() -> None:
    with pytest.raises(NotInRole):
        created(command(role="viewer", permissions=["contacts.write"]), NoApiKey(), OWNER)


def test_expiry_lies_ahead() -> None:
    with pytest.raises(ExpiryInThePast):
        created(command(expires_at=NOW), NoApiKey(), OWNER)


@pytest.mark.parametrize(
    "fields", [{"permissions": []}, {"workspaces": []}, {"label": ""}, {"secret_hmac": "x"}]
)
def test_bad_fields(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        command(**fields)


def test_a_key_without_its_secret_is_a_fault_of_ours() -> None:
    bare = stamped(CreateApiKey(label="CI", role=TenantRole.MEMBER), target=ID)
    with pytest.raises(RuntimeError, match="HMAC"):
        created(bare, NoApiKey(), OWNER)


def test_renaming_and_revoking() -> None:
    renamed = ApiKeyRenamed(api_key_id=ID, before="CI", after="Deploy")
    assert given(CREATED).when(RenameApiKey(label="Deploy"), target=ID).then(renamed).label == "Deploy"
    given(CREATED).when(RenameApiKey(label="CI"), target=ID).then()
    assert given(CREATED).when(RevokeApiKey(), target=ID).then(REVOKED).revoked
    given(CREATED, REVOKED).when(RevokeApiKey(), target=ID).then()
    given(CREATED, REVOKED).when(RenameApiKey(label="X"), target=ID).then(ApiKeyIsRevoked)
    given().when(RevokeApiKey(), target=ID).then(NotFound)


def test_when_a_key_works() -> None:
    assert key().works_at(NOW)
    assert key(expires_at=NOW + timedelta(seconds=1)).works_at(NOW)
    assert not key(expires_at=NOW).works_at(NOW)
    revoked = API_KEY.fold([CREATED, REVOKED])
    assert isinstance(revoked, ApiKey)
    assert not revoked.works_at(NOW)


def test_what_a_key_holds() -> None:
    assert key().held_by(None) == MEMBER
    assert key(permissions=["contacts.read"]).held_by(None) == {Permission.CONTACTS_READ}
    assert key(permissions=["contacts.read", "unknown.thing"]).held_by(None) == {Permission.CONTACTS_READ}


def test_a_key_that_speaks_for_somebody_holds_what_both_hold() -> None:
    bound = key(member_id=MemberId(uid(3)), role="admin")
    viewer = TENANT_ROLES[TenantRole.VIEWER]
    assert bound.held_by(viewer) == viewer
    assert bound.held_by(frozenset()) == frozenset()
    assert bound.held_by(None) == frozenset(), "who it speaks for was not asked: it holds nothing"


@pytest.mark.parametrize(
    ("role", "permissions", "leaves"),
    [
        ("owner", None, True),
        ("member", None, True),
        ("viewer", None, False),
        ("viewer", ["members.leave", "tenant.read"], True),
        ("owner", ["tenant.read"], False),
    ],
)
def test_a_key_that_reads_alone_does_not_take_its_person_away(
    role: str, permissions: list[str] | None, *, leaves: bool
) -> None:
    bound = key(member_id=MemberId(uid(3)), role=role, permissions=permissions)
    assert (LeaveTenant.permission in bound.held_by(OWNER)) is leaves
    made = created(command(role=role, permissions=permissions), NoApiKey(), OWNER)
    assert made.permissions == permissions


def test_a_key_of_a_role_that_is_not_known_here_holds_nothing() -> None:
    assert key(role="astronaut", member_id=MemberId(uid(3))).held_by(OWNER) == frozenset()


def test_a_key_of_staff_follows_their_role() -> None:
    bound = key(staff_id=StaffId(uid(70)), role="support")
    operations = STAFF_ROLES[StaffRole.OPERATIONS]
    assert bound.held_by(operations) == operations
    assert bound.held_by(None) == frozenset()
