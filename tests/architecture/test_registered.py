"""A process that imports `domain.registered` knows every event and command there is."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import importlib, pkgutil
import domain.registered
from domain.kernel.commands import COMMANDS, DECIDERS
from domain.kernel.events import EVENTS
known = set(EVENTS.classes) | set(map(str, COMMANDS.by_route)) | set(DECIDERS)
import domain
for module in pkgutil.walk_packages(domain.__path__, "domain."):
    importlib.import_module(module.name)
found = set(EVENTS.classes) | set(map(str, COMMANDS.by_route)) | set(DECIDERS)
print(sorted(found - known))
"""


def test_nothing_registers_itself_unseen() -> None:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
