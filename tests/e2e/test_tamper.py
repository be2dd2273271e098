"""The short form of the tamper harness; docs/tamper.md tells of the long one."""

import json
import subprocess

from tests.support.serving import ROOT


def test_whatever_is_tampered_with_is_found_and_named() -> None:
    command = [str(ROOT / "scripts" / "tamper"), "--cases", "40", "--untouched", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    result = json.loads(done.stdout)
    assert result["faults"] == [], f"scripts/tamper --cases 40 --untouched 3 --seed {result['seed']}"
    assert done.returncode == 0
    assert (result["cases"], result["untouched"]) == (40, 3)
    assert len(result["acts"]) >= 23, "a way of tampering was left out"
    assert sum(row["bundle"] for row in result["acts"].values()) > 10
