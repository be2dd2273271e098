"""The short form of the crash harness; docs/crash.md tells of the long one."""

import json
import subprocess

from tests.support.serving import ROOT


def test_ten_kills_lose_and_double_nothing() -> None:
    command = [str(ROOT / "scripts" / "crash"), "--kills", "10", "--seconds", "15", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    result = json.loads(done.stdout)
    assert {name: wrong for name, wrong in result["faults"].items() if wrong} == {}
    assert done.returncode == 0
    assert sum(result["kills"].values()) == 10
    assert result["acknowledged"] > 100
    assert "no answer was a 500" in result["faults"]
    assert len(result["faults"]) >= 13, "a check was left out"
