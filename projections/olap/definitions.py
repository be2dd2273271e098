"""What stands beside the figures of each report: `definitions.toml`, read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from application.ports.analytics import Definition

_FILE: Final = Path(__file__).with_name("definitions.toml")
DEFINITIONS: Final[Mapping[str, Definition]] = TypeAdapter(dict[str, Definition]).validate_python(
    tomllib.loads(_FILE.read_text("utf-8"))
)
"""By the name of the report; of all customers: `platform/` and its name."""


def meaning_of(report: str) -> Definition:
    """The definition of a report's figures. Raises `ValueError` where none was written."""
    try:
        return DEFINITIONS[report]
    except KeyError:
        raise ValueError(f"report {report}: say in definitions.toml what its figures mean") from None
