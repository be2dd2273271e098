"""Which witnesses are asked: each one's verifier key, and where it is."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from domain.audit.errors import MalformedVerifierKey
from domain.audit.notes import VerifierKey
from domain.audit.witnessing import Quorum
from domain.kernel.errors import Refusal

MOST: Final = 16
"""So many signatures every verifier accepts under a note (signed-note, Format); the log's own are beside them."""

_ONE: Final = re.compile(r"(\S+)\s+(https?://[^\s,?#]+)")


class WitnessAddress(NamedTuple):
    """One witness: its key, and its submission prefix, without a slash at the end."""

    key: VerifierKey
    url: str


def read_witnesses(text: str) -> tuple[WitnessAddress, ...]:
    """The witnesses that a setting names, with commas between. Raises `ValueError` with words for a person."""
    found = []
    for one in filter(None, (part.strip() for part in text.split(","))):
        parts = _ONE.fullmatch(one)
        if parts is None:
            raise ValueError(
                "name each witness by its verifier key, a space and its address, with commas between"
            )
        try:
            key = VerifierKey.read(parts[1])
        except MalformedVerifierKey as error:
            raise ValueError(f"{parts[1]}: {error.detail}") from None
        found.append(WitnessAddress(key, _address(parts[2])))
    if len(found) > MOST:
        raise ValueError(f"at most {MOST} witnesses are asked")
    try:
        Quorum.of([one.key for one in found])
    except Refusal as refusal:
        raise ValueError(refusal.detail) from None
    return tuple(found)


def is_named_by_number(host: str) -> bool:
    """Whether a host is an address: whoever set it meant this one, be it of the open internet or not."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _address(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or "@" in parts.netloc:
        raise ValueError(f"{url} names no host, or a user")
    if parts.scheme == "http" and not (is_named_by_number(host) and not ip_address(host).is_global):
        raise ValueError(
            f"{url}: http is for addresses of this machine or network, as http://127.0.0.1:8421; else https"
        )
    _ = parts.port  # raises `ValueError` in words where it is none
    return url.rstrip("/")
