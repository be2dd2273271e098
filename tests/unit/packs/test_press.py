"""Packs as PDF: the same bytes, eighteen pages at most, and text that is never more than text."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.press.typst import TypstPress
from application.charts import Chart, Mark, Scenario
from application.packs.definition import MOST_PAGES
from application.packs.document import document_of
from application.packs.sealing import PackAsked
from application.ports.press import Document, Meaning, SectionShown, TableShown
from tests.support.needs import requires
from tests.support.serving import ROOT
from tests.unit.packs.conftest import Office

needs_poppler = requires(shutil.which("pdftotext"), "poppler: apt-get install poppler-utils")
EVIL = (
    "#set page(fill: red)",
    '#read("/etc/passwd")',
    "[x] #[y] \\ $z^2$ @ref <label> *b* _i_ `r`",
    "// no comment /* nor one */",
    '#import "@preview/x:1.0.0"',
    '"]); panic("x")',
    "= Heading",
    "https://example.org",
    "#{while true {}}",
    "\\u{41}",
    "Grüße Ελλάδα Україна",
)


def section(text: str) -> SectionShown:
    chart = Chart("bars", text, text, (text,), (Mark(text, Scenario.ACTUAL, 1.0),))
    table = TableShown((text, "N"), (False, True), ((text, "1"), ("Total", "1")), total=True)
    return SectionShown(text, text, chart, table, text)


def document(text: str) -> Document:
    facts = tuple((text, text) for _ in range(3))
    return Document(text, text, facts, (section(text),), (Meaning(text, text, ((text, text, text),)),), None)


def read(pdf: bytes, folder: Path) -> str:
    """The text of a PDF, on one line."""
    file = folder / "pack.pdf"
    file.write_bytes(pdf)
    told = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True, text=True
    )
    return re.sub(r"\s+", "", told.stdout)


@needs_poppler
@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_more_than_text(text: str, tmp_path: Path) -> None:
    printed = TypstPress().printed(document(text))
    told = read(printed.pdf, tmp_path)
    plain = re.sub(r"\s+", "", text)
    assert told.count(plain) >= 6, told
    assert b"/URI" not in printed.pdf
    assert printed.pages == 3


def test_letters_that_the_press_has_not() -> None:
    assert TypstPress().shows("Grüße, Ελλάδα, Україна #[x]")
    assert not TypstPress().shows("株式会社")
    assert TypstPress().printed(document("株式会社")).pages == 3, "where figures name it, it is a box"


async def test_the_same_figures_give_the_same_bytes_in_any_process(office: Office) -> None:
    figures = await office.figures()
    shown = document_of(figures, "A title")
    printed = TypstPress().printed(shown)
    assert TypstPress().printed(shown) == printed
    assert TypstPress().printed(replace(shown, title="Another")).pdf != printed.pdf


def test_another_process_prints_the_same() -> None:
    code = (
        "import sys; from adapters.press.typst import TypstPress; from tests.unit.packs.test_press import document; "
        "sys.stdout.buffer.write(TypstPress().printed(document('x')).pdf)"
    )
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert other.stdout == TypstPress().printed(document("x")).pdf


async def test_a_pack_is_short_however_much_there_is_to_tell(office: Office) -> None:
    shown = document_of(await office.figures(), "W" * 120)
    full = TableShown(("A", "B", "N"), (False, False, True), (("word " * 4, "x", "1"),) * 19, total=True)
    most = replace(shown, sections=tuple(replace(one, table=full) for one in shown.sections))
    assert TypstPress().printed(shown).pages <= 13
    assert TypstPress().printed(most).pages <= MOST_PAGES


@needs_poppler
@pytest.mark.parametrize("amount", ["\u22122,234.20 USD", "\u221222,311,212 JPY", "\u22121,684,024.000 KWD"])
def test_what_stands_in_a_wide_table_stands_beside_one_another(amount: str, tmp_path: Path) -> None:
    head = ("Month", "Accuracy", "Margin", "Before", "Difference", "%", "Revenue", "Cost", "Acquisition")
    rows = (("September 2026", "approximate", *[amount] * 3, "+13,301.2 %", *[amount] * 3),) * 3
    wide = TableShown(head, tuple(at > 1 for at in range(len(head))), rows, total=False)
    made = document("x")
    file = tmp_path / "pack.pdf"
    file.write_bytes(
        TypstPress().printed(replace(made, sections=(replace(made.sections[0], table=wide),))).pdf
    )
    told = subprocess.run(
        ["pdftotext", "-bbox", "-f", "2", "-l", "2", str(file), "-"], capture_output=True, check=True
    )
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)"[^>]*>([^<]+)<', told.stdout.decode())
    lines: dict[str, list[tuple[float, float]]] = {}
    for left, top, right, _ in words:
        lines.setdefault(top, []).append((float(left), float(right)))
    assert sum(text == "approximate" for *_, text in words) == 3
    assert all(one[1] < other[0] for line in lines.values() for one, other in pairwise(sorted(line)))
    assert max(right for line in lines.values() for _, right in line) <= 595 - 56, "the margin is free"


@pytest.mark.parametrize("title", ["", " ", "two\nlines", "\u202eback", "x" * 121, "\x07"])
def test_titles_that_cannot_be_read(title: str) -> None:
    with pytest.raises(ValueError, match="title"):
        PackAsked.model_validate(
            {"definition": "compliance", "from": "2026-01-01", "to": "2026-01-31", "title": title}
        )
