"""Whether what only some are shown could hide something from them: markup of a condition that reaches beyond it.

Conditions ask for values that nobody can list, so they are not tried one by one: whatever a branch writes has to be
whole by itself. In a tag a token stands within a quoted value, or is a link of ours, and a condition writes harmless
attributes.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from domain.campaign.tokens import LINKS

if TYPE_CHECKING:
    from collections.abc import Sequence


class Token(NamedTuple):
    """Where a token stands; `expression`: what it writes, as it is written in the template."""

    expression: str


class Branches(NamedTuple):
    """Where a condition stands, and what each of its branches writes."""

    of: tuple[Sequence[Part], ...]


Part: TypeAlias = "str | Token | Branches"


_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_OF_ALL: Final = frozenset(
    {"base", "style", "script", "link", "meta", "title", "textarea", "plaintext", "xmp"}
)
"""These change what stands elsewhere, or swallow it."""
_TAG: Final = re.compile(
    r"""<(?:!--(?:(?!-->).)*|[a-zA-Z/](?:[^"'>]|"[^"]*"|'[^']*')*(?:"[^"]*|'[^']*)?|/?)\Z""", re.DOTALL
)
"""A tag or a comment that is open at the end of a text."""
_QUOTED: Final = re.compile(r"""=\s*(?:"[^"]*|'[^']*)\Z""")
_BARE: Final = re.compile(r"=\s*\Z")
_HARMLESS: Final = re.compile(
    r"""(?:\s*(?:class|id|name|title|lang|dir|align)=(?:"[^"<>]*"|'[^'<>]*'))*\s*"""
)


def bends(parts: Sequence[Part]) -> bool:
    """Whether anything of an HTML body may look otherwise to somebody for what a condition or a value writes."""
    return _written(parts) is None


def _written(parts: Sequence[Part]) -> str | None:
    """What is written to everybody, a token as a letter; None where what some are shown reaches beyond itself."""
    made, tail = "", ""
    for part in parts:
        if isinstance(part, str):
            made += part
            tail = _inside(tail + part)
        elif isinstance(part, Token):
            if tail and not _takes(tail, part):
                return None
            made += "x"
            tail += "x" if tail else ""
        else:
            fits = _HARMLESS.fullmatch if tail else _whole
            for branch in part.of:
                text = _written(branch)
                if text is None or not fits(text):
                    return None
    return made


class _Balance(HTMLParser):
    """Which elements are open, and whether any was closed that was not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.broken = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.broken |= tag in _OF_ALL
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """In HTML a slash ends nothing."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.broken = True


def _whole(text: str) -> bool:
    """Whether it opens nothing that it does not end, and ends nothing that it did not open."""
    if "<!" in text or "<?" in text:
        return False
    parser = _Balance()
    parser.feed(text)
    return not (parser.broken or parser.open or "<" in parser.rawdata)


def _inside(text: str) -> str:
    """The tag, or the comment, that is open at its end; nothing where none is."""
    found = _TAG.search(text)
    return "" if found is None else found[0]


def _takes(tag: str, token: Token) -> bool:
    """Whether what a token stands for ends nothing there: it is escaped, and only a link of ours has no blanks."""
    if tag.startswith("<!--") or _QUOTED.search(tag) is not None:
        return True
    return _BARE.search(tag) is not None and token.expression in LINKS
