"""A pack's figures as a document: messages, charts, tables, captions, and what everything means."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Protocol

from application.charts import Grid, Period, chart_of
from application.figures import definition_of, heading
from application.packs.figures import PackFigures, Part, SectionFigures
from application.packs.sentences import sentence_of
from application.packs.tables import table_of
from application.ports.press import Document, Meaning, SectionShown


class Inside(Protocol):
    """Which column or row a day is in."""

    def __call__(self, day: date, *, earlier: bool = False) -> date:
        """Its first day."""


def document_of(figures: PackFigures, title: str | None) -> Document:
    """The document; `title` in place of the definition's own."""
    period, digest = figures.period, hashlib.sha256(figures.json()).hexdigest()
    before = period.before(figures.until)
    going = "" if figures.until is None else f", not over yet: figures up to {figures.until}"
    facts = (
        ("Period", f"{period.first} to {period.last}{going}"),
        ("Compared with", f"{before.first} to {before.last}" + (", as far as this one" if going else "")),
        ("Data as of", f"{_moment(figures.as_of)}, position {figures.position.n} of the log"),
        ("Time zone", "UTC"),
        *_currency(figures),
        ("Pack", f"{figures.definition.name}, version {figures.definition.version}"),
        ("Figures", f"{figures.count():,}, SHA-256 {digest}"),
    )
    return Document(
        title or figures.definition.title,
        figures.definition.about,
        facts,
        tuple(_section(one, figures) for one in figures.sections),
        _meanings(figures.sections),
        figures.as_of,
    )


def _currency(figures: PackFigures) -> tuple[tuple[str, str], ...]:
    """Which amounts are in the pack, where that was asked for, and which are not."""
    if figures.currency is None:
        return ()
    left_out = figures.left_out()
    others = f". Not in this pack: {', '.join(left_out)}" if left_out else ""
    return (("Currency", f"Amounts are of {figures.currency} alone{others}"),)


def _section(one: SectionFigures, figures: PackFigures) -> SectionShown:
    period, own = replace(figures.period, monthly=one.section.monthly), one.now.report.as_of
    as_of = figures.as_of if one.now.position == figures.position else own
    section, chart, table = one.section, None, one.section.table
    if section.monthly and not period.over_months:
        by = tuple(name for name in table.by if one.now.grid(one.info).column(name).unit != "date")
        table = table.model_copy(update={"by": by})
    elif section.chart is not None:
        inside = period.bucket if section.chart.kind == "columns" else None
        drawn = chart_of(section.chart, *_grids(one, inside), period, until=figures.until)
        chart = drawn if any(mark.value for mark in drawn.marks) else None
    measured = f"{chart.title} by {_unit(one, period)}. " if chart is not None else ""
    note = f"{section.note} " if section.note else ""
    if section.reaches is not None:
        note = (
            f"{_days(one.now)}. "
            + (f"Before: {_days(one.before)}. " if one.before is not None else "")
            + note
        )
    return SectionShown(
        section.title,
        sentence_of(section.sentence, *_grids(one, None)),
        chart,
        table_of(table, *_grids(one, period.line if section.balance in table.by else None), period),
        f"{measured}{note}Source: report {one.info.name}, definition {definition_of(one.info)}. "
        f"Data as of {_moment(as_of)}, position {one.now.position.n}.",
    )


def _grids(one: SectionFigures, inside: Inside | None) -> tuple[Grid, Grid | None]:
    """The rows of both periods; of a balance, those of the last day, or of the last inside each column or row."""
    now = one.now.grid(one.info)
    before = None if one.before is None else one.before.grid(one.info)
    day = one.section.balance
    if day is None:
        return now, before
    return now.ends(day, partial(_inside, inside, earlier=False)), (
        None if before is None else before.ends(day, partial(_inside, inside, earlier=True))
    )


def _inside(inside: Inside | None, day: date, *, earlier: bool) -> date | None:
    return None if inside is None else inside(day, earlier=earlier)


def _days(part: Part) -> str:
    return f"{part.parameters['from']} to {part.parameters['to']}"


def _unit(one: SectionFigures, period: Period) -> str:
    chart = one.section.chart
    if chart is None or chart.kind == "columns":
        return period.step()
    return heading(Grid(one.info.columns).column(chart.by)).lower()


def _meanings(sections: Sequence[SectionFigures]) -> tuple[Meaning, ...]:
    """What each report means, once, under the titles of all its sections."""
    titles: dict[str, list[str]] = {}
    for one in sections:
        titles.setdefault(one.info.name, []).append(one.section.title)
    infos = {one.info.name: one.info for one in sections}
    return tuple(
        Meaning(
            f"{'; '.join(titles[name])} ({name})",
            info.about,
            tuple((column.name, column.unit, column.about) for column in info.columns),
        )
        for name, info in infos.items()
    )


def _moment(moment: datetime | None) -> str:
    return "the beginning" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
