"""Tokens of campaign texts: what is read, what is refused at which line, and how a text is filled in."""

import time
from unittest.mock import ANY

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from application.templates import (
    MOST_OUTPUT,
    CannotBeFilledIn,
    OutputTooLong,
    TokenLeft,
    ValueMissing,
    filled,
    filled_message,
    read,
    read_content,
)
from domain.campaign.content import GivenContent
from domain.campaign.tokens import (
    FilterNotAllowed,
    TagNotAllowed,
    TemplateBroken,
    TemplateTooLarge,
    UnknownToken,
    usable,
)
from domain.kernel.errors import Refusal
from tests.support.campaigns import CONTENT

DEEP = "{% if title %}" * 6 + "{% endif %}" * 6
HOSTILE: list[tuple[str, type[Refusal], int]] = [
    ("{{", TemplateBroken, 1),
    ("Hi\n{{ first_name }", TemplateBroken, 2),
    ("{% if title %}\nno end", TemplateBroken, 2),
    ("{% endif %}", TemplateBroken, 1),
    ("{{ first_name | }}", TemplateBroken, 1),
    ("{{ '{{' }}", TemplateBroken, 1),
    ("{{" * 50_000, TemplateBroken, 1),
    ("a\n\n{{ firstname }}", UnknownToken, 3),
    ("{{ first_name.__class__ }}", UnknownToken, 1),
    ("{{ first_name[0] }}", UnknownToken, 1),
    ("{{ company }}", UnknownToken, 1),
    ("{{ company[first_name] }}", UnknownToken, 1),
    ("{% if title %}{{ first_name | default: secret }}{% endif %}", UnknownToken, 1),
    ("{% for a in (1..99999999) %}x{% endfor %}", TagNotAllowed, 1),
    ("\n{% include 'a' %}", TagNotAllowed, 2),
    ("{% render 'a' %}", TagNotAllowed, 1),
    ("{% raw %}{{ first_name }}{% endraw %}", TagNotAllowed, 1),
    ("{%\u3000raw%}{{ first_name }}{% endraw %}", TagNotAllowed, 1),
    ("{% assign a = 'x' %}", TagNotAllowed, 1),
    ("{% capture a %}x{% endcapture %}", TagNotAllowed, 1),
    ("{% liquid for i in (1..9) %}", TagNotAllowed, 1),
    ("{% increment first_name %}", TagNotAllowed, 1),
    ("{{ first_name | replace: '', 'xxxxxxxx' }}", FilterNotAllowed, 1),
    ("{{ first_name | safe }}", FilterNotAllowed, 1),
    ("{{ (1..99999999) }}", TemplateBroken, 1),
    ("{{ first_name | default: (1..99999999) | upcase }}", TemplateBroken, 1),
    ("{% if title %}{% case title %}{% when (1..9) %}{% endcase %}{% endif %}", TemplateBroken, 1),
    (DEEP, TemplateTooLarge, 1),
    ("\n" + "{{ first_name }}" * 501, TemplateTooLarge, 2),
    ("{{ first_name " + "| upcase" * 200 + " }}", TemplateTooLarge, 1),
]


def test_how_long_a_body_may_be_depends_on_its_branches() -> None:
    """It is looked at once for each of them."""
    condition = "{% if title %}<b>x</b>{% else %}y{% endif %}"
    read("x" * 30_000 + condition * 60, "/html", html=True)
    read("x" * 80_000 + "{% if title %}x{% else %}y{% endif %}" * 60, "/html", html=True)
    many = "x" * 80_000 + condition * 60
    read(many, "/text")
    with pytest.raises(TemplateTooLarge, match="once for each of its 60 branches"):
        read(many, "/html", html=True)


def message(**fields: object) -> GivenContent:
    return GivenContent.model_validate({**CONTENT, **fields})


@pytest.mark.parametrize(("text", "refusal", "line"), HOSTILE, ids=[text[:30] for text, _, _ in HOSTILE])
def test_what_is_no_good_is_named_with_its_line(text: str, refusal: type[Refusal], line: int) -> None:
    begun = time.perf_counter()
    with pytest.raises(refusal) as told:
        read_content(message(text=text))
    assert time.perf_counter() - begun < 1
    assert type(told.value) is refusal
    assert told.value.extra["line"] == line
    assert f"Line {line}: " in str(told.value)
    assert told.value.extra["errors"] == [{"pointer": "/content/text", "code": refusal.code, "detail": ANY}]
    assert told.value.detail.endswith(refusal.rule())


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name | truncate: 'x' }}",
        "{{ first_name | capitalize: 1 }}",
        "{% if first_name > 5 %}x{% endif %}",
    ],
)
def test_what_fails_for_everybody_is_told_while_it_is_written(text: str) -> None:
    with pytest.raises(CannotBeFilledIn):
        read_content(message(html=text))


def test_a_token_that_is_put_together_is_found() -> None:
    with pytest.raises(TokenLeft):
        read_content(message(text="{{ '{' }}{{ '{' }} first_name }}"))
    with pytest.raises(TokenLeft):
        filled("{{ '{' }}{{ '{' }} first_name }}", {})


def test_a_value_is_filled_in_or_defaulted() -> None:
    text = "Hi {{ first_name | default: 'there' }}{% if title %}, {{ title }}{% endif %}."
    assert filled(text, {"first_name": "Ann", "title": "Dr."}) == "Hi Ann, Dr.."
    assert filled(text, {"first_name": None}) == "Hi there."
    assert filled(text, {"first_name": "  "}) == "Hi there."


@pytest.mark.parametrize("value", [None, "", " \t", "{{ email }}", "a{%b", "x {{"])
def test_a_missing_or_hostile_value_sends_nothing(value: str | None) -> None:
    with pytest.raises(ValueMissing) as told:
        filled("Hi\n{{ first_name }}", {"first_name": value})
    assert told.value.detail.startswith("Line 2: ")
    assert (value or "?") not in told.value.detail or not (value or "").strip()
    assert filled("Hi {{ first_name | default: 'there' }}", {"first_name": value}) == "Hi there"


def test_a_value_is_text_in_html_and_one_line_in_a_subject() -> None:
    evil = '<img src=x onerror="a()">'
    assert filled("{{ first_name }}", {"first_name": evil}, html=True) == (
        "&lt;img src=x onerror=&#34;a()&#34;&gt;"
    )
    assert filled("{{ first_name }}", {"first_name": evil}) == evil
    with pytest.raises(ValueMissing):
        filled("{{ first_name }}", {"first_name": "A\r\nBcc: all@x.example"}, one_line=True)


def test_no_text_grows_past_its_limit() -> None:
    text = "{{ first_name }}" * 500
    assert len(filled(text, {"first_name": "x" * 700})) == 350_000
    with pytest.raises(OutputTooLong):
        filled(text, {"first_name": "x" * (MOST_OUTPUT // 500 + 1)})


def test_a_message_is_filled_in_whole() -> None:
    made = filled_message(
        message(subject="{{ first_name }}, saws", text="{{ company.name }} {{ unsubscribe_url }}", html=None),
        {"first_name": "Ann", "unsubscribe_url": "https://u.example/1", "company.name": "Evil"},
    )
    assert made == {"subject": "Ann, saws", "text": "Acme Saws GmbH https://u.example/1"}


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("{{ email }}", True),
        ("{{- email -}}", True),
        ("{{ email | truncate: 0 }}", False),
        ("{{ 'x' | default: email }}", False),
        ("{% if title %}{{ email }}{% endif %}", False),
        ("{% comment %}{{ email }}{% endcomment %}", False),
        ("<!-- {{ email }} -->", False),
        ("<!-- {{ email }}", False),
        ("<!-- a --> {{ email }}", True),
        ("{{ email }} <!-- {{ email }} -->", True),
        ("<!-- {% if title %} --> {{ email }} {% endif %}", False),
        ("<!-- {{ '-' }}-> {{ email }} -->", True),
        ("<{{ '!' }}-- {{ email }}", False),
        ("{% unless title %}<!--{% endunless %}{{ email }}{% unless title %}-->{% endunless %}", False),
        ("{% unless title %}<p hidden>{{ last_name }}{% endunless %}{{ email }}", False),
        ("<!{% if title %}{% endif %}-- {{ email }} -->", False),
        ('<p style="{% if title == 1 %}display:none{% endif %}">{{ email }}</p>', False),
    ],
)
def test_shown_is_what_everybody_sees(html: str, *, shown: bool) -> None:
    assert ("email" in read(html, "/html", html=True).shown) is shown


def test_a_token_counts_where_every_body_shows_it() -> None:
    assert read_content(message(text="{{ title }} {{ email }}", html="{{ email }}")) == {"email"}
    assert read_content(message(text="{{ title }} {{ email }}", html=None)) == {"email", "title"}


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", " ", "\n", "first_name", "company", ".", "name", "|", ":", "'", '"', "default",
     "truncate", "if", "endif", "else", "case", "when", "comment", "endcomment", "raw", "endraw", "for", "in",
     "(1..", "99999999)", "==", "contains", "-", "#", "[", "]", "0", "é", "<!--", "-->", "{", "}", "%", ","]
)  # fmt: skip


@any_of(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=600, deadline=2_000)
def test_whatever_is_written_is_read_or_refused_and_never_leaves_a_token(text: str) -> None:
    try:
        usable(read(text, "/text"), "/text")
        made = filled(text, {"first_name": "Ann", "company.name": "Acme"})
    except Refusal:
        return
    assert "{{" not in made
    assert "{%" not in made
