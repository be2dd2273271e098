"""Calibration of directions: how often they are wrong where the truth is known; `scripts/calibrate [--quick] [--json]`.

A full run writes the tables of docs/directions.md between their markers. Each batch of series has a seed of its own,
made from `SEED` and what the batch is: the same figures come out on any number of cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "directions.md"
SEED: Final = 20_261_127
_BATCH: Final = 250
_LENGTHS: Final = (10, 13, 16, 20, 26, 39, 52, 78, 104)
_LIBRARY_LENGTHS: Final = (10, 26, 52, 104)
_KINDS: Final = ("AR(1) 0", "AR(1) 0.5", "AR(1) 0.8", "line, AR(1) 0.5", "wandering level", "random walk")

Case = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Cases, what is asked of each series of one, and how many there are of each."""

    ask: str
    cases: tuple[Case, ...]
    each: Callable[[Case], int]
    table: Callable[[list[Done]], list[str]]


@dataclass(frozen=True, slots=True)
class Done:
    """A case, how many series it had, and the means of what was asked."""

    case: Case
    count: int
    means: tuple[float, ...]


def _batch(ask: str, case: Case, number: int, count: int) -> list[float]:
    """Sums over one batch, in a process of its own."""
    import numpy as np  # noqa: PLC0415 - in the children, once they have one thread each

    from scripts import calibration_series  # noqa: PLC0415 - the same

    key = zlib.crc32(json.dumps([ask, dict(case)], sort_keys=True).encode())
    chance = np.random.default_rng([SEED, key, number])
    rows = [getattr(calibration_series, ask)(chance, case) for _ in range(count)]
    return [float(one) for one in np.array(rows, dtype=float).sum(axis=0)]


def run(experiment: Experiment, pool: ProcessPoolExecutor, share: float) -> list[Done]:
    """All cases of an experiment, `share` of their series."""
    started, done = time.perf_counter(), []
    for at, case in enumerate(experiment.cases):
        count = max(int(experiment.each(case) * share), 20)
        sizes = [min(_BATCH, count - start) for start in range(0, count, _BATCH)]
        batches = [
            pool.submit(_batch, experiment.ask, case, number, size) for number, size in enumerate(sizes)
        ]
        sums = [sum(column) for column in zip(*(one.result() for one in batches), strict=True)]
        done.append(Done(case, count, tuple(one / count for one in sums)))
        took = time.perf_counter() - started
        print(f"{experiment.ask} {at + 1}/{len(experiment.cases)} {took:.0f} s", file=sys.stderr, flush=True)
    return done


def _percent(share: float, count: int) -> str:
    """A share with twice its standard error."""
    return f"{share:.1%} ± {2 * math.sqrt(share * (1 - share) / count):.1%}"


def _grid(head: str, rows: list[tuple[str, list[str]]], columns: list[str]) -> list[str]:
    lines = [f"| {head} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]


def _by(done: list[Done], row: str, column: str, cell: Callable[[Done], str], head: str) -> list[str]:
    """A table of one cell a case."""
    rows = list(dict.fromkeys(str(one.case[row]) for one in done))
    columns = list(dict.fromkeys(str(one.case[column]) for one in done))
    cells = {(str(one.case[row]), str(one.case[column])): cell(one) for one in done}
    return _grid(
        head, [(name, [cells.get((name, other), "") for other in columns]) for name in rows], columns
    )


def _wrong(one: Done) -> str:
    return _percent(one.means[0] + one.means[1], one.count)


def _false(done: list[Done]) -> list[str]:
    return _by(done, "phi", "n", _wrong, "phi \\ points")


def _others(done: list[Done]) -> list[str]:
    rows = [
        (
            str(one.case["what"]),
            [_wrong(one), f"{one.means[2]:.1%}", f"{one.means[3]:.1%}", f"{one.means[4]:.1%}"],
        )
        for one in done
    ]
    columns = [
        "called improving or declining",
        "said to change course",
        "season taken out",
        "slope in interval",
    ]
    return _grid("trendless series", rows, columns)


def _power(done: list[Done]) -> list[str]:
    rows = [
        (
            f"{one.case['n']}, phi {one.case['phi']}, rise {one.case['rise']} sigma",
            [f"{one.means[0]:.1%}", f"{one.means[1]:.2%}", f"{one.means[4]:.1%}"],
        )
        for one in done
    ]
    return _grid("points", rows, ["called improving", "called declining (wrong)", "slope in its interval"])


def _turns(done: list[Done]) -> list[str]:
    rows = [(str(one.case["what"]), [f"{mean:.1%}" for mean in one.means]) for one in done]
    columns = ["called declining", "change found", "within 2 weeks", "within 4 weeks"]
    return _grid("52 weeks, phi 0.3, change in week 30", rows, columns)


def _library(done: list[Done]) -> list[str]:
    from scripts import calibration_series  # noqa: PLC0415 - its libraries are not needed to print help

    columns = [str(one.case["n"]) for one in done]
    rows = [
        (name, [f"{one.means[at]:.1%}" for one in done]) for at, name in enumerate(calibration_series.LIBRARY)
    ]
    return _grid("pymannkendall, phi = 0.5 \\ points", rows, columns)


def _coverage(done: list[Done]) -> list[str]:
    rows = [
        (f"{one.case['kind']}, {one.case['n']} points", [f"{mean:.1%}" for mean in one.means]) for one in done
    ]
    columns = [
        "80 %, next period",
        "95 %, next period",
        "80 %, sixth (fifth of 20)",
        "95 %, sixth (fifth of 20)",
    ]
    return _grid("held-out values within their range", rows, columns)


def _discoveries(done: list[Done]) -> list[str]:
    rows = [
        (
            f"{one.case['true']} of 40 rise by 3 sigma",
            [
                f"{one.means[0]:.1%}",
                _percent(one.means[1], one.count),
                f"{one.means[2]:.1%}" if one.case["true"] else "none to find",
                f"{one.means[3]:.2f}",
            ],
        )
        for one in done
    ]
    columns = [
        "false among directions told",
        "boards with a false one",
        "rises found",
        "false ones without adjustment, a board",
    ]
    return _grid("40 figures, 52 weeks, phi 0.5", rows, columns)


def _trendless() -> tuple[Case, ...]:
    return tuple({"phi": phi, "n": n} for phi in (0, 0.3, 0.5, 0.7) for n in _LENGTHS)


def _counted(case: Case) -> int:
    """Most where the promise is: a year of weeks that remember half of the week before."""
    if case["phi"] != 0.5:
        return 500
    return 10_000 if case["n"] == 52 else 2_000


_OTHER_CASES: Final[tuple[Case, ...]] = (
    {"what": "heavy tails (t3), 52 weeks, phi 0.5", "n": 52, "phi": 0.5, "noise": "heavy"},
    {"what": "skewed (exponential), 52 weeks, phi 0.5", "n": 52, "phi": 0.5, "noise": "skewed"},
    {"what": "negative correlation, 52 weeks, phi -0.3", "n": 52, "phi": -0.3},
    {"what": "season, 36 months, phi 0.5", "n": 36, "phi": 0.5, "pace": "month", "season": 3},
    {"what": "season, 24 months, phi 0.5", "n": 24, "phi": 0.5, "pace": "month", "season": 3},
    {"what": "season, 56 days, phi 0.5", "n": 56, "phi": 0.5, "pace": "day", "season": 3},
    {"what": "season, 104 weeks, phi 0.5", "n": 104, "phi": 0.5, "season": 3},
)
EXPERIMENTS: Final[dict[str, Experiment]] = {
    "false-directions": Experiment("directed", _trendless(), _counted, _false),
    "other-noise": Experiment("directed", _OTHER_CASES, lambda _: 1_000, _others),
    "library": Experiment(
        "by_library", tuple({"n": n, "phi": 0.5} for n in _LIBRARY_LENGTHS), lambda _: 1_000, _library
    ),
    "power": Experiment(
        "directed",
        tuple(
            {"n": n, "phi": phi, "rise": rise}
            for n in (13, 26, 52, 104)
            for phi in (0, 0.5)
            for rise in (1, 2, 3)
        ),
        lambda _: 500,
        _power,
    ),
    "turns": Experiment(
        "turned",
        tuple(
            {"what": f"{kind} of {size} sigma{each}", "n": 52, "phi": 0.3, "at": 30, kind: size}
            for kind, sizes, each in (("bend", (0.1, 0.2, 0.3), " a week"), ("step", (1, 2, 3), ""))
            for size in sizes
        ),
        lambda _: 500,
        _turns,
    ),
    "coverage": Experiment(
        "covered",
        tuple({"kind": kind, "n": n, "ahead": min(n // 4, 6)} for kind in _KINDS for n in (20, 26, 52, 104)),
        lambda _: 500,
        _coverage,
    ),
    "discoveries": Experiment(
        "discovered",
        tuple({"figures": 40, "true": true, "n": 52, "phi10": 5} for true in (0, 5, 20)),
        lambda _: 100,
        _discoveries,
    ),
}


def timing() -> dict[str, float]:
    """CPU time: seconds of the first import, milliseconds of a reading of 104 points (median), seconds of 40."""
    started = time.process_time()
    from projections.directions.reading import read, read_together  # noqa: PLC0415 - what is measured

    imported = time.process_time() - started
    import numpy as np  # noqa: PLC0415 - after the measuring

    from scripts.calibration_series import ar1, series  # noqa: PLC0415 - the same

    chance = np.random.default_rng(SEED)
    told = [series(ar1(chance, 104, 0.5), name=str(number)) for number in range(40)]
    read(told[0])
    took = []
    for one in told:
        begun = time.process_time()
        read(one)
        took.append((time.process_time() - begun) * 1000)
    begun = time.process_time()
    read_together(told)
    together = time.process_time() - begun
    return {"first_import_s": imported, "reading_ms": statistics.median(took), "forty_s": together}


def write(tables: Mapping[str, list[str]]) -> None:
    """Put tables between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in tables.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(text):
            raise ValueError(f"docs/directions.md has no marker {name}")
        block = "\n".join(["", *lines, "", ""])
        text = marked.sub(lambda found, block=block: f"{found[1]}{block}{found[2]}", text)  # type: ignore[misc]
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/calibrate", description=__doc__)
    parser.add_argument(
        "experiments", nargs="*", help=f"all, unless some are named: {', '.join(EXPERIMENTS)}"
    )
    parser.add_argument("--quick", action="store_true", help="a twentieth of the series, and no page")
    parser.add_argument("--json", action="store_true", help="what was counted, as one JSON object")
    asked = parser.parse_args()
    if unknown := set(asked.experiments) - EXPERIMENTS.keys():
        parser.error(f"no experiment is called {', '.join(sorted(unknown))}")
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    print(f"seed {SEED}, {os.cpu_count()} processes", file=sys.stderr, flush=True)
    speeds = timing()
    tables = {
        "timing": _grid("what", [(f"`{key}`", [f"{told:.3g}"]) for key, told in speeds.items()], ["CPU time"])
    }
    counted: dict[str, object] = {"seed": SEED, "timing": speeds}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name in asked.experiments or EXPERIMENTS:
            experiment = EXPERIMENTS[name]
            done = run(experiment, pool, 0.05 if asked.quick else 1)
            tables[name] = experiment.table(done)
            counted[name] = [{**one.case, "count": one.count, "means": one.means} for one in done]
    if asked.json:
        print(json.dumps(counted))
    else:
        print("\n".join(line for name, lines in tables.items() for line in [f"## {name}", *lines]))
    if not asked.quick:
        write(tables)


if __name__ == "__main__":
    main()
