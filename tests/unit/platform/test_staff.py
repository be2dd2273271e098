"""The platform's people: always a super admin among them."""

import pytest

from domain.kernel.errors import NotFound
from domain.kernel.ids import PLATFORM, StaffId
from domain.kernel.permissions import Permission, StaffRole
from domain.platform.staff import (
    AddStaff,
    ChangeStaffRole,
    CreateStaffKey,
    FormerStaff,
    LastSuperAdminStays,
    RemoveStaff,
    Staff,
    StaffIdTaken,
)
from domain.tenancy.api_key import ApiKeyIdTaken, NotInRole
from tests.support.given import uid
from tests.support.unit import World

ANN, BEN = StaffId(uid(70)), StaffId(uid(71))


def add(world: World, who: StaffId, role: StaffRole) -> None:
    world.run(AddStaff(role=role, email=f"{who}@platform.example", full_name="Somebody"), who)


@pytest.fixture
def world() -> World:
    world = World()
    add(world, ANN, StaffRole.SUPER_ADMIN)
    return world


def admins(world: World) -> tuple[StaffId, ...]:
    return tuple(world.state("super_admins", PLATFORM).ids)


def test_the_last_super_admin_stays(world: World) -> None:
    for command in (RemoveStaff(), ChangeStaffRole(role=StaffRole.SUPPORT)):
        with pytest.raises(LastSuperAdminStays):
            world.run(command, ANN)
    add(world, BEN, StaffRole.SUPPORT)
    world.run(ChangeStaffRole(role=StaffRole.SUPER_ADMIN), BEN)
    world.run(RemoveStaff(), ANN)
    assert admins(world) == (BEN,)
    assert world.state("staff", ANN) == FormerStaff(ANN)


def test_people_come_change_and_go(world: World) -> None:
    add(world, BEN, StaffRole.SUPPORT)
    with pytest.raises(StaffIdTaken):
        add(world, BEN, StaffRole.SUPPORT)
    assert world.run(ChangeStaffRole(role=StaffRole.SUPPORT), BEN) == []
    world.run(ChangeStaffRole(role=StaffRole.FINANCE), BEN)
    assert world.state("staff", BEN) == Staff(BEN, StaffRole.FINANCE)
    world.run(RemoveStaff(), BEN)
    with pytest.raises(NotFound):
        world.run(RemoveStaff(), BEN)
    assert admins(world) == (ANN,)


def test_a_key_speaks_for_somebody_who_works_here(world: World) -> None:
    key = CreateStaffKey(staff_id=BEN, label="Laptop", permissions=frozenset({Permission.OPERATIONS_READ}))
    with pytest.raises(NotFound):
        world.run(key.carrying("h"), uid(80))
    add(world, BEN, StaffRole.SUPPORT)
    world.run(key.carrying("h"), uid(80))
    state = world.state("api_key", uid(80))
    assert (state.staff_id, state.role, state.secret_hmac) == (BEN, "support", "h")
    with pytest.raises(ApiKeyIdTaken):
        world.run(key.carrying("h"), uid(80))
    beyond = CreateStaffKey(
        staff_id=BEN, label="L", permissions=frozenset({Permission.PLATFORM_STAFF_MANAGE})
    )
    with pytest.raises(NotInRole):
        world.run(beyond.carrying("h"), uid(81))
