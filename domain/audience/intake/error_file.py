"""The file that gives rejected rows back: the owner's own cells, what is wrong, and what to do, ready to correct."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.audience.intake.errors import RowProblem

ERROR_COLUMNS: Final = ("error_row", "error_column", "error_code", "error_remedy")
"""What is added to each row. A file that comes back with them is read as the file it was made from."""

_FORMULA: Final = re.compile(r"'*\s*[=+\-@\t\r＝＋－＠]")  # noqa: RUF001 - spreadsheets run the wide signs too


def escape_formula(cell: str) -> str:
    """A cell that no spreadsheet runs: one apostrophe before what would begin a formula (CWE-1236)."""
    return "'" + cell if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """The inverse of `escape_formula`, for every cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class _Line:
    """The file that a csv writer writes to: it holds one line until that is taken."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def error_rows(
    header: Sequence[str],
    delimiter: str,
    rejected: Iterable[tuple[Sequence[str], Sequence[RowProblem]]],
) -> Iterator[bytes]:
    """The error file line by line: UTF-8 with its mark, the delimiter of the original, formulas escaped.

    Takes each rejected row's cells and problems (one at least). A row without all its cells is filled up, and cells
    beyond the header follow the error columns, so that these stand under their names. Several problems are joined by
    ` | `, in the same order in each column.
    """
    line = _Line()
    writer = csv.writer(line, delimiter=delimiter, lineterminator="\r\n")
    width = len(header)
    writer.writerow([*map(escape_formula, header), *ERROR_COLUMNS])
    yield b"\xef\xbb\xbf" + line.text.encode()
    for cells, problems in rejected:
        own = [escape_formula(cell) for cell in cells]
        own[len(own) : width] = [""] * (width - len(own))
        told = (
            str(problems[0].row),
            " | ".join(problem.column or "" for problem in problems),
            " | ".join(problem.code for problem in problems),
            " | ".join(problem.told() for problem in problems),
        )
        writer.writerow([*own[:width], *map(escape_formula, told), *own[width:]])
        yield line.text.encode()
