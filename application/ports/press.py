"""The press: a pack's document becomes a PDF. Equal documents become equal bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from application.charts import Chart


class PressFailed(Exception):
    """A document could not be printed: a mistake of ours, since nothing in it is more than text."""


@dataclass(frozen=True, slots=True)
class TableShown:
    """A table as it is read. `numbers`: which columns hold figures; `total`: whether the last row sums the others."""

    head: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool


@dataclass(frozen=True, slots=True)
class SectionShown:
    """A section: its name, its message, chart and table, and what the figures are made from."""

    title: str
    message: str
    chart: Chart | None
    table: TableShown
    caption: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a report means, for the appendix: its columns with their definitions."""

    title: str
    about: str
    columns: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A pack to be printed: text alone, whoever wrote it. `moment`: the document's date; that of its data."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[SectionShown, ...]
    meanings: tuple[Meaning, ...]
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and how many pages it has."""

    pdf: bytes
    pages: int


class Press(Protocol):
    """Prints documents."""

    def printed(self, document: Document) -> Printed:
        """The document as PDF; takes a second of work: call it beside the loop. Raises `PressFailed`."""

    def shows(self, text: str) -> bool:
        """Whether the press has every letter of a text."""


def texts_of(document: Document) -> dict[str, Any]:
    """The document without its charts, as JSON holds it: what a template is filled with."""
    return {
        "title": document.title,
        "subtitle": document.subtitle,
        "facts": [list(fact) for fact in document.facts],
        "sections": [
            {
                "title": section.title,
                "message": section.message,
                "chart": section.chart is not None and bool(section.chart.marks),
                "alternative": "" if section.chart is None else section.chart.alternative(),
                "head": list(section.table.head),
                "numbers": list(section.table.numbers),
                "rows": [list(row) for row in section.table.rows],
                "total": section.table.total,
                "caption": section.caption,
            }
            for section in document.sections
        ],
        "meanings": [
            {"title": one.title, "about": one.about, "columns": [list(column) for column in one.columns]}
            for one in document.meanings
        ],
    }
