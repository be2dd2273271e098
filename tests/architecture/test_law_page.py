"""The page of the rules says what the packs say."""

from __future__ import annotations

from pathlib import Path

from scripts.law_page import law_page

PAGE = Path(__file__).parents[2] / "docs" / "law.md"


def test_the_page_is_made_from_the_packs() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == law_page(), "make it anew: python -m scripts.law_page > docs/law.md"
