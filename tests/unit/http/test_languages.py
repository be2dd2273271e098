"""The words of the pages for people: whole in every language, refused by name where they are not."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

import api.http.languages
from api.http.languages import (
    FALLBACK,
    NAMES,
    LanguageUnusable,
    filled,
    language_for,
    languages,
    read_words,
    texts_of,
)
from api.http.people import SHOWN, confirmation_page, problem_page
from api.http.problems import catalogue
from application.doors import InForce

ENGLISH = (files(api.http.languages) / "en.toml").read_text(encoding="utf-8")
NOW = InForce("Acme", None, None, False, False, False, False, False, True)  # noqa: FBT003 - a row of answers


def test_the_three_to_begin_with_are_there_and_no_two_say_the_same() -> None:
    assert list(languages()) == ["en", "de", "fr"]
    assert next(iter(languages())) == FALLBACK
    for words in zip(*(texts_of(one) for one in languages().values()), strict=True):
        assert len(set(words)) == len(words), words


def test_what_is_filled_in_is_named_alike_in_all() -> None:
    named = [
        [{name for name in NAMES if f"{{{name}}}" in text} for text in texts_of(one)]
        for one in languages().values()
    ]
    assert all(one == named[0] for one in named)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (ENGLISH.replace('title = "E-mail', 'titel = "E-mail'), "title"),
        (ENGLISH.replace("[done]", '[done]\nmore = "x"'), "done.more"),
        (ENGLISH.replace("{sender}", "{recipient}"), "names what is not there"),
        (ENGLISH.replace("[problems.other]", "[problems.others]"), "problems.other"),
        (ENGLISH.replace("lead = ", "lead "), "line 4"),
        ("", "language"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_name(text: str, wrong: str) -> None:
    with pytest.raises(LanguageUnusable, match=r"xx\.toml") as refused:
        read_words(text, "xx.toml")
    assert wrong in str(refused.value)


def test_what_is_filled_in_is_text_and_nothing_more() -> None:
    assert filled("<b> & {sender}", sender="</b>{workspace}\"'") == (
        "&lt;b&gt; &amp; &lt;/b&gt;{workspace}&quot;&#x27;"
    )


@given(asked=st.none() | st.text(), accepted=st.text() | st.from_regex(r"([a-z]{2}(;q=[0-9.]{0,4})?,?){0,5}"))
def test_whatever_a_browser_says_there_is_a_language(asked: str | None, accepted: str) -> None:
    assert language_for(asked, accepted) in languages()


def test_problems_with_words_of_their_own_are_problems_that_there_are() -> None:
    assert {code.replace("_", "-") for code in SHOWN} <= set(catalogue())
    told = set(tomllib.loads(ENGLISH)["problems"])
    assert told == SHOWN | {"other"}


def test_a_problem_without_words_of_its_own_is_told_in_general() -> None:
    assert "This did not work" in problem_page("en", "version-conflict", None)
    assert "<form" not in problem_page("en", "link-unusable", None)


@pytest.mark.parametrize("code", ["outcome-unknown", "contention", "unavailable"])
def test_nobody_is_told_that_nothing_was_changed_where_nobody_knows(code: str) -> None:
    assert code in catalogue()
    page = problem_page("en", code, "p/token")
    assert "Please try again in a minute." in page
    assert "Nothing was changed" not in page
    assert '<button name="choice" value="everything"' in page


def test_words_speak_of_a_button_only_where_there_is_one() -> None:
    assert "You can stop all e-mail all the same, here" in problem_page("en", "rate-limited", "p/token")
    assert problem_page("en", "rate-limited", None) == problem_page("en", "unavailable", None)


def test_a_form_goes_beside_the_page_it_is_on() -> None:
    assert 'action="../c/token?lang=de"' in confirmation_page("de", NOW, "c/token", None)
