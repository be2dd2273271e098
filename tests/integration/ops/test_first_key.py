"""A first key reaches whoever is to have it, wherever the command that makes it is killed."""

from __future__ import annotations

from api.ops.bootstrap import FirstKey
from api.ops.registering import open_registered
from application.orders import Order
from domain.platform.registration import RegisterTenant
from tests.support.api import Api

REGISTER = {
    "name": "Acme",
    "country": "GB",
    "sends_for": "itself",
    "owner_email": "owner@acme.example",
    "owner_name": "Ann",
}


async def test_a_first_key_is_shown_until_it_was_seen(api: Api) -> None:
    _, staff = await api.staff()
    who = await api.parts.authenticator.api_key(staff)
    order = Order(who, RegisterTenant.model_validate(REGISTER), None, b"", key="once")
    await api.parts.commands.execute(order)  # killed before the key was made
    again = await api.parts.commands.execute(order)
    assert again.replayed
    first = await open_registered(api.parts, again, first_key=True)
    assert first.key is not None
    assert (await api.parts.authenticator.api_key(first.key)).tenant_id == again.target
    told = await open_registered(api.parts, again, first_key=True)  # killed before it was printed
    assert told.key == first.key
    kept = FirstKey(api.parts.settings.root, again.target, again.target)
    kept.seen()
    assert (await open_registered(api.parts, again, first_key=True)).key is None
    assert not list((api.parts.settings.root / "secrets").glob("first-key-*"))
