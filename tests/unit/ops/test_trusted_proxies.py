"""Where a request came from: what a trusted proxy says, and nobody else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from api.ops.processes.api import door_config
from api.settings import Settings

PERSON, PROXY = "198.51.100.7", "10.0.0.5"


async def seen(settings: Settings, connection: str, forwarded: str | None) -> str:
    """The address that the API sees of a request."""
    found: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        found.append(scope["client"][0])

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered")

    config = door_config(app, settings.trusted_proxies)
    config.load()
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "client": (connection, 4242), "scheme": "http", "headers": headers}
    await config.loaded_app(scope, receive, send)
    return found[0]


@pytest.mark.parametrize(
    ("trusted", "connection", "forwarded", "told"),
    [
        (None, "127.0.0.1", PERSON, PERSON),
        (None, PROXY, PERSON, PROXY),
        (None, PERSON, None, PERSON),
        (PROXY, PROXY, PERSON, PERSON),
        (PROXY, PROXY, f"192.0.2.99, {PERSON}", PERSON),
        (PROXY, "127.0.0.1", PERSON, "127.0.0.1"),
        ("192.0.2.1, 10.0.0.0/24", PROXY, f"{PERSON}, 10.0.0.9", PERSON),
        ("192.0.2.1, 10.0.0.0/24", "10.0.1.5", PERSON, "10.0.1.5"),
        ("", "127.0.0.1", PERSON, "127.0.0.1"),
    ],
)
async def test_a_proxy_is_believed_where_it_is_named(
    trusted: str | None, connection: str, forwarded: str | None, told: str
) -> None:
    settings = Settings() if trusted is None else Settings(trusted_proxies=trusted)
    assert await seen(settings, connection, forwarded) == told


@pytest.mark.parametrize(
    "wrong", ["*", "proxy.example.com", "10.0.0.5/24", "10.0.0.0/99", "127.0.0.1;10.0.0.5"]
)
def test_what_is_no_address_stops_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="name IP addresses"):
        Settings(trusted_proxies=wrong)


@pytest.mark.parametrize(
    "everybody", ["0.0.0.0/0", "::/0", "127.0.0.1, 0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", "2000::/3"]
)
def test_nobody_believes_everybody(everybody: str) -> None:
    with pytest.raises(ValidationError, match="name the proxies"):
        Settings(trusted_proxies=everybody)
