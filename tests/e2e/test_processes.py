"""Every process of an installation alone, as a service manager starts it: says when it is ready, stops in order."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.support.serving import PATIENCE, ROOT, Served, installation


def _started(served: Served, out: Path, *command: str) -> "subprocess.Popen[bytes]":
    with out.open("wb") as to, out.with_suffix(".words").open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *command],
            cwd=ROOT,
            env=served.environment,
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=words,
        )
    deadline = time.monotonic() + PATIENCE
    while not out.read_bytes().endswith(b"\n"):
        said = out.with_suffix(".words").read_text()
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
    return process


def test_each_process_runs_alone_and_says_when_it_is_ready(tmp_path: Path) -> None:
    with installation() as served:
        served.data.mkdir(mode=0o755)
        served.cli("migrate")
        running = {}
        for name in ("olap", "projector", "worker", "notary", "api"):
            options = ("--port", "0") if name == "api" else ()
            running[name] = _started(served, tmp_path / name, name, "--json", *options)
        told = {name: json.loads((tmp_path / name).read_text()) for name in running}
        assert {name: (one["process"], one["pid"]) for name, one in told.items()} == {
            name: (name, process.pid) for name, process in running.items()
        }
        assert httpx.get(f"{told['api']['address']}/v1/history").status_code == 401
        for process in reversed(running.values()):
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        assert all(len((tmp_path / name).read_text().splitlines()) == 1 for name in running)
