"""Reports: how soon each of the catalogue answers over 20,000,000 events, while eight ask and the projector writes.

The facts are those of `facts`: 2,000 tenants over two years. The owner's process holds them, answers over Flight, and
takes in 1,000 new events a second all along, as the projector does, most of them in the longest logs; eight readers in
another process ask over the real client, each its next question when the last was answered, so that a time is what a
caller waits: the turn, the query, the wire and the rows. What they ask, shuffled anew each round and kind after kind,
is every report of the catalogue: over the last 30 days or 12 months (one, where each has a row for each holder; or its
defaults, where it takes no days), a year's as of a tenth of the log ago, where it can be asked so, and over everything;
of one of 20 tenants of about the median size, of one of 20 that are larger than about 99 of 100, of the largest (an
eighth of all events), and of the platform where its log has what the report is about; and the reports of all tenants
together, over 12 months (activity: 30 days). `report_*_max` are the slowest report's of all, but for those over
everything and as of a position, which have figures of their own; `tenant_report_p50_ms_max` is the slowest of the
tenants without the largest, whose own is `largest_tenant_*`. Figures that end in `_1m` and `_5m` are of fewer events.

The owner keeps answers as long as they hold and some seconds more (its default), and 100 rounds ask five times of each
tenant: `found_again` is the share that was answered so, `recent_again` that of the questions about all tenants. Figures
that begin with `fresh_` are of an owner that keeps none: every answer is made anew.

`ratio_vs_postgres` and `ratio_vs_chdb`: how many times as long the same questions take there, each asked alone,
medians, the geometric mean over the questions of `reports_peers`; `worst_*` is the one that does worst. Postgres and
chDB hold the same tables, roll-ups included: the rows are compared, and others than ours fail the run.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import duckdb

from adapters.duckdb.client import FlightAnalytics
from adapters.duckdb.settings import OlapSettings
from domain.kernel.ids import PLATFORM
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS
from scripts.benches import reports_peers
from scripts.benches.facts import LAST_DAY, SEED, make
from scripts.benches.reports_owner import owner

FULL: Final = 20_000_000
_QUICK: Final = 200_000
_GROWTH: Final = {"1m": 1_000_000, "5m": 5_000_000}
READERS: Final = 8
_RATE: Final = 1_000.0
_ROUNDS: Final = 100
_QUICK_ROUNDS: Final = 8
_FRESH_ROUNDS: Final = 10
_KEPT_MB: Final = 32
_MEMORY: Final = "2GB"
"""Of the owner's database, as of the peers'. The setting's default is for fewer facts."""

_PATIENCE: Final = 60.0
"""Seconds that a report may take here: one that takes longer than it may elsewhere is a figure, too."""

_OF_MEDIAN_SIZE: Final = 20
_LARGE: Final = 20
_SHARES: Final = {"typical": 1, "as_of": 4, "everything": 4}
"""What is asked one after another, and of how many rounds one asks it."""

_LONGEST: Final = 240.0
"""Seconds of a kind after which no further round is begun; `rounds` says how many there were of the typical."""


_MONTH: Final = {"from": (LAST_DAY - timedelta(days=29)).isoformat(), "to": LAST_DAY.isoformat()}
_DAYS_OF_A_YEAR: Final = {**_MONTH, "from": (LAST_DAY - timedelta(days=364)).isoformat()}
_YEAR: Final = {"from": f"{LAST_DAY.year - 1}-{LAST_DAY.month:02}", "to": f"{LAST_DAY:%Y-%m}"}
_LAST_MONTH: Final = {"from": f"{LAST_DAY:%Y-%m}", "to": f"{LAST_DAY:%Y-%m}"}
_NEEDED: Final[Mapping[str, object]] = {"currency": "USD"}
"""What is asked with where a report cannot be asked without."""
_OF_THE_PLATFORM: Final = ("cost", "target")
"""How the reports begin that the platform's own log has something for."""


@dataclass(frozen=True)
class Case:
    """A question. `kind`: typical, everything or as_of; `whose`: median, large, largest, platform or all (together).

    `asked`: the tenants that it may be asked of, and with which parameters.
    """

    report: str
    whose: str
    kind: str
    asked: tuple[tuple[UUID, tuple[tuple[str, object], ...]], ...]


@dataclass(frozen=True)
class Bed:
    """A file of facts: how many events and rows, tenants by their sizes, how often event, how long making it took."""

    folder: Path
    file: Path
    rows: int
    events: int
    tenants: dict[str, list[tuple[UUID, int]]]
    happened: dict[str, int]
    seconds: float


def run(quick: bool, facts: int | None = None, growth: bool = False) -> dict[str, float]:  # noqa: FBT001, FBT002 - the shape of every bench
    """The figures, over 20,000,000 events (`quick`: 200,000); `growth` shows 1,000,000 and 5,000,000 besides."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    figures = over(facts or (_QUICK if quick else FULL), rounds, peers=True)
    if growth:
        for name, events in _GROWTH.items():
            smaller = over(events, rounds, peers=False)
            figures |= {
                f"{figure}_{name}": smaller[figure] for figure in smaller if figure.endswith(("_max", "_mb"))
            }
    return figures


def over(events: int, rounds: int, *, peers: bool) -> dict[str, float]:
    """The figures over about so many events; everything is asked `rounds` times."""
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user where this runs as root
        bed = _bed(folder, events)
        figures = {
            "facts": float(bed.rows),
            "events": float(bed.events),
            "made_s": bed.seconds,
            "file_mb": bed.file.stat().st_size / 2**20,
        }
        each = {whose: tenants[0] for whose, tenants in bed.tenants.items()}
        compared = reports_peers.compared(bed.file, folder, each) if peers else {}
        fresh = asyncio.run(_answered(bed, min(rounds, _FRESH_ROUNDS), kept_mb=0))
        answered = asyncio.run(_answered(bed, rounds, kept_mb=_KEPT_MB))
    told = {f"fresh_{name}": value for name, value in fresh.items() if name.endswith("_max")}
    return answered | told | compared | figures


def _bed(folder: Path, events: int) -> Bed:
    say(f"making {events:,} events")
    analytics = folder / "analytics"
    analytics.mkdir(mode=0o700)
    file = analytics / "facts-1.duckdb"
    began = time.perf_counter()
    rows = make(file, events)
    seconds = time.perf_counter() - began
    with duckdb.connect(str(file), read_only=True) as con:
        sizes = con.execute(
            "SELECT tenant_id, position FROM positions WHERE tenant_id <> ? ORDER BY position, tenant_id",
            [str(PLATFORM)],
        ).fetchall()
        happened = con.execute(
            "SELECT name, sum(events)::BIGINT FROM fact_event_daily GROUP BY name"
        ).fetchall()
        held = con.execute("SELECT position FROM positions WHERE tenant_id = ?", [str(PLATFORM)]).fetchone()
    tenants = {
        "median": _around(sizes, len(sizes) // 2, _OF_MEDIAN_SIZE),
        "large": _around(sizes, len(sizes) - 1 - len(sizes) // 100, _LARGE),
        "largest": sizes[-1:],
        "platform": [(PLATFORM, held[0] if held else 0)],
    }
    everything = sum(position for _, position in sizes) + tenants["platform"][0][1]
    say(f"  {rows:,} facts of {everything:,} events in {seconds:.0f} s")
    return Bed(folder, file, rows, everything, tenants, dict(happened), seconds)


def _around(sizes: list[tuple[UUID, int]], middle: int, most: int) -> list[tuple[UUID, int]]:
    """The one in the middle and those next to it in size, at most so many, the largest left out."""
    near = sorted(range(len(sizes) - 1), key=lambda at: (abs(at - middle), at))
    return [sizes[at] for at in near[:most]]


def cases(tenants: Mapping[str, Sequence[tuple[UUID, int]]]) -> Iterator[Case]:
    """All questions: each report of the catalogue, of tenants that have something for it."""
    for name, report in REPORTS.items():
        takes = report.parameters.model_json_schema()["properties"]
        needed = {one: _NEEDED[one] for one in report.info.parameters.get("required", ())}
        typical: dict[str, object] = {}
        if "from" in takes:
            months = _LAST_MONTH if name == "costs_by_workspace" else _YEAR
            typical |= months if "month" in takes["from"]["description"] else _MONTH
        asked = (*needed.items(), *typical.items())
        for whose, chosen in tenants.items():
            if whose == "platform" and not name.startswith(_OF_THE_PLATFORM):
                continue
            yield Case(name, whose, "typical", tuple((one, asked) for one, _ in chosen))
            if typical:
                yield Case(
                    name, whose, "everything", tuple((one, tuple(needed.items())) for one, _ in chosen)
                )
            if "at_position" in takes:
                yield Case(
                    name,
                    whose,
                    "as_of",
                    tuple((one, (*needed.items(), *_as_of(typical, at))) for one, at in chosen),
                )


def of_all() -> Iterator[Case]:
    """Each report of all tenants together."""
    for name, report in PLATFORM_REPORTS.items():
        days = _MONTH if name == "activity" else _DAYS_OF_A_YEAR
        takes_days = "from" in report.parameters.model_json_schema()["properties"]
        needed = {one: _NEEDED[one] for one in report.info.parameters.get("required", ())}
        asked = (*needed.items(), *(days.items() if takes_days else ()))
        yield Case(name, "all", "typical", ((PLATFORM, asked),))


def _as_of(typical: dict[str, object], position: int) -> tuple[tuple[str, object], ...]:
    """As of some weeks ago, with the days before: those of the typical question had not come by then."""
    days = _DAYS_OF_A_YEAR if typical == _MONTH else typical
    return (*days.items(), ("at_position", position * 9 // 10))


async def _answered(bed: Bed, rounds: int, *, kept_mb: int) -> dict[str, float]:
    """Ask everything, eight at once, while the projector writes; what is typical `rounds` times."""
    settings = OlapSettings(
        folder=bed.file.parent,
        database_url="",
        memory_limit=_MEMORY,
        report_seconds=_PATIENCE,
        kept_mb=kept_mb,
    )
    chance = random.Random(SEED)  # noqa: S311 - an order, no secret
    asked = [*cases(bed.tenants), *of_all()]
    took: dict[Case, list[float]] = defaultdict(list)
    say(
        f"asking {len(asked)} questions {rounds} times, {READERS} at once, while {_RATE:.0f} events a second come"
    )
    rounds_done, seconds = 0, 0.0
    with owner(settings, _RATE, bed.happened) as owning:
        client = FlightAnalytics(settings)
        if rounds > 1:
            await _round(client, asked, chance, None)
        owning.write()
        for kind, share in _SHARES.items():
            of_kind = [case for case in asked if case.kind == kind]
            began = time.perf_counter()
            for _ in range(max(1, rounds // share)):
                chance.shuffle(of_kind)
                await _round(client, of_kind, chance, took)
                rounds_done += kind == "typical"
                if time.perf_counter() - began > _LONGEST:
                    break
            seconds += time.perf_counter() - began
            say(f"  {kind} after {seconds:.0f} s")
        health = await client.health()
        await client.close()
    return {
        **_figures(took),
        "rounds": float(rounds_done),
        "reports_per_s": sum(map(len, took.values())) / seconds,
        "written_events_per_s": health.figures["events_total"] / seconds,
        "lag_events": health.figures["lag_events"],
        "found_again": _share(health.figures, "kept"),
        "recent_again": _share(health.figures, "recent"),
    }


def _share(figures: Mapping[str, float], of: str) -> float:
    return figures[f"{of}_found_total"] / figures[f"{of}_asked_total"]


async def _round(
    client: FlightAnalytics, asked: list[Case], chance: random.Random, took: dict[Case, list[float]] | None
) -> None:
    """Ask each question once; whoever has an answer asks the next."""
    waiting = iter(asked)

    async def reader() -> None:
        for case in waiting:
            tenant, parameters = chance.choice(case.asked)
            began = time.perf_counter()
            if case.whose == "all":
                await client.platform.report(case.report, dict(parameters))
            else:
                await client.report(case.report, tenant, dict(parameters))
            if took is not None:
                took[case].append((time.perf_counter() - began) * 1000)

    async with asyncio.TaskGroup() as readers:
        for _ in range(READERS):
            readers.create_task(reader())


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of all are no larger than."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


def _figures(took: dict[Case, list[float]]) -> dict[str, float]:
    told = {case: (statistics.median(values), percentile(values, 0.99)) for case, values in took.items()}
    _tell(told)

    def most(kind: str, whose: tuple[str, ...], figure: int = 0) -> float:
        return max(times[figure] for case, times in told.items() if case.kind == kind and case.whose in whose)

    tenants = ("median", "large", "largest")
    everybody = (*tenants, "platform", "all")
    return {
        "report_p50_ms_max": most("typical", everybody),
        "report_p99_ms_max": most("typical", everybody, 1),
        "tenant_report_p50_ms_max": most("typical", tenants[:2]),
        "median_tenant_report_p50_ms_max": most("typical", tenants[:1]),
        "largest_tenant_report_p50_ms_max": most("typical", tenants[2:]),
        "platform_report_p50_ms_max": most("typical", ("platform",)),
        "all_tenants_report_p50_ms_max": most("typical", ("all",)),
        "as_of_report_p50_ms_max": most("as_of", everybody),
        "everything_report_p50_ms_max": most("everything", everybody),
    }


def _tell(told: dict[Case, tuple[float, float]]) -> None:
    """What each report costs: milliseconds, p50 and p99, the slowest first."""
    say(f"{'report':24} {'of':9} {'asked':11} {'p50':>8} {'p99':>8}")
    for case, (middle, high) in sorted(told.items(), key=lambda entry: -entry[1][0]):
        say(f"{case.report:24} {case.whose:9} {case.kind:11} {middle:8.1f} {high:8.1f}")


def say(what: str) -> None:
    """A line of progress."""
    print(what, file=sys.stderr, flush=True)
