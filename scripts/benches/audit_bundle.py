"""A bundle of a whole log: written by the product's export, and verified in a process of its own.

As a program: `python -m scripts.benches.audit_bundle BUNDLE KEY` verifies: seconds, CPU, peak memory.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from adapters.evidence.verdict import Outcome
from adapters.evidence.verifying import verify_bundle
from adapters.postgres.embedded import EmbeddedPostgres
from domain.audit.notes import VerifierKey
from domain.audit.origins import LogId
from scripts.benches.peaks import peak_mb
from scripts.exporting import export

_MILLION = 1_000_000


def bundled(
    server: EmbeddedPostgres, of: LogId, key: VerifierKey, events: int, file: Path
) -> dict[str, float]:
    """The figures of a log of so many events. Raises `RuntimeError` where its bundle does not hold."""
    began, cpu = time.perf_counter(), time.process_time()
    with file.open("wb") as bundle:
        for chunk in asyncio.run(export(server.dsn, of)):
            bundle.write(chunk)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    command = [sys.executable, "-m", "scripts.benches.audit_bundle", str(file), str(key)]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return {
        "export_s_per_million": took / events * _MILLION,
        "export_cpu_s_per_million": cpu / events * _MILLION,
        "verify_s_per_million": told["seconds"] / events * _MILLION,
        "verify_cpu_s_per_million": told["cpu"] / events * _MILLION,
        "verify_peak_mb": told["peak"],
    }


def main() -> None:
    """Verify, and tell."""
    began = time.perf_counter()
    with Path(sys.argv[1]).open("rb") as bundle:
        verdict = verify_bundle(bundle, keys=[VerifierKey.read(sys.argv[2])])
    if verdict.outcome is not Outcome.HOLDS:
        raise RuntimeError("\n".join(verdict.lines()))
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time(), "peak": peak_mb()}))


if __name__ == "__main__":
    main()
