"""A pack's figures as a document: messages, charts, tables, captions, and what everything means."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

from application.charts import Grid, Period, chart_of
from application.figures import definition_of, heading
from application.packs.figures import PackFigures, SectionFigures
from application.packs.sentences import sentence_of
from application.packs.tables import table_of
from application.ports.press import Document, Meaning, SectionShown


def document_of(figures: PackFigures, title: str | None, today: date) -> Document:
    """The document; `title` in place of the definition's own. `today` (UTC) tells whether the period is over."""
    period, digest = figures.period, hashlib.sha256(figures.json()).hexdigest()
    over = today > period.last
    facts = (
        ("Period", f"{period.first} to {period.last}" + ("" if over else ", not over yet")),
        ("Compared with", f"{period.before().first} to {period.before().last}"),
        ("Data as of", f"{_moment(figures.as_of)}, position {figures.position.n} of the log"),
        ("Time zone", "UTC"),
        ("Pack", f"{figures.definition.name}, version {figures.definition.version}"),
        ("Figures", f"{figures.count():,}, SHA-256 {digest}"),
    )
    return Document(
        title or figures.definition.title,
        figures.definition.about,
        facts,
        tuple(_section(one, period) for one in figures.sections),
        tuple(_meaning(one) for one in figures.sections),
        figures.as_of,
    )


def _section(one: SectionFigures, period: Period) -> SectionShown:
    section, grid = one.section, one.now.grid(one.info)
    before = None if one.before is None else one.before.grid(one.info)
    chart = None if section.chart is None else chart_of(section.chart, grid, period, before)
    measured = f"{chart.title} by {_unit(one, period)}. " if chart is not None else ""
    note = f"{section.note} " if section.note else ""
    return SectionShown(
        section.title,
        sentence_of(section.sentence, grid, before),
        chart,
        table_of(section.table, grid, before),
        f"{measured}{note}Source: report {one.info.name}, definition {definition_of(one.info)}. "
        f"Data as of {_moment(one.now.report.as_of)}, position {one.now.position.n}.",
    )


def _unit(one: SectionFigures, period: Period) -> str:
    chart = one.section.chart
    if chart is None or chart.kind == "columns":
        return period.step()
    return heading(Grid(one.info.columns).column(chart.by)).lower()


def _meaning(one: SectionFigures) -> Meaning:
    columns = tuple((column.name, column.unit, column.about) for column in one.info.columns)
    return Meaning(f"{one.section.title} ({one.info.name})", one.info.about, columns)


def _moment(moment: datetime | None) -> str:
    return "the beginning" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
