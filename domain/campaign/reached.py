"""What a reader of a body gets at: its words, where its links lead, and the ways to write or call that it names.

A way out is one that works as it stands. A link is the token, the whole token and nothing but the token: with a letter
glued to it, or inside of an address of somebody else, it leads nowhere, or to them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from domain.campaign.visible import visible

_OPENING: Final = "<([{\"'«“„‘"  # noqa: RUF001 - quotes as people write them
_CLOSING: Final = ">)]}\"'»”’.,;:!?"  # noqa: RUF001 - the same, at the end
"""What stands around an address in a text, and that a mail program leaves out of the link that it makes of it."""
_BLANKS: Final = " \t\n\r\f"
"""What a browser leaves out around an address."""
_WHOLE: Final = r"(?<![A-Za-z0-9._%+@/=?&~\x01-]){}(?![A-Za-z0-9_@%~\x01-]|\.[A-Za-z0-9])"
"""An address with nothing around it that would make another of it, for anybody."""
_EMAILS: Final = ("contact_email", "unsubscribe_email")
_WEB: Final = "contact_web"
_PHONE: Final = "contact_phone"


class Reached(NamedTuple):
    """The words of a body that are seen, and where its links lead."""

    words: str
    links: frozenset[str]

    def leads_to(self, target: str) -> bool:
        """Whether a link leads there, and exactly there."""
        return target in self.links

    def tells(self, field: str, words: str) -> bool:
        """Whether it says what a field of the content does: in words, or for a way to write or call as a link too."""
        plain = re.escape(words)
        if field in _EMAILS:
            return self._has(plain) or any(_led(link, "mailto") == words for link in self.links)
        if field == _WEB:
            site = f"(?:https?://)?{plain}"
            return self._has(site) or any(re.fullmatch(rf"{site}(?:[/?#].*)?", link) for link in self.links)
        if field == _PHONE:
            return words in self.words or any(_led(link, "tel") == words for link in self.links)
        return words in self.words

    def _has(self, address: str) -> bool:
        return re.search(_WHOLE.format(address), self.words) is not None


def reached(body: str, *, html: bool) -> Reached:
    """What a reader gets at. A text has the links that mail programs make of it: whatever stands between blanks."""
    if html:
        seen = visible(body)
        return Reached(seen.words, frozenset(link.strip(_BLANKS) for link in seen.links))
    return Reached(body, frozenset(run.lstrip(_OPENING).rstrip(_CLOSING) for run in body.split()))


def _led(link: str, scheme: str) -> str | None:
    """To whom a link writes or calls."""
    told, _, rest = link.partition(":")
    return rest.partition("?")[0] if told.lower() == scheme else None
