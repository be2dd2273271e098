"""A real SMTP server: what it took in, and what it is to refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass(slots=True)
class Mailbox:
    """What came in, in order. `refused`: the answer to a recipient, by address; `down`: to everything."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    down: bool = False
    url: str = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by its name
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        """Whether it takes mail for somebody."""
        if self.down:
            return "451 come again"
        answer = self.refused.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 - the same
        """Take a letter in."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received += [(to, message) for to in envelope.rcpt_tos]
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for an address."""
        return [message for to, message in self.received if to == address]


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """The server, on a port of its own."""
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="mail.example"), "127.0.0.1", 0)
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield box
