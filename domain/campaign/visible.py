"""What a reader of an HTML body sees of it: its text, the words that stand for its pictures, and where its links lead.

Left out is what its own markup hides, with all that is in it: by an inline style (`domain/campaign/styles.py`), by
attributes (`hidden`, `popover`, `inert`), in comments, where nothing is shown unless somebody opens it or something
else fails (`details`, `dialog`, what stands in for a video), and what no reader shows (head, scripts, styles). A link
leads somewhere where there is something to click on; forms and maps of pictures, which many readers do not show, are
none. Where that cannot be told, it counts as hidden; so does what Outlook alone hides (`mso-hide`). Nobody looks at
style sheets and at colours: letters in the colour of their ground count as shown. An approver does.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final, NamedTuple

from domain.campaign.styles import Look, dressed, too_small
from domain.kernel.text import legible

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DECLARATION: Final = re.compile(r"<![^>]*(?:>|\Z)")

_EMPTY: Final = frozenset(
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
_SHUT: Final = frozenset({"details", "dialog"})
"""Not shown unless it is open."""
_OF_THE_HEAD: Final = frozenset(
    {"base", "link", "meta", "noscript", "script", "style", "template", "title", "head"}
)
_ENDLESS: Final = frozenset({"html", "body"})
"""What comes after their end is in them all the same."""
_WALLS: Final = frozenset({"table", "td", "th", "caption", "object", "applet", "marquee", "template"})
"""An end tag in them ends nothing outside of them, but for those of the table itself."""
_OF_A_TABLE: Final = _WALLS | {"tbody", "thead", "tfoot", "tr"}
_PICTURES: Final = ("img", "area", "input")
_DEEPEST: Final = 500
EDGE: Final = "\x01"
"""Where something begins or ends that not everybody is shown. No text of a person holds it."""


class _TooDeep(Exception):
    """It is nested deeper than any message is."""


class Visible(NamedTuple):
    """The words that a reader can see, and where the links lead that they can click on."""

    words: str = ""
    links: tuple[str, ...] = ()


def visible(html: str) -> Visible:
    """What a reader can see of an HTML body; nothing where it is nested more than 500 deep."""
    parser = _Seen()
    try:
        parser.feed(_DECLARATION.sub("", _COMMENT.sub("", html)))
        if "<" not in parser.rawdata:  # else a tag that never ends, which hides the rest
            parser.close()
    except _TooDeep:
        return Visible()
    return Visible("".join(parser.seen), tuple(parser.links))


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.links: list[str] = []
        self._open: list[tuple[str, Look]] = []
        self._leads: str | None = None
        """Where the link leads that nothing was shown of yet."""

    @property
    def _look(self) -> Look:
        return self._open[-1][1] if self._open else Look()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open and self._open[-1][0] == "head" and tag not in _OF_THE_HEAD:
            self._open.pop()
        told = dict(reversed(attrs))  # of two that are named alike the first counts
        look = _of(self._look, tag, told)
        if tag == "a":
            self._leads = told.get("href")
        elif tag in _PICTURES:
            self._picture(tag, look, told)
        if tag in _EMPTY:
            return
        if len(self._open) >= _DEEPEST:
            raise _TooDeep
        self._open.append((tag, look))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """In HTML a slash ends nothing."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _ENDLESS:
            return
        if tag == "a":
            self._leads = None
        for place in range(len(self._open) - 1, -1, -1):
            name = self._open[place][0]
            if name == tag:
                del self._open[place:]
                return
            if name in _WALLS and tag not in _OF_A_TABLE:
                return

    def handle_data(self, data: str) -> None:
        if not self._look.shown:
            return
        self.seen.append(data)
        if legible(data):
            self._clickable()

    def _picture(self, tag: str, look: Look, told: dict[str, str | None]) -> None:
        if tag == "input" and (told.get("type") or "").strip().lower() != "image":
            return
        if any(too_small(told.get(side), look) for side in ("width", "height")) or not look.pictured:
            return
        if tag == "img" and not (told.get("src") or "").strip() and not (told.get("alt") or "").strip():
            return
        self._clickable()
        if look.shown:
            self.seen.append(f" {told.get('alt') or ''} ")

    def _clickable(self) -> None:
        if self._leads is not None:
            self.links.append(self._leads)
        self._leads = None


def _of(around: Look, tag: str, attributes: dict[str, str | None]) -> Look:
    """How an element looks inside of another."""
    style = attributes.get("style") or ""
    if (
        tag in _NEVER
        or "hidden" in attributes
        or "popover" in attributes
        or "inert" in attributes
        or (tag in _SHUT and "open" not in attributes)
        or any(sign in style for sign in ("~", EDGE, "{{", "{%"))  # what is only known of each recipient
    ):
        return around._replace(gone=True)
    return dressed(around, style, root=tag == "html", cut=tag in _PICTURES)
