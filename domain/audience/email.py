"""The one form by which two e-mail addresses are the same, and the type of an address in a command.

Reservations, look-ups and imports match by `match_form`; how an address is read stands in `intake.addresses`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import Url

from domain.audience.intake.addresses import MAX_ADDRESS, Address, read_address, read_known

if TYPE_CHECKING:
    from domain.audience.intake.errors import Fault

_DELIMITERS: Final = re.compile(r"[\s/@:%?#\[\]\\]")


class AsciiDomains:
    """Domain names in ASCII by UTS #46, non-transitional: `ß` stays its own letter, as IDNA 2008 has it."""

    def to_ascii(self, domain: str) -> str | None:
        """The lower-case `xn--` form of a domain; None if it is not one."""
        if not domain or _DELIMITERS.search(domain):
            return None
        try:
            return Url(f"http://{domain}/").host
        except ValueError:
            return None


DOMAINS: Final = AsciiDomains()


def match_form(written: str) -> str:
    """The form of an address that two spellings of it share; raises `ValueError` for what is no address.

    It is its own match form: `match_form(match_form(x)) == match_form(x)`.
    """
    return _address(read_known(written, DOMAINS)).match


def _address(address: Address | Fault) -> Address:
    if not isinstance(address, Address):
        message = f"{address.message} {address.remedy}"
        raise ValueError(message)  # noqa: TRY004 - the value is wrong, not its type
    if address.display_name:
        raise ValueError(
            "A name stands before the address. Give the address alone, and the name in its own field."
        )
    return address


def _written(value: str) -> str:
    return _address(read_address(value, DOMAINS)).written


EmailText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=MAX_ADDRESS),
    AfterValidator(_written),
]
"""An e-mail address in its owner's spelling, without a display name."""
