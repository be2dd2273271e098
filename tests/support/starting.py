"""Processes of their own that start at once: a server that has loaded the product already forks them.

What a test starts to be killed, or to race others, is about what the process does. To load the product anew for each
costs a second or two and shows nothing. The server is started by the first and ends with the tests; it runs nothing
but imports, so what it forks is as a process that has just imported them.
"""

from __future__ import annotations

import multiprocessing
from typing import Final

LOADED: Final = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(
    ["tests.support.racing", "tests.support.working", "api.cli.main", "api.cli.inside"]
)
