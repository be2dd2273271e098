"""Text that people type: trimmed, in one Unicode form (NFC), without control characters, of a stated length.

What nobody sees is no text: one of nothing but invisible characters, fillers and blanks is refused wherever text is
taken. These types stand in commands. Events hold plain `str`: what was accepted once is read for ever, whatever is
accepted today.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from domain.kernel import limits

_UNSEEN: Final = frozenset({"Cc", "Cs"})
_LINE_BREAKS: Final = frozenset("\n\t")
_SEPARATORS: Final = frozenset("\u2028\u2029")
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEEN: Final = frozenset("LNPS")
"""Letters, numbers, punctuation and symbols. What only joins, marks or separates them is seen with them, or never."""
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
"""Letters and symbols by their kind, blanks to whoever reads: Hangul fillers, Braille without a dot, a null note."""
_NOT_SEEN: Final = (
    "it has nothing that a reader sees, only blanks or invisible characters; write it, or leave it out"
)


_IGNORED: Final = re.compile("[\u034f\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that no reader sees (Default_Ignorable_Code_Point of Unicode, less what is of the category Cf)."""


def unseen(character: str) -> bool:
    """Whether it is there and no reader sees it: it formats, joins, selects or fills."""
    return unicodedata.category(character) == "Cf" or character in _BLANK or bool(_IGNORED.match(character))


def legible(text: str | None) -> bool:
    """Whether there is anything in it that a reader sees."""
    return text is not None and any(
        unicodedata.category(one)[0] in _SEEN and one not in _BLANK for one in text
    )


def wordy(text: str | None) -> bool:
    """Whether there is a letter or a digit in it: a dot or a dash is seen, and names nobody."""
    return text is not None and any(one.isalnum() and one not in _BLANK for one in text)


def one_line(value: str) -> str:
    """NFC, on one line; raises `ValueError` for characters that nobody sees or that reorder what is read."""
    if value.isascii() and value.isprintable():
        return value  # most text, and nothing to look for
    if any(unicodedata.category(c) in _UNSEEN or c in _SEPARATORS or c in _REORDERING for c in value):
        raise ValueError("control characters, line breaks and direction overrides are not taken; remove them")
    if not legible(value):
        raise ValueError(_NOT_SEEN)
    return unicodedata.normalize("NFC", value)


def some_lines(value: str) -> str:
    """NFC, line breaks as a line feed; otherwise as `one_line`. None at all is for whoever asks to refuse."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n")
    if any(
        (unicodedata.category(c) in _UNSEEN and c not in _LINE_BREAKS) or c in _REORDERING for c in unified
    ):
        raise ValueError("control characters and direction overrides are not taken; remove them")
    if unified and not legible(unified):
        raise ValueError(_NOT_SEEN)
    return unicodedata.normalize("NFC", unified)


ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.SHORT),
    AfterValidator(one_line),
]
"""A name or a label."""

LineText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.LINE),
    AfterValidator(one_line),
]
"""A company, a title, a ticket."""

LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.LONG),
    AfterValidator(some_lines),
]
"""A reason, a wording: some lines."""

PhoneText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.PHONE),
    AfterValidator(one_line),
]
"""A telephone number as it is written, extension included."""

AttributeKey = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.ATTRIBUTE_KEY),
    AfterValidator(one_line),
]
AttributeText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=limits.ATTRIBUTE), AfterValidator(some_lines)
]


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError("This is no IP address. Write it as 192.0.2.1 or 2001:db8::1.") from None


IpText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=limits.IP), AfterValidator(_address)
]
"""An IPv4 or IPv6 address in its usual form."""
