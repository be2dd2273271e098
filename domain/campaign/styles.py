"""What an inline style hides of the element that it stands at, and of all in it.

A declaration that no browser takes leaves the one before in force, as it does there. What cannot be told counts as
hidden: a function (`calc`, `var`) in a property that decides, an escape, a bracket or quote without its other half,
`all`, and whatever clips, moves or veils the element, or keeps clicks
from it, in a way that nobody works out here. So do letters and boxes under
5 pixels, an opacity under a tenth, and places 500 pixels or a whole window away. Colours are not looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple

LETTERS: Final = 5.0
"""Pixels. No screen shows letters that are smaller, and a box that is smaller shows none."""
SOLID: Final = 0.1
"""Less of it is not seen on any ground."""
_SHORT: Final = 200
"""Characters of a style that is remembered: most elements of a message are dressed alike."""
FAR: Final = 500.0
"""Pixels out of its place, where no window of a mail client shows it."""
_MEDIUM: Final = 16.0
"""Pixels of a letter where nobody says otherwise, in every browser."""


class Look(NamedTuple):
    """How an element looks. `gone` holds for all in it; the others until something in it says otherwise.

    `size`: of its letters, in pixels; `root`: of those of the document; `solid`: what the opacity of all around it
    leaves; `flat`: its lines have no height, and what stands out of them is cut off; `aside`: they begin far out;
    `narrow`: a box in it that cuts is as narrow, unless it has a width of its own.
    """

    gone: bool = False
    unseen: bool = False
    flat: bool = False
    aside: bool = False
    narrow: bool = False
    size: float = _MEDIUM
    root: float = _MEDIUM
    solid: float = 1.0

    @property
    def shown(self) -> bool:
        """Whether a reader sees letters here."""
        return self.pictured and not self.flat and not self.aside and self.size >= LETTERS

    @property
    def pictured(self) -> bool:
        """Whether a reader sees a picture here: it does not care for the size of letters."""
        return not self.gone and not self.unseen and self.solid >= SOLID


_LENGTH: Final = re.compile(r"([+-]?(?:\d*\.)?\d+(?:e[+-]?\d+)?)(%|[a-z]*)", re.ASCII)
_PIXELS: Final = {
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 9.6 / 2.54,
    "q": 2.4 / 2.54,
}
_OF_LETTERS: Final = {"em": 1.0, "ic": 1.0, "lh": 1.0, "ex": 0.5, "ch": 0.5, "cap": 0.5}
_OF_WINDOW: Final = re.compile(r"%|(?:[sld]?v|cq)(?:w|h|i|b|min|max)")
_HUNDREDTH: Final = 3.2
"""Pixels of 1 % of a window: that of a telephone, 320 pixels wide."""

_GLOBAL: Final = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_AS_AROUND: Final = _GLOBAL - {"initial"}
_WORDS_OF_SIZE: Final = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": _MEDIUM,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
    "xxx-large": 48.0,
}
_WORDS: Final = {
    "display": re.compile(
        r"none|contents|block|flow-root|list-item|(?:inline|inline-block|(?:inline-)?(?:table|flex|grid))"
        r"|table-(?:row|cell|caption|row-group|header-group|footer-group|column|column-group)"
    ),
    "visibility": re.compile(r"visible|hidden|collapse"),
    "content-visibility": re.compile(r"visible|auto|hidden"),
    "position": re.compile(r"static|relative|absolute|fixed|sticky|-webkit-sticky"),
    "overflow": re.compile(
        r"(?:visible|hidden|clip|scroll|auto|overlay)(?: (?:visible|hidden|clip|scroll|auto))?"
    ),
}
"""What browsers take of properties that are words."""
_NOT_DISPLAYED: Final = ("none", "table-column", "table-column-group")
_BOXES: Final = re.compile(r"(?:max-)?(?:height|width|block-size|inline-size)")
_PLACES: Final = re.compile(r"top|right|bottom|left|inset(?:-.*)?")
_MARGINS: Final = re.compile(r"margin(?:-.*)?")
_PADDINGS: Final = re.compile(r"padding(?:-.*)?")
_SIDES: Final = {
    **dict.fromkeys(("margin", "inset"), 4),
    **dict.fromkeys(("margin-block", "margin-inline", "inset-block", "inset-inline"), 2),
}
"""Properties that take a place for more than one side."""
_OVERFLOWS: Final = re.compile(r"overflow(?:-x|-y|-block|-inline)?|contain")
_VEILS: Final = re.compile(
    r"(?:-webkit-)?(?:filter|transform|clip|clip-path|mask(?:-image)?)|scale|translate|rotate|offset-path"
    r"|font-size-adjust|pointer-events|contain|interactivity|offset|-webkit-(?:opacity|mask-box-image|line-clamp|logical-height|logical-width)"
)
_HARMLESS: Final = re.compile(
    r"clip:auto|(?:pointer-events|interactivity):auto|pointer-events:all|(?!clip:|pointer-events:).*:none|.*:(?:inherit|initial|unset|revert|revert-layer)"
    r"|(?:-webkit-)?filter:(?:(?:(?:grayscale|sepia|saturate|invert)\([\d.]+%?\)|hue-rotate\([\d.]+deg\)) ?)+"
    r"|(?:-webkit-)?transform:rotate\(-?[\d.]+deg\)|contain:(?:(?:layout|style|paint|content) ?)+",
    re.ASCII,
)
_AS_LONG_AS_IT_TAKES: Final = re.compile(r"max-.*:none|(?!max-).*:auto|.*:(?:min|max|fit)-content")
_LONGEST_FONT: Final = 1000
_FONT: Final = re.compile(
    r"(?P<before>(?:(?:normal|italic|oblique|small-caps|bold|bolder|lighter|[1-9][0-9]{0,2}|1000"
    r"|(?:(?:ultra|extra|semi)-)?(?:condensed|expanded)) )*)"
    r"(?P<size>[^\s/]+)(?: ?/ ?(?P<line>[^\s/]+))? "
    r"(?:(?:\"[^\"]*\"|'[^']*'|-{0,2}[^\W\d][\w-]*(?: -{0,2}[^\W\d][\w-]*)*)(?: ?, ?(?!$)|$))+"
)
_ONCE: Final = re.compile(r"(italic|oblique)|(bold.*|lighter|[0-9]+)|(small-caps)|(.*ed)")
"""What stands before the size of a font, each kind once."""
_OF_THE_SYSTEM: Final = ("caption", "icon", "menu", "message-box", "small-caption", "status-bar")
_BLANK: Final = re.compile(r"[ \t\n\r\f]+")
_LOWER: Final = {number: number + 32 for number in range(ord("A"), ord("Z") + 1)}
"""The case of other letters counts, and other blanks are none."""
_PART: Final = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|\Z))|(?<![^\s:,;/(*])url\(\s*[^\s\"')][^)]*\)|\"[^\"\n\r\f]*\"|'[^'\n\r\f]*'"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>;)|(?P<stray>[\"'\\])|[^/\"'\\()\[\]{};u]+|.",
    re.DOTALL,
)


def dressed(around: Look, style: str, *, root: bool = False, cut: bool = False) -> Look:
    """How an element with this style looks inside of what is around it; `cut`: it never reaches out of its box."""
    worn = _dressed if len(style) <= _SHORT else _dressed.__wrapped__
    return worn(around, style, root=root, cut=cut)


@lru_cache(maxsize=1_024)
def _dressed(around: Look, style: str, *, root: bool, cut: bool) -> Look:
    told = _told(style)
    if told is None or "all" in told:
        return around._replace(gone=True)
    size = _size(around, told.get("font-size", "inherit"))
    inner = around._replace(size=size, root=size if root else around.root)
    cut = cut or any(
        _OVERFLOWS.fullmatch(name) and value not in ("visible", "none") for name, value in told.items()
    )
    return inner._replace(
        gone=around.gone or _gone(inner, told, cut=cut),
        unseen=_unseen(around, told.get("visibility", "inherit")),
        flat=_flat(inner, told.get("line-height", "inherit"), cut=cut),
        narrow=_narrow(inner, told),
        aside=_aside(inner, told.get("text-indent", "inherit")),
        solid=around.solid * _share(told.get("opacity", "1"), around.solid),
    )


def too_small(value: str | None, look: Look) -> bool:
    """Whether a height or width of this leaves no room for a letter."""
    return value is not None and ("(" in value or value == "inherit" or _pixels(value, look) < LETTERS)


def _gone(look: Look, told: dict[str, str], *, cut: bool) -> bool:
    display = told.get("display", "")
    placed = told.get("position", "static") not in _GLOBAL - {"inherit"} | {"static"}
    zoom = told.get("zoom", "1")
    return (
        display in _NOT_DISPLAYED
        or "(" in display
        or told.get("content-visibility", "").startswith("hidden")
        or "(" in told.get("content-visibility", "")
        or told.get("mso-hide", "none") != "none"
        or (cut and _narrow(look, told))
        or "(" in zoom
        or _share(zoom, 1.0) < LETTERS / _MEDIUM
        or any(
            (cut and _BOXES.fullmatch(name) and too_small(value, look))
            or (placed and _PLACES.fullmatch(name) and _far(value, look))
            or (_MARGINS.fullmatch(name) and _far(value, look, back=True))
            or (_PADDINGS.fullmatch(name) and value != "inherit" and _far(value, look))
            or (_VEILS.fullmatch(name) and not _HARMLESS.fullmatch(f"{name}:{value}"))
            for name, value in told.items()
        )
    )


def _unseen(around: Look, visibility: str) -> bool:
    return around.unseen if visibility in _AS_AROUND else visibility not in ("visible", "initial")


def _size(around: Look, size: str) -> float:
    """Of its letters; whatever is counted by the size around it is nothing inside of nothing."""
    if size in _AS_AROUND:
        return around.size
    if size in ("smaller", "larger"):
        return around.size * (1.2 if size == "larger" else 1 / 1.2)
    if size == "initial":
        return _MEDIUM
    if "(" in size:
        return 0.0
    if size.endswith("%"):
        return around.size * float(size[:-1]) / 100
    return _WORDS_OF_SIZE.get(size) or _pixels(size, around)


def _flat(look: Look, line: str, *, cut: bool) -> bool:
    """Lines without height show all the same, unless what stands out of them is cut off."""
    if line in _AS_AROUND:
        return look.flat
    found = _LENGTH.fullmatch(line)
    if found is not None and found[2] == "":  # so many times the letters of each in it
        return cut and float(found[1]) * _MEDIUM < LETTERS
    if found is not None and found[2] == "%":
        return cut and look.size * float(found[1]) / 100 < LETTERS
    return cut and ("(" in line or _pixels(line, look) < LETTERS)


def _narrow(look: Look, told: dict[str, str]) -> bool:
    """A cell of some per cent is as wide as what is in it."""
    own = [told[name] for name in ("width", "inline-size", "max-width", "max-inline-size") if name in told]
    if any(too_small(one, look) and (not one.endswith("%") or float(one[:-1]) < 1) for one in own):
        return True
    return look.narrow and not any(_LENGTH.fullmatch(one) and not one.endswith("%") for one in own[:1])


def _aside(look: Look, indent: str) -> bool:
    return look.aside if indent in _AS_AROUND else _far(indent, look)


def _share(value: str, around: float) -> float:
    """A number or so many per cent, from nothing to the whole."""
    if value == "inherit":
        return around
    if "(" in value:
        return 0.0
    found = _LENGTH.fullmatch(value)
    if found is None:
        return 1.0
    return min(max(float(found[1]) / (100 if found[2] else 1), 0.0), 1.0)


def _far(value: str, look: Look, *, back: bool = False) -> bool:
    """Whether a place lies far out: on either side, or `back` alone, where what is ahead can be scrolled to."""
    if "(" in value or (value == "inherit" and not back):
        return True
    for word in value.split():
        found = _LENGTH.fullmatch(word)
        if found is None:
            continue
        number = float(found[1])
        bound = 100.0 if _OF_WINDOW.fullmatch(found[2]) else FAR
        length = number if bound < FAR else _pixels(word, look)
        if length <= -bound or (not back and length >= bound):
            return True
    return False


def _pixels(value: str, look: Look) -> float:
    """A length; what is none (`auto`, `max-content`) is as long as it takes."""
    found = _LENGTH.fullmatch(value)
    if found is None:
        return inf
    number, unit = float(found[1]), found[2]
    if unit.startswith("r") and unit[1:] in _OF_LETTERS:
        return number * _OF_LETTERS[unit[1:]] * look.root
    if unit in _OF_LETTERS:
        return number * _OF_LETTERS[unit] * look.size
    return number * (_HUNDREDTH if _OF_WINDOW.fullmatch(unit) else _PIXELS.get(unit, 1.0))


def _told(style: str) -> dict[str, str] | None:
    """The last word on each property that a browser takes, the important before the others; None: it cannot be told."""
    told: dict[str, tuple[str, bool]] = {}
    declarations = _declarations(style.translate(_LOWER))
    for declaration in declarations or ():
        name, _, value = declaration.partition(":")
        words, mark, rest = value.partition("!")
        if mark and _bare(rest) != "important":
            continue
        for property_, taken in _taken(_bare(name), _bare(words)):
            if mark or not told.get(property_, ("", False))[1]:
                told[property_] = (taken, bool(mark))
    return None if declarations is None else {name: value for name, (value, _) in told.items()}


def _declarations(style: str) -> list[str] | None:
    """A style in its parts; None where a bracket or a quote lacks its other half, or something is escaped."""
    parts: list[list[str]] = [[]]
    deep = 0
    for found in _PART.finditer(style):
        if found["stray"]:
            return None
        deep += bool(found["open"]) - bool(found["close"])
        if deep < 0:
            return None
        if found["end"] and not deep:
            parts.append([])
        else:
            parts[-1].append(" " if found["comment"] else found[0])
    return None if deep else ["".join(part) for part in parts]


def _bare(words: str) -> str:
    """The same with single blanks, and none around it."""
    return _BLANK.sub(" ", words).strip(" ")


def _taken(name: str, value: str) -> list[tuple[str, str]]:
    """What a browser makes of a declaration: nothing of a bad one, two of the shorthand of fonts."""
    if not name or not value:
        return []
    if name == "font":
        return _font(value)
    if name == "filter" and value.startswith("progid:"):  # of a browser that is gone
        return []
    return [(name, value)] if value in _GLOBAL or "(" in value or _is_good(name, value) else []


def _is_good(name: str, value: str) -> bool:
    words = _WORDS.get("overflow" if name.startswith("overflow") else name)
    if words is not None:
        return words.fullmatch(value) is not None
    if name == "font-size":
        return value in _WORDS_OF_SIZE or value in ("smaller", "larger") or _is_length(value, most=LETTERS)
    if name == "line-height":
        return value == "normal" or _is_share(value) or _is_length(value, most=LETTERS)
    if name in ("opacity", "zoom"):
        return _is_share(value) or (name == "zoom" and value == "normal")
    if _BOXES.fullmatch(name):
        return bool(_AS_LONG_AS_IT_TAKES.fullmatch(f"{name}:{value}")) or _is_length(value, most=LETTERS)
    if name == "text-indent" or _PLACES.fullmatch(name) or _MARGINS.fullmatch(name):
        return _is_place(name, value)
    return True


def _is_place(name: str, value: str) -> bool:
    words = value.split()
    if name == "text-indent":
        words = [word for word in words if word not in ("hanging", "each-line")]
    good = all(
        (word == "auto" and name != "text-indent")
        or (_LENGTH.fullmatch(word) and _is_length(word.lstrip("+-"), least=FAR))
        for word in words
    )
    return good and 1 <= len(words) <= _SIDES.get(name, 1)


def _is_share(value: str) -> bool:
    found = _LENGTH.fullmatch(value)
    return found is not None and found[2] in ("", "%")


def _is_length(value: str, *, most: float = 0, least: float = inf) -> bool:
    """A length of at least nothing. Some documents take one without a unit: it counts where it hides."""
    found = _LENGTH.fullmatch(value)
    if found is None or float(found[1]) < 0:
        return False
    number, unit = float(found[1]), found[2]
    return (
        unit in _PIXELS
        or unit.removeprefix("r") in _OF_LETTERS
        or bool(_OF_WINDOW.fullmatch(unit))
        or (not unit and (number == 0 or number < most or number >= least))
    )


def _font(value: str) -> list[tuple[str, str]]:
    if "(" in value or len(value) > _LONGEST_FONT:
        return [("font-size", "0"), ("line-height", "0")]
    if value in _GLOBAL:
        return [("font-size", value), ("line-height", value)]
    if value in _OF_THE_SYSTEM:
        return [("font-size", "medium"), ("line-height", "normal")]
    found = _FONT.fullmatch(value)
    size, line = (found["size"], found["line"] or "normal") if found else ("", "")
    kinds = (
        [one.lastindex for word in found["before"].split() if (one := _ONCE.fullmatch(word))] if found else []
    )
    if len(set(kinds)) < len(kinds) or not _is_good("font-size", size) or not _is_good("line-height", line):
        return []
    return [("font-size", size), ("line-height", line)]
