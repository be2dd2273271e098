"""The reports that can be asked for, with what each takes, the facts and the metrics: filled in as they are registered.

Commands that name a report or a metric are held to it, whichever process carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from application.ports.analytics import ReportInfo
from domain.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Offered:
    """A report. `read` takes its parameters. Raises `InvalidParameters`."""

    info: ReportInfo
    read: Callable[[Mapping[str, object]], object]


OFFERED: Final[dict[str, Offered]] = {}
"""By name."""

FACTS: Final[dict[str, Permission]] = {}
"""By table that SQL may name: the permission without which it is not to be named."""

METRICS: Final[set[str]] = set()
"""The metrics of the catalogue, by the names that targets give them."""


def infos() -> Mapping[str, ReportInfo]:
    """What each of them is."""
    return {name: offered.info for name, offered in OFFERED.items()}
