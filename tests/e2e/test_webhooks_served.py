"""Webhooks of a whole installation: its own worker sends them, and is killed while a receiver takes its time."""

import sys
import threading
from typing import Any

import httpx
import pytest

from tests.support.serving import Served, eventually, installation
from tests.support.webhooks import Receiver, receiving

pytestmark = pytest.mark.xdist_group("serve")
PROGRAM = ("/usr/bin/env", "PENGUINMAILS_WEBHOOK_LOOPBACK=true", sys.executable, "-m", "api.cli", "serve")
LEASE = 30.0
"""Seconds for which a dead worker's run is left alone."""


def _post(served: Served, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {served.key}"}
    answer = httpx.post(f"{served.address}{path}", headers=headers, json=body, timeout=10)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def arrived(receiver: Receiver, count: int, seconds: float) -> None:
    for _ in eventually(f"{count} messages", seconds):
        if len(receiver.got) >= count:
            return


def test_a_worker_killed_before_the_answer_sends_again_under_the_same_id() -> None:
    with installation() as served, receiving() as receiver:
        served.start(program=PROGRAM)
        endpoint = {"url": receiver.url, "events": ["tenancy.workspace_created"]}
        made = _post(served, "/v1/webhooks/new/create-webhook-endpoint", endpoint)
        receiver.wait = threading.Event()
        _post(served, "/v1/tenancy/new/create-workspace", {"name": "Second", "country": "DE"})
        arrived(receiver, 1, 20.0)
        served.processes()["worker"].kill()
        receiver.wait.set()
        arrived(receiver, 2, LEASE + 20.0)
        first, again = receiver.got
        assert (first.id, first.raw) == (again.id, again.raw)
        assert again.verified(made["secret"])["type"] == "tenancy.workspace_created"
        assert made["secret"] not in served.data.with_name("words").read_text()
