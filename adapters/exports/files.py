"""Figures as files that leave alone: what holds no facts of itself has them in a file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from adapters.exports.facts import facts_of
from adapters.exports.forms import FILES
from adapters.exports.names import FileName
from adapters.exports.separated import Separated

if TYPE_CHECKING:
    from application.figures import Figures

BESIDE: Final = "-metadata.json"
"""Ending of the file beside a CSV file, as CSV on the Web (W3C) names it."""


class ExportedFiles:
    """Implements `FigureFiles`."""

    def files(self, figures: Figures, form: str, name: str) -> list[tuple[str, bytes]]:
        """See `FigureFiles.files`."""
        file = f"{name}.{form}"
        found = [(file, FILES[form].encode(figures, Separated()))]
        if form == FileName.CSV:
            found.append((file + BESIDE, metadata_bytes(figures, file)))
        return found


def metadata_bytes(figures: Figures, file: str) -> bytes:
    """What a CSV file is made from and what its columns mean, in the vocabulary of CSV on the Web."""
    told = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": file,
        "dc:title": figures.info.title,
        "dc:description": figures.info.about,
        "tableSchema": {
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "dc:description": column.about,
                    "unit": column.unit,
                }
                for column in figures.info.columns
            ]
        },
        "penguinmails:facts": dict(facts_of(figures)),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)
