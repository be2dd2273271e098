"""Text to rows: every physical line ends up in a row, in a problem, or in the count of blank lines.

A quote that is never closed must not swallow the rest of the file. So a row's lines are kept until the row is whole;
if it fails, its first line becomes a problem and reading goes on with its second.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Literal

from domain.audience.intake.decoding import Encoding, Undecodable, open_text, physical_lines
from domain.audience.intake.error_file import ERROR_COLUMNS, unescape_formula
from domain.audience.intake.errors import (
    MAX_BROKEN_QUOTES,
    MAX_COLUMNS,
    MAX_ROW_CHARACTERS,
    MAX_ROW_LINES,
    NUL_CHARACTER,
    QUOTE_BROKEN,
    QUOTE_NOT_CLOSED,
    ROW_TOO_LONG,
    TOO_FEW_CELLS,
    TOO_MANY_CELLS,
    Fault,
    FileEmpty,
    FileWithoutRows,
    HeaderBroken,
    HeaderMissing,
    QuotesBroken,
    RowProblem,
    TooManyColumns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DELIMITERS: Final = (",", ";", "\t", "|")

_SNIFFED_ROWS: Final = 50
_KEPT_OF_LONG_ROW: Final = 200
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(slots=True)
class Row:
    """One data row as it stands in the file; `problem` says why its cells are not those of the header."""

    number: int
    line: int
    cells: list[str]
    problem: RowProblem | None = None


@dataclass(slots=True)
class Sheet:
    """An opened file: its header read, its rows to be iterated once. `blank_lines`: met so far, remarks included."""

    encoding: Encoding
    delimiter: str
    delimiter_found: Literal["declared", "named in the file", "counted", "single column"]
    header: tuple[str, ...]
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    blank_lines: int = 0


def open_sheet(
    chunks: Iterable[bytes], *, encoding: str | None = None, delimiter: str | None = None
) -> Sheet:
    """Open a CSV file of any size. Raises `FileRefused`, and so does the iteration of its rows.

    Column names come out trimmed and unique: a blank one is `column 7`, a second `Tags` is `Tags (column 9)`.
    """
    found, pieces = open_text(chunks, encoding)
    try:
        first = next(pieces, "")
    except Undecodable as broken:
        raise broken.refusal(found, 1, None) from None
    lines = physical_lines(chain([first], pieces))
    named = re.match(r"sep=([,;\t|])\n", first)
    if named:
        next(lines)
    if delimiter is not None:
        sheet = Sheet(found, delimiter, "declared", ())
    elif named:
        sheet = Sheet(found, named[1], "named in the file", ())
    else:
        sheet = Sheet(found, *_sniff(first), ())
    reader = _Reader(sheet, _Lines(lines, 1 if named else 0))
    sheet.header = reader.header()
    sheet.rows = reader.rows()
    return sheet


def _sniff(text: str) -> tuple[str, Literal["counted", "single column"]]:
    """The delimiter under which the first rows have most cells, alike in number."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        sizes: list[int] = []
        try:
            reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
            sizes.extend(len(cells) for cells in islice(reader, _SNIFFED_ROWS) if cells)
        except csv.Error:
            continue  # a cell beyond all limits: this is not the delimiter, or the reader will say so with its row
        if sizes:
            score = (sizes[0] - 1) * sizes.count(sizes[0]) / len(sizes)
            if score > best_score:
                best, best_score = delimiter, score
    return best, "counted" if best_score else "single column"


class _RowTooLong(Exception):
    """A row grew beyond its limits while its quote was open, or by its only line."""


class _Lines:
    """Hands physical lines to the CSV parser and remembers those of the row under way, to give them back."""

    def __init__(self, lines: Iterator[str], skipped: int) -> None:
        self._lines = lines
        self._returned: list[str] = []
        self._size = 0
        self.taken: list[str] = []
        self.number = skipped

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        if self._size > MAX_ROW_CHARACTERS or len(self.taken) > MAX_ROW_LINES:
            raise _RowTooLong
        return line

    def begin(self) -> None:
        """Forget the last row."""
        self.taken.clear()
        self._size = 0

    def give_back(self) -> str:
        """Take all lines of the row back but its first, which is returned."""
        first, *others = self.taken
        self._returned.extend(reversed(others))
        self.number -= len(others)
        return first


_REMARK: Final = "# "


def _is_remark(cells: list[str]) -> bool:
    """A line that only says something about the file, as our own exports end with."""
    return "@" not in cells[0] and not any(cells[1:])


class _Reader:
    def __init__(self, sheet: Sheet, lines: _Lines) -> None:
        self._sheet = sheet
        self._lines = lines
        self._parser = self._new_parser()
        self._broken = 0
        self._returned_errors = False

    def _new_parser(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._sheet.delimiter, strict=True)

    def header(self) -> tuple[str, ...]:
        try:
            cells = next((cells for cells in self._parser if any(cells)), None)
        except (csv.Error, _RowTooLong):
            raise HeaderBroken(line=self._lines.number) from None
        except Undecodable as broken:
            raise broken.refusal(self._sheet.encoding, self._lines.number + 1, None) from None
        line = self._lines.number
        if cells is None:
            raise FileEmpty
        names = [cell.strip().lstrip("\ufeff").strip() for cell in cells]
        if len(names) > MAX_COLUMNS:
            raise TooManyColumns(
                f"The header names {len(names):,} columns; {MAX_COLUMNS} are allowed.", line=line
            )
        if any("\0" in name for name in names):
            raise HeaderBroken(line=line)
        if not any(names) or any(_ADDRESS.fullmatch(name) for name in names):
            raise HeaderMissing(line=line)
        if tuple(names[-len(ERROR_COLUMNS) :]) == ERROR_COLUMNS:
            self._returned_errors = True
            names = [unescape_formula(name) for name in names[: -len(ERROR_COLUMNS)]]
        return _unique(names)

    def rows(self) -> Iterator[Row]:
        lines, sheet, width = self._lines, self._sheet, len(self._sheet.header)
        number = 0
        while True:
            lines.begin()
            line = lines.number + 1
            try:
                cells = next(self._parser)
            except StopIteration:
                break
            except _RowTooLong:
                alone = len(lines.taken) == 1
                row = self._give_up(number + 1, line, ROW_TOO_LONG if alone else QUOTE_NOT_CLOSED)
            except csv.Error:
                spread = len(lines.taken) > 1 or lines.taken[0].count('"') % 2
                row = self._give_up(number + 1, line, QUOTE_NOT_CLOSED if spread else QUOTE_BROKEN)
            except Undecodable as broken:
                raise broken.refusal(sheet.encoding, lines.number + 1, number + 1) from None
            else:
                if not any(cells) or (cells[0].startswith(_REMARK) and _is_remark(cells)):
                    sheet.blank_lines += 1
                    continue
                if self._returned_errors:
                    cells = [unescape_formula(cell) for cell in cells[:width] + cells[width + 4 :]]
                row = Row(number + 1, line, cells)
                if len(cells) != width or "\0" in "".join(cells):
                    row = self._misshapen(row, width)
            number += 1
            yield row
        if not number:
            raise FileWithoutRows

    def _misshapen(self, row: Row, width: int) -> Row:
        if len(row.cells) > width and not any(row.cells[width:]):
            del row.cells[width:]  # spreadsheets add empty columns at the right
        if len(row.cells) != width and len(self._lines.taken) > 1:
            return self._give_up(row.number, row.line, QUOTE_NOT_CLOSED)
        fault = None
        if len(row.cells) != width:
            fault = TOO_FEW_CELLS if len(row.cells) < width else TOO_MANY_CELLS
        elif any("\0" in cell for cell in row.cells):
            fault = NUL_CHARACTER
        row.problem = RowProblem(row.number, row.line, None, *fault) if fault else None
        return row

    def _give_up(self, number: int, line: int, fault: Fault) -> Row:
        """The row's first line as a problem; the others are read again as rows of their own."""
        self._broken += 1
        if self._broken > MAX_BROKEN_QUOTES:
            raise QuotesBroken(line=line, row=number)
        first = self._lines.give_back().rstrip("\n")
        if fault is ROW_TOO_LONG:
            first = first[:_KEPT_OF_LONG_ROW]
        self._parser = self._new_parser()
        return Row(number, line, [first], RowProblem(number, line, None, *fault))


def _unique(names: list[str]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for position, name in enumerate(names, start=1):
        unique = name or f"column {position}"
        while unique in seen:
            unique = f"{unique} (column {position})"
        seen[unique] = None
    return tuple(seen)
