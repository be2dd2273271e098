"""Where the mail server is: smtp://host:25, smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from domain.webhooks.address import of_this_machine

_PORTS: Final = {"smtp": 587, "smtps": 465}
_WRITTEN: Final = "write it as smtp://user:password@host:587 or smtps://user:password@host:465"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How the server is reached, and who mail comes from. `encrypted`: from the first byte; else by STARTTLS."""

    host: str
    port: int
    encrypted: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def in_clear(self) -> bool:
        """Whether nothing is encrypted: to a server on this machine alone."""
        return not self.encrypted and of_this_machine(self.host)


def smtp_settings(url: str, sender: str) -> SmtpSettings:
    """The settings of an address. Raises `ValueError`, which never repeats it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_WRITTEN) from None
    if host is None or parts.scheme not in _PORTS or parts.path.strip("/") or parts.query:
        raise ValueError(_WRITTEN)
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if not all(one is None or one.isascii() for one in (user, password)):
        raise ValueError(
            "user and password are of ASCII characters alone: others cannot be sent to a mail server"
        )
    number = _PORTS[parts.scheme] if port is None else port
    return SmtpSettings(host, number, parts.scheme == "smtps", sender, user, password)
