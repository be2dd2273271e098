"""What every workbook of ours has in common: texts that stay texts, formats made once, pages that can be printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
BEGINNING: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter takes moments without a zone; all are UTC
LONGEST_TEXT: Final = 32_767
LONGEST_NUMBER: Final = 10**15
"""From here on a spreadsheet's numbers, which are binary floats, lose digits: such a number stands as text."""
FIRST_YEAR: Final = 1900
DATE: Final = "yyyy-mm-dd"
_A4: Final = 9


class Styles:
    """A workbook's formats, each made once."""

    def __init__(self, book: Any) -> None:
        """Make them in `book`."""
        self._book = book
        self._made: dict[tuple[tuple[str, object], ...], Any] = {}

    def of(self, **properties: object) -> Any:
        """The format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(dict(properties))
        return self._made[key]


def moment_of(as_of: datetime | None) -> datetime:
    """The moment that a workbook says it was made at: that of what is in it, so that equal ones have equal bytes."""
    return BEGINNING if as_of is None else as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def printed(sheet: Any) -> None:
    """Let a sheet be printed on pages as wide as it is."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
