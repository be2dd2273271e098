"""Which addresses may be sent to: a tenant's endpoint must not reach into the network that this runs in (SSRF).

Refused is what is not of the open internet: private, loopback, link-local (the clouds' metadata service among it),
shared, reserved, multicast; and what an IPv6 address of a transition scheme carries inside.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

_NAT64: Final = IPv6Network("64:ff9b::/96")
_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
"""Of the special-purpose registries of IANA: what not every version of Python knows to be none of the internet's."""
_METADATA: Final = frozenset({IPv4Address("168.63.129.16")})
"""Metadata services at addresses that look public: Azure's."""
_LOW: Final = 0xFFFF_FFFF


class AddressRefused(Exception):
    """The host resolves to an address that webhooks are not sent to."""


def read(text: str) -> Address:
    """An address as a resolver writes it, less its zone."""
    return ip_address(text.partition("%")[0])


def allowed(address: Address, *, loopback: bool) -> bool:
    """Whether webhooks may be sent there. `loopback`: this machine is allowed too, for development."""
    inner = _carried(address)
    if inner is not None:
        return allowed(inner, loopback=loopback)
    if address.is_loopback:
        return loopback
    if address.is_reserved or any(address in network for network in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and address not in _METADATA


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside one of IPv6."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
