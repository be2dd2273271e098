"""Mail servers: in memory, and SMTP in the clear on this machine, by STARTTLS and from the first byte."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.mailbox import HOST, certified, mailbox
from tests.support.posts import Post, in_memory, over_smtp


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host of the tests is this machine, by a name that is not."""
    asked = socket.getaddrinfo

    def found(host: Any, *given: Any, **more: Any) -> Any:
        return asked("127.0.0.1" if host == HOST else host, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture(params=["memory", "clear", "starttls", "smtps"])
async def post(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Post]:
    """Each of them."""
    if request.param == "memory":
        yield in_memory()
        return
    context, trusted = certified(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    schemes = {"clear": "smtp", "starttls": "smtp", "smtps": "smtps"}
    host = "127.0.0.1" if request.param == "clear" else HOST
    async with mailbox(
        starttls=context if request.param == "starttls" else None,
        encrypted=context if request.param == "smtps" else None,
    ) as box:
        yield over_smtp(box, f"{schemes[request.param]}://{host}:{box.port}")
