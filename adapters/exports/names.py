"""The forms of files by name, apart from what makes them: the command line names them without loading anything."""

from __future__ import annotations

from enum import StrEnum


class FileName(StrEnum):
    """What `format` says, which is also the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    ARROW = "arrow"
