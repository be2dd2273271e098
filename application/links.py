"""The links of a message: what its sender puts into the headers and the text of each, so that its reader can stop it.

The values of the headers are those of RFC 8058; a signature (DKIM) must cover both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from application.door_tokens import Door
from domain.kernel.errors import Refusal

if TYPE_CHECKING:
    from application.door_tokens import DoorToken, DoorTokens

ONE_CLICK: Final = "List-Unsubscribe=One-Click"


class NoPublicAddress(Refusal):
    """Links in mail need the address under which the world reaches this. Have `PENGUINMAILS_PUBLIC_URL` set."""

    code = "no-public-address"


class MessageLinks(NamedTuple):
    """`list_unsubscribe` and `list_unsubscribe_post` are values of headers, `page` is for the text."""

    list_unsubscribe: str
    list_unsubscribe_post: str
    page: str


class Links:
    """Makes links."""

    def __init__(self, tokens: DoorTokens, public_url: str | None) -> None:
        """`public_url`: where people reach the doors; None: nowhere yet."""
        self._tokens = tokens
        self._public_url = public_url

    def of_message(self, token: DoorToken) -> MessageLinks:
        """The links of one message to one person; `token` says what it is about, whatever its door."""
        return MessageLinks(
            f"<{self._to('u', replace(token, door=Door.OPT_OUT))}>",
            ONE_CLICK,
            self._to("p", replace(token, door=Door.PREFERENCES)),
        )

    def of_confirmation(self, token: DoorToken) -> str:
        """The address of the page on which a person confirms a consent: `token.request`."""
        if token.request is None:
            raise TypeError("a confirmation names the entry of its first step")
        return self._to("c", replace(token, door=Door.CONFIRM))

    def _to(self, door: str, token: DoorToken) -> str:
        if self._public_url is None:
            raise NoPublicAddress
        return f"{self._public_url.rstrip('/')}/{door}/{self._tokens.text(token)}"
