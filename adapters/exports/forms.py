"""The forms in which figures leave as files: each with its media type and the ending of its file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.exports.columnar import arrow_bytes, parquet_bytes
from adapters.exports.names import FileName
from adapters.exports.separated import Separated, csv_bytes
from adapters.exports.workbook import xlsx_bytes
from application.figures import Figures


@dataclass(frozen=True, slots=True)
class FileForm:
    """One form. `encode` takes time for many rows: call it beside the loop."""

    name: FileName
    media: str
    encode: Callable[[Figures, Separated], bytes]


def _alone(encode: Callable[[Figures], bytes]) -> Callable[[Figures, Separated], bytes]:
    return lambda figures, _: encode(figures)


_ALL: Final = (
    FileForm(FileName.CSV, "text/csv", csv_bytes),
    FileForm(
        FileName.XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _alone(xlsx_bytes)
    ),
    FileForm(FileName.PARQUET, "application/vnd.apache.parquet", _alone(parquet_bytes)),
    FileForm(FileName.ARROW, "application/vnd.apache.arrow.file", _alone(arrow_bytes)),
)
FILES: Final[Mapping[str, FileForm]] = {form.name.value: form for form in _ALL}
"""By the name that `format` says, which is also the ending of the file's name."""
