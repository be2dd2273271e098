"""The page of what is required names nothing that is not there, and says of every line what shows it or whose it is."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from pydantic import ValidationError

from scripts.acceptance_page import ROOT, Line, State, acceptance_page, requirements, slug

PAGE = ROOT / "docs" / "acceptance.md"
LINES = {f"{one.title}: {line.id}": line for one in requirements() for line in one.line}
CLAIMS = re.compile(r"\b(compliant|certified|complies|in compliance|satisfies|satisfied)\b", re.IGNORECASE)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def named_in(path: str) -> frozenset[str]:
    """The tests of a file as pytest names them, those of state machines (`TestX = Machine.TestCase`) among them."""
    found = set[str]()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, _FUNCTIONS):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, _FUNCTIONS)}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith(("test_", "Test")))


@cache
def anchors_of(path: str) -> frozenset[str]:
    """The anchors of a page."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(slug(heading.replace("`", "")) for heading in headings)


def test_the_page_is_made_from_the_lists() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == acceptance_page(), (
        "make it anew: python -m scripts.acceptance_page > docs/acceptance.md"
    )


@pytest.mark.parametrize("name", LINES)
def test_what_a_line_names_is_there(name: str) -> None:
    line = LINES[name]
    for mechanism in line.mechanism:
        path, _, anchor = mechanism.partition("#")
        assert (ROOT / path).exists(), mechanism
        assert not anchor or anchor in anchors_of(path), mechanism
    for test in line.tests:
        path, _, function = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert function in named_in(path), test


def test_a_line_without_a_test_says_whose_it_is_or_that_it_is_not_built() -> None:
    for name, line in LINES.items():
        assert line.tests or line.state in (State.OPERATOR, State.NOT_BUILT), name
    for lacking in ({}, {"ours": "It is."}, {"ours": "It is.", "mechanism": ["README.md"]}, {"tests": ["x"]}):
        with pytest.raises(ValidationError):
            Line.model_validate({"id": "1", "asks": "What?", **lacking})


def test_a_requirement_stands_once() -> None:
    assert len(LINES) == sum(len(one.line) for one in requirements())


def test_nobody_is_said_to_comply() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert CLAIMS.findall(text) == []
    assert "evidence for" in text


def test_every_expectation_of_officers_has_its_line() -> None:
    officers = requirements()[0]
    assert len(officers.line) == 13
