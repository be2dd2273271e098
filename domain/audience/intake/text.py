"""Text as people mean it: composed (NFC), trimmed, without characters that only confuse.

A cell in which a reader sees nothing is an empty one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from domain.kernel.text import legible

_UNSEEN: Final = "\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
"""Controls and marks of direction: a name with them can read as another than it is."""

_CONTROL: Final = re.compile(f"[{_UNSEEN}]+")
_CONTROL_BUT_BREAKS: Final = re.compile(f"(?![\\n\\t])[{_UNSEEN}]")


def one_line(cell: str) -> str:
    """A name or another short text: every run of controls or spaces becomes one space."""
    if cell.isascii() and cell.isprintable():
        return cell.strip() if "  " not in cell else " ".join(cell.split())
    text = " ".join(unicodedata.normalize("NFC", _CONTROL.sub(" ", cell)).split())
    return text if legible(text) else ""


def many_lines(cell: str) -> str:
    """Free text: line breaks (as a line feed) and tabs stay."""
    if cell.isascii() and cell.isprintable():
        return cell.strip()
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", _CONTROL_BUT_BREAKS.sub("", text)).strip()
    return text if legible(text) else ""


def plain(text: str) -> str:
    """Lower case, without accents: how words are compared across languages."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
