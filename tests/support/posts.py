"""Mail servers of one suite: what they are told behind their backs, and what they took over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.smtp.memory import MemoryMail
from adapters.smtp.server import SmtpServer
from adapters.smtp.settings import smtp_settings
from api.composition import now
from application.ports.delivering import Letter, MailServer, MailTrouble
from tests.support.given import uid
from tests.support.mailbox import Mailbox


@dataclass
class Post:
    """A mail server, and what is told of it behind its back."""

    server: MailServer
    refuse: Callable[[str], object]
    defer: Callable[[str], object]
    deny: Callable[[str], object]
    stop: Callable[[], Awaitable[object]]
    taken: Callable[[], list[tuple[str, str, str]]]
    """Recipient, subject and text of each letter, in order."""


def letter(to: str) -> Letter:
    """A letter to an address."""
    return Letter(to, "Acme: 80 % genutzt", "Zwölf von fünfzehn.\n", uid(7), kind="billing.usage_reached")


def smtp(url: str, patience: float = 5) -> SmtpServer:
    """A server at an address, which is given so many seconds for each of its answers."""
    return SmtpServer(smtp_settings(url, "billing@sender.example"), now, patience)


def in_memory() -> Post:
    """The one in memory."""
    server = MemoryMail()

    async def stop() -> None:
        server.trouble = MailTrouble.NOT_NOW

    def taken() -> list[tuple[str, str, str]]:
        return [(one.to, one.subject, one.text) for one in server.taken]

    return Post(server, server.refused.add, server.deferred.add, server.denied.add, stop, taken)


def over_smtp(box: Mailbox, url: str) -> Post:
    """One that speaks SMTP."""
    server = smtp(url)

    async def stop() -> None:
        box.sender = "421 closing down"

    def taken() -> list[tuple[str, str, str]]:
        return [
            (to, str(one["subject"]), one.get_content().replace("\r\n", "\n")) for to, one in box.received
        ]

    return Post(
        server,
        lambda address: box.refused.update({address: f"550 5.1.1 no {address} here"}),
        lambda address: box.refused.update({address: f"450 not now for {address}"}),
        lambda address: box.refused.update({address: f"550 5.7.1 {address}: relaying denied"}),
        stop,
        taken,
    )
