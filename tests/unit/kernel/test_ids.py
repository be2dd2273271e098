"""Ids: UUIDv7, in the order of their moments, and no two alike, whichever process made them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import RFC_4122

from domain.kernel.ids import new_id

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_an_id_says_when_it_was_made() -> None:
    made = new_id(NOW)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1000)
    later = [new_id(NOW + timedelta(milliseconds=n)) for n in range(1, 100)]
    assert sorted(later) == later
    assert made < later[0]


def test_no_two_are_alike() -> None:
    assert len({new_id(NOW) for _ in range(5_000)}) == 5_000


FORKING = """
import os
from datetime import UTC, datetime
from domain.kernel.ids import new_id
now = datetime(2026, 11, 26, tzinfo=UTC)
new_id(now)
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(new_id(now) for _ in range(300)), sep="\\n", flush=True)
"""


def test_a_forked_process_makes_others() -> None:
    told = subprocess.run(
        [sys.executable, "-c", FORKING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert len(set(told.stdout.split())) == 600
