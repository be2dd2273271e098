"""Emmett's Postgres event store as a peer of the append bench, where Node and npm are on the machine.

Its packages are installed into a temporary folder, at these versions and without running any script of theirs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

_PACKAGES: Final = (
    "@event-driven-io/emmett@0.42.0",
    "@event-driven-io/emmett-postgresql@0.42.0",
    "@event-driven-io/pongo@0.16.11",
)
_PROGRAM: Final = Path(__file__).with_name("append_emmett.mjs")
_INSTALLED_WITHIN: Final = 120


@contextmanager
def emmett(server: str, callers: int) -> Iterator[Callable[[float], float] | None]:
    """Appends for so many seconds from `callers` at once, and says how many a second; None where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print("emmett: no Node here, left out", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="penguinmails-emmett-") as name:
        folder = Path(name)
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", *_PACKAGES]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=_INSTALLED_WITHIN)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"emmett: not to be installed here ({type(error).__name__}), left out", file=sys.stderr)
            yield None
            return
        program = shutil.copy(_PROGRAM, folder)
        address = _address(server)

        def measure(seconds: float) -> float:
            done = subprocess.run(
                [node, program, str(callers), str(seconds)],
                cwd=folder,
                env={"STORE": address},
                capture_output=True,
                check=True,
                timeout=seconds + 60,
            )
            return float(json.loads(done.stdout)["rate"])

        yield measure


def _address(server: str) -> str:
    """A database of its own, as a URI."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE emmett")
    at = {name: quote(str(value)) for name, value in conninfo_to_dict(server).items()}
    return f"postgresql://{at['user']}:{at['password']}@/emmett?host={at['host']}&port={at['port']}"
