"""The page of the rules says what the packs say."""

from __future__ import annotations

from pathlib import Path

from scripts.law_page import law_page

PAGE = Path(__file__).parents[2] / "docs" / "law.md"


def test_the_page_is_made_from_the_packs() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == law_page(), "make it anew: python -m scripts.law_page > docs/law.md"


def test_no_date_is_shown_as_one_that_always_was() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) > 150
    assert not [row for row in rows if "| always |" in row]
    assert any("| date not looked up |" in row for row in rows)


def test_the_page_tells_a_reading_apart_from_how_the_section_is_known() -> None:
    rows = [row for row in law_page().splitlines() if row.startswith("| `de.transactional`")]
    assert ["| **T**, our reading |" in row for row in rows] == [True]
