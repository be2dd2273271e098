"""A tenant's life, and what is left of permissions in each part of it."""

from domain.kernel.errors import NotFound
from domain.kernel.ids import TenantId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import (
    ChangePlan,
    CloseTenant,
    PlanChanged,
    ReinstateTenant,
    RenameTenant,
    SlugDoesNotMatch,
    SuspendTenant,
    TenantClosed,
    TenantIsClosed,
    TenantNotSuspended,
    TenantOpened,
    TenantReinstated,
    TenantRenamed,
    TenantStatus,
    TenantSuspended,
)
from tests.support.given import TENANT, given, staff, uid

ID = TenantId(TENANT)
OPENED = TenantOpened(tenant_id=ID, tenant_name="Acme", slug="acme", plan="starter")
SUSPENDED = TenantSuspended(tenant_id=ID, suspended_by=uid(9), reason="Unpaid since May.")
CLOSED = TenantClosed(tenant_id=ID)


def test_renaming_leaves_the_slug() -> None:
    renamed = TenantRenamed(tenant_id=ID, before="Acme", after="Apex")
    state = given(OPENED).when(RenameTenant(name="Apex"), target=ID).then(renamed)
    assert (state.name, state.slug) == ("Apex", "acme")
    given(OPENED).when(RenameTenant(name=" Acme "), target=ID).then()


def test_suspending_and_reinstating() -> None:
    suspend = SuspendTenant(reason="Unpaid since May.")
    state = given(OPENED).when(suspend, target=ID, actor=staff(9)).then(SUSPENDED)
    assert state.status is TenantStatus.SUSPENDED
    given(OPENED, SUSPENDED).when(suspend, target=ID).then()
    back = given(OPENED, SUSPENDED).when(ReinstateTenant(), target=ID).then(TenantReinstated(tenant_id=ID))
    assert back.status is TenantStatus.ACTIVE
    given(OPENED).when(ReinstateTenant(), target=ID).then(TenantNotSuspended)


def test_closing_needs_the_slug_and_is_for_good() -> None:
    given(OPENED).when(CloseTenant(tenant_slug="akme"), target=ID).then(SlugDoesNotMatch)
    assert given(OPENED).when(CloseTenant(tenant_slug="acme"), target=ID).then(CLOSED).status == "closed"
    given(OPENED, SUSPENDED).when(CloseTenant(tenant_slug="acme"), target=ID).then(CLOSED)
    for command in (RenameTenant(name="X"), ReinstateTenant(), CloseTenant(tenant_slug="acme")):
        given(OPENED, CLOSED).when(command, target=ID).then(TenantIsClosed)


def test_changing_the_plan_and_the_rate() -> None:
    command = ChangePlan(plan=Plan.ENTERPRISE, commands_a_minute=5000)
    changed = PlanChanged(tenant_id=ID, before="starter", after="enterprise", commands_a_minute=5000)
    state = given(OPENED).when(command, target=ID).then(changed)
    assert state.commands_a_minute == 5000
    given(OPENED, changed).when(command, target=ID).then()


def test_no_tenant_is_not_found() -> None:
    given().when(RenameTenant(name="X"), target=ID).then(NotFound)
