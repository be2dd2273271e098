"""What an import refuses: a whole file (`FileRefused`) or one row of it (`RowProblem`), each with its remedy.

No text here holds a cell's value: rows go back to their owner in the error file, never in a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from domain.kernel.errors import Refusal, RefusalKind

MAX_COLUMNS: Final = 200
"""More columns than this and the file is not a contact list (a pivot, a matrix, the wrong delimiter)."""

MAX_ROW_CHARACTERS: Final = 131_072
"""Longest row, all of its lines together; it bounds the reader's memory."""

MAX_ROW_LINES: Final = 500
"""Most physical lines that quoted line breaks may spread one row over, before its quote counts as unclosed."""

MAX_BROKEN_QUOTES: Final = 10_000
"""Rows with broken quotes after which the whole file is refused; each costs a second reading of its lines."""


class FileRefused(Refusal):
    """This file cannot be read as a list of contacts. Follow the remedy and upload it again."""

    code = "import-file-refused"
    kind = RefusalKind.INVALID
    remedy: ClassVar[str] = "Export the list again as CSV in UTF-8."

    def __init__(
        self,
        detail: str | None = None,
        /,
        *,
        byte_offset: int | None = None,
        line: int | None = None,
        row: int | None = None,
    ) -> None:
        """Take where it was found: byte offset from 0, physical line and data row from 1."""
        self.byte_offset, self.line, self.row = byte_offset, line, row
        self.where = {
            name: value
            for name, value in (("byte_offset", byte_offset), ("line", line), ("row", row))
            if value is not None
        }
        super().__init__(detail, remedy=self.remedy, **self.where)


class FileEmpty(FileRefused):
    """The file holds nothing."""

    code = "import-file-empty"
    remedy = "Check that the export finished, and upload it again."


class FileWithoutRows(FileRefused):
    """The file has a header and no row under it."""

    code = "import-file-without-rows"
    remedy = "Check the filter of the export: it left no contact."


class FileNotText(FileRefused):
    """The file is not text: a workbook, an archive or another binary format."""

    code = "import-file-not-text"
    remedy = "Open it in its own program and save the sheet as CSV (UTF-8)."


class EncodingUnknown(FileRefused):
    """The file is not valid UTF-8 and does not say what else it is; a guess could garble names silently."""

    code = "import-encoding-unknown"
    remedy = (
        "Save it as UTF-8, or name its encoding: `windows-1252` fits most Western spreadsheets. "
        "The dry run shows how it would read."
    )


class EncodingBroken(FileRefused):
    """The file holds bytes that its encoding does not know."""

    code = "import-encoding-broken"
    remedy = "Name the encoding that the file was really written in, or save it again as UTF-8."


class EncodingContradicted(FileRefused):
    """The file begins with the mark of another Unicode encoding than the one named."""

    code = "import-encoding-contradicted"
    remedy = "Leave `encoding` out: the file says itself what it is."


class TooManyColumns(FileRefused):
    """The header names more columns than a contact list may have."""

    code = "import-too-many-columns"
    remedy = f"Export at most {MAX_COLUMNS} columns, or name the `delimiter` if it was taken for another."


class HeaderMissing(FileRefused):
    """The first row names no columns: it is blank, or it looks like a contact already."""

    code = "import-header-missing"
    remedy = "Put one row with the columns' names above the data."


class HeaderBroken(FileRefused):
    """The header cannot be read: a quote in it is never closed, it is too long, or it holds NUL characters."""

    code = "import-header-broken"
    remedy = "Correct the first row, or name the `encoding` and the `delimiter`."


class QuotesBroken(FileRefused):
    """Quotes are broken in so many rows that the file was not written as CSV."""

    code = "import-quotes-broken"
    remedy = "Export again with standard quoting: cells in double quotes, quotes inside doubled."


class MappingRefused(FileRefused):
    """The mapping does not fit this file."""

    code = "import-mapping-refused"
    remedy = "Look at the dry run's columns and correct the mapping."


class UnknownColumn(MappingRefused):
    """The mapping names a column that the file does not have."""

    code = "import-mapping-unknown-column"
    remedy = "Write the column as the dry run shows it."


class UnknownTarget(MappingRefused):
    """The mapping sends a column to a field that contacts do not have."""

    code = "import-mapping-unknown-target"
    remedy = "Use one of the listed targets, `attribute:<name>` (a-z, 0-9, _) or `ignore`."


class TargetTwice(MappingRefused):
    """Two columns are sent to one field, and which of them counts is not ours to choose."""

    code = "import-mapping-target-twice"
    remedy = "Map one of them to `ignore` or to `attribute:<name>`."


class TooManyAttributes(MappingRefused):
    """The mapping keeps more columns as attributes than a contact can have."""

    code = "import-mapping-too-many-attributes"
    remedy = "Map the columns that nobody will use to `ignore`."


class EmailColumnMissing(MappingRefused):
    """No column holds the e-mail addresses, and a contact is known by its address."""

    code = "import-mapping-email-missing"
    remedy = 'Name it: {"columns": {"<the column>": "email"}}.'


class AddressColumnMissing(MappingRefused):
    """No column of the list says whom its rows are about."""

    code = "import-mapping-address-missing"
    remedy = 'Name it: {"columns": {"<the column>": "email"}}, or "hash" where it has hashes of addresses.'


class Fault(NamedTuple):
    """What is wrong with a value, without the value and without the place."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong in one row.

    `row` counts data rows from 1, `line` physical lines from 1; a problem of the whole row has no column.
    """

    row: int
    line: int
    column: str | None
    code: str
    message: str
    remedy: str

    def told(self) -> str:
        """What is wrong and what to do, where that is not said in one already."""
        return f"{self.message} {self.remedy}".rstrip()


ROW_TOO_LONG: Final = Fault(
    "row-too-long",
    f"The row is longer than {MAX_ROW_CHARACTERS:,} characters.",
    "Shorten its cells.",
)
QUOTE_NOT_CLOSED: Final = Fault(
    "quote-not-closed",
    f"A quote opens in this row and is not closed within {MAX_ROW_LINES} lines or the row's own cells.",
    "Close the quote; double those inside a cell.",
)
QUOTE_BROKEN: Final = Fault(
    "quote-broken",
    "Text follows a closing quote.",
    'Double the quotes inside a cell: "says ""hello""".',
)
NUL_CHARACTER: Final = Fault(
    "nul-character", "The row holds a NUL character.", "Remove it, or name the file's `encoding`."
)
TOO_FEW_CELLS: Final = Fault(
    "row-too-few-cells",
    "The row has fewer cells than the header.",
    "Add the missing delimiters; a cell that holds the delimiter needs quotes.",
)
TOO_MANY_CELLS: Final = Fault(
    "row-too-many-cells",
    "The row has more cells than the header.",
    "Put cells that hold the delimiter in quotes.",
)

NO_ROW: Final = frozenset(
    fault.code
    for fault in (ROW_TOO_LONG, QUOTE_NOT_CLOSED, QUOTE_BROKEN, NUL_CHARACTER, TOO_FEW_CELLS, TOO_MANY_CELLS)
)
"""What makes a line no row of the header: it has one of these, and nothing of it is read."""
