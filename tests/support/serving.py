"""A whole installation under `penguinmails serve`, in a folder of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.commands import run
from tests.support.database import reachable_folder

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 90.0


@dataclass
class Served:
    """One installation: its data folder, and `serve` on it while it runs."""

    data: Path
    process: subprocess.Popen[bytes] | None = None
    banner: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands; nothing of the tester's own."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PENGUINMAILS_DATA": str(self.data)}

    def start(
        self, *options: str, program: tuple[str, ...] = (sys.executable, "-m", "api.cli", "serve")
    ) -> str:
        """Start, and return the banner."""
        out, words = self.data.with_name("out"), self.data.with_name("words")
        with out.open("w") as to, words.open("a") as said:
            self.process = subprocess.Popen(
                [*program, "--port", "0", *options],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=said,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            self.banner = out.read_text()
            if "Ctrl-C" in self.banner or self.banner.endswith("}\n"):
                return self.banner
            time.sleep(0.02)
        pytest.fail(f"serve did not start; its last words:\n{words.read_text()[-6000:]}")

    @property
    def address(self) -> str:
        """Where it listens."""
        found = re.search(r"http://[0-9.]+:\d+", self.banner)
        assert found is not None
        return found[0]

    @property
    def curls(self) -> list[str]:
        """The commands of the banner."""
        return [line for line in self.banner.splitlines() if line.startswith("curl ")]

    @property
    def key(self) -> str:
        """The demo's key."""
        return (self.data / "secrets" / "demo-key").read_text().strip()

    def cli(
        self, *arguments: str, key: str | None = None, code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the installation; its exit code must be `code`."""
        environment = self.environment if key is None else {**self.environment, "PENGUINMAILS_KEY": key}
        done = run(arguments, environment, PATIENCE)
        if code is not None:
            assert done.returncode == code, (
                f"{shlex.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def processes(self) -> dict[str, psutil.Process]:
        """The processes that it started and that are there, by name, and itself."""
        told = json.loads((self.data / "run" / "serve.json").read_text())
        found = {}
        for name, one in {**told["processes"], "serve": told["serve"]}.items():
            with suppress(psutil.NoSuchProcess):
                found[name] = psutil.Process(int(one["pid"]))
        return found

    def family(self) -> list[psutil.Process]:
        """Every process of it, Postgres included."""
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def stop(self) -> int:
        """Stop in order; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill everything at once, as a power cut would."""
        family = self.family()
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=10)
        assert self.process is not None
        self.process.wait(10)

    def sweep(self) -> None:
        """Leave nothing running."""
        if self.process is not None and self.process.poll() is None:
            family = self.family()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                for process in family:
                    process.kill()
        left = [process for process in psutil.process_iter() if _is_of(process, self.data)]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)


def _is_of(process: psutil.Process, data: Path) -> bool:
    try:
        return str(data) in " ".join(process.cmdline()) or process.environ().get("PENGUINMAILS_DATA") == str(
            data
        )
    except psutil.Error:
        return False


def eventually(what: str, seconds: float = 20.0) -> Iterator[None]:
    """Give turns until a deadline, which fails the test: break out of the loop once it is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s: {what}")


@contextmanager
def installation() -> Iterator[Served]:
    """An installation that is not started yet; nothing of it is left afterwards."""
    with reachable_folder() as folder:
        served = Served(folder / "data")
        try:
            yield served
        finally:
            served.sweep()


@pytest.fixture(scope="session")
def demo_installation() -> Iterator[Served]:
    """A running installation with the demo, shared by tests that only add to it."""
    with installation() as served:
        served.start()
        yield served
