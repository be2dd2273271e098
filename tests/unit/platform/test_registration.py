"""Signing customers up; a slug is taken for ever."""

import pytest
from pydantic import ValidationError

from domain.kernel.errors import NotFound
from domain.platform.registration import (
    CloseRegistration,
    ForgetFirstKey,
    RegisterTenant,
    SlugNeeded,
    SlugTaken,
    TenantIdTaken,
    TenantRegistered,
    slug_of,
)
from tests.support.given import uid
from tests.support.unit import World

BODY = {
    "name": "Acme & Söhne GmbH",
    "country": "DE",
    "sends_for": "clients",
    "owner_email": "ann@acme.example",
    "owner_name": "Ann",
}


def register(world: World, n: int = 1, **fields: object) -> TenantRegistered:
    events = world.run(RegisterTenant.model_validate({**BODY, **fields}), uid(n))
    (event,) = [event for event in events if isinstance(event, TenantRegistered)]
    return event


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme & Söhne GmbH", "acme-s-hne-gmbh"),
        ("  --A--  ", "a"),
        ("x" * 120, "x" * 100),
        ("A" * 99 + " B", "a" * 99),
    ],
)
def test_the_slug_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_name_without_letters_needs_a_slug() -> None:
    world = World()
    with pytest.raises(SlugNeeded):
        register(world, name="株式会社")
    assert register(world, name="株式会社", tenant_slug="kk").slug == "kk"


def test_the_first_owner_and_workspace_follow_from_the_tenant() -> None:
    first, again = register(World(), 1), register(World(), 1)
    assert (first.owner_id, first.workspace_id) == (again.owner_id, again.workspace_id)
    assert len({first.owner_id, first.workspace_id, register(World(), 2).owner_id}) == 3


def test_a_key_that_was_shown_waits_for_the_tenants_log() -> None:
    world = World()
    world.run(RegisterTenant.model_validate(BODY).carrying("ab"), uid(1))
    assert world.state("registration", uid(1)).first_key_hmac == "ab"
    register(world, 2, tenant_slug="other")
    assert world.state("registration", uid(2)).first_key_hmac is None


def test_a_first_key_is_forgotten_once() -> None:
    world = World()
    with pytest.raises(NotFound):
        world.run(ForgetFirstKey(), uid(1))
    register(world)
    assert [event.name for event in world.run(ForgetFirstKey(), uid(1))] == ["platform.first_key_forgotten"]
    assert world.run(ForgetFirstKey(), uid(1)) == []


def test_a_slug_is_taken_for_ever() -> None:
    world = World()
    register(world)
    with pytest.raises(SlugTaken):
        register(world, 2)
    world.run(CloseRegistration(), uid(1))
    with pytest.raises(SlugTaken):
        register(world, 2)
    with pytest.raises(TenantIdTaken):
        register(world, 1, tenant_slug="other")
    assert world.state("registration", uid(1)).closed
    assert world.run(CloseRegistration(), uid(1)) == []
    with pytest.raises(NotFound):
        world.run(CloseRegistration(), uid(2))


def test_for_whom_it_sends_is_said_and_kept() -> None:
    assert register(World()).sends_for == "clients"
    with pytest.raises(ValidationError, match="sends_for"):
        RegisterTenant.model_validate({name: one for name, one in BODY.items() if name != "sends_for"})


@pytest.mark.parametrize("slug", ["Acme", "-a", "a-", "a--b", "a b", "a" * 101, ""])
def test_a_slug_has_one_form(slug: str) -> None:
    with pytest.raises(ValidationError):
        RegisterTenant.model_validate({**BODY, "tenant_slug": slug})
