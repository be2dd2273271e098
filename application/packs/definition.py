"""What a pack is made of, as data: its sections, each with a report, a sentence, a chart and a table.

A definition is a TOML file in `definitions`. It is read and checked when the first pack is asked for: a section that
names a column its report does not have, or a word its sentence does not know, is a mistake of ours and says so.
"""

from __future__ import annotations

import hashlib
import string
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from application.charts import Better, ChartDefinition, Period
from application.ports.analytics import ReportInfo
from domain.kernel.errors import Refusal, RefusalKind

MOST_PAGES: Final = 18
"""Nobody reads a longer one."""
_FOLDER: Final = Path(__file__).with_name("definitions")
WORDS: Final = frozenset(
    {"total", "before", "change", "part", "share", "leader", "leader_total", "leader_share", "rows"}
)
"""What a sentence may name; `application.packs.sentences` computes them."""


class UnknownBoardPack(Refusal):
    """There is no pack of this name. `GET /v1/packs/definitions` lists them."""

    code = "board-pack-unknown"
    kind = RefusalKind.INVALID
    field = "/definition"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sentence(_Data):
    """The message of a section, computed: `text` with words in braces, `one` of a single one, `none` of nothing.

    `total` is the measure where `where` holds, `part` of it where `part` holds too; `leader` is the largest value of a
    dimension. `counts`: rows are counted in place of the measure, where that does not add up. `untold` stands in place
    of `none` where there are rows of `untold_where`; `{rows}` is how many. `so_far` stands in place of `text` where a
    row is one of `so_far_where`: it is not over.
    """

    measure: str
    counts: bool = False
    text: str
    one: str | None = None
    none: str
    untold: str | None = None
    untold_where: dict[str, tuple[str, ...]] = {}
    so_far: str | None = None
    so_far_where: dict[str, tuple[str, ...]] = {}
    where: dict[str, tuple[str, ...]] = {}
    part: dict[str, tuple[str, ...]] = {}
    part_measure: str | None = None
    leader: str | None = None
    better: Better = Better.NEITHER


class TableDefinition(_Data):
    """Measures added up by dimensions; the largest rows, and the rest as one. The first is compared with before.

    `total` says whether rows may be added up to one: not where a thing counts in several. `kind`: a scorecard has
    columns of its own (`application.packs.scorecards`), and its rows in the order of the report.
    """

    kind: Literal["sums", "scorecard"] = "sums"
    by: tuple[str, ...]
    measures: tuple[str, ...]
    most: Annotated[int, Field(ge=2, le=18)] = 12
    total: bool = True
    where: dict[str, tuple[str, ...]] = {}


class Reach(StrEnum):
    """The whole of what the pack's period ends in, or today, where it is not over."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many it has."""
        return {Reach.MONTH: 1, Reach.QUARTER: 3, Reach.YEAR: 12}[self]

    def is_of(self, period: Period) -> bool:
        """Whether a pack of the period tells of it: a month of one month at most, a year of more than a quarter."""
        if self is Reach.YEAR:
            return period.first < period.reaching(Reach.QUARTER.months).first
        return self is Reach.QUARTER or period.first >= period.reaching(self.months).first


class Section(_Data):
    """One page. `compared`: with the period before, where the report takes days.

    `reaches`: it is asked from the first day of that on, to the last day of the pack's period that has come, and is
    left out of packs that are no part of it.
    `balance` names the day of a report whose figures stand at the end of days, and are not added over them: the last
    day counts, of the period, or of each column and row. `monthly`: the report's rows are of months at least, so that
    within one month there is nothing to draw or to tell over time.
    """

    id: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    title: str
    report: str
    parameters: dict[str, str] = {}
    reaches: Reach | None = None
    compared: bool = True
    balance: str | None = None
    monthly: bool = False
    sentence: Sentence
    chart: ChartDefinition | None = None
    table: TableDefinition
    note: str = ""


class PackDefinition(_Data):
    """A pack: pages in order. `version` changes with what it says."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    title: str
    about: str
    section: Annotated[tuple[Section, ...], Field(min_length=1, max_length=13)]
    version: str = ""

    def of(self, period: Period) -> tuple[Section, ...]:
        """The sections of a pack of a period."""
        return tuple(one for one in self.section if one.reaches is None or one.reaches.is_of(period))

    def checked(self, reports: Mapping[str, ReportInfo]) -> PackDefinition:
        """The definition, which fits its reports. Raises `ValueError`."""
        for section in self.section:
            info = reports.get(section.report)
            if info is None:
                raise ValueError(f"{self.name}/{section.id}: there is no report {section.report}")
            _fits(self.name, section, info)
        return self


def _fits(pack: str, section: Section, info: ReportInfo) -> None:
    dimensions = {column.name for column in info.columns if column.kind == "dimension"}
    measures = {column.name for column in info.columns if column.kind == "measure"}
    sentence, chart, table = section.sentence, section.chart, section.table
    named = {*sentence.where, *sentence.part, *sentence.untold_where, *table.by, *table.where}
    named |= {name for name in (sentence.leader, section.balance) if name is not None}
    counted = {sentence.measure, *table.measures} | ({sentence.part_measure} - {None})
    if chart is not None:
        named |= {chart.by, *chart.where}
        counted |= {chart.measure} | ({chart.plan, chart.forecast} - {None})
    if named - dimensions or counted - measures:
        wrong = sorted(map(str, (named - dimensions) | (counted - measures)))
        raise ValueError(f"{pack}/{section.id}: {info.name} has no {', '.join(wrong)}")
    balances = {name for name in counted if name} & {
        column.name for column in info.columns if column.nature == "balance"
    }
    if balances and section.balance is None and info.columns[0].unit == "date":
        raise ValueError(
            f"{pack}/{section.id}: {', '.join(sorted(balances))} never sum over time; name the day in balance"
        )
    texts = (sentence.text, sentence.one or "", sentence.untold or "", sentence.so_far or "")
    words = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    if words - WORDS:
        raise ValueError(f"{pack}/{section.id}: no sentence knows {', '.join(sorted(words - WORDS))}")
    if unknown := set(section.parameters) - set(info.parameters.get("properties", {})):
        raise ValueError(f"{pack}/{section.id}: {info.name} does not take {', '.join(sorted(unknown))}")


@lru_cache(maxsize=1)
def read_definitions() -> Mapping[str, PackDefinition]:
    """The definitions by name, each with a version made of its text."""
    found = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        version = hashlib.sha256(text.encode()).hexdigest()[:12]
        made = PackDefinition.model_validate({**tomllib.loads(text), "version": version})
        found[made.name] = made
    return found


def definition_named(name: str, reports: Mapping[str, ReportInfo]) -> PackDefinition:
    """A definition that fits the reports there are. Raises `UnknownBoardPack`."""
    known = read_definitions().get(name)
    if known is None:
        raise UnknownBoardPack
    return known.checked(reports)
