"""Liquid templates: read within limits, and filled in. Pure: what it does follows from the text and the values alone.

`python-liquid` stands behind it and nowhere else. What a template may name is a rule of `domain.campaign.tokens`; what
is refused here is what cannot be read at all, or would take long to read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from liquid import BoundTemplate, Environment, Mode
from liquid.ast import BlockNode
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.context import RenderContext
from liquid.exceptions import LiquidError, ResourceLimitError, UndefinedError
from liquid.undefined import FalsyStrictUndefined, Undefined

from application.branches import Branches, Part, Token, bodies, digest, marked_up
from domain.campaign.reached import Reached, reached
from domain.campaign.tokens import (
    DEEPEST,
    FILTERS,
    KNOWN,
    LINKS,
    LONGEST_MARK,
    MOST_LOOKED_AT,
    MOST_MARKS,
    OF_THE_SENDER,
    TAGS,
    Found,
    TemplateBroken,
    TemplateTooLarge,
    Use,
    blaming,
    shown_in_all,
    usable,
)
from domain.campaign.visible import EDGE
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.text import legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from liquid.ast import Node
    from liquid.expression import Expression

    from domain.campaign.content import CampaignContent

MOST_OUTPUT: Final = 400_000
"""Bytes of one text that is filled in."""

_MARK: Final = re.compile(r"\{\{|\{%")
_CLOSING: Final = {"{{": "}}", "{%": "%}"}
_TAG: Final = re.compile(r"\{%-?\s*([^\s%-]+)")


_INNER: Final = frozenset({"content", "illegal", "output"})
"""What the library calls plain text, broken tags and output."""


class ValueMissing(Refusal):
    """A text is filled in whole or not at all. Give the value, or the token a default: `| default: "there"`."""

    code = "template-value-missing"


class CannotBeFilledIn(Refusal):
    """A text gives its filters what they take. Correct the line that is named."""

    code = "template-cannot-be-filled-in"
    kind = RefusalKind.INVALID


class OutputTooLong(Refusal):
    """A text that was filled in has at most 400,000 bytes. Shorten it."""

    code = "template-output-too-long"


class TokenLeft(Refusal):
    """No message shows a raw token. Take out what writes one."""

    code = "template-token-left"
    kind = RefusalKind.INVALID


class _Limited(Environment):
    block_nesting_limit: ClassVar[int] = DEEPEST
    context_depth_limit: ClassVar[int] = DEEPEST
    loop_iteration_limit: ClassVar[int | None] = 1
    local_namespace_limit: ClassVar[int | None] = 0
    output_stream_limit: ClassVar[int | None] = MOST_OUTPUT


def _environment(*, html: bool, undefined: type[Undefined] = FalsyStrictUndefined) -> Environment:
    """All that is allowed, and nothing else: what is not there can neither run nor hang."""
    made = _Limited(undefined=undefined, strict_filters=True, tolerance=Mode.STRICT, autoescape=html)
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tags = {name: tag for name, tag in made.tags.items() if name in TAGS | _INNER}
    return made


_PLAIN: Final = _environment(html=False)
_HTML: Final = _environment(html=True)
_OF_ANYBODY: Final = _environment(html=False, undefined=Undefined)
_HTML_OF_ANYBODY: Final = _environment(html=True, undefined=Undefined)
"""Where what is not known of somebody is nothing: to look at a text, and never to fill it in."""


def read(text: str, pointer: str, *, html: bool = False) -> Found:
    """What a template holds. Raises `TemplateBroken` and `TemplateTooLarge`, with the line; `pointer`: of the field."""
    tags = _measured(text, pointer)
    # The library has none but these; said here first, a strange tag is named as what it is.
    usable(Found(tags=tags), pointer)
    parsed = _parsed(text, pointer)
    for told in _told(parsed.nodes, RenderContext(parsed)):
        if isinstance(told, RangeLiteral):
            words = "a range is not taken here. Write the values out."
            raise blaming(TemplateBroken, pointer, _line(text, told.token.start_index), words)
    branches = marked_up(_parts(parsed.nodes, RenderContext(parsed))) if html else 0
    if branches * len(text) > MOST_LOOKED_AT:
        words = f"it is looked at once for each of its {branches} branches that hold markup."
        raise blaming(TemplateTooLarge, pointer, 1, words)
    analysis = parsed.analyze(include_partials=False)
    tokens = [
        Use(str(one), _line(text, one.span.index)) for uses in analysis.variables.values() for one in uses
    ]
    filters = [Use(name, _line(text, one.index)) for name, uses in analysis.filters.items() for one in uses]
    return Found(tuple(tokens), tags, tuple(filters), _shown(text, html=html))


def _measured(text: str, pointer: str) -> tuple[Use, ...]:
    """The tags, after a look at how many marks there are and how long; a scan that takes as long as the text."""
    start, marks, depth = 0, 0, 0
    tags: list[Use] = []
    line, counted = 1, 0
    while (mark := _MARK.search(text, start)) is not None:
        marks += 1
        line += text.count("\n", counted, mark.start())
        counted = mark.start()
        if marks > MOST_MARKS:
            raise blaming(
                TemplateTooLarge, pointer, line, f"there are more than {MOST_MARKS} tokens and tags."
            )
        end = text.find(_CLOSING[mark[0]], mark.end(), mark.end() + LONGEST_MARK)
        if end < 0:
            if text.find(_CLOSING[mark[0]], mark.end()) < 0:
                raise blaming(TemplateBroken, pointer, line, f"'{mark[0]}' is never closed. Close it.")
            raise blaming(TemplateTooLarge, pointer, line, f"it is longer than {LONGEST_MARK} characters.")
        if _MARK.search(text, mark.end(), end) is not None:
            raise blaming(TemplateBroken, pointer, line, "a token stands within a token. Close the first.")
        if mark[0] == "{%" and (tag := _TAG.match(text, mark.start())) is not None:
            name = tag[1]
            depth += (name in {"if", "unless", "case"}) - name.startswith("end")
            if depth > DEEPEST:
                raise blaming(TemplateTooLarge, pointer, line, f"it is nested more than {DEEPEST} deep.")
            if not (name.startswith("end") and name[3:] in TAGS):
                tags.append(Use(name, line))
        start = end + 2
    return tuple(tags)


def _parsed(text: str, pointer: str) -> BoundTemplate:
    try:
        return _PLAIN.from_string(text)
    except LiquidError as error:
        line = _line_of(error, text)
        words = f"{_words(error)}."
        raise blaming(TemplateBroken, pointer, line, words) from None
    except RecursionError:
        raise blaming(TemplateTooLarge, pointer, 1, "it is nested too deep.") from None


def _told(nodes: Iterable[Node], context: RenderContext) -> Iterator[Expression]:
    """Every expression of a template, the parts of expressions among them."""
    for node in nodes:
        yield from _of(*node.expressions())
        yield from _told(node.children(context, include_partials=False), context)


def _of(*expressions: Expression) -> Iterator[Expression]:
    waiting = list(expressions)
    while waiting:
        told = waiting.pop()
        yield told
        waiting += told.children()


def _words(error: LiquidError) -> str:
    return str(error.args[0] if error.args else "it cannot be read").partition("\n")[0]


def _line_of(error: LiquidError, text: str) -> int:
    token = error.token
    index = -1 if token is None else token.start_index
    return _line(text, len(text) if index < 0 else index)


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _shown(text: str, *, html: bool) -> frozenset[str]:
    """The tokens that everybody gets at: outside of every tag, through no filter, neither hidden nor bent.

    Looked at as it comes out where everything is known of somebody, and where nothing is that it does without; an
    HTML body with each branch of its conditions, too. Where one could change what stands around it nobody can tell.
    """
    parsed = (_HTML_OF_ANYBODY if html else _OF_ANYBODY).from_string(text)
    known_by = digest(text)
    marks = {token: f"~{known_by}{number}~" for number, token in enumerate(sorted(KNOWN))}
    shown = frozenset(_outright(parsed)) & KNOWN
    if html and shown:
        made = bodies(_parts(parsed.nodes, RenderContext(parsed)), marks, known_by)
        shown = shown if made else frozenset()
        for body in made:
            shown = _got_of(shown, reached(body, html=True), marks)
    for known in (marks, {token: marks[token] for token in shown}):
        for edge in ("", EDGE):
            try:
                seen = reached(_made(parsed, known, edge), html=html)
            except LiquidError:
                return frozenset()  # what cannot be filled in shows nobody anything
            shown = _got_of(shown, seen, marks)
    return shown


def _got_of(tokens: frozenset[str], seen: Reached, marks: Mapping[str, str]) -> frozenset[str]:
    return frozenset(token for token in tokens if _got_at(seen, token, marks[token]))


def _got_at(seen: Reached, token: str, mark: str) -> bool:
    return seen.leads_to(mark) if token in LINKS else seen.tells(OF_THE_SENDER.get(token, token), mark)


def _made(parsed: BoundTemplate, known: Mapping[str, str], edge: str) -> str:
    """What comes out, with an edge around whatever not everybody is shown."""
    context, made = RenderContext(parsed, globals=parsed.make_globals(_given(known))), StringIO()
    for node in parsed.nodes:
        around = "" if isinstance(node, ContentNode | OutputNode) else edge
        made.write(around)
        node.render(context, made)
        made.write(around)
    return made.getvalue()


def _parts(nodes: Iterable[Node], context: RenderContext) -> list[Part]:
    """What a template writes to everybody, and what to some."""
    made: list[Part] = []
    for node in nodes:
        if isinstance(node, ContentNode):
            made.append(node.text)
        elif isinstance(node, OutputNode):
            made.append(_output(node.expression))
        else:
            made.append(Branches(tuple(_parts(one.nodes, context) for one in _blocks(node, context))))
    return made


def _output(expression: Expression) -> Part:
    """What an output writes: a literal as it stands, since it is not escaped."""
    whole = expression if isinstance(expression, FilteredExpression) else None
    if whole is not None and not whole.filters and isinstance(whole.left, StringLiteral):
        return whole.left.value
    told = tuple(one.value for one in _of(expression) if isinstance(one, StringLiteral))
    return Token(str(expression), told)


def _blocks(node: Node, context: RenderContext) -> Iterator[BlockNode]:
    for child in node.children(context, include_partials=False):
        if isinstance(child, BlockNode):
            yield child
        else:
            yield from _blocks(child, context)


def _outright(parsed: BoundTemplate) -> Iterator[str]:
    for node in parsed.nodes:
        told = node.expression if isinstance(node, OutputNode) else None
        if isinstance(told, FilteredExpression) and not told.filters and isinstance(told.left, Path):
            yield ".".join(str(part) for part in told.left.path)


@lru_cache(maxsize=64)
def _ready(text: str, *, html: bool) -> BoundTemplate:
    """A template that was read before, ready to be filled in; the same for all recipients of a campaign."""
    usable(read(text, "", html=html), "")
    return (_HTML if html else _PLAIN).from_string(text)


def filled(text: str, values: Mapping[str, str | None], *, html: bool = False, one_line: bool = False) -> str:
    """The text with its tokens filled in; in HTML what values hold is text and no markup.

    A value that is blank or would write a token counts as missing: a default stands in for it, or nothing is made.
    So does one with a line break where the text is of one line. Raises `ValueMissing`, `OutputTooLong`, `TokenLeft`.
    """
    try:
        made = _ready(text, html=html).render(_given(values, one_line=one_line))
    except UndefinedError as error:
        raise ValueMissing(f"Line {_line_of(error, text)}: {ValueMissing.rule()}") from None
    except ResourceLimitError:
        raise OutputTooLong from None
    except LiquidError as error:
        # Not in the library's words: they may hold a value.
        raise CannotBeFilledIn(f"Line {_line_of(error, text)}: {CannotBeFilledIn.rule()}") from None
    if _MARK.search(made):
        raise TokenLeft
    return made


def _given(values: Mapping[str, str | None], *, one_line: bool = False) -> dict[str, Any]:
    """The values as templates name them, without those that count as missing."""
    given: dict[str, Any] = {}
    for name in KNOWN:
        group, _, field = name.partition(".")
        place = given.setdefault(group, {}) if field else given
        value = values.get(name)
        if value is not None and _harmless(value, one_line=one_line):
            place[field or group] = value
    return given


def _harmless(value: str, *, one_line: bool) -> bool:
    if not legible(value) or _MARK.search(value):
        return False
    return not (one_line and any(not c.isprintable() for c in value))


def filled_message(content: CampaignContent, values: Mapping[str, str | None]) -> dict[str, str]:
    """Subject and bodies for one recipient. `values`: of the recipient and the message; the sender's come from here."""
    everything = {**values, **_of_the_sender(content)}
    made = {"subject": filled(content.subject, everything, one_line=True)}
    return made | {
        name: filled(body, everything, html=name == "html") for name, body in content.bodies.items()
    }


def _tried(text: str, pointer: str, *, html: bool) -> None:
    """Fill the text in with a sample, and with nothing: what fails for everybody is told while it is written."""
    for values in (dict.fromkeys(KNOWN, "Sample"), {}):
        try:
            filled(text, values, html=html)
        except ValueMissing:
            continue
        except Refusal as refusal:
            errors = [{"pointer": pointer, "code": refusal.code, "detail": refusal.detail}]
            raise type(refusal)(refusal.detail, errors=errors) from None


def _of_the_sender(content: CampaignContent) -> dict[str, str | None]:
    return {token: getattr(content, field) for token, field in OF_THE_SENDER.items()}


def read_content(content: CampaignContent) -> frozenset[str]:
    """The tokens that every body shows, after every text was read and found usable."""
    texts: Iterable[tuple[str, str]] = (("subject", content.subject), *content.bodies.items())
    found = {}
    for name, text in texts:
        pointer = f"/content/{name}"
        found[name] = read(text, pointer, html=name == "html")
        usable(found[name], pointer)
        _tried(text, pointer, html=name == "html")
    return shown_in_all(found[name] for name in content.bodies)
