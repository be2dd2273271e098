"""What stands beside the figures in every file: what they answer, what they are made from, and that they are whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from application.figures import Figures, used_by
from application.ports.platform import PlatformReport


def facts_of(figures: Figures) -> list[tuple[str, str]]:
    """Names and texts, in the order in which a reader asks for them."""
    info, report = figures.info, figures.report
    used = _named(used_by(info, figures.parameters))
    return [
        ("report", info.name),
        ("title", info.title),
        ("question", info.definition.question),
        ("definition", info.about),
        ("definition_version", figures.definition),
        ("parameters", used or "none"),
        ("tenant", str(figures.tenant_id)),
        ("asked_by", figures.asked_by),
        ("as_of", "" if report.as_of is None else report.as_of.isoformat()),
        *figures.origin(),
        ("time_zone", "UTC"),
        ("rows", str(len(report.rows))),
        ("complete", _complete(figures)),
        ("days_to_come", _to_come(figures)),
        *figures.completeness.facts(),
        ("sha256", figures.sha256()),
        ("cite", figures.citation()),
        ("verify", _VERIFY_OF_ALL if isinstance(report, PlatformReport) else _VERIFY),
    ]


def _named(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(parameters.items()))


_HASHED: Final = (
    "sha256 is of the columns and rows as the JSON answer holds them, written as "
    '{"columns":[...],"rows":[[...],...]} in UTF-8 without spaces. '
)
_VERIFY: Final = (
    f"{_HASHED}The same question as of the same position gives the same: ask with at_position, where the report takes "
    "it."
)
_VERIFY_OF_ALL: Final = (
    f"{_HASHED}digest is the SHA-256 of a line `tenant epoch.position` for each log, in the order of the tenants' ids, "
    "parted by line feeds. Answers with equal digests are equal: ask with at_time."
)


def _complete(figures: Figures) -> str:
    if figures.report.truncated:
        return "no: a report gives no more rows than these, and there are more; narrow its parameters"
    return "yes: every row that the parameters ask for"


def _to_come(figures: Figures) -> str:
    if figures.ahead_from is None:
        return "none: every day asked for had come"
    return f"from {figures.ahead_from} on: what stands on these days is not actual"
