"""Certificates and disclosed values at the command line, out of the demo as it is served, and verified offline."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.serving import Served, eventually

pytestmark = pytest.mark.xdist_group("serve")


def verify(*arguments: str) -> dict[str, Any]:
    """The verdict, without an installation."""
    command = [sys.executable, "-m", "api.cli", "audit", "verify", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": ""})
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_message_of_the_demo_is_certified_and_its_consent_disclosed(
    demo_installation: Served, tmp_path: Path
) -> None:
    served, file, values = demo_installation, tmp_path / "certificate.zip", tmp_path / "values.json"
    with httpx.Client(
        base_url=served.address, headers={"authorization": f"Bearer {served.key}"}, timeout=30
    ) as http:
        made: list[dict[str, Any]] = []
        for _ in eventually("the demo's decisions are in their view", 60):
            made = http.get("/v1/audience/decisions?verdict=allow").json()["data"]
            if made:
                break
        person, message = f"/v1/audience/{made[0]['addressee_id']}", str(uuid4())
        body = {"message_id": message, "workspace_id": made[0]["workspace_id"]}
        for step in ("authorise", "dispatch"):
            http.post(f"{person}/{step}-message", json=body).raise_for_status()
        for _ in eventually("the hand-over is signed", 60):
            if http.get(f"/v1/ledger/certificates/{message}").is_success:
                break
        keys = http.get("/v1/ledger/events/verifier-keys").text.split()
    served.cli("audit", "certificate", message, "--to", str(file), key=served.key)
    told = verify(str(file), "--key", keys[0])
    assert any(message in one for one in told["shows"])
    assert any("which stands before it" in one for one in told["shows"])
    assert any(": allow" in one for one in told["shows"])
    asked = ("--field", "email", "--reason", "A claim", "--to", str(values))
    done = served.cli("audit", "disclose", str(file), *asked, "--json", key=served.key)
    assert json.loads(done.stdout)["values"] == 1
    told = verify(str(file), "--key", keys[0], "--disclosure", str(values))
    assert any("'email' at position" in one for one in told["proven"])
    # By position it is the same; what cannot be asked is said.
    position = json.loads(values.read_text(encoding="utf-8"))["values"][0]["position"]
    served.cli("audit", "disclose", "--position", str(position), *asked, key=served.key)
    assert len(json.loads(values.read_text(encoding="utf-8"))["values"]) == 1
    for arguments, code, said in (
        (
            ("certificate", "00000000-0000-7000-8000-000000000000", "--to", str(file)),
            3,
            "No decision on this message",
        ),
        (("disclose", *asked), 2, "name a bundle, or positions"),
        (("disclose", str(file), "--reason", "x", "--to", str(values)), 2, "name at least one"),
        (
            ("disclose", str(file), "--field", "nothing", *asked[2:]),
            1,
            "No event there has such a field sealed.",
        ),
        (("disclose", str(values), *asked), 1, "cannot be read as a bundle"),
    ):
        assert said in served.cli("audit", *arguments, code=code, key=served.key).stderr.replace("\n", " ")
