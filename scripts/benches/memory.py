"""Memory: the peak of each process of an installation while one log grows to 2,000,000 events.

A file of contacts is imported over HTTP by `penguinmails import`, with every process at work: the worker deals with it,
views and analytics follow, and the API answers pages of history, contacts and reports all along. `X_peak_mb` is the
largest resident size that the kernel noted for a process (VmHWM; `reader` is the worker's child that reads the file);
`X_growth` is that over what it was when the log had half of its events: near 1 where memory is bounded and caches are
full. DuckDB's is full at its memory limit: 192 MB here, where it is 512 MB by itself, so that it is full by then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from scripts.benches import importing
from scripts.benches.peaks import peak_mb
from scripts.crash_harness import Installation

_EVENTS_A_ROW: Final = 3.55
_FULL: Final = 2_000_000
_QUICK: Final = 60_000
_DUCKDB_MB: Final = 192
_ASKED: Final = (
    "/v1/history?limit=100",
    "/v1/history?limit=100&direction=backward&name=audience.contact_created",
    "/v1/audience/contacts?limit=100",
    "/v1/reports/activity",
)
_NEWEST: Final = "/v1/history?direction=backward&limit=1"
_PATIENCE: Final = 120.0


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 35 s."""
    events = _QUICK if quick else _FULL
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user where this runs as root
        installation = Installation.start(folder, PENGUINMAILS_ANALYTICS_MEMORY_MB=str(_DUCKDB_MB))
        try:
            return _measured(installation, folder, events)
        finally:
            installation.stop()


def _measured(installation: Installation, folder: Path, events: int) -> dict[str, float]:
    tenant = installation.register("Bench")
    file = folder / "contacts.csv"
    importing.make(file, int(events / _EVENTS_A_ROW))
    began = time.perf_counter()
    program = [sys.executable, "-m", "api.cli", "import", "contacts", str(file)]
    options = ["--data", str(installation.data), "--date-order", "DMY", "--json"]
    command = [*program, *options, "--key", tenant.key]
    with (
        httpx.Client(
            base_url=installation.address, headers={"authorization": f"Bearer {tenant.key}"}, timeout=60
        ) as api,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as importer,
    ):
        half: dict[str, float] = {}
        peaks: dict[str, float] = {}
        while importer.poll() is None:
            position = _look(api)
            peaks = _peaks(installation, peaks)
            if not half and position >= events // 2:
                half = peaks
            time.sleep(0.2)
        done = json.loads(importer.communicate()[0])
        took = time.perf_counter() - began
        position = _all_caught_up(api)
        peaks = _peaks(installation, peaks)
    if importer.returncode or done["imported"] + done["rejected"] != done["rows"]:
        raise RuntimeError(f"the import ended with {importer.returncode}")
    figures = {f"{name}_peak_mb": peak for name, peak in peaks.items()}
    figures |= {f"{name}_growth": peak / half[name] for name, peak in peaks.items()}
    return {"events": position, "contacts_per_s_with_all_at_work": done["rows"] / took, **figures}


def _look(api: httpx.Client) -> int:
    """One page of everything that is asked all along; where the log stands."""
    for path in _ASKED:
        api.get(path).raise_for_status()
    return int(_answer(api, _NEWEST)["data"][0]["position"])


def _all_caught_up(api: httpx.Client) -> int:
    """Wait until views and analytics have taken in the whole log; its last position."""
    newest = _answer(api, _NEWEST)
    deadline = time.monotonic() + _PATIENCE
    for path in ("/v1/audience/contacts?limit=1", "/v1/reports/activity?"):
        while True:
            asked = api.get(f"{path}&min_position={newest['position']}")
            if asked.is_success:
                break
            if time.monotonic() > deadline:
                asked.raise_for_status()
            time.sleep(0.2)
    return int(newest["data"][0]["position"])


def _answer(api: httpx.Client, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.get(path).raise_for_status().json()
    return answer


def _peaks(installation: Installation, before: dict[str, float]) -> dict[str, float]:
    """The largest resident size that each process ever had, in MB; of children that ended, what was seen `before`."""
    told = json.loads((installation.data / "run" / "serve.json").read_text())
    pids = {name: int(one["pid"]) for name, one in told["processes"].items()} | {
        "serve": int(told["serve"]["pid"])
    }
    found = {name: peak_mb(pid) for name, pid in pids.items()}
    children = psutil.Process(pids["worker"]).children(recursive=True)
    found["reader"] = max((peak_mb(child.pid) for child in children), default=0.0)
    return {name: max(peak, before.get(name, 0.0)) for name, peak in found.items()}
