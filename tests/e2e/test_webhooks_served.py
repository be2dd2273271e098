"""Webhooks of a whole installation: its own worker sends them, and is killed while a receiver takes its time."""

import json
import sys
import threading
from typing import Any

import httpx
import psutil
import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from tests.support.serving import Served, eventually, installation
from tests.support.webhooks import Receiver, receiving

PROGRAM = ("/usr/bin/env", "PENGUINMAILS_WEBHOOK_LOOPBACK=true", sys.executable, "-m", "api.cli", "serve")
OWNER = ("--owner-email", "o@acme.example", "--owner-name", "Olga", "--country", "DE")


def _post(served: Served, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{served.address}{path}", headers=headers, json=body, timeout=10)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def arrived(receiver: Receiver, count: int, seconds: float) -> None:
    for _ in eventually(f"{count} messages", seconds):
        if len(receiver.got) >= count:
            return


def end_the_lease(served: Served) -> None:
    """A dead worker's run is left alone for half a minute; have it over."""
    with EmbeddedPostgres(served.data) as server, psycopg.connect(server.admin_dsn) as connection:
        ended = connection.execute(
            "UPDATE ops.webhook_runs SET lease_until = now() WHERE lease_until > now()"
        )
        assert ended.rowcount == 1, "the dead worker held it"


def test_a_worker_killed_before_the_answer_sends_again_under_the_same_id() -> None:
    with installation() as served, receiving() as receiver:
        served.start("--no-demo", program=PROGRAM)
        done = served.cli(
            "tenant", "register", "Acme", *OWNER, "--sends-for", "itself", "--plan", "business", "--json"
        )
        key = json.loads(done.stdout)["key"]
        endpoint = {"url": receiver.url, "events": ["tenancy.workspace_created"]}
        made = _post(served, key, "/v1/webhooks/new/create-webhook-endpoint", endpoint)
        receiver.wait = threading.Event()
        _post(served, key, "/v1/tenancy/new/create-workspace", {"name": "Second", "country": "DE"})
        arrived(receiver, 1, 20.0)
        worker = served.processes()["worker"]
        worker.kill()
        gone, _ = psutil.wait_procs([worker], timeout=10)
        assert gone
        receiver.wait.set()
        end_the_lease(served)
        arrived(receiver, 2, 20.0)
        first, again = receiver.got
        assert (first.id, first.raw) == (again.id, again.raw)
        assert again.verified(made["secret"])["type"] == "tenancy.workspace_created"
        assert made["secret"] not in served.data.with_name("words").read_text()
