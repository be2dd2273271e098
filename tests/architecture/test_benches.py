"""The benches: one object each, figures under names that are kept, and a page that shows them all."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from scripts.benches.__main__ import MODULES, PAGE

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = {
    "append": {
        "ratio_vs_eventsourcing",
        "ratio_vs_raw_insert",
        "command_ratio_vs_eventsourcing",
        "batch_events_per_s",
    },
    "api": {"ratio_vs_empty_handler", "p50_ms", "p99_ms"},
    "project": {"ratio_vs_projection_runner", "lag_p99_ms"},
    "olap": {"events_per_s"},
    "import": {"contacts_per_s"},
    "replay": {"events_per_s"},
    "authorise": {"decisions_per_s", "single_added_p50_ms"},
    "memory": {"api_peak_mb", "projector_peak_mb", "worker_peak_mb", "olap_peak_mb"},
    "audit": {
        "notarise_events_per_s",
        "export_s_per_million",
        "verify_s_per_million",
        "verify_peak_mb",
        "state_as_of_p50_ms",
        "blame_ms",
        "difference_ms",
    },
    "reports": {
        "report_p50_ms_max",
        "report_p99_ms_max",
        "tenant_report_p50_ms_max",
        "as_of_report_p50_ms_max",
        "ratio_vs_postgres",
        "ratio_vs_chdb",
    },
}


def test_every_bench_has_figures_that_are_kept() -> None:
    assert MODULES.keys() == KEPT.keys()


@pytest.mark.parametrize("bench", KEPT)
def test_the_page_shows_every_figure_that_is_kept(bench: str) -> None:
    text = PAGE.read_text("utf-8")
    section = re.search(rf"^## {bench}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, "scripts/bench all writes the page anew"
    assert set(re.findall(r"^\| `(\w+)` \| [\d.,]+ \|$", section[1], re.MULTILINE)) >= KEPT[bench]


def test_a_quick_run_prints_one_object_alone() -> None:
    """That it runs, and how it tells: what it tells is for people to read, on a quiet machine."""
    done = subprocess.run(
        ["scripts/bench", "replay", "--quick", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told.keys() == {"bench", "machine", "figures"}
    assert told["bench"] == "replay"
    assert told["machine"]["versions"]
    assert told["figures"].keys() >= KEPT["replay"]
    assert all(isinstance(figure, int | float) and figure > 0 for figure in told["figures"].values())
