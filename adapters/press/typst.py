"""Typst as the press: the template and its data are files in memory; no package, no font of the system, no network."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.charts.svg import svg_of
from application.ports.press import Document, PressFailed, Printed, TableShown, texts_of

FONT: Final = "Libertinus Serif"
"""One of those inside Typst: a document looks the same, and is the same, on every machine."""
_TEMPLATE: Final = Path(__file__).with_name("pack.typ")
_WIDTH: Final = re.compile(r'<svg\b[^>]*\bwidth="(\d+)')
_MAIN: Final = "main.typ"
_DATA: Final = "pack.json"
_ACCESSIBLE: Final = "ua-1"
_LACKING: Final = "could not be displayed with font"
_ALONE: Final = f"""
#set document(title: "x")
#set text(font: "{FONT}")
#json("{_DATA}")
"""
_CLOSED: Final[dict[str, Any]] = {"ignore_system_fonts": True}
_FULL: Final = 700
"""Pixels of a chart that are as wide as a page's text."""
_PAGE: Final = 482
"""Points of a line of text, and below those around a cell; how wide a letter is, of its size; sizes of letters."""
_AROUND: Final = 8
_LETTER: Final = 0.5
_USUAL, _SMALLEST = 9.5, 5.5
_NAME: Final = 14
"""Letters of a name of a row that should fit; the rest of it may stand below."""
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


class TypstPress:
    """Implements `Press`."""

    def printed(self, document: Document) -> Printed:
        """See `Press.printed`."""
        import typst  # noqa: PLC0415 - loaded by the first document, not by every process

        with tempfile.TemporaryDirectory(prefix="penguin-press-") as folder:
            root = Path(folder)
            for name, content in _files(document).items():
                (root / name).write_bytes(content)
            compiler = typst.Compiler(str(root / _MAIN), root=folder, **_CLOSED, package_path=folder)
            try:
                pdf = _compiled(compiler, _moment(document))
                pages = json.loads(compiler.query("<pages>", field="value", one=True))
            except typst.TypstError as error:
                raise PressFailed(str(error)) from error
        return Printed(pdf, int(pages))

    def shows(self, text: str) -> bool:
        """See `Press.shows`."""
        import typst  # noqa: PLC0415 - loaded where something is printed

        with tempfile.TemporaryDirectory(prefix="penguin-press-") as folder:
            root = Path(folder)
            (root / _MAIN).write_text(_ALONE, encoding="utf-8")
            (root / _DATA).write_text(json.dumps(text), encoding="utf-8")
            compiler = typst.Compiler(str(root / _MAIN), root=folder, **_CLOSED, package_path=folder)
            try:
                compiler.compile(format="pdf", pdf_standards=_ACCESSIBLE)
            except typst.TypstError:
                return False
        return True


def _compiled(compiler: Any, moment: int) -> bytes:
    """The PDF, accessible by PDF/UA; where the fonts lack a letter, which that forbids, with a box in its place."""
    import typst  # noqa: PLC0415 - loaded where something is printed

    try:
        return bytes(compiler.compile(timestamp=moment, format="pdf", pdf_standards=_ACCESSIBLE))
    except typst.TypstError as error:
        if _LACKING not in str(error):
            raise
        return bytes(compiler.compile(timestamp=moment, format="pdf"))


def _files(document: Document) -> dict[str, bytes]:
    files, told = {_MAIN: _TEMPLATE.read_bytes()}, texts_of(document)
    for number, (section, texts) in enumerate(zip(document.sections, told["sections"], strict=True)):
        texts["size"] = _size(section.table)
        if section.chart is not None and section.chart.marks:
            drawn = svg_of(section.chart, prefix=f"c{number}", font=FONT)
            # Letters are as large in each chart, however wide it came out.
            texts["width"] = min(int(_WIDTH.findall(drawn)[0]) * 100 / _FULL, 100)
            files[f"chart-{number}.svg"] = drawn.encode()
    return {**files, _DATA: json.dumps(told, ensure_ascii=False).encode()}


def _size(table: TableShown) -> float:
    """Points of a table's letters, so that its numbers stand on one line each, and beside one another."""
    texts = zip(*(table.head, *table.rows), strict=True)
    wanted = [max(map(len, column)) for column in texts]
    letters = sum(
        wide if number else min(wide, _NAME) for wide, number in zip(wanted, table.numbers, strict=True)
    )
    left = _PAGE - _AROUND * len(wanted)
    return max(_SMALLEST, min(_USUAL, left / (letters * _LETTER)))


def _moment(document: Document) -> int:
    return int((document.moment or _BEGINNING).timestamp())
