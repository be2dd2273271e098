"""Figures as files that leave alone: what holds no facts of itself has them in a file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from adapters.exports.facts import facts_of
from adapters.exports.forms import FILES
from adapters.exports.names import FileName
from adapters.exports.separated import DECIMALS, separated
from application.figures import FRACTIONS, form_of

if TYPE_CHECKING:
    from adapters.exports.separated import Separated
    from application.completeness import Completeness
    from application.figures import Figures
    from application.ports.analytics import Column

BESIDE: Final = "-metadata.json"
"""Ending of the file beside a CSV file, as CSV on the Web (W3C) names it."""
_COMPLETENESS: Final = "penguinmails:completeness"


class ExportedFiles:
    """Implements `FigureFiles`."""

    def files(
        self, figures: Figures, form: str, name: str, *, decimal: str | None
    ) -> list[tuple[str, bytes]]:
        """See `FigureFiles.files`."""
        file, how = f"{name}.{form}", separated(DECIMALS[decimal or "point"])
        found = [(file, FILES[form].encode(figures, how))]
        if form == FileName.CSV:
            found.append((file + BESIDE, metadata_bytes(figures, file, how)))
        return found

    def beside(self, file: str, made: Completeness) -> tuple[str, bytes]:
        """See `FigureFiles.beside`."""
        told = {"url": file, _COMPLETENESS: made.told()}
        return file + BESIDE, orjson.dumps(told, option=orjson.OPT_INDENT_2)


def metadata_bytes(figures: Figures, file: str, how: Separated) -> bytes:
    """What a CSV file is made from and what its columns mean, in the vocabulary of CSV on the Web."""
    told = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": file,
        "dialect": {"delimiter": how.delimiter},
        "dc:title": figures.info.title,
        "dc:description": figures.info.about,
        "tableSchema": {
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "dc:description": column.about,
                    "unit": column.unit,
                    **_as_numbers(column, how),
                }
                for column in figures.info.columns
            ]
        },
        "penguinmails:facts": dict(facts_of(figures)),
        _COMPLETENESS: figures.completeness.told(),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _as_numbers(column: Column, how: Separated) -> dict[str, object]:
    """How fractions are written, where they are not as JSON has them."""
    if how.decimal == "." or form_of(column) not in FRACTIONS:
        return {}
    return {"datatype": {"base": "decimal", "format": {"decimalChar": how.decimal}}}
