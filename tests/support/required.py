"""What reports cannot be asked without."""

from __future__ import annotations

from typing import Any, Final

from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS

_VALUES: Final = {"currency": "EUR"}


def required(name: str) -> dict[str, Any]:
    """The parameters that a report needs."""
    return {one: _VALUES[one] for one in REPORTS[name].info.parameters.get("required", ())}


def required_of_all(name: str) -> dict[str, Any]:
    """The same, of a report of all customers."""
    return {one: _VALUES[one] for one in PLATFORM_REPORTS[name].info.parameters.get("required", ())}
