"""What an HTML body comes to where a condition writes one of its branches, and whether each stays in its place.

Conditions ask for values that nobody can list; what their branches write is known. So a body is looked at, as browsers
read it, with none of them, with each alone, and with one of every condition. A branch is whole by itself, besides, and
stands where it cannot reach beyond itself, so that seldom two of them do together what neither does alone.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from domain.campaign.tokens import LINKS
from domain.campaign.visible import EDGE, EMPTY, parsed

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


_RAW: Final = frozenset(
    {"style", "script", "title", "textarea", "plaintext", "xmp", "iframe", "noembed", "noframes", "noscript"}
)
_OF_ALL: Final = _RAW | {
    *("base", "link", "meta", "html", "head", "body", "frameset", "frame"),
    *("template", "select", "svg", "math", "form", "button", "nobr", "object", "applet", "marquee"),
}
"""These change what stands elsewhere, swallow it, or are read by rules of their own."""
_PLAIN: Final = re.compile(
    r"""[^<]++|<(?=[^a-zA-Z/!?])"""
    r"""|<!--(?!-?>)(?:(?!--!?>).)*+-->|<!\[(?:if|endif)[^<>\]]*+\]>"""
    r"""|<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*+)"""
    r"""(?:[ \t\n\f\r]++(?:[^ \t\n\f\r"'<>/=]++(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+"""
    r"""(?:"[^"<>]*+"|'[^'<>]*+'|[^ \t\n\f\r"'<>=`]++))?+)?+)*+/?>""",
    re.DOTALL,
)
"""Text, a comment that ends where it says so, and a tag in which nothing is left to guess."""
_ENDING: Final = re.compile(r"<[/!]?[a-zA-Z-]*\Z")
_HARMLESS: Final = re.compile(
    r"""(?:\s*(?:class|id|name|title|lang|dir|align)=(?:"[^"<>]*"|'[^'<>]*')(?=\s|\Z))*\s*"""
)


def bodies(parts: Sequence[Part], values: Mapping[str, str], known_by: str) -> list[str]:
    """The body with each branch of a condition alone; none at all where one could change what stands around it.

    `values`: what tokens stand for, by expression; others stand for a letter. Each time once with an edge around what
    not everybody is shown, and once without. `known_by`: the `digest` of the template.
    """
    made, marks = [], _Marks(known_by)
    for way in (*_ways(parts), _at_once(parts, 0), _at_once(parts, -1)):
        if not _stays(way, marks):
            return []
        made += ["".join(_written(part, values, edge) for part in way) for edge in (EDGE, "")]
    return made


def marked_up(parts: Sequence[Part]) -> int:
    """How many branches hold more than words: for each of them a body is looked at."""
    branches = [one for part in parts if isinstance(part, Branches) for one in part.of]
    return sum(1 + marked_up(one) for one in branches if not _is_plain(one))


_AROUND: Final = Branches(())
"""The edge of a branch that is written."""


def _at_once(parts: Sequence[Part], which: int) -> list[Part]:
    """With the first branch of every condition, or the last."""
    made: list[Part] = []
    for part in parts:
        if isinstance(part, Branches) and part.of:
            made += [_AROUND, *_at_once(part.of[which], which), _AROUND]
        else:
            made.append(part)
    return made


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


def _written(part: Part, values: Mapping[str, str], edge: str) -> str:
    if isinstance(part, str):
        return part
    return values.get(part.expression, "x") if isinstance(part, Token) else edge


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
    return found == marked.keys() and all(
        _fits(marked[number], place) and _stands_apart(way, number, place) for number, place in places
    )


def _stands_apart(way: Sequence[Part], number: int, place: _Place) -> bool:
    """Whether what stands around it, where it writes nothing, closes up to no end of a comment or of what is raw."""
    if place not in (_Place.RAW, _Place.COMMENT) or not isinstance(way[number], Branches):
        return True
    before = "".join(part for part in way[:number] if isinstance(part, str))
    after = next((part for part in way[number + 1 :] if isinstance(part, str) and part), "")
    if place is _Place.RAW:
        return _ENDING.search(before) is None
    return before[-1:] not in "-!<" and after[:1] not in "->!"


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
            if begun is not None and told.get(marks.rest(begun[1]), "") is None:
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
    if place is _Place.COMMENT:
        return "--" not in text and text[:1] not in tuple("->!") and text[-1:] not in tuple("-!<")
    return place is not _Place.BARE and not set(text) & set("<" if place is _Place.RAW else "\"'<>")


def _outside(branch: Sequence[Part]) -> str:
    """What a branch writes outside of the conditions in it, a token as a letter."""
    return "".join(part if isinstance(part, str) else "x" * isinstance(part, Token) for part in branch)


def _whole(text: str) -> bool:
    """Whether it opens nothing that it does not end, ends nothing that it did not open, and leaves nothing to guess."""
    open_now: list[str] = []
    at = 0
    while at < len(text):
        found = _PLAIN.match(text, at)
        if found is None:
            return False
        at = found.end()
        name = (found["name"] or "").lower()
        if not name:
            continue
        if name in _OF_ALL or (found["end"] and (not open_now or open_now.pop() != name)):
            return False
        if not found["end"] and name not in EMPTY:
            open_now.append(name)
    return not open_now
