"""What a reader of an HTML body sees of it: its text, where its links lead, and the words that stand for its pictures.

Left out is what its own markup hides, with all that is in it: `display:none`, `visibility:hidden`, `font-size:0`,
`opacity:0`, a box without height that cuts off what is in it, the attribute `hidden`, comments, and what no reader
shows (head, scripts, styles). Where that cannot be told, it counts as hidden. Nobody looks at style sheets, colours and
places outside of the window. An approver does.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final, NamedTuple

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DECLARATION: Final = re.compile(r"<![^>]*(?:>|\Z)")
_STYLE_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_NOTHING: Final = re.compile(r"[+-]?(?:0+(?:\.0*)?|\.0+)(?:%|[a-z]+)?")
_RELATIVE: Final = re.compile(r"(?:.*(?:%|[^r]em|ex|ch)|smaller|larger|inherit|unset)")

_EMPTY: Final = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    }
)
"""Elements that hold nothing, and have no end."""
_NEVER: Final = frozenset({"head", "title", "script", "style", "template", "iframe", "noembed", "noframes"})
_OF_THE_HEAD: Final = frozenset(
    {"base", "link", "meta", "noscript", "script", "style", "template", "title", "head"}
)
_ENDLESS: Final = frozenset({"html", "body"})
"""What comes after their end is in them all the same."""
_WALLS: Final = frozenset({"table", "td", "th", "caption", "object", "applet", "marquee", "template"})
"""An end tag in them ends nothing outside of them, but for those of the table itself."""
_OF_A_TABLE: Final = _WALLS | {"tbody", "thead", "tfoot", "tr"}
_READ: Final = ("href", "action", "alt")
"""Attributes that reach the reader."""
_DEEPEST: Final = 500


class _Look(NamedTuple):
    """How an element looks. `gone` holds for all in it; `unseen` and `tiny` until something in it says otherwise."""

    gone: bool = False
    unseen: bool = False
    tiny: bool = False

    @property
    def shown(self) -> bool:
        return not any(self)


class _TooDeep(Exception):
    """It is nested deeper than any message is."""


def visible(html: str) -> str:
    """The words of an HTML body that a reader can see; nothing where it is nested more than 500 deep."""
    parser = _Seen()
    try:
        parser.feed(_DECLARATION.sub("", _COMMENT.sub("", html)))
        if "<" not in parser.rawdata:  # else a tag that never ends, which hides the rest
            parser.close()
    except _TooDeep:
        return ""
    return "".join(parser.seen)


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self._open: list[tuple[str, _Look]] = []

    @property
    def _look(self) -> _Look:
        return self._open[-1][1] if self._open else _Look()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open and self._open[-1][0] == "head" and tag not in _OF_THE_HEAD:
            self._open.pop()
        told = dict(reversed(attrs))  # of two that are named alike the first counts
        look = _of(self._look, tag, told)
        if look.shown:
            self.seen += [f" {value} " for name in _READ if (value := told.get(name))]
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
        for place in range(len(self._open) - 1, -1, -1):
            name = self._open[place][0]
            if name == tag:
                del self._open[place:]
                return
            if name in _WALLS and tag not in _OF_A_TABLE:
                return

    def handle_data(self, data: str) -> None:
        if self._look.shown:
            self.seen.append(data)


def _of(around: _Look, tag: str, attributes: dict[str, str | None]) -> _Look:
    """How an element looks inside of another."""
    style = attributes.get("style") or ""
    gone = around.gone or tag in _NEVER or "hidden" in attributes
    if any(
        sign in style for sign in ("\\", "~", "{{", "{%")
    ):  # escapes, or what is only known of each recipient
        return _Look(gone=True)
    told = _told(style)
    cut = told.get("overflow", "").startswith(("hidden", "clip")) or told.get("overflow-y") in (
        "hidden",
        "clip",
    )
    flat = any(_NOTHING.fullmatch(told.get(name, "")) for name in ("height", "max-height"))
    none = told.get("display") == "none" or bool(_NOTHING.fullmatch(told.get("opacity", "")))
    return _Look(
        gone=gone or none or (cut and flat),
        unseen=_unseen(around, told.get("visibility", "inherit")),
        tiny=_tiny(around, told.get("font-size", "inherit")),
    )


def _unseen(around: _Look, visibility: str) -> bool:
    return around.unseen if visibility in ("inherit", "unset") else visibility in ("hidden", "collapse")


def _tiny(around: _Look, size: str) -> bool:
    """Whatever is counted by the size around it is nothing inside of nothing."""
    return bool(_NOTHING.fullmatch(size)) or (around.tiny and bool(_RELATIVE.fullmatch(size)))


def _told(style: str) -> dict[str, str]:
    """What a style says, the last word on each property; what is important is not outdone by what is not."""
    told: dict[str, tuple[str, bool]] = {}
    for declaration in _STYLE_COMMENT.sub("", style).lower().split(";"):
        name, _, value = declaration.partition(":")
        words, mark, _ = value.partition("!")
        if name.strip() and (mark or not told.get(name.strip(), ("", False))[1]):
            told[name.strip()] = (" ".join(words.split()), bool(mark))
    return {name: value for name, (value, _) in told.items()}
