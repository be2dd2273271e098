"""Every report of the catalogue in a spreadsheet that people use: its cells are the figures of the JSON."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from openpyxl import load_workbook

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from adapters.exports.workbook import xlsx_bytes
from application.figures import Figures, Form, digits_of, form_of, plain
from tests.support.events import History
from tests.support.figures import DANGEROUS
from tests.support.finance_told import Moneys
from tests.support.libreoffice import converted, needs_libreoffice
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.required import required
from tests.unit.olap.test_costs import confirm, enter
from tests.unit.olap.test_differences import lived

CURRENCIES = {"JPY": 0, "KWD": 3, "EUR": 2}
DAY = date(2026, 1, 1)


def told_of(history: History) -> None:
    """On top of what happened: other currencies, texts that would be run, aims."""
    for number, provider in enumerate(DANGEROUS, 100):
        currency = tuple(CURRENCIES)[number % len(CURRENCIES)]
        usual = {"covers_from": DAY, "approximate": True, "currency": currency, "basis": "estimate"}
        entry = enter(history, number, provider=provider, amount=12_345 + number, **usual)
        confirm(history, entry, 11_005, number)
    moneys, subscribed = Moneys(history, number=1_000), Told(history)
    for number, currency in enumerate(CURRENCIES, 10):
        moneys.invoice(300_005, DAY, date(2026, 2, 1), currency=currency)
        subscribed.tell(moment(DAY), terms(items=[plan(70_005)], currency=currency), subscription=number)
    for number, metric in enumerate(("mrr", "=1+2", "@SUM(1,1)", "007")):
        aim = {"metric": metric, "value": "120.50", "value_to": None, "unit": "USD", "comparison": "at_least"}
        when = {"period_kind": "quarter", "period": "2026-Q1", "segment": None}
        target = {"target_id": str(UUID(int=number)), **aim, **when}
        history.happen("finance.target_set", target)


@dataclass(frozen=True)
class Made:
    """A report's workbook, as the spreadsheet wrote it again, and what the JSON says."""

    figures: Figures
    book: Any

    def wanted(self, *, durations: bool) -> list[tuple[Any, ...]]:
        """What cells hold of the JSON's rows: amounts in their currency; on the first sheet, durations."""
        columns, found = self.figures.info.columns, list[tuple[Any, ...]]()
        for row, currency in zip(self.figures.report.rows, self.figures.currencies(), strict=True):
            cells = []
            for column, value in zip(columns, map(plain, row), strict=True):
                form = form_of(column)
                if isinstance(value, int | float) and form is Form.MONEY and currency is not None:
                    cells.append(value / 10 ** digits_of(currency))
                elif isinstance(value, int | float) and form is Form.SECONDS and durations:
                    cells.append(timedelta(seconds=value))
                else:
                    cells.append(written(value))
            found.append(tuple(cells))
        return found


def read(sheet: Any, first: int, columns: int) -> list[tuple[Any, ...]]:
    """The rows of a sheet, with days as the JSON writes them."""
    rows = sheet.iter_rows(min_row=first, max_col=columns)
    return [tuple(of_cell(cell) for cell in row) for row in rows]


def of_cell(cell: Any) -> Any:
    if isinstance(cell.value, datetime) and cell.number_format.replace("\\", "") == "yyyy-mm-dd":
        return cell.value.date().isoformat()
    return written(cell.value)


def written(value: Any) -> Any:
    """A value as LibreOffice writes it into a file: numbers with fifteen digits."""
    if isinstance(value, str):
        return value.replace("_x000D_", "\r")
    return float(f"{value:.14g}") if isinstance(value, float) else value


async def in_libreoffice(folder: Path) -> dict[str, Made]:
    """Every report of a history, as a workbook that LibreOffice opened and wrote again."""
    history, source = lived(random.Random(3)), EventsInMemory()
    told_of(history)
    source.events = history.events
    analytics = LocalAnalytics(source, OlapSettings(folder=folder, database_url=""))
    try:
        made = {
            name: Figures(
                info,
                await analytics.report(name, history.tenant_id, required(name)),
                {},
                history.tenant_id,
                "test",
            )
            for name, info in analytics.reports().items()
        }
    finally:
        await analytics.close()
    files = [folder / f"{name}.xlsx" for name in made]
    for file, figures in zip(files, made.values(), strict=True):
        file.write_bytes(xlsx_bytes(figures))
    out = folder / "out"
    out.mkdir()
    converted(files, "xlsx", out)
    return {name: Made(figures, load_workbook(out / f"{name}.xlsx")) for name, figures in made.items()}


@needs_libreoffice
async def test_cells_of_every_report_are_the_figures_of_the_json(tmp_path: Path) -> None:
    made = await in_libreoffice(tmp_path)
    shown, currencies, texts = set[str](), set[str](), set[str]()
    for name, one in made.items():
        columns = one.figures.info.columns
        facts, seen = one.book["facts"], one.book["Report"]
        assert [cell.value for cell in facts[1]] == [column.name for column in columns]
        for sheet, first, durations in ((facts, 2, False), (seen, 5, True)):
            assert read(sheet, first, len(columns)) == one.wanted(durations=durations), (name, sheet.title)
            cells = [cell for row in sheet.iter_rows(min_row=first) for cell in row]
            assert "f" not in {cell.data_type for cell in cells}, "no text is run"
            texts |= {cell.value for cell in cells if cell.data_type == "s"}
        currencies |= {code for code in one.figures.currencies() if code is not None}
        shown |= {name} if one.figures.report.rows else set()
    assert shown == made.keys(), "the history has nothing of a report"
    assert currencies >= {"USD", *CURRENCIES}
    assert {text.replace("_x000D_", "\r") for text in texts} >= {*DANGEROUS}
    amounts = zip(
        made["mrr_changes"].figures.currencies(), made["mrr_changes"].book["facts"]["F"][1:], strict=True
    )
    formats = {currency: cell.number_format for currency, cell in amounts}
    assert formats == {"USD": "#,##0.00", "EUR": "#,##0.00", "JPY": "#,##0", "KWD": "#,##0.000"}
