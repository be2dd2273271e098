"""The page of reports: each with its definition, what it takes, and what its columns are."""

from __future__ import annotations

from typing import Final

from application.as_of import taken_by
from application.ports.analytics import Column, ReportInfo
from projections.olap.reports import REPORTS

_HEAD: Final = """\
# Reports: what each figure means

Made from the reports: `python -m scripts.reports_page > docs/reports.md`; `GET /v1/reports` gives the same. A meaning
that figures were given under never changes: another one is another version, and figures that were
[cited](finance.md#citing-a-figure) say under which they were. Balances (B) are never summed over time, activities (A)
may be, ratios (R) and statistics (S) over nothing; these open by their parts.
"""


def reports_page() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(_report(REPORTS[name].info) for name in sorted(REPORTS))])


def _report(info: ReportInfo) -> str:
    means = info.definition
    takes = ", ".join(f"`{name}`" for name in taken_by(info)["properties"])
    columns = "\n".join(_column(one) for one in info.columns)
    return f"""\
## {info.title}: `{info.name}`

*{means.question}* {info.about}

- Owner: {means.owner}; version {means.version}; needs `{info.permission}`.
- Formula: {means.formula}
- In: {means.includes}
- Out: {means.excludes}
- Takes: {takes}.

| column | unit | nature | what it is |
|---|---|---|---|
{columns}
"""


def _column(one: Column) -> str:
    nature = one.nature[0].upper() if one.nature else ""
    parts = f" Opens by {', '.join(f'`{part}`' for part in one.parts)}." if one.parts else ""
    return f"| `{one.name}` | {one.unit} | {nature} | {one.about}{parts} |"
