"""What an HTML body comes to where a condition writes one of its branches, and whether each stays in its place.

Conditions ask for values that nobody can list; what their branches write is known. So a body is looked at once for each
branch, read as browsers read it. A branch is whole by itself, besides, and stands where it cannot reach beyond itself:
then no two of them do together what neither does alone.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from domain.campaign.tokens import LINKS
from domain.campaign.visible import EDGE, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from domain.campaign.visible import Node


class Token(NamedTuple):
    """Where a token stands. `expression`: what it writes, as the template says it; `literals`: the texts in it."""

    expression: str
    literals: tuple[str, ...] = ()


class Branches(NamedTuple):
    """Where a condition stands, and what each of its branches writes."""

    of: tuple[Sequence[Part], ...]


Part: TypeAlias = "str | Token | Branches"


class _Place(Enum):
    """Where a token or a condition stands in the document."""

    WORDS = auto()
    RAW = auto()
    """In an element whose text holds no markup."""
    COMMENT = auto()
    QUOTED = auto()
    BARE = auto()
    """The whole value of an attribute, without quotes."""
    ATTRIBUTE = auto()
    """Where an attribute would stand, with a blank before and after."""


class _Marks:
    """What stands for tokens and conditions, and is found again; nobody writes it who does not know the whole text.

    It begins like a name, and holds a blank: where one ends a name or a value, it does not arrive whole.
    """

    def __init__(self, known_by: str) -> None:
        self._known_by = known_by
        self.whole: Final = re.compile(rf"q{known_by}_(\d+) \1_{known_by}q")
        self.begun: Final = re.compile(rf"q{known_by}_(\d+)")

    def of(self, number: int) -> str:
        return f"q{self._known_by}_{number} {self.rest(str(number))}"

    def rest(self, number: str) -> str:
        return f"{number}_{self._known_by}q"


def digest(text: str) -> str:
    """What nobody can write into a text, since it follows from the whole of it."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_RAW: Final = frozenset(
    {"style", "script", "title", "textarea", "plaintext", "xmp", "iframe", "noembed", "noframes", "noscript"}
)
_OF_ALL: Final = _RAW | {
    *("base", "link", "meta", "html", "head", "body", "frameset", "frame"),
    *("template", "select", "svg", "math"),
}
"""These change what stands elsewhere, swallow it, or are read by rules of their own."""
_ODD: Final = re.compile(r"<[!?]|</[^a-zA-Z]")
_REMARK: Final = re.compile(r"<!--(?!-?>)(?:(?!--).)*+-->|<!\[(?:if|endif)[^<>]*\]>", re.DOTALL)
"""A comment that ends where it says so, to every browser; and what hides from Outlook, or shows to it alone."""
_HARMLESS: Final = re.compile(
    r"""(?:\s*(?:class|id|name|title|lang|dir|align)=(?:"[^"<>]*"|'[^'<>]*')(?=\s|\Z))*\s*"""
)


def bodies(parts: Sequence[Part], values: Mapping[str, str], known_by: str) -> list[str]:
    """The body with each branch of a condition alone; none at all where one could change what stands around it.

    `values`: what tokens stand for, by expression; others stand for a letter. Around what not everybody is shown is
    an edge. `known_by`: the `digest` of the template.
    """
    made, marks = [], _Marks(known_by)
    for way in _ways(parts):
        if not _stays(way, marks):
            return []
        made.append("".join(_written(part, values) for part in way))
    return made


_AROUND: Final = Branches(())
"""The edge of a branch that is written."""


def _ways(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Without any branch, and with each of them: with the branches that it stands in, and no others."""
    yield list(parts)
    for place, part in enumerate(parts):
        for branch in part.of if isinstance(part, Branches) else ():
            for way in () if _is_plain(branch) else _ways(branch):
                yield [*parts[:place], _AROUND, *way, _AROUND, *parts[place + 1 :]]


def _is_plain(branch: Sequence[Part]) -> bool:
    """Whether it writes words alone: where these may stand they change nothing else, as an edge there shows already."""
    return all(
        not part.literals
        if isinstance(part, Token)
        else isinstance(part, str) and not set(part) & set("<>\"'&")
        for part in branch
    )


def _written(part: Part, values: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return part
    return values.get(part.expression, "x") if isinstance(part, Token) else EDGE


def _stays(way: Sequence[Part], marks: _Marks) -> bool:
    """Whether no token and no condition, wherever it stands, can end or begin anything but itself."""
    marked = {
        number: part for number, part in enumerate(way) if not isinstance(part, str) and part != _AROUND
    }
    text = "".join(
        part if isinstance(part, str) else marks.of(number) if number in marked else ""
        for number, part in enumerate(way)
    )
    places = [] if not marked else list(_places(text, marks))
    found = {number for number, _ in places}
    return found == marked.keys() and all(_fits(marked[number], place) for number, place in places)


def _places(html: str, marks: _Marks) -> Iterator[tuple[int, _Place]]:
    waiting: list[tuple[Node, str]] = []
    first = parsed(html)
    if first is not None:
        waiting.append((first, ""))
    while waiting:
        node, around = waiting.pop()
        if node.next is not None:
            waiting.append((node.next, around))
        if node.child is not None:
            waiting.append((node.child, node.tag or ""))
        if node.is_text_node:
            place = _Place.RAW if around in _RAW else _Place.WORDS
            yield from ((int(one), place) for one in marks.whole.findall(node.text_content or ""))
        elif node.is_comment_node:
            yield from ((int(one), _Place.COMMENT) for one in marks.whole.findall(node.comment_content or ""))
        elif node.is_element_node:
            yield from _of_attributes(node.attributes, marks)


def _of_attributes(told: Mapping[str, str | None], marks: _Marks) -> Iterator[tuple[int, _Place]]:
    for name, value in told.items():
        if value:
            yield from ((int(one), _Place.QUOTED) for one in marks.whole.findall(value))
        for text, place in ((name, _Place.ATTRIBUTE), (value or "", _Place.BARE)):
            begun = marks.begun.fullmatch(text)
            if begun is not None and marks.rest(begun[1]) in told:
                yield int(begun[1]), place


def _fits(part: Token | Branches, place: _Place) -> bool:
    if isinstance(part, Token):
        return _token_fits(part, place)
    return all(_branch_fits(_outside(branch), place) for branch in part.of)


def _token_fits(token: Token, place: _Place) -> bool:
    """What a value holds is escaped; what the template itself lets it write is not."""
    written = "".join(token.literals)
    if place is _Place.BARE:
        return token.expression in LINKS  # only these have no blanks
    if place is _Place.ATTRIBUTE:
        return False
    return not set(written) & set({_Place.QUOTED: "\"'<>", _Place.COMMENT: "<>-"}.get(place, "<"))


def _branch_fits(text: str, place: _Place) -> bool:
    if place is _Place.WORDS:
        return _whole(text)
    if place is _Place.ATTRIBUTE:
        return _HARMLESS.fullmatch(text) is not None
    if place is _Place.BARE:
        return False
    return not set(text) & set({_Place.RAW: "<", _Place.QUOTED: "\"'<>", _Place.COMMENT: "<>-"}[place])


def _outside(branch: Sequence[Part]) -> str:
    """What a branch writes outside of the conditions in it, a token as a letter."""
    return "".join(part if isinstance(part, str) else "x" * isinstance(part, Token) for part in branch)


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
    text = _REMARK.sub("", text)
    if _ODD.search(text):
        return False
    parser = _Balance()
    parser.feed(text)
    return not (parser.broken or parser.open or "<" in parser.rawdata)
