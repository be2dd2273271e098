"""What a reader of an HTML body sees of it: its text, the words that stand for its pictures, and where its links lead.

It is read as browsers read it, broken markup too. Left out is what its own markup hides, with all that is in it: by an
inline style (`domain/campaign/styles.py`), by attributes (`hidden`, `popover`, `inert`), in comments, where nothing is
shown unless somebody opens it or something else fails (`details`, `dialog`, what stands in for a video), and what no
reader shows (head, scripts, styles). A link leads somewhere where there is something to click on; forms and maps of
pictures, which many readers do not show, are none. Where that cannot be told, it counts as hidden; so does what
Outlook alone hides (`mso-hide`). Nobody looks at style sheets and at colours, nor works out a layout: letters in the
colour of their ground count as shown, and so does what a box of some height cuts off below others. An approver looks.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

from domain.campaign.styles import Look, dressed, too_small
from domain.kernel.text import legible

if TYPE_CHECKING:
    from collections.abc import Mapping

Node: TypeAlias = LexborNode
"""An element, a text or a comment of a document."""
EMPTY: Final = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    }
)
"""Elements that hold nothing, and have no end."""
_NEVER: Final = frozenset(
    {
        *("head", "title", "script", "style", "template", "noscript"),
        *("iframe", "noembed", "noframes", "object", "applet", "audio", "video", "canvas", "svg", "math"),
        *("datalist", "select", "option", "meter", "progress", "rp"),
        *("textarea", "xmp", "plaintext", "frameset"),
    }
)
_TOLD_APART: Final = ("noscript", "template")
"""What stands in these is read one way by who runs scripts, and another by who does not."""
_SHUT: Final = frozenset({"details", "dialog"})
"""Not shown unless it is open."""
_PICTURES: Final = ("img", "area", "input")
_DEEPEST: Final = 500
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_BEGUN: Final = re.compile("<")
_FORMATTING: Final = frozenset(
    {
        *("a", "b", "big", "code", "em", "font", "i"),
        *("nobr", "s", "small", "strike", "strong", "tt", "u"),
    }
)
"""These outlive the element that they stand in (HTML, "the list of active formatting elements")."""
_MOST_FORMATTING: Final = 3_000
_AT_ONCE: Final = 200_000
_CHARACTERS_AT_ONCE: Final = 20_000_000
"""Elements, and characters of their attributes, that a parser may make between two looks at how many they are."""
_MOST_LOOKS: Final = 200
_SOME: Final = 50_000
"""Characters by which a document may be longer than its text, and three times as long besides."""
_NAME: Final = re.compile(r"<[a-zA-Z][^ \t\n\f\r/>]*+")
_MANY: Final = re.compile(
    r"""(?>[ \t\n\f\r/]*+(?:=[^ \t\n\f\r/>=]*+|[^ \t\n\f\r/>=]++)"""
    r"""(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?>"[^"]*+"?|'[^']*+'?|[^ \t\n\f\r>]*+))?){64}"""
)
"""As many attributes as no element has: a parser holds each against all before it."""
_MOST_OPEN: Final = 2_000
"""Elements that may be open at once, those without an end tag included: a parser goes through them for each tag."""
EDGE: Final = "\x01"
"""Where something begins or ends that not everybody is shown. No text of a person holds it."""
_NOTHING: Final = f" \t\n\f\r{EDGE}"


class Visible(NamedTuple):
    """The words that a reader can see, and where the links lead that they can click on."""

    words: str = ""
    links: tuple[str, ...] = ()


class _Place(NamedTuple):
    """A node, what it looks like around it, and where the link around it leads until something of it is shown."""

    node: Node
    around: Look = Look()
    leads: list[str] | None = None
    depth: int = 0


def visible(html: str) -> Visible:
    """What a reader can see of an HTML body; nothing where it is nested more than 500 deep."""
    seen: list[str] = []
    links: list[str] = []
    first = parsed(html)
    waiting = [] if first is None else [_Place(first)]
    while waiting:
        place = waiting.pop()
        node, around, leads, depth = place
        if depth > _DEEPEST:
            return Visible()
        if node.next is not None:
            waiting.append(place._replace(node=node.next))
        words, clickable = "", False
        if node.is_text_node:
            words = (node.text_content or "") if around.shown else ""
            clickable = legible(words)
        elif node.is_element_node:
            tag, told = node.tag or "", node.attributes
            if tag in _TOLD_APART:
                return Visible()
            look = _of(around, tag, told)
            if tag == "a":
                href = told.get("href")
                leads = None if href is None else [href]
            elif tag in _PICTURES and _pictured(tag, look, told):
                words, clickable = (f" {told.get('alt') or ''} " if look.shown else ""), True
            if node.child is not None:
                waiting.append(_Place(node.child, look, leads, depth + 1))
        seen.append(words)
        if clickable and leads:
            links.append(leads.pop())
    return Visible("".join(seen), tuple(links))


def parsed(html: str) -> Node | None:
    """The first node of the document that browsers make of a text; None where that would be many times its length."""
    open_now: Counter[str] = Counter()
    deep = formatting = 0
    for end, name in _TAG.findall(html):
        tag = name.lower()
        step = 0 if tag in EMPTY else -(open_now[tag] > 0) if end else 1
        open_now[tag] += step
        deep += step
        formatting += tag in _FORMATTING and not end
        if deep > _MOST_OPEN or formatting > _MOST_FORMATTING:
            return None
    if any(_MANY.match(html, one.end()) for one in _NAME.finditer(html)):
        return None
    if formatting and _grows(html, formatting):
        return None
    document = LexborHTMLParser(html)
    return None if document.root is None or document.root.parent is None else document.root.parent.child


def _grows(html: str, formatting: int) -> bool:
    """Whether a part from its beginning makes a document that is many times as long, or nobody can look that often.

    An element that formats and was never ended is opened anew after whatever ended around it, so that each tag may make
    as many elements as there are of these: part by part no step makes more than can be made quickly.
    """
    begun = [one.start() for one in _BEGUN.finditer(html)]
    step = min(_AT_ONCE // formatting, _CHARACTERS_AT_ONCE // len(html))
    ends = begun[step :: max(1, step)]
    if len(ends) > _MOST_LOOKS:
        return True
    for end in ends:
        made = LexborHTMLParser(html[:end]).html
        if made is None or len(made) > 3 * end + _SOME:
            return True
    return False


def _pictured(tag: str, look: Look, told: Mapping[str, str | None]) -> bool:
    """Whether a reader can see something of a picture."""
    if tag == "input" and (told.get("type") or "").strip().lower() != "image":
        return False
    if "usemap" in told:  # it leads where its map does
        return False
    sides = [told.get(side) for side in ("width", "height")]
    if any(_of_each(side or "") or too_small(side, look) for side in sides) or not look.pictured:
        return False
    return tag != "img" or any((told.get(name) or "").strip(_NOTHING) for name in ("src", "alt"))


def _of_each(value: str) -> bool:
    """Whether it holds what is known of each recipient alone."""
    return any(sign in value for sign in ("~", EDGE, "{{", "{%"))


def _of(around: Look, tag: str, attributes: Mapping[str, str | None]) -> Look:
    """How an element looks inside of another."""
    style = attributes.get("style") or ""
    if (
        tag in _NEVER
        or "hidden" in attributes
        or "popover" in attributes
        or "inert" in attributes
        or (tag in _SHUT and "open" not in attributes)
        or _of_each(style)
    ):
        return around._replace(gone=True)
    return dressed(around, style, root=tag == "html", cut=tag in _PICTURES)
