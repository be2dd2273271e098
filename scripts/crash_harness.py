"""The crash harness: an installation under load whose processes are killed (-9) at random, then checked.

Killed are the API, the projector, the worker, the owner of the analytics file, Postgres's own processes and its
postmaster. The supervisor is not: what it keeps is what is tested, and its own death is an end-to-end test.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.processes import postmaster
from api.settings import Settings
from scripts.crash_checks import Faults, checked
from scripts.crash_load import Client, Ledger, Tenant

ROOT = Path(__file__).resolve().parent.parent
_START = 120.0
_POSTMASTERS_A_MINUTE = 4  # the embedded server's supervisor takes a sixth death within a minute for a fault
_SERVER = "Postgres"
_BACKEND = "a Postgres backend"


@dataclass(slots=True)
class Installation:
    """What is killed."""

    data: Path
    process: subprocess.Popen[bytes]
    address: str

    @classmethod
    def start(cls, folder: Path, **settings: str) -> "Installation":
        """Serve an empty installation in `folder`, with settings as they stand in the environment."""
        data, out = folder / "data", folder / "banner"
        with out.open("wb") as banner, (folder / "log").open("wb") as words:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "api.cli",
                    "serve",
                    "--data",
                    data,
                    "--port",
                    "0",
                    "--no-demo",
                    "--json",
                ],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=banner,
                stderr=words,
            )
        deadline = time.monotonic() + _START
        while not (told := out.read_text()).endswith("\n"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the installation did not start: {(folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)
        return cls(data, process, json.loads(told)["address"])

    def register(self, name: str) -> Tenant:
        """A tenant that may do as much as it likes."""
        who = [
            "--owner-email",
            "owner@example.com",
            "--owner-name",
            "Owner",
            "--country",
            "GB",
            "--sends-for",
            "itself",
        ]
        command = [
            sys.executable,
            "-m",
            "api.cli",
            "tenant",
            "register",
            name,
            "--data",
            str(self.data),
            *who,
            "--rate",
            "1000000",
            "--json",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        told = json.loads(done.stdout)
        return Tenant(UUID(told["tenant"]), UUID(told["workspace"]), told["key"])

    def targets(self) -> dict[str, list[psutil.Process]]:
        """Processes that may be killed now, by what they are."""
        told = json.loads((self.data / "run" / "serve.json").read_text())
        found = {name: _running([int(one["pid"])]) for name, one in told["processes"].items()}
        server = postmaster(EmbeddedPostgres(self.data).place.cluster)
        if server is not None:
            found[_SERVER] = [server]
            found[_BACKEND] = _running([child.pid for child in server.children()])
        return found

    def stop(self) -> int:
        """Stop in order; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


def _running(pids: list[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        try:
            found.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    return found


@dataclass(slots=True)
class Killer:
    """Kills at random moments."""

    installation: Installation
    kills: int
    seconds: float
    killed: Counter[str] = field(default_factory=Counter)
    _servers: deque[float] = field(default_factory=deque)

    async def run(self) -> None:
        """Kill as often as asked, spread over the time."""
        chance = random.Random()  # noqa: S311 - different at each run, on purpose
        for _ in range(self.kills):
            await asyncio.sleep(self.seconds / self.kills * chance.uniform(0.5, 1.5))
            while not self._one(chance):  # noqa: ASYNC110 - nothing tells when a process is there again
                await asyncio.sleep(0.05)

    def _one(self, chance: random.Random) -> bool:
        targets = {name: found for name, found in self.installation.targets().items() if found}
        while self._servers and self._servers[0] < time.monotonic() - 65:
            self._servers.popleft()
        if len(self._servers) >= _POSTMASTERS_A_MINUTE:
            targets.pop(_SERVER, None)
        if not targets:
            return False
        name = chance.choice(sorted(targets))
        try:
            chance.choice(targets[name]).kill()
        except psutil.NoSuchProcess:
            return False
        if name == _SERVER:
            self._servers.append(time.monotonic())
        self.killed[name] += 1
        return True


async def _under_load(
    installation: Installation, tenants: list[Tenant], ledger: Ledger, killer: Killer, clients: int
) -> None:
    stop = asyncio.Event()
    running = [
        asyncio.create_task(
            Client(number, installation.address, tenants[number % len(tenants)], ledger).run(stop)
        )
        for number in range(clients)
    ]
    killing = asyncio.create_task(killer.run())
    # Callers go on until they are stopped: one that ends before has failed.
    done, _ = await asyncio.wait([killing, *running], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for task in done:
        task.result()
    await asyncio.gather(killing, *running)


def crash(kills: int, seconds: float, clients: int = 8) -> dict[str, Any]:
    """Run it all in a temporary folder; what was done and what is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="penguinmails-crash-"))
    folder.chmod(0o755)  # Postgres runs as another user when this is run by root
    ledger = Ledger(folder / "ledger")
    installation = Installation.start(folder)
    try:
        tenants = [installation.register(f"Crash {number}") for number in range(3)]
        killer = Killer(installation, kills, seconds)
        begun = time.monotonic()
        asyncio.run(_under_load(installation, tenants, ledger, killer, clients))
        lasted = time.monotonic() - begun
        faults = _checks(installation, ledger)
        code = installation.stop()
        faults["stops in order afterwards"] = [] if code == 0 else [f"exit code {code}"]
    finally:
        if installation.process.poll() is None:
            installation.process.terminate()
            installation.process.wait(120)
    if not any(faults.values()):
        shutil.rmtree(folder)
    return {
        "kills": dict(sorted(killer.killed.items())),
        "seconds": round(lasted, 1),
        "acknowledged": len(ledger.entries),
        "events": sum(len(entry["positions"]) for entry in ledger.entries),
        "sent again": ledger.retries,
        "answered as done before": ledger.replayed,
        "refused": dict(ledger.refused),
        "faults": faults,
        "kept in": str(folder) if any(faults.values()) else None,
    }


def _checks(installation: Installation, ledger: Ledger) -> Faults:
    settings = Settings(data=installation.data)
    embedded = EmbeddedPostgres(installation.data).start()  # attaches: the server is the installation's
    try:
        entries = [json.loads(line) for line in ledger.file.read_text().splitlines()]
        faults = checked(settings, embedded.admin_dsn, entries)
    finally:
        embedded.stop()
    faults["no command was refused"] = [f"{count} times {what}" for what, count in ledger.refused.items()]
    faults["no answer was a 500"] = [f"{count} times to {what}" for what, count in ledger.mistakes.items()]
    faults["the ledger is whole"] = [] if len(entries) == len(ledger.entries) else ["lines are missing"]
    return faults


def page(result: dict[str, Any]) -> str:
    """The page of the docs that shows a long run."""
    memory = psutil.virtual_memory().total / 2**30
    kills = "\n".join(f"| {name} | {count} |" for name, count in result["kills"].items())
    checks = "\n".join(
        f"| {name} | {'holds' if not wrong else wrong[0]} |" for name, wrong in result["faults"].items()
    )
    seconds, done, events = result["seconds"], result["acknowledged"], result["events"]
    total, version = sum(result["kills"].values()), platform.python_version()
    return f"""# Killed at random

What `scripts/crash` found when it last ran in full; the page is written by `scripts/crash --report docs/crash.md`.
An installation under load from 8 callers, each command sent with its own `Idempotency-Key` until it was answered, each
answer written to disk before it counted; some callers hung up on their first try. Meanwhile processes were killed with
signal 9 at random moments, and started again by the supervisor. A short form runs with the tests.

Machine: {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {version}.

| killed | times |
|---|---|
{kills}
| **all** | **{total}** |

In {seconds:.0f} s of load, {done:,} commands were acknowledged, with {events:,} events. Commands were sent
again {result["sent again"]:,} times, and {result["answered as done before"]:,} times answered as done before.

| what must hold | |
|---|---|
{checks}
"""


def main() -> None:
    """Entry point; the exit code is 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=240.0, help="over which the kills are spread")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--report", type=Path, help="write the page of the docs")
    given = parser.parse_args()
    result = crash(given.kills, given.seconds)
    bad = {name: wrong for name, wrong in result["faults"].items() if wrong}
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{sum(result['kills'].values())} kills: {result['kills']}")
        print(
            f"{result['acknowledged']} commands acknowledged in {result['seconds']} s; "
            f"sent again: {result['sent again']}, done before: {result['answered as done before']}"
        )
        for name, wrong in result["faults"].items():
            print(
                f"{'FAILS' if wrong else 'holds'}  {name}"
                + "".join(f"\n       {line}" for line in wrong[:10])
            )
        if bad:
            print(f"everything is kept in {result['kept in']}")
    if given.report is not None and not bad:
        given.report.write_text(page(result), encoding="utf-8")
    if bad:
        sys.exit(1)


if __name__ == "__main__":
    main()
