"""What an endpoint is made of: the address that events are sent to, and which events those are.

An address is https. Plain http is taken for a host of this machine alone, for development; whether anything is sent
there, or to any address inside a network, is decided where it is sent, on what the name resolves to at that moment.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

_LONGEST: Final = 2_000
ANY: Final = "*"
_OWN: Final = "webhooks"
"""The context of endpoints' own events, which tell the addresses of all of them: whoever wants these names them."""


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("This is no address. Write it as https://example.com/webhooks.") from None
    if not value.isascii() or not value.isprintable() or " " in value or not host or port == 0:
        raise ValueError("This is no address. Write it as https://example.com/webhooks, its host in ASCII.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("An address holds no user, no password and no fragment. Leave them out.")
    if parts.scheme != "https" and not (parts.scheme == "http" and of_this_machine(host)):
        raise ValueError("An address is https; http is for this machine alone. Use https.")
    return value


def of_this_machine(host: str) -> bool:
    """Whether a host, as it is written, is this machine: `localhost`, or an address of its loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


WebhookUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST),
    AfterValidator(_url),
    Field(json_schema_extra={"format": "uri"}),
]
"""An address that events are sent to."""

EventFilter = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^(\*|[a-z_]+\.(\*|[a-z][a-z_]*))$"),
]
"""`audience.contact_created`, `audience.*` for a whole context, or `*` for all contexts but `webhooks`."""

EventFilters = Annotated[list[EventFilter], Field(min_length=1, max_length=50)]


def wanted(filters: tuple[str, ...] | list[str], name: str) -> bool:
    """Whether one of the filters lets the events of this name through."""
    context = name.partition(".")[0]
    named = {name, f"{context}.{ANY}"} | ({ANY} if context != _OWN else set())
    return not named.isdisjoint(filters)
